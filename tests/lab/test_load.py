"""The load that an instance can serve: the table, limits of the machine, and a measurement on a real server."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.console.canvas import Canvas, Screen
from advisor.documents import document, plain
from advisor.errors import EnvironmentLacksError, Exit, LabError
from advisor.knowledge.paths import rules_dir
from advisor.knowledge.types import FLAG_PAIRS, Era, flag_key
from advisor.lab.load import table as load_table
from advisor.lab.load.loaded_server import LoadedServer, bare
from advisor.lab.load.report import draw_load
from advisor.lab.load.run import Load, Memory, Rate, allow_sessions, measure_load
from advisor.lab.process.run import Run

retried = pytest.mark.retried("A server and its clients share the processors, and each round has a fixed length.")

ERAS: tuple[Era, ...] = ("legacy", "modern")


def measured(rounds: int = 3) -> Load:
    """Figures that differ for each round and flag pair."""
    memory = [Memory(60_000_000 + n, 40_000 + 100 * n, 90_000 + 100 * n, 50, 50, "") for n in range(rounds)]
    rates = [
        Rate(*pair, era, 10, 1000 + 100 * index + 10 * number, 1.5, 3.0, "server")
        for number in range(rounds)
        for index, pair in enumerate(FLAG_PAIRS)
        for era in ERAS
    ]
    return Load(50, "2 processors", tuple(memory), tuple(rates), 4.0)


# --- rules/capacity.yaml ------------------------------------------------------------------------------------------


def test_the_file_has_the_layout_that_the_program_writes() -> None:
    text = (rules_dir() / "capacity.yaml").read_text(encoding="utf-8")
    entries = yaml.safe_load(text)["capacity"]
    assert load_table.written(text, load_table.merged(entries, [])) == text


def test_an_entry_has_median_minimum_and_maximum_of_all_rounds() -> None:
    entry = load_table.entry("mcp-2", "mcp 2.3.0", measured(), "2026-11-21")
    assert entry["session_bytes"] == {"median": 40_100, "min": 40_000, "max": 40_200}
    assert entry["calls_per_s"]["modern"][flag_key(True, False)] == {"median": 1210, "min": 1200, "max": 1220}
    assert (entry["sessions"], entry["rounds"]) == (50, 3)


def test_a_new_entry_keeps_manual_text_and_all_other_lines() -> None:
    text = (rules_dir() / "capacity.yaml").read_text(encoding="utf-8")
    old = yaml.safe_load(text)["capacity"]
    entry = load_table.entry("mcp-2", "mcp 2.3.0", measured(), "2026-11-22")
    after = load_table.written(text, load_table.merged(old, [entry]))
    assert after.startswith(text.partition(load_table.MARK)[0])
    before, now = ({line["line"]: line for line in yaml.safe_load(part)["capacity"]} for part in (text, after))
    assert now["mcp-2"]["date"] == "2026-11-22"
    assert [now["mcp-2"][key] == before["mcp-2"][key] for key in ("limit", "sources", "session_bytes")] == [
        True,
        True,
        False,
    ]
    assert {**now, "mcp-2": 0} == {**before, "mcp-2": 0}


@pytest.mark.parametrize(
    ("values", "median"), [([3.0, 1.0, 2.0], 2), ([1.0, 2.0, 4.0, 9.0], 3), ([7.0], 7)], ids=["odd", "even", "one"]
)
def test_the_spread_of_rounds(values: list[float], median: int) -> None:
    assert load_table.spread(values) == {"median": median, "min": min(values), "max": max(values)}


# --- the limit of open files ---------------------------------------------------------------------------------------


@pytest.fixture
def few_files() -> Iterator[int]:
    """Set a low soft limit and yield the hard limit; restores the old limits afterwards."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, limits[1]))
    yield limits[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_the_soft_limit_is_raised(few_files: int) -> None:
    allow_sessions(1000)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 1100


def test_more_sessions_than_open_files_are_refused_before_the_measurement(few_files: int) -> None:
    if few_files == resource.RLIM_INFINITY:
        pytest.skip("this system has no limit")
    with pytest.raises(EnvironmentLacksError) as caught:
        allow_sessions(few_files)
    assert caught.value.code is Exit.ENVIRONMENT
    message = str(caught.value)
    assert f"allows {few_files:,}" in message
    assert "ulimit -Hn" in message
    most = int(message.partition("at most ")[2].partition(" sessions")[0].replace(",", ""))
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 300
    assert most


# --- renderings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_text_has_a_row_for_each_era_and_flag_pair(width: int) -> None:
    canvas = Canvas(Screen(width))
    draw_load(canvas, measured(1))
    text = canvas.text()
    assert "held 50 legacy sessions, 50 of them with an open GET stream." in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= width
    rows = [line.split() for line in text.splitlines() if line.split()[:1] in (["legacy"], ["modern"])]
    assert [row[1:4] for row in rows[:4]] == [
        [str(pair[0]), str(pair[1]), f"{1000 + 100 * index:,}"] for index, pair in enumerate(FLAG_PAIRS)
    ]
    assert len(rows) == 8


def test_the_data_are_json_and_contain_refusals() -> None:
    found = measured()
    data = plain(document(Load, found))
    assert json.loads(json.dumps(data)) == data
    assert len(data["rates"]) == 24
    refused = replace(found, memory=(replace(found.memory[0], sessions=7, refusal="HTTP 503 Too many"),))
    canvas = Canvas(Screen(80))
    draw_load(canvas, refused)
    assert "did not reach 50 sessions: HTTP 503 Too many" in " ".join(canvas.text().split())


# --- on a real server ----------------------------------------------------------------------------------------------


async def _measure(subject: LoadedServer, count: int, **options: Any) -> Load:
    async with Run.open("load") as run:
        return await measure_load(run, subject, count, **options)


@pytest.mark.programs
@retried
def test_fifty_sessions_and_calls_under_every_flag_pair(temporary: Path) -> None:
    found = asyncio.run(_measure(bare(Path(sys.executable), "mcp-2"), 50, seconds=0.4))
    (memory,) = found.memory
    assert (memory.sessions, memory.streams, memory.refusal) == (50, 50, "")
    # Fifty sessions give rough figures only. A session costs more than nothing and far less than a megabyte.
    assert 1_000 < memory.stream_session_bytes < 1_000_000
    assert memory.process_bytes > 20_000_000
    assert len(found.rates) == 8
    assert all(rate.calls_per_s > 1 and rate.calls_per_processor_s >= rate.calls_per_s * 0.5 for rate in found.rates)
    assert all(0 < rate.median_ms <= rate.p95_ms for rate in found.rates)
    assert not list(temporary.iterdir())


@pytest.mark.programs
@retried
def test_an_answer_without_the_result_of_the_tool_is_not_a_call(temporary: Path) -> None:
    wrong = replace(bare(Path(sys.executable), "mcp-2"), expected="no such text")
    with pytest.raises(LabError, match="tools/call: HTTP 200"):
        asyncio.run(_measure(wrong, 3, seconds=0.2))
