"""Rewrites rules/capacity.yaml: `python -m advisor.lab.load.table mcp==2.3.0 … [--rounds 3] [--sessions 1000]`.

The command first installs all environments. Then it measures the releases one after another, because parallel
measurements slow each other down. The part of the file before `MARK` and the entries of other lines stay.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from advisor import __version__
from advisor.console.output import say
from advisor.console.progress import watcher
from advisor.errors import AdvisorError
from advisor.files import write_atomically
from advisor.knowledge.paths import rules_dir
from advisor.knowledge.types import ERAS, FLAG_PAIRS, flag_key
from advisor.lab.load.loaded_server import bare
from advisor.lab.load.run import Load, measure_load
from advisor.lab.process.run import Run
from advisor.lab.process.sdk_under_test import sdk_under_test
from advisor.lab.process.steps import Steps
from advisor.lab.rule_yaml import item

MARK = "capacity:\n"
"""The line of the file after which the content is generated."""
_TEXTS = ("release", "machine", "tool", "evidence")


def spread(values: Sequence[float], grain: int = 1) -> dict[str, int]:
    """Median, minimum and maximum of some values, rounded to a multiple of `grain`."""
    figures = {"median": median(values), "min": min(values), "max": max(values)}
    return {name: round(figure / grain) * grain for name, figure in figures.items()}


def entry(line: str, release: str, measured: Load, date: str) -> dict[str, Any]:
    """The entry of a line of releases. `merged` adds `limit` and `sources`."""
    calls = {
        era: {
            flag_key(*pair): spread([rate.calls_per_processor_s for rate in found], 10)
            for pair in FLAG_PAIRS
            if (found := measured.rate(*pair, era))
        }
        for era in ERAS
    }
    held = measured.memory
    return {
        "line": line,
        "release": release,
        "process_bytes": spread([memory.process_bytes for memory in held], 100_000),
        "session_bytes": spread([memory.session_bytes for memory in held], 100),
        "stream_session_bytes": spread([memory.stream_session_bytes for memory in held], 100),
        "calls_per_s": {era: pairs for era, pairs in calls.items() if pairs},
        "sessions": min(memory.sessions for memory in held),
        "rounds": len(held),
        "machine": measured.machine,
        "tool": f"mcp-advisor {__version__}",
        "date": date,
        "evidence": evidence(*measured.load_average),
    }


def evidence(before: float, after: float) -> str:
    """The load average of the machine during the measurement, in words."""
    average = f"The load average of the machine was {before:.1f} at the start and {after:.1f} at the end."
    return f"{average} The flag pairs were measured alternately."


def merged(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replace the entries of measured lines. `limit` and `sources` of an entry stay."""
    by_line = {entry["line"]: entry for entry in old}
    for measured in new:
        kept = {key: by_line.get(measured["line"], {}).get(key) for key in ("limit", "sources")}
        by_line[measured["line"]] = {**measured, **{key: value for key, value in kept.items() if value}}
    return list(by_line.values())


def written(text: str, entries: Sequence[dict[str, Any]]) -> str:
    """The text of the file with these entries. The part up to `MARK` stays."""
    head, _, _ = text.partition(MARK)
    return head + MARK + "\n".join(item(entry, quoted=_TEXTS) for entry in entries)


async def measure(releases: Sequence[str], sessions: int, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Measure releases such as `mcp==2.3.0`, one after another. Returns their entries."""
    today = datetime.date.today().isoformat()
    found = []
    async with Run.open("load") as run:
        ready = [await sdk_under_test(run, release, say) for release in releases]
        context, shown = watcher()
        with context:
            for sdk in ready:
                name = f"{sdk.package} {sdk.version}"
                say(name)
                server, steps = bare(sdk.python, sdk.line), Steps(shown)
                measured = await measure_load(run, server, sessions, rounds=rounds, seconds=seconds, steps=steps)
                found.append(entry(sdk.line, name, measured, today))
    return found


def main() -> None:
    """Measure the releases and write the file."""
    parser = argparse.ArgumentParser(
        prog="python -m advisor.lab.load.table",
        description="Measure the load of SDK releases and write rules/capacity.yaml.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("release", nargs="+", help="an SDK release, for example mcp==2.3.0")
    parser.add_argument("--sessions", type=int, default=1000, help="number of legacy sessions")
    parser.add_argument("--rounds", type=int, default=3, help="number of measurements of each value")
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="duration of the calls for each flag pair and protocol era"
    )
    parser.add_argument("--file", type=Path, default=rules_dir() / "capacity.yaml", help="the file to write")
    asked = parser.parse_args()
    try:
        new = asyncio.run(measure(asked.release, asked.sessions, asked.rounds, asked.seconds))
    except AdvisorError as error:
        sys.exit(str(error))
    text = asked.file.read_text(encoding="utf-8")
    entries = merged(yaml.safe_load(text).get("capacity") or [], new)
    write_atomically(asked.file, written(text, entries))


if __name__ == "__main__":
    main()
