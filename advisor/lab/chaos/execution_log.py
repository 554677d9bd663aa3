"""What the instances wrote down of their executions (see subject/ledger.py)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from advisor.knowledge.types import Era
from advisor.lab.chaos.evidence import Execution


def read(ledger: Path) -> list[Execution]:
    """What all instances wrote down, in no order; a line that is being written is left for the next time."""
    found = []
    for path in sorted(ledger.glob("*.jsonl")):
        for line in path.read_text().split("\n")[:-1]:
            found.append(Execution(**json.loads(line)))
    return found


def begun(executions: Iterable[Execution], wanted: Mapping[str, Era]) -> dict[str, set[Era]]:
    """The eras of the wanted calls that each instance has begun and not ended."""
    ended = {one.call for one in executions if one.step == "end"}
    found: dict[str, set[Era]] = {}
    for one in executions:
        if one.call in wanted and one.call not in ended:
            found.setdefault(one.instance, set()).add(wanted[one.call])
    return found
