"""Merges new measurements into the capability data. Successive releases with the same outcomes become one range.

If the outcomes of a range do not change, its evidence, sources and reasons stay. Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias

from advisor.knowledge.types import ERAS, Era
from advisor.knowledge.versions import Interval, key
from advisor.lab.capabilities.yaml_file import PAIRS, CapabilityFile, YamlEntry

SOURCE = "measured-capability-cells"
"""The source of every measured cell."""

_EVIDENCE = "The lab of mcp-advisor measured these outcomes."

Word: TypeAlias = str
Outcomes: TypeAlias = tuple[Word, ...]
"""The outcomes of an API in a release: first legacy, then modern, each in the order of the flag pairs."""


@dataclass(slots=True)
class ReleaseRecord:
    """The measurement of a release.

    Attributes:
        version: the release.
        line: the id of its line.
        date: the date of the measurement, YYYY-MM-DD.
        cells: the outcomes, by (feature, call).
        evidence: the messages of the cells, by (feature, call).
        behaviour: the messages of the behaviours in the order of the flag pairs, by (name, era).
    """

    version: str
    line: str
    date: str
    cells: dict[tuple[str, str], Outcomes] = field(default_factory=dict)
    evidence: dict[tuple[str, str], str] = field(default_factory=dict)
    behaviour: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)


def merge(file: CapabilityFile, records: Sequence[ReleaseRecord], measured_by: str) -> CapabilityFile:
    """A new file that contains the old file and the measurements.

    Args:
        file: the old file.
        records: the measurements in any order. If a release has two measurements, the last measurement is used.
        measured_by: the version of the program and of its clients.
    """
    lines = _lines(file.lines, records)
    features = list(dict.fromkeys(cell["feature"] for cell in file.cells))
    asked = _keys(file.cells, ("feature", "call"), (way for record in records for way in record.cells))
    cells = [
        cell
        for feature in dict.fromkeys([*features, *(way[0] for way in asked)])
        for way in asked
        if way[0] == feature
        for cell in _Timeline(lines, _of(file.cells, ("feature", "call"), way)).cells(way, records)
    ]
    told = _keys(file.behaviour, ("name", "era"), (trait for record in records for trait in record.behaviour))
    behaviour = [
        entry
        for trait in told
        for entry in _Timeline(lines, _of(file.behaviour, ("name", "era"), trait)).behaviour(trait, records)
    ]
    return CapabilityFile(file.head, file.package, lines, cells, behaviour, measured_by)


def _keys(
    entries: Sequence[YamlEntry], names: tuple[str, str], more: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    return list(dict.fromkeys([*((entry[names[0]], entry[names[1]]) for entry in entries), *more]))


def _of(entries: Sequence[YamlEntry], names: tuple[str, str], of: tuple[str, str]) -> list[YamlEntry]:
    found = [entry for entry in entries if (entry[names[0]], entry[names[1]]) == of]
    return sorted(found, key=lambda entry: key(entry["releases"]["from"]))


def _lines(lines: Sequence[YamlEntry], records: Sequence[ReleaseRecord]) -> list[YamlEntry]:
    """The lines, extended so that they contain the measured releases."""
    found = []
    for line in lines:
        of_line = [record.version for record in records if record.line == line["id"]]
        oldest = min([line["from"], *of_line], key=key)
        newest = max([line["newest"], *of_line], key=key)
        found.append({**line, "from": oldest, "newest": newest})
    return found


@dataclass(slots=True)
class _Group:
    """Successive releases with the same outcomes."""

    versions: list[str]
    values: Any
    start: str = ""
    before: str = ""


class _Timeline:
    """The cells of one API, or the entries of one behaviour, for all releases of a package."""

    def __init__(self, lines: Sequence[YamlEntry], known: Sequence[YamlEntry]) -> None:
        """Take the lines of the package and the entries of the file, ascending by release."""
        self._lines = lines
        self._known = known

    def cells(self, of: tuple[str, str], records: Sequence[ReleaseRecord]) -> list[YamlEntry]:
        """The cells of an API, ascending by release."""
        new = {record.version: record.cells[of] for record in records if of in record.cells}
        groups = self._groups(new, values)
        found = []
        for group in groups:
            as_known = self._like(group)
            measured = [record for record in records if record.version in group.versions and of in record.cells]
            found.append(_cell(of, group, as_known, measured))
        for cell, follower in pairwise(found):
            if cell["releases"]["before"] == follower["releases"]["from"]:
                _change(cell, follower, self._eras(cell))
        return found

    def _eras(self, cell: YamlEntry) -> Sequence[Era]:
        """The protocol eras whose changes are reported: only legacy in a line that refuses all modern clients."""
        return ERAS[:1] if self._line(cell["observed_on"][-1])["modern"] == "falls-back" else ERAS

    def behaviour(self, of: tuple[str, str], records: Sequence[ReleaseRecord]) -> list[YamlEntry]:
        """The entries of a behaviour, ascending by release."""
        new = {record.version: record.behaviour[of] for record in records if of in record.behaviour}
        dates = {record.version: record.date for record in records}
        found = []
        groups = self._groups(new, lambda entry: tuple(entry["seen"][pair] for pair in PAIRS))
        if groups:  # the first range starts at its first measured release; no decision needs older releases
            groups[0].start = groups[0].versions[0]
        for group in groups:
            measured = [dates[version] for version in group.versions if version in new]
            earlier = [entry["date"] for entry in self._known if set(entry["observed_on"]) & set(group.versions)]
            entry = {
                "name": of[0],
                "era": of[1],
                "releases": {"from": group.start, "before": group.before},
                "seen": dict(zip(PAIRS, group.values, strict=True)),
                "observed_on": group.versions,
                "date": max(measured or earlier),
            }
            found.append(entry)
        return found

    def _groups(self, new: Mapping[str, Any], values_of: Callable[[YamlEntry], Any]) -> list[_Group]:
        values = {version: values_of(entry) for entry in self._known for version in entry["observed_on"]}
        values |= new
        groups: list[_Group] = []
        for version in sorted(values, key=key):
            if groups and groups[-1].values == values[version] and self._adjoin(groups[-1].versions[-1], version):
                groups[-1].versions.append(version)
            else:
                groups.append(_Group([version], values[version]))
        self._bound(groups)
        return groups

    def _bound(self, groups: list[_Group]) -> None:
        """Set the first and last release of each range. A limit from the file stays if the measurements allow it."""
        if not groups:
            return
        first, last = groups[0].versions[0], groups[-1].versions[-1]
        starts = [entry["releases"]["from"] for entry in self._known[:1]]
        groups[0].start = next((start for start in starts if key(start) <= key(first)), self._line(first)["from"])
        ends = [entry["releases"]["before"] for entry in self._known[-1:]]
        groups[-1].before = next((end for end in ends if key(end) > key(last)), self._line(last)["before"])
        for group, follower in pairwise(groups):
            upper, lower = group.versions[-1], follower.versions[0]
            if self._adjoin(upper, lower):
                group.before = follower.start = self._between(upper, lower)
            else:
                group.before, follower.start = self._line(upper)["before"], self._line(lower)["from"]

    def _between(self, upper: str, lower: str) -> str:
        """The release of a change according to the file; else the first measured release after the change."""
        if self._line(upper) is not self._line(lower):
            return str(self._line(lower)["from"])
        limits = [entry["releases"]["from"] for entry in self._known]
        limits += [entry["changed"]["in"] for entry in self._known if entry.get("changed")]
        inside = [limit for limit in limits if key(upper) < key(limit) <= key(lower)]
        return str(min(inside, key=key)) if inside else lower

    def _adjoin(self, upper: str, lower: str) -> bool:
        """Whether no line lies between two releases."""
        return self._lines.index(self._line(lower)) - self._lines.index(self._line(upper)) <= 1

    def _line(self, version: str) -> YamlEntry:
        return next(line for line in self._lines if Interval(line["from"], line["before"]).holds(version))

    def _like(self, group: _Group) -> YamlEntry | None:
        """The cell of the file that has the outcomes of the group and most of its releases, or None."""
        same = [entry for entry in self._known if values(entry) == group.values]
        alike = [entry for entry in same if set(entry["observed_on"]) & set(group.versions)]
        return max(alike, key=lambda entry: len(set(entry["observed_on"]) & set(group.versions)), default=None)


def values(cell: YamlEntry) -> Outcomes:
    """The outcomes of a cell of the file."""
    return tuple(cell[era][pair] for era in ERAS for pair in PAIRS)


def _cell(of: tuple[str, str], group: _Group, known: YamlEntry | None, measured: Sequence[ReleaseRecord]) -> YamlEntry:
    half = len(PAIRS)
    entry: YamlEntry = {
        "feature": of[0],
        "call": of[1],
        "releases": {"from": group.start, "before": group.before},
        "legacy": dict(zip(PAIRS, group.values[:half], strict=True)),
        "modern": dict(zip(PAIRS, group.values[half:], strict=True)),
        "status": "measured" if measured or known is None else known["status"],
        "observed_on": group.versions,
        "date": max([record.date for record in measured] or ([known["date"]] if known else [])),
        "evidence": known["evidence"] if known else measured[-1].evidence.get(of, _EVIDENCE),
        "sources": list(known["sources"]) if known else [SOURCE],
    }
    if known and known.get("changed"):
        entry["changed"] = dict(known["changed"])
    return entry


def _change(cell: YamlEntry, follower: YamlEntry, eras: Sequence[Era]) -> None:
    """Set `changed` to the release and the changed outcomes. People replace the outcomes by the reason."""
    start = follower["releases"]["from"]
    if cell.get("changed", {}).get("in") == start:
        return
    parts = [
        f"for {era} clients with {pair}, the outcome changes from {cell[era][pair]} to {follower[era][pair]}"
        for era in eras
        for pair in PAIRS
        if cell[era][pair] != follower[era][pair]
    ]
    if parts:
        cell["changed"] = {"in": start, "because": "; ".join(parts)}
