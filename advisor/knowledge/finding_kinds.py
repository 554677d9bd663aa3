"""The kinds of findings of rules/findings/: their words, and the conditions of the findings about a deployment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from advisor.errors import KnowledgeError
from advisor.findings import SEVERITIES, Confidence, Severity
from advisor.knowledge.observations import NUMBERS, ObservationKind, ProductDefault

FindingSubject = Literal["code", "proxy", "upstream", "route", "path", "workload", "service", "endpoint"]

FindingConditions: TypeAlias = dict[str, Any]
"""From the name of an observation with its part, such as `route.buffering`, to the condition on its value."""

FORMS = ("in", "not", "not_in", "below", "above", "has", "lacks", "matches", "stated")
"""The keys of a condition that is not a plain value."""

PLACEHOLDER = re.compile(r"\{([a-z]+\.[a-z_]+)\}")
"""A placeholder of a message."""


class SeverityCase(NamedTuple):
    """A severity with the circumstances in which a finding has it, and a sentence for the message.

    The last case of a list has no `when`.
    """

    level: Severity
    when: FindingConditions = {}  # noqa: RUF012
    confidence: Confidence | None = None
    adds: str = ""


class PatchRule(NamedTuple):
    """A change of a file that fixes a finding. The head of rules/findings/sessions.yaml explains the keys."""

    safe: bool
    directive: str = ""
    key: str = ""
    line: str = ""
    set: str = ""
    add: str = ""
    remove: str = ""


class OtherWords(NamedTuple):
    """The words and examples of a finding about code for another language. Empty texts are those of the finding."""

    hit: str
    miss: str
    message: str = ""
    fix: str = ""


class FindingKind(NamedTuple):
    """A kind of finding. The heads of the files in rules/findings/ explain the keys."""

    id: str
    title: str
    severity: Severity | list[SeverityCase]
    confidence: Confidence
    message: str
    what_it_does: str
    why: str
    fix: str
    hit: str | dict[str, Any]
    miss: str | dict[str, Any]
    sources: list[str]
    subject: FindingSubject = "code"
    when: FindingConditions | list[FindingConditions] = {}  # noqa: RUF012
    patches: list[PatchRule] = []  # noqa: RUF012
    typescript: OtherWords | None = None
    check: str = ""
    probability: float = 0.0

    @property
    def about(self) -> Literal["code", "deployment", "endpoint"]:
        """What the finding judges: server code, the files of a deployment, or a live endpoint."""
        if self.subject == "code" or self.subject == "endpoint":
            return self.subject
        return "deployment"

    @property
    def cases(self) -> list[SeverityCase]:
        """The severities with their circumstances, in the order in which they are tried."""
        return [SeverityCase(self.severity)] if isinstance(self.severity, str) else self.severity

    @property
    def levels(self) -> list[Severity]:
        """Every severity that the finding can have, the highest first."""
        return sorted({case.level for case in self.cases}, key=SEVERITIES.index)

    @property
    def alternatives(self) -> list[FindingConditions]:
        """The alternative sets of conditions."""
        return self.when if isinstance(self.when, list) else [self.when]

    @property
    def examples(self) -> Iterator[tuple[Literal["hit", "miss"], dict[str, Any]]]:
        """The examples: files, or observations of an endpoint. An example about code is `server.py`, or `server.ts`."""
        yield "hit", self.hit if isinstance(self.hit, dict) else {"server.py": self.hit}
        yield "miss", self.miss if isinstance(self.miss, dict) else {"server.py": self.miss}
        if self.typescript is not None:
            yield "hit", {"server.ts": self.typescript.hit}
            yield "miss", {"server.ts": self.typescript.miss}


def refuse_unknown_conditions(
    kinds: Iterable[FindingKind], observations: Iterable[ObservationKind], defaults: Iterable[ProductDefault]
) -> None:
    """Raise an error if a condition, a default or a placeholder has a name or a value that is not declared.

    Raises:
        KnowledgeError: the message has the finding and the name.
    """
    known = {f"{part}.{kind.id}": kind for kind in observations for part in kind.of}
    by_id = {kind.id: kind for kind in observations}
    for default in defaults:
        kind = by_id.get(default.observation)
        if kind is None or not kind.allows(default.value):
            raise KnowledgeError(
                f"rules/: defaults ({default.by}): {default.observation!r} has no value {default.value!r}"
            )
    for finding in kinds:
        where = f"rules/: findings ({finding.id})"
        if finding.subject != "code" and not all(finding.alternatives):
            raise KnowledgeError(f"{where}: `when` is missing")
        if finding.cases[-1].when or not all(case.when for case in finding.cases[:-1]):
            raise KnowledgeError(f"{where}, severity: only the last severity has no `when`")
        for patch in finding.patches:
            if [bool(patch.directive), bool(patch.key), bool(patch.line)].count(True) != 1:
                raise KnowledgeError(f"{where}, patches: a patch needs one of the keys directive, key and line")
            changes = [bool(patch.set), bool(patch.add), bool(patch.remove)]
            if changes.count(True) != 1 or not (patch.directive or patch.set):
                raise KnowledgeError(f"{where}, patches: a directive needs set, add or remove, and others need set")
        for conditions in (*finding.alternatives, *(case.when for case in finding.cases)):
            for name, condition in conditions.items():
                if name not in known:
                    raise KnowledgeError(f"{where}: {name!r} is not an observation")
                if problem := condition_problem(condition, known[name], known):
                    raise KnowledgeError(f"{where}, {name}: {problem}")
        if finding.subject != "code":
            texts = [finding.message, finding.fix, *(case.adds for case in finding.cases)]
            for name in PLACEHOLDER.findall(" ".join(texts)):
                if name not in known:
                    raise KnowledgeError(f"{where}, message: {name!r} is not an observation")


def condition_problem(condition: Any, kind: ObservationKind, known: Mapping[str, ObservationKind]) -> str:
    """Return what is wrong with a condition, or ""."""
    if not isinstance(condition, dict):
        return "" if kind.allows(condition) else f"{condition!r} is not a value of this observation"
    if not condition or not condition.keys() <= set(FORMS):
        return f"a condition is a value or has some of the keys {', '.join(FORMS)}"
    for form, wanted in condition.items():
        values = wanted if form in ("in", "not_in") else [wanted]
        if form == "stated":
            fits = isinstance(wanted, bool)
        elif form in ("below", "above"):
            other = known.get(wanted) if isinstance(wanted, str) else None
            is_number = isinstance(wanted, (int, float)) and not isinstance(wanted, bool)
            fits = kind.type in NUMBERS and (other.type in NUMBERS if other is not None else is_number)
        elif form in ("has", "lacks"):
            fits = kind.type == "words" and kind.allows([wanted] if isinstance(wanted, str) else wanted)
        elif form == "matches":
            fits = kind.type == "word" and isinstance(wanted, str) and _is_pattern(wanted)
        else:
            fits = isinstance(values, list) and all(map(kind.allows, values))
        if not fits:
            return f"{form}: {wanted!r} does not fit this observation"
    return ""


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True
