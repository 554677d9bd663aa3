"""A hostile or broken endpoint ends in a clear report within the time of the run."""

from __future__ import annotations

import asyncio
import time

import pytest
from hostile import SERVERS, head, server

from advisor.console.canvas import Screen
from advisor.decision.advisor import default_advisor
from advisor.endpoint.target import target_of
from advisor.probe.judging import judge
from advisor.probe.reading import answer_reading
from advisor.probe.run import Probed, ProbeOrder, probe
from advisor.report.probe_document import probe_document
from advisor.report.probe_text import ProbeScreen, probe_text
from advisor.report.serialization import json_text

KNOWLEDGE = default_advisor().knowledge
BUDGET_S = 3.0
_SECRET = "Bearer top-secret"  # noqa: S105 (only for the test)


def _report(probed: Probed) -> str:
    judgement = judge(probed, KNOWLEDGE)
    screen = ProbeScreen(probed, judgement, ("probe", probed.url))
    document = json_text(probe_document(probed, judgement), ascii_only=False)
    return probe_text(screen, KNOWLEDGE.phrases, Screen(), full=True) + document


@pytest.mark.parametrize("name", SERVERS)
def test_the_run_ends_in_time_with_a_report_without_control_characters(name: str) -> None:
    async def run() -> tuple[Probed, float]:
        async with server(SERVERS[name]) as (url, _):
            started = time.monotonic()
            order = ProbeOrder(target_of(url), BUDGET_S, sessions=12, watch_s=0.2)
            return await probe(order, answer_reading(KNOWLEDGE)), time.monotonic() - started

    probed, seconds = asyncio.run(run())
    assert seconds < BUDGET_S + 1
    report = _report(probed)
    assert all(character.isprintable() or character == "\n" for character in report)
    assert probed.is_answered or judge(probed, KNOWLEDGE).causes


def test_credentials_go_to_the_origin_of_the_url_only() -> None:
    elsewhere: list[str] = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        writer.write(head("307 Temporary Redirect", f"Location: {elsewhere[0]}"))

    async def run() -> tuple[list[bytes], list[bytes], Probed]:
        async with server(SERVERS["wrong media type"]) as (other, strangers), server(redirect) as (url, seen):
            elsewhere.append(other)
            order = ProbeOrder(target_of(url), BUDGET_S, credentials=(("Authorization", _SECRET),))
            return seen, strangers, await probe(order, answer_reading(KNOWLEDGE))

    seen, strangers, probed = asyncio.run(run())
    assert any(_SECRET.encode() in request for request in seen)
    assert strangers == []
    assert "top-secret" not in _report(probed)
    assert probed.seen["redirect"] == "other-host"


def test_nothing_of_the_query_is_shown() -> None:
    async def run() -> Probed:
        async with server(SERVERS["wrong media type"]) as (url, _):
            order = ProbeOrder(target_of(f"{url}?key=top-secret"), BUDGET_S)
            return await probe(order, answer_reading(KNOWLEDGE))

    assert "top-secret" not in _report(asyncio.run(run()))


def test_each_request_says_who_asks() -> None:
    async def run() -> list[bytes]:
        async with server(SERVERS["odd session"]) as (url, seen):
            await probe(ProbeOrder(target_of(url), BUDGET_S, sessions=12, watch_s=0.2), answer_reading(KNOWLEDGE))
            return seen

    seen = asyncio.run(run())
    assert seen
    assert all(b"user-agent: mcp-advisor/" in request.lower() for request in seen)
