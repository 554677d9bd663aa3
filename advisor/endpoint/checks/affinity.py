"""Sessions and instances: the session experiment, and modern calls on many connections."""

from __future__ import annotations

import re
from dataclasses import replace

from advisor.endpoint.balancing import SessionRuns, affinity
from advisor.endpoint.client import Exchange, McpClient
from advisor.endpoint.examination import OVER, Examination, UntestedError
from advisor.endpoint.sessions import BATCH, ENOUGH, ClientBehaviour, SessionRun, run_sessions

_LOOPBACK = re.compile(r"127\.\d+\.\d+\.\d+")
_SOURCES = tuple(f"127.{network}.7.9" for network in range(20, 60))
"""Addresses of this machine in different networks. They can reach an endpoint on this machine."""
_ESTIMATE = 2 * BATCH
"""Sessions after which the number of instances is estimated, if sessions are lost."""


async def sessions(run: Examination) -> None:
    """Open and use many sessions. Repeat with cookies, kept connections or other addresses where this tells more."""
    if run.seen.get("session_mode") != "stateful":
        run.seen["balancing"] = "none-needed"
        raise UntestedError("the server opens no sessions, so every instance can answer")

    def is_enough(so_far: SessionRun) -> bool:
        return len(so_far.sessions) >= (_ESTIMATE if so_far.touched else ENOUGH)

    plain = await run_sessions(run.caller, run.reading.is_lost, ClientBehaviour(), most=run.sessions, enough=is_enough)
    run.note(f"sessions without cookies: {plain.lost} of {len(plain.sessions)} lost at their first use")
    if run.caller.budget.is_spent:
        raise UntestedError(OVER)
    if not plain.sessions:
        raise UntestedError("the server opened no session")
    names = [run.reading.session_form(session.client.session)[1] for session in plain.sessions]
    runs = await _further(run, SessionRuns(plain, id_names_instance=all(names)))
    found = affinity(runs)
    run.affinity = found
    run.seen |= {
        "balancing": found.looks_like,
        "tried_sessions": found.sessions,
        "lost_sessions": found.lost,
        "failed_requests": plain.failed,
        "refused_sessions": len(plain.refused),
    }
    if found.instances is not None:
        run.seen["estimated_instances"] = round(found.instances.estimate)
    if runs.forwarded is not None:
        run.seen["honours_forwarded"] = runs.forwarded.touched > 0
    lost = next((use for session in plain.sessions for use in session.uses if run.reading.is_lost(use)), None)
    if lost is not None:
        run.seen["lost_status"] = lost.status


async def _further(run: Examination, runs: SessionRuns) -> SessionRuns:
    """The runs that tell more: what helps if sessions are lost, and what would lose them if they are kept."""
    if runs.plain.touched:
        sets_cookies = any(session.opened.header("set-cookie") for session in runs.plain.sessions)
        return replace(
            runs,
            cookies=await _batch(run, "with cookies", ClientBehaviour(keeps_cookies=True)) if sets_cookies else None,
            connection=await _batch(run, "on a kept connection", ClientBehaviour(reuses=True)),
        )
    is_here = _LOOPBACK.fullmatch(run.seen.get("address", "")) is not None
    return replace(
        runs,
        sources=await _batch(run, "from changing addresses", ClientBehaviour(sources=_SOURCES)) if is_here else None,
        forwarded=await _batch(run, "with changing X-Forwarded-For", ClientBehaviour(forwarded=True)),
    )


async def _batch(run: Examination, words: str, behaviour: ClientBehaviour) -> SessionRun:
    most = min(BATCH, run.sessions)
    found = await run_sessions(run.caller, run.reading.is_lost, behaviour, most=most, enough=lambda so_far: True)
    run.note(f"sessions {words}: {found.touched} of {len(found.sessions)} lost")
    return found


async def modern_calls(run: Examination) -> None:
    """List the tools many times on new connections as a modern client."""
    client = run.client("modern")
    answers = await _lists(run, client)
    run.note(f"{BATCH} x POST tools/list -> {sum(answer.result is not None for answer in answers)} answered")
    run.seen["modern_failed"] = sum(answer.result is None for answer in answers)
    shown = {str(sorted(_names(answer.result or {}))) for answer in answers if answer.result is not None}
    run.seen["modern_differ"] = len(shown) > 1


async def _lists(run: Examination, client: McpClient) -> list[Exchange]:
    """List the tools on new connections.

    Raises:
        UntestedError: the budget was spent before the end.
    """
    answers = [await client.call("tools/list") for _ in range(BATCH)]
    if run.caller.budget.is_spent and any(answer.failure is not None for answer in answers):
        raise UntestedError(OVER)
    return answers


def _names(result: object) -> list[str]:
    tools = result.get("tools") if isinstance(result, dict) else None
    return [str(tool.get("name")) for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []


async def stateless_calls(run: Examination) -> None:
    """List the tools many times on new connections as a legacy client without a session."""
    if run.seen.get("session_mode") != "stateless":
        raise UntestedError("the server opens sessions")
    client = McpClient(run.caller.twin(), "legacy")
    answers = await _lists(run, client)
    run.note(f"{BATCH} x POST tools/list -> {sum(answer.result is not None for answer in answers)} answered")
    run.seen["stateless_failed"] = sum(answer.result is None for answer in answers)
