"""Patches of findings: changes of files that remove a finding and add no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from advisor.findings import Finding, Location
from advisor.knowledge import Knowledge
from advisor.knowledge.finding_kinds import PatchRule
from advisor.sources.platforms.yaml_edits import yaml_splice
from advisor.sources.proxies.haproxy_edits import haproxy_splice
from advisor.sources.proxies.nginx_edits import nginx_splice
from advisor.sources.splices import Splice, spliced

_MOST_TRIED = 20
"""So many patches are tried separately, if not all of them fit together."""

Problems: TypeAlias = "Counter[tuple[str, str, str]]"
"""How often each kind of finding is in each file with each severity, and what was not read."""

Texts: TypeAlias = Callable[[str], "str | None"]
"""Returns the text of a file; None if it is not text."""

Judge: TypeAlias = Callable[[Mapping[str, str]], Problems]
"""Returns the problems of the deployment with other texts of some files."""


class Patch(NamedTuple):
    """A change of a file for a finding. It is safe if it keeps every other behaviour."""

    finding: Finding
    path: str
    splice: Splice
    safe: bool

    @property
    def key(self) -> tuple[str, tuple[Location, ...]]:
        """The id and the places of the finding."""
        return self.finding.id, self.finding.locations


def problem_key(finding: Finding) -> tuple[str, str, str]:
    """Return what `Problems` counts."""
    return finding.id, finding.locations[0].path, finding.severity


def patches(findings: Sequence[Finding], knowledge: Knowledge, texts: Texts, judge: Judge) -> list[Patch]:
    """Return the patches of findings, at most a single patch of each finding.

    Args:
        findings: the findings.
        knowledge: has the changes for each kind of finding.
        texts: the files.
        judge: reads and judges the changed files.
    """
    open_ones = [iter(list(_candidates(finding, knowledge, texts))) for finding in findings]
    found: list[Patch] = []
    while open_ones:
        tried = [(patch, rest) for rest in open_ones if (patch := next(rest, None)) is not None]
        kept = accepted([patch for patch, _ in tried], texts, judge)
        found += kept
        open_ones = [rest for patch, rest in tried if patch not in kept]
    return found


def accepted(wanted: Sequence[Patch], texts: Texts, judge: Judge) -> list[Patch]:
    """Return the patches that together remove their findings and add no other."""
    if not wanted:
        return []
    before = judge({})
    if _fits(wanted, texts, judge, before):
        return list(wanted)
    kept: list[Patch] = []
    for patch in wanted[:_MOST_TRIED] if len(wanted) > 1 else ():
        if _fits([*kept, patch], texts, judge, before):
            kept.append(patch)
    return kept


def changed(wanted: Sequence[Patch], texts: Texts) -> dict[str, str]:
    """Return the changed texts of files. The result is empty if two changes are at the same place."""
    made: dict[str, str] = {}
    for path in sorted({patch.path for patch in wanted}):
        splices = sorted({patch.splice for patch in wanted if patch.path == path})
        text = texts(path)
        if text is None or any(left.end > right.start for left, right in pairwise(splices)):
            return {}
        made[path] = spliced(text, splices)
    return made


def _fits(wanted: Sequence[Patch], texts: Texts, judge: Judge, before: Problems) -> bool:
    made = changed(wanted, texts)
    if not made:
        return False
    removed = Counter(problem_key(patch.finding) for patch in wanted)
    return judge(made) <= before - removed


def _candidates(finding: Finding, knowledge: Knowledge, texts: Texts) -> Iterator[Patch]:
    kind = knowledge.findings.get(finding.id)
    for rule in kind.patches if kind is not None else ():
        for place in finding.locations:
            text = texts(place.path)
            splice = None if text is None or place.line is None else _splice(text, place.path, place.line, rule)
            if splice is not None:
                yield Patch(finding, place.path, splice, rule.safe and splice.is_local)
                break


def _splice(text: str, path: str, line: int, rule: PatchRule) -> Splice | None:
    if rule.line:
        return haproxy_splice(text, line, rule)
    return nginx_splice(text, path, line, rule) if rule.directive else yaml_splice(text, line, rule)
