"""The execution logs of the instances, which testserver/execution_log.py writes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from advisor.knowledge.types import Era
from advisor.lab.chaos.evidence import Execution


def read(folder: Path) -> list[Execution]:
    """The executions of all instances, in no order; a line that is being written is left for the next time."""
    found: list[Execution] = []
    for path in sorted(folder.glob("*.jsonl")):
        found += [Execution(**json.loads(line)) for line in path.read_text().split("\n")[:-1]]
    return found


def begun(executions: Iterable[Execution], wanted: Mapping[str, Era]) -> dict[str, set[Era]]:
    """The eras of the wanted calls that each instance has begun and not ended."""
    ended = {execution.call for execution in executions if execution.step == "end"}
    found: dict[str, set[Era]] = {}
    for execution in executions:
        if execution.call in wanted and execution.call not in ended:
            found.setdefault(execution.instance, set()).add(wanted[execution.call])
    return found
