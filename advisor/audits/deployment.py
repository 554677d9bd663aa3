"""The findings about a deployment: the conditions of rules/findings/ on each path of requests to an MCP server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from advisor.audits.conditions import holding
from advisor.audits.path_fact import PathFact
from advisor.audits.path_facts import PathFacts
from advisor.audits.request_paths import IMAGE, RequestPath
from advisor.audits.server_code import PAGE
from advisor.findings import SEVERITIES, Confidence, Finding, Fix, Location
from advisor.knowledge import Knowledge
from advisor.knowledge.finding_kinds import PLACEHOLDER, FindingKind, SeverityCase
from advisor.requirements.model import Requirements
from advisor.sentences import listed

_MOST_LOCATIONS = 6
_MEGABYTE = 1024 * 1024


def deployment_findings(
    paths: Sequence[RequestPath], knowledge: Knowledge, requirements: Requirements | None = None
) -> tuple[Finding, ...]:
    """Return the findings about the paths, the most severe first, each place once.

    Args:
        paths: the paths of requests to MCP servers.
        knowledge: has the conditions and the words.
        requirements: what the user states about the deployment, or None.
    """
    kinds = [kind for kind in knowledge.findings.values() if kind.about == "deployment"]
    found: dict[tuple[str, Location], Finding] = {}
    ambiguous = _ambiguous(paths)
    for path in paths:
        stated = requirements
        if stated is not None and path.workload is not None and path.workload.kind in ambiguous:
            stated = replace(stated, tools=())  # The tools can be in another workload.
        facts = PathFacts(path, knowledge, stated)
        for kind in kinds:
            finding = _judged(kind, facts, knowledge)
            if finding is not None:
                place = (finding.id, finding.locations[0])
                found[place] = min(found.get(place, finding), finding, key=_rank)
    return tuple(sorted(found.values(), key=_rank))


def _ambiguous(paths: Sequence[RequestPath]) -> set[str]:
    """Return the kinds of workloads of which several different servers run. A tool can be in each of them."""
    names = {(path.workload.kind, path.workload.name) for path in paths if path.workload is not None}
    kinds = [kind for kind, _ in names]
    return {kind for kind in kinds if kinds.count(kind) > 1}


def _rank(finding: Finding) -> tuple[int, str, tuple[tuple[str, int], ...]]:
    places = tuple((place.path, place.line or 0) for place in finding.locations)
    return SEVERITIES.index(finding.severity), finding.id, places


def _judged(kind: FindingKind, facts: PathFacts, knowledge: Knowledge) -> Finding | None:
    """Return the finding about a path, or None."""
    values = next((each for when in kind.alternatives if (each := holding(when, facts.get)) is not None), None)
    if values is None:
        return None
    case, more = next((case, each) for case in kind.cases if (each := holding(case.when, facts.get)) is not None)
    used = [*values, *more]
    locations = tuple(dict.fromkeys(_locations(kind, used, facts)))
    if not locations:
        return None
    message = _filled(f"{kind.message} {case.adds}".strip(), facts, knowledge)
    default = _default_note(f"{kind.message} {case.adds}", used, knowledge)
    return Finding(
        kind.id,
        f"{message} {default}".strip(),
        case.level,
        kind.title,
        Fix(_filled(kind.fix, facts, knowledge)),
        locations[:_MOST_LOCATIONS],
        sources=tuple(kind.sources),
        confidence="possible" if facts.path.evidence == IMAGE else _confidence(kind, case, used),
        why=kind.why,
        url=f"{PAGE}#{kind.id}",
    )


def _confidence(kind: FindingKind, case: SeverityCase, used: Sequence[tuple[str, PathFact]]) -> Confidence:
    stated = case.confidence or kind.confidence
    is_guessed = any(fact.is_guessed for _, fact in used)
    return "likely" if is_guessed and stated == "certain" else stated


def _locations(kind: FindingKind, used: Sequence[tuple[str, PathFact]], facts: PathFacts) -> Iterator[Location]:
    """Yield the locations: of a stated value of the subject, or of the subject; then those of the other values."""
    of_subject = [fact.location for name, fact in used if name.startswith(f"{kind.subject}.")]
    first = next((place for place in of_subject if place is not None), None) or facts.place(kind.subject)
    if first is not None:
        yield first
    yield from (fact.location for _, fact in used if fact.location is not None)


def _filled(text: str, facts: PathFacts, knowledge: Knowledge) -> str:
    """Replace the placeholders of a text by the values of the path. Other braces are code."""

    def word(name: str) -> str:
        fact = facts.get(name)
        if fact is None:
            return knowledge.phrases["audit.unknown"]
        shown = _shown(name, fact, knowledge)
        by = knowledge.phrases["audit.default"].format(by=fact.default_of) if fact.default_of else ""
        return f"{shown}{by}"

    return PLACEHOLDER.sub(lambda match: word(match[1]), text)


def _default_note(text: str, used: Sequence[tuple[str, PathFact]], knowledge: Knowledge) -> str:
    """Return a sentence about the defaults on which a finding rests and that its message does not show."""
    shown = set(PLACEHOLDER.findall(text))
    rests = [(name, fact) for name, fact in used if fact.default_of and name not in shown and _matters(name, fact)]
    if not rests:
        return ""
    settings = [f"{name.partition('.')[2].replace('_', ' ')} {_shown(name, fact, knowledge)}" for name, fact in rests]
    by = listed(list(dict.fromkeys(fact.default_of for _, fact in rests)))
    return knowledge.phrases["audit.rests-on-default"].format(settings=listed(settings), by=by)


def _matters(name: str, fact: PathFact) -> bool:
    """Return whether a default is worth a sentence. The finding itself names what is missing."""
    return fact.value != "none" and name not in ("upstream.sticky", "upstream.balance", "route.methods")


def _shown(name: str, fact: PathFact, knowledge: Knowledge) -> str:
    kind, value = knowledge.observations[name.partition(".")[2]], fact.value
    if isinstance(value, bool):
        return knowledge.phrases["audit.yes" if value else "audit.no"]
    if kind.type == "seconds" and isinstance(value, (int, float)):
        return f"{value:g} s"
    if kind.type == "bytes" and isinstance(value, (int, float)):
        return f"{value / _MEGABYTE:g} MB" if value >= _MEGABYTE else f"{value:,} bytes"
    if isinstance(value, (int, float)):
        return f"{value:g}"
    return listed(value) if isinstance(value, (tuple, list)) else str(value)
