"""Applies ignore comments, the configuration file and the baseline to the findings of a command."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from advisor.audits.server_code import worded_finding
from advisor.findings import SEVERITIES, Finding, Location
from advisor.knowledge import Knowledge
from advisor.requirements.text import nearest, printable
from advisor.triage.baseline import Baseline, shown_path
from advisor.triage.configuration import TriagePolicy
from advisor.triage.fingerprints import fingerprints
from advisor.triage.ignore_comments import IgnoreComment, ignore_comments
from advisor.triage.model import BaselineEntry, Override, Suppression, Triaged, TriagedFinding
from advisor.triage.source_lines import SourceLines

_ABOUT_COMMENTS = ("ignore-without-reason", "unknown-ignore", "unused-ignore")
"""The findings about ignore comments."""
_LONGEST = 2000
_MOST_COMMENTS = 500
"""So many ids of the ignore comments in a file are checked. All of them accept findings."""


class TriageOrder(NamedTuple):
    """What applies to the findings of a command.

    Attributes:
        root: the folder to which the paths of findings are relative.
        judged: the ids of the findings that the command can report. An entry of the baseline, or an ignore comment,
            for another id is not judged.
        configuration: the entries of the configuration file.
        baseline: the accepted findings.
    """

    root: Path
    judged: Collection[str]
    configuration: TriagePolicy = TriagePolicy()
    baseline: Baseline = Baseline()


def triaged(
    findings: Sequence[Finding],
    examined: Sequence[str],
    not_examined: Sequence[tuple[str, str]],
    order: TriageOrder,
    knowledge: Knowledge,
) -> Triaged:
    """Return the findings with what the team decided about them.

    Args:
        findings: the findings; each has a location.
        examined: the files that were read, relative to the root.
        not_examined: the path and the reason for each file that was not read.
        order: what applies.
        knowledge: has the kinds of findings.
    """
    lines = SourceLines(order.root)
    files = dict.fromkeys([*examined, *(place.path for finding in findings for place in finding.locations)])
    comments = [comment for path in files for comment in ignore_comments(lines.marked(path), path)]
    clean = [_printable(finding) for finding in findings]
    by_comment = _Comments(comments)
    suppressed = [by_comment.suppression(finding) for finding in clean]
    about = [_printable(each) for each in _about_comments(by_comment, order.judged, knowledge)]
    clean += about
    suppressed += [None] * len(about)
    digits = fingerprints(clean, lines)
    accepted = {entry.fingerprint for _, entry in order.baseline.entries}
    found = [
        _judged(finding, fingerprint, suppression, order.configuration, fingerprint in accepted)
        for finding, fingerprint, suppression in zip(clean, digits, suppressed, strict=True)
    ]
    found.sort(key=_place)
    return Triaged(
        _folder(order.root),
        tuple(examined),
        tuple((path, _plain(why)) for path, why in not_examined),
        tuple(each for each in found if each.suppression is None),
        tuple(each for each in found if each.suppression is not None),
        tuple(_stale(order, set(digits), examined, lines)),
    )


class _Comments:
    """The ignore comments, and which of their ids matched a finding."""

    def __init__(self, comments: Iterable[IgnoreComment]) -> None:
        self.all = list(comments)
        self.used: set[tuple[IgnoreComment, str]] = set()
        self._by_target: dict[tuple[str, int | None], list[IgnoreComment]] = {}
        for comment in self.all:
            self._by_target.setdefault((comment.path, comment.target), []).append(comment)

    def suppression(self, finding: Finding) -> Suppression | None:
        """Return the comment that accepts a finding, or None. A comment without a reason has no effect."""
        found: Suppression | None = None
        for place in finding.locations:
            for comment in self._by_target.get((place.path, place.line), ()):
                if finding.id in comment.ids:
                    self.used.add((comment, finding.id))
                    if comment.reason and found is None:
                        found = Suppression("comment", _plain(comment.reason), Location(comment.path, comment.line))
        return found


def _about_comments(comments: _Comments, judged: Collection[str], knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the findings about the comments themselves."""
    kinds = knowledge.findings

    def made(name: str, comment: IgnoreComment, words: Mapping[str, str]) -> Finding:
        return worded_finding(kinds[name], Location(comment.path, comment.line), words)

    counts = Counter[str]()
    for comment in comments.all:
        # A file can have very many comments, and each nearest id takes time.
        counts[comment.path] += max(1, len(comment.ids))
        if counts[comment.path] > _MOST_COMMENTS:
            continue
        if not comment.ids:
            yield made("unknown-ignore", comment, {"problem": knowledge.phrases["findings.ignore.no-ids"], "meant": ""})
        for name in comment.ids:
            if name not in kinds:
                problem = knowledge.phrases["findings.ignore.unknown"].format(id=printable(name, 60))
                yield made("unknown-ignore", comment, {"problem": problem, "meant": nearest(name, kinds)})
            elif not comment.reason:
                yield made("ignore-without-reason", comment, {"id": name})
            elif name in judged and name not in _ABOUT_COMMENTS and (comment, name) not in comments.used:
                yield made("unused-ignore", comment, {"id": name, "line": str(comment.target)})


def _judged(
    finding: Finding,
    fingerprint: str,
    suppression: Suppression | None,
    configuration: TriagePolicy,
    is_accepted: bool,
) -> TriagedFinding:
    if suppression is None and (ignored := configuration.ignored(finding)) is not None:
        suppression = Suppression("configuration", _plain(ignored.reason))
    if suppression is None and is_accepted:
        suppression = Suppression("baseline")
    changed = configuration.severity_of(finding)
    if changed is None or changed.severity == finding.severity:
        return TriagedFinding(finding, fingerprint, None, suppression)
    override = Override(finding.severity, _plain(changed.reason))
    return TriagedFinding(finding._replace(severity=changed.severity), fingerprint, override, suppression)


def _stale(
    order: TriageOrder, present: set[str], examined: Sequence[str], lines: SourceLines
) -> Iterator[tuple[int, BaselineEntry]]:
    """Yield the entries that match no finding. An entry about a file that was not read is not judged."""
    read = {shown_path(path) for path in examined}
    for line, entry in order.baseline.entries:
        can_judge = entry.id in order.judged and (entry.path in read or not lines.exists(entry.path))
        if entry.fingerprint not in present and can_judge:
            yield line, entry


def _place(each: TriagedFinding) -> tuple[int, str, tuple[tuple[str, int, str], ...], str]:
    finding = each.finding
    places = tuple((place.path, place.line or 0, place.key) for place in finding.locations)
    return SEVERITIES.index(finding.severity), finding.id, places, finding.message


def _printable(finding: Finding) -> Finding:
    """Return a finding with texts for a terminal and a log. Names in examined files can have any characters."""
    fix = finding.fix._replace(text=_plain(finding.fix.text))
    return finding._replace(message=_plain(finding.message), why=_plain(finding.why), fix=fix)


def _plain(text: str) -> str:
    return printable(" ".join(text.split()), _LONGEST)


def _folder(root: Path) -> str:
    """Return the folder as seen from the current folder, with `/`; "" for the current folder or a folder outside it."""
    try:
        folder = Path(os.path.relpath(root.resolve(), Path.cwd().resolve())).as_posix()
    except (OSError, ValueError, RuntimeError):
        return ""
    return "" if folder == "." or folder.startswith("../") or folder == ".." else folder
