"""Rewrites rules/capacity.yaml: `python -m advisor.lab.load.table mcp==2.3.0 … [--rounds 3] [--sessions 1000]`.

Environments are made first, then the releases are measured in sequence, since each needs the machine for
itself. Entries of lines that are not measured stay as they are; so does the head of the file, with its comments and
wording.
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
from advisor.lab.rule_text import item

MARK = "capacity:\n"
"""The line of the file from which on it is generated."""
_TEXTS = ("release", "machine", "tool", "evidence")


def spread(values: Sequence[float], grain: int = 1) -> dict[str, int]:
    """Median, least and most of some figures, rounded to `grain`."""
    figures = {"median": median(values), "min": min(values), "max": max(values)}
    return {name: round(figure / grain) * grain for name, figure in figures.items()}


def entry(line: str, release: str, measured: Load, date: str) -> dict[str, Any]:
    """The entry of a line from what was measured; its limit and sources are added by `merged`."""
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
    """How calm the machine was."""
    return f"Load average of the machine {before:.1f} at the start and {after:.1f} at the end; flag pairs took turns."


def merged(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries with the new ones instead of those of the same line; what is not measured is kept."""
    by_line = {entry["line"]: entry for entry in old}
    for measured in new:
        kept = {key: by_line.get(measured["line"], {}).get(key) for key in ("limit", "sources")}
        by_line[measured["line"]] = {**measured, **{key: value for key, value in kept.items() if value}}
    return list(by_line.values())


def written(text: str, entries: Sequence[dict[str, Any]]) -> str:
    """The file with these entries; its head up to `MARK` stays."""
    head, _, _ = text.partition(MARK)
    return head + MARK + "\n".join(item(entry, quoted=_TEXTS) for entry in entries)


async def measure(releases: Sequence[str], sessions: int, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Measure releases such as `mcp==2.3.0`, in sequence."""
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
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m advisor.lab.load.table", description="Writes rules/capacity.yaml.")
    parser.add_argument("release", nargs="+", help="such as mcp==2.3.0")
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--file", type=Path, default=rules_dir() / "capacity.yaml")
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
