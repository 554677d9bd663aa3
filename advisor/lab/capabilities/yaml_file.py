"""Reads the files rules/capabilities/*.yaml into plain data and writes them in the form that people edit.

A file has a comment that explains the file, and the keys `package`, `measured_by`, `lines`, `cells` and `behaviour`.
Reading and writing a file does not change its data. `write` generates the comment before the cells of each feature.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from advisor.knowledge.types import ERAS, FLAG_PAIRS, flag_key
from advisor.lab.rule_yaml import flow, item

YamlEntry: TypeAlias = dict[str, Any]
"""A line, a cell or a behaviour, with the keys of the file. It has one outcome for each flag pair."""

PAIRS = [flag_key(*pair) for pair in FLAG_PAIRS]

_RULE = 109  # width of the comment before a feature


@dataclass(slots=True)
class CapabilityFile:
    """One file under rules/capabilities/.

    Attributes:
        head: the comment lines before the first key.
        package: the distribution.
        lines: the lines of releases, ascending.
        cells: the cells in the order of the file.
        behaviour: the behaviours in the order of the file.
        measured_by: the version of the program and of its clients; "" if unknown.
    """

    head: list[str]
    package: str
    lines: list[YamlEntry]
    cells: list[YamlEntry]
    behaviour: list[YamlEntry] = field(default_factory=list)
    measured_by: str = ""


def read(text: str) -> CapabilityFile:
    """Read the text of a valid file."""
    import yaml

    content = yaml.safe_load(text)
    head = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        head.append(line)
    for cell in content["cells"]:
        cell.update({era: _spread(cell[era]) for era in ERAS})
    behaviour = content.get("behaviour") or []
    for entry in behaviour:
        entry["seen"] = _spread(entry["seen"])
    return CapabilityFile(
        head, content["package"], content["lines"], content["cells"], behaviour, content.get("measured_by", "")
    )


def _spread(value: str | Mapping[str, str]) -> dict[str, str]:
    return {pair: value if isinstance(value, str) else value[pair] for pair in PAIRS}


def write(file: CapabilityFile) -> str:
    """The text of a file."""
    parts = [*file.head, f"package: {file.package}"]
    if file.measured_by:
        parts.append(f'measured_by: "{file.measured_by}"')
    parts += ["lines:", *(f"  - {flow(line)}" for line in file.lines), "cells:", *_cells(file.cells)]
    if file.behaviour:
        parts += ["", "behaviour:"]
        for entry in file.behaviour:
            parts += [
                "",
                item({**entry, "seen": _joined(entry["seen"])}, block=("seen",), quoted=("seen",)).rstrip("\n"),
            ]
    return "\n".join(parts) + "\n"


def _cells(cells: Sequence[YamlEntry]) -> Iterator[str]:
    feature = ""
    for cell in cells:
        yield ""
        if cell["feature"] != feature:
            feature = cell["feature"]
            yield f"  # --- {feature} ".ljust(_RULE, "-")
            yield ""
        yield item({**cell, **{era: _joined(cell[era]) for era in ERAS}}, quoted=("evidence", "because")).rstrip("\n")


def _joined(values: Mapping[str, str]) -> str | dict[str, str]:
    """A single word if all four flag pairs have the same value, else a word for each flag pair."""
    return values[PAIRS[0]] if len(set(values.values())) == 1 else {pair: values[pair] for pair in PAIRS}
