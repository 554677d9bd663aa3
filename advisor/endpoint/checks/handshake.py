"""Who answers at the URL: the protocol eras, the session and response mode, and the SDK as far as it shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from advisor.endpoint import protocol
from advisor.endpoint.answer import RequestFailedError
from advisor.endpoint.client import EndpointEra, Exchange, McpClient
from advisor.endpoint.examination import Examination, UntestedError

_MODES = {"text/event-stream": "sse", "application/json": "json"}


async def eras(run: Examination) -> None:
    """Open a legacy and a modern client. Sets what the endpoint is."""
    await _settle(run)
    found: list[EndpointEra] = []
    answers: dict[EndpointEra, Exchange] = {}
    for era in ("legacy", "modern"):
        client = McpClient(run.caller.twin(), era)
        answers[era] = answer = await client.open()
        with suppress(RequestFailedError):
            run.noted(answer)
        if _is_served(era, answer):
            found.append(era)
            if era == "legacy":
                _session_mode(run, client)
                run.seen["response_mode"] = _MODES.get(answer.answer.head.media_type if answer.answer else "", "other")
            _server(run, answer.result or {})
        await client.end()
    if all(answer.failure is not None for answer in answers.values()):
        run.noted(answers["legacy"])
    run.seen["eras"] = found
    _status(run, answers)
    if not found:
        status = run.seen["status"]
        raise UntestedError(f"no MCP server answers here: HTTP {status}" + (" (login needed)" if status == 401 else ""))
    if "response_mode" not in run.seen:
        run.seen["response_mode"] = await _modern_mode(run)
        run.seen["session_mode"] = "none"


async def _settle(run: Examination) -> None:
    """Use the other spelling of the path if the endpoint redirects to it on the same origin."""
    client = McpClient(run.caller.twin(), "legacy")
    answer = await client.call("initialize", protocol.INITIALIZE)
    location = answer.header("location")
    if answer.status not in range(300, 400) or not location:
        await client.end()
        return
    there = run.caller.target.joined(location)
    here = run.caller.target
    run.seen["redirect"] = redirect_kind(run, location)
    if there is not None and there.origin == here.origin and there.path.rstrip("/") == here.path.rstrip("/"):
        run.caller.target = there


def redirect_kind(run: Examination, location: str) -> str:
    """Say where a redirect leads.

    Returns:
        `slash`, `downgrade` or `upgrade` (of the scheme), `prefix-lost`, `other-host`, `other-path` or `invalid`.
    """
    here, there = run.caller.target, run.caller.target.joined(location)
    if there is None:
        return "invalid"
    if there.host.lower() != here.host.lower():
        return "other-host"
    if there.scheme != here.scheme:
        return "downgrade" if there.scheme == "http" else "upgrade"
    mine, theirs = here.path.rstrip("/"), there.path.rstrip("/")
    if mine == theirs:
        return "slash" if there.port == here.port else "other-host"
    return "prefix-lost" if theirs and mine.endswith(theirs) else "other-path"


def _is_served(era: EndpointEra, answer: Exchange) -> bool:
    result = answer.result
    if result is None:
        return False
    if era == "legacy":
        return "protocolVersion" in result
    versions = result.get("supportedVersions")
    return isinstance(versions, list) and protocol.MODERN in versions


def _session_mode(run: Examination, client: McpClient) -> None:
    run.seen["session_mode"] = "stateful" if client.session else "stateless"
    if client.session:
        run.seen["session_id_form"], _ = run.reading.session_form(client.session)
    run.seen["protocol_version"] = client.version


def _server(run: Examination, result: Mapping[str, Any]) -> None:
    info = result.get("serverInfo")
    meta = result.get("_meta")
    if not isinstance(info, dict) and isinstance(meta, dict):
        info = meta.get("io.modelcontextprotocol/serverInfo")
    if isinstance(info, dict):
        for key in ("name", "version"):
            run.seen.setdefault(f"server_{key}", str(info.get(key, ""))[:100])


def _status(run: Examination, answers: Mapping[EndpointEra, Exchange]) -> None:
    """The status of the first handshake, and what a refusal says about the login."""
    answer = answers["legacy"]
    run.seen["status"] = answer.status or answers["modern"].status
    if answer.status == 401:
        scheme = answer.header("www-authenticate").partition(" ")[0].lower()
        run.seen["login"] = (
            scheme if scheme in ("bearer", "basic", "dpop", "negotiate") else "other" if scheme else "none"
        )
        run.seen["names_metadata"] = "resource_metadata=" in answer.header("www-authenticate")


async def _modern_mode(run: Examination) -> str:
    answer = run.noted(await run.client("modern").call("tools/list"))
    return _MODES.get(answer.answer.head.media_type if answer.answer else "", "other")


async def sdk(run: Examination) -> None:
    """Ask with an unknown session ID. The words of the answer show the SDK."""
    client = run.client("legacy")
    client.session = "0" * 32
    answer = run.noted(await client.ping())
    run.seen["unknown_session"] = answer.status
    text = answer.answer.text if answer.answer else ""
    family = next((name for name, pattern in run.reading.signs if re.search(pattern, text)), "")
    if family:
        run.seen["sdk"] = family
