"""Exercise 1: calls two tools with each flag pair. The clients are SDK clients of both eras and plain HTTP requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

import anyio

from advisor.endpoint import protocol
from advisor.knowledge import Knowledge
from advisor.knowledge.types import Era, flag_key
from advisor.lab.clients import raw_client
from advisor.lab.clients.sdk_client import ReceivedMessages, http_client
from advisor.lab.exercise.document import PAIRS, BareAnswer
from advisor.lab.exercise.table import EraResults, Exercise, Notices, claims, judged, notices
from advisor.lab.probes import ProbeTarget, observe
from advisor.lab.probes.cell import Probe, in_session, text
from advisor.lab.probes.observation import ProbeResult, Verdict, describe
from advisor.lab.process.run import Run
from advisor.lab.process.sdk_under_test import SdkUnderTest, sdk_under_test, serving
from advisor.lab.process.steps import Steps
from advisor.lab.testserver.tool_catalogue import find

if TYPE_CHECKING:
    import httpx2
    from mcp import Client

_ANSWER_S = 10.0  # long, because all four servers and their clients share the machine
_RESEARCH_S = 3.0 + _ANSWER_S
_DEADLINE_S = 5.0  # for a call whose answer might never arrive
_NOTICE_S = 1.0  # a notification that arrives later than this after the answer is lost
_GET_S = 0.7
_NUMBERS: dict[str, Any] = {"a": 2, "b": 3}
_TOPIC = {"topic": "flags"}
# The APIs for sampling: the API that guides describe, and two APIs in which the client sends a second request.
_SAMPLING = ("ctx.session.create_message", "Resolve(Sample)", "InputRequiredResult")


async def exercise(sdk: str, knowledge: Knowledge, steps: Steps) -> Exercise:
    """Measure the table of the exercise.

    Args:
        sdk: the release, such as `mcp==2.3.0`. If the running interpreter has this release, it runs the servers.
        knowledge: the rules, which contain the claims of guides.
        steps: shows the steps.

    Raises:
        UsageError: the release does not exist.
        EnvironmentLacksError: the release cannot be installed.
        LabError: a server did not start.
    """
    began = time.monotonic()
    async with Run.open("exercise") as run:
        with steps.step(f"environment for {sdk}") as current:
            release = await sdk_under_test(run, sdk, lambda note: None, here=True)
            current.note = f"{release.package} {release.version}, {release.dependencies}"
        with steps.step("start of four servers"):
            urls = await asyncio.gather(*(_start(run, release, *pair) for pair in PAIRS))
        eras, apis = knowledge.lines[release.line].eras, knowledge.sdks[release.line].apis
        with steps.step("calls of all clients with all flag pairs"):
            asked = [(pair, url, era) for pair, url in zip(PAIRS, urls, strict=True) for era in eras]
            sights = await asyncio.gather(*(_sight(url, pair, era, apis) for pair, url, era in asked))
            bare = [await _bare(url, pair) for pair, url in zip(PAIRS, urls, strict=True)]
    return Exercise(
        release.sdk,
        eras,
        tuple(sights),
        tuple(knowledge.flags[flag_key(*pair)] for pair in PAIRS),
        tuple(answer for some in bare for answer in some),
        tuple(claims(sights, knowledge)),
        time.monotonic() - began,
    )


async def _start(run: Run, release: SdkUnderTest, stateless: bool, json_response: bool) -> str:
    name = f"server-{'stateless' if stateless else 'stateful'}-{'json' if json_response else 'sse'}"
    launch = serving(release.python, release.line, (stateless, json_response), "exercise+lab")
    _, port = await run.start_on_port(name, launch, deadline_s=60.0)
    return f"http://127.0.0.1:{port}/mcp"


async def _sight(url: str, pair: tuple[bool, bool], era: Era, apis: Sequence[str]) -> EraResults:
    ways = [entry for call in _SAMPLING if (entry := find(apis, "sampling", call)) is not None]
    if era == "legacy":
        ways = ways[:1]
    plain = observe("plain", url, era, ProbeTarget("add", _NUMBERS), deadline_s=_ANSWER_S)
    asking = [
        observe("sampling", url, era, ProbeTarget(way.tool, {}, way.call), deadline_s=_DEADLINE_S) for way in ways
    ]
    (add, *sampled), (research, progress, logs), (kinds, with_session) = await asyncio.gather(
        asyncio.gather(plain, *asking), _research(url, era), _heads(url, era)
    )
    sampling = {way.call: observation for way, observation in zip(ways, sampled, strict=True)}
    return EraResults(*pair, era, add, research, progress, logs, sampling, kinds, with_session)


async def _research(url: str, era: Era) -> tuple[ProbeResult, Notices, Notices]:
    """Call `research` once. Returns the result, the progress notifications and the log messages."""
    found = {"progress": Notices(0, 0), "logs": Notices(0, 0)}

    async def steps(client: Client, heard: ReceivedMessages) -> Verdict:
        result = await client.call_tool("research", _TOPIC, progress_callback=heard.on_progress)
        answered = monotonic()
        await heard.until(lambda: bool(heard.progress and heard.logs), _NOTICE_S)
        found["progress"] = notices([came for came, _ in heard.progress], answered)
        found["logs"] = notices([came for came, _ in heard.logs], answered)
        return judged(bool(result.is_error), text(result))

    observed = await in_session(Probe(url, era, ProbeTarget("research"), _RESEARCH_S), steps)
    return observed, found["progress"], found["logs"]


async def _heads(url: str, era: Era) -> tuple[dict[str, str], bool]:
    """The content types of the answers to `add` and `research`, and whether the server sent a session id."""
    kinds: dict[str, str] = {}
    with_session = False
    async with raw_client.endpoint(url, era) as endpoint:
        wrong = await endpoint.initialize()
        for tool, arguments in (("add", _NUMBERS), ("research", _TOPIC)):
            try:
                async with endpoint.calling(tool, arguments) as answer:
                    kinds[tool] = answer.headers.get("content-type", "").partition(";")[0] or raw_client.said(answer)
                    with_session = with_session or "mcp-session-id" in answer.headers
            except Exception as error:
                kinds[tool] = wrong or describe(error)
        return kinds, with_session or bool(endpoint.session)


async def _bare(url: str, pair: tuple[bool, bool]) -> list[BareAnswer]:
    """Send requests as curl does: without the initialize handshake, a session or a protocol version."""
    call = protocol.message("tools/call", {"name": "add", "arguments": _NUMBERS}, 1)
    found = []
    async with http_client(url) as http:
        for name, accept in (("POST", "*/*"), ("POST, Accept: application/json", "application/json")):
            answer = await http.post(url, json=call, headers={"accept": accept})
            kind = answer.headers.get("content-type", "").partition(";")[0]
            said = raw_client.said(answer) if answer.status_code >= 400 else f"HTTP {answer.status_code} {kind}"
            found.append(BareAnswer(*pair, name, said))
        for name, accept in (("GET", "*/*"), ("GET, Accept: text/event-stream", "text/event-stream")):
            found.append(BareAnswer(*pair, name, await _get(http, url, accept)))
    return found


async def _get(http: httpx2.AsyncClient, url: str, accept: str) -> str:
    async with http.stream("GET", url, headers={"accept": accept}) as answer:
        if answer.status_code >= 400:
            await answer.aread()
            return raw_client.said(answer)
        kind = answer.headers.get("content-type", "").partition(";")[0]
        with anyio.move_on_after(_GET_S) as waiting:
            await answer.aread()
        return f"HTTP {answer.status_code} {kind}{', an open stream without messages' if waiting.cancel_called else ''}"
