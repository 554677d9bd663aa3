"""The capability files as text: read into plain data and written back in the very form that people edit.

A file is a comment that explains it, and then `package`, `measured_by`, `lines`, `cells` and `behaviour`. Everything
in it survives a round trip; comments between the cells are written again, one before each feature.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from advisor.knowledge.types import ERAS, FLAG_PAIRS, flag_key

Entry: TypeAlias = dict[str, Any]
"""A line, a cell or a behaviour, with its keys as in the file; outcomes are written out for each flag pair."""

PAIRS = [flag_key(*pair) for pair in FLAG_PAIRS]

_RULE = 109  # columns of the comment before a feature
_SPECIAL = re.compile(r"[:#\[\]{},&*()]|^[\"'`@|>%!?-]|\s$")


@dataclass(slots=True)
class CapabilityFile:
    """One file under rules/capabilities/.

    Attributes:
        head: the comment lines before the first key.
        package: the distribution that the file is about.
        lines: its lines of releases, ascending.
        cells: in the order of the file.
        behaviour: in the order of the file.
        measured_by: the program and the clients that measured, "" if unknown.
    """

    head: list[str]
    package: str
    lines: list[Entry]
    cells: list[Entry]
    behaviour: list[Entry] = field(default_factory=list)
    measured_by: str = ""


def read(text: str) -> CapabilityFile:
    """A file of the knowledge that is known to be valid."""
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
    """The file as text."""
    parts = [*file.head, f"package: {file.package}"]
    if file.measured_by:
        parts.append(f"measured_by: {_quoted(file.measured_by)}")
    parts.append("lines:")
    parts += [f"  - {_flow(line, plain=('id', 'modern'))}" for line in file.lines]
    parts += ["cells:", *_cells(file.cells)]
    if file.behaviour:
        parts += ["", "behaviour:"]
        for entry in file.behaviour:
            parts += ["", *_behaviour(entry)]
    return "\n".join(parts) + "\n"


def _cells(cells: Sequence[Entry]) -> Iterator[str]:
    feature = ""
    for cell in cells:
        yield ""
        if cell["feature"] != feature:
            feature = cell["feature"]
            yield f"  # --- {feature} ".ljust(_RULE, "-")
            yield ""
        yield from _cell(cell)


def _cell(cell: Entry) -> Iterator[str]:
    yield f"  - feature: {cell['feature']}"
    yield f"    call: {_word(cell['call'])}"
    yield f"    releases: {_flow(cell['releases'])}"
    for era in ERAS:
        yield f"    {era}: {_outcomes(cell[era])}"
    yield f"    status: {cell['status']}"
    yield f"    observed_on: [{', '.join(map(_quoted, cell['observed_on']))}]"
    yield f"    date: {_quoted(cell['date'])}"
    yield f"    evidence: {_quoted(cell['evidence'])}"
    yield f"    sources: [{', '.join(cell['sources'])}]"
    if cell.get("changed"):
        yield f"    changed: {_flow(cell['changed'])}"


def _behaviour(entry: Entry) -> Iterator[str]:
    yield f"  - name: {_word(entry['name'])}"
    yield f"    era: {entry['era']}"
    yield f"    releases: {_flow(entry['releases'])}"
    seen = entry["seen"]
    if len(set(seen.values())) == 1:
        yield f"    seen: {_quoted(seen[PAIRS[0]])}"
    else:
        yield "    seen:"
        yield from (f"      {pair}: {_quoted(seen[pair])}" for pair in PAIRS)
    yield f"    observed_on: [{', '.join(map(_quoted, entry['observed_on']))}]"
    yield f"    date: {_quoted(entry['date'])}"


def _outcomes(outcomes: Mapping[str, str]) -> str:
    """One word for all four flag pairs, or a flow map."""
    if len(set(outcomes.values())) == 1:
        return outcomes[PAIRS[0]]
    return "{" + ", ".join(f"{pair}: {outcomes[pair]}" for pair in PAIRS) + "}"


def _flow(entry: Mapping[str, str], plain: Sequence[str] = ()) -> str:
    written = (f"{key}: {value if key in plain else _quoted(value)}" for key, value in entry.items())
    return "{" + ", ".join(written) + "}"


def _word(text: str) -> str:
    return _quoted(text) if _SPECIAL.search(text) else text


def _quoted(text: str) -> str:
    """As JSON, which is YAML; release numbers and dates must not become numbers and dates."""
    return json.dumps(text, ensure_ascii=False)
