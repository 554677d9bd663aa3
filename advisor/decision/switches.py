"""The words of a decision for a server without the two Python flags: its own switches, and the rules without flags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from advisor.decision.core import Core
from advisor.decision.model import (
    Alternative,
    Counterfactual,
    Decision,
    EraCell,
    FeatureRow,
    PathStep,
    Switch,
)
from advisor.decision.trace import Trace
from advisor.engine.table import CheckedCondition, RuleAttempt
from advisor.findings import Finding, Fix
from advisor.knowledge import Knowledge
from advisor.knowledge.types import Era
from advisor.knowledge.versions import key
from advisor.requirements.model import Requirements

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")
_SERVER = ("server.kind", "sdk")
"""Facts for which a rule about another server has a false condition."""


def switches(
    core: Core, facts: Mapping[str, Any], requirements: Requirements, knowledge: Knowledge
) -> tuple[Switch, ...]:
    """Return how to set the modes of `core` in the SDK of the server; empty for the flags of a Python server."""
    match facts["server.kind"]:
        case "other":
            language = knowledge.languages[requirements["language"]]
            session = language.stateless if core.flags.stateless_http else language.sessions
            response = language.json if core.flags.json_response else language.sse
            return (Switch("sessions", session), Switch("response mode", response))
        case "http+sse":
            return (Switch("transport", knowledge.phrases["server.http+sse"]),)
    return ()


def assumption(facts: Mapping[str, Any], knowledge: Knowledge, newest: Mapping[str, str]) -> str:
    """Return what is assumed about the features of the server; "" for a Python server.

    Args:
        facts: the facts of the decision.
        knowledge: the profiles.
        newest: the newest measured release of each SDK line, for example `mcp 2.3.0`.
    """
    profile = knowledge.profiles.get(facts["server" if facts["server.kind"] == "http+sse" else "sdk"])
    return profile.note.format(release=newest[profile.like]) if profile else ""


def without_flags(decision: Decision) -> Decision:
    """Return the decision in words that fit a server without flags, for which no kit is generated."""
    words = _Rewording(decision)
    return decision._replace(
        because=words(decision.because),
        features=tuple(map(words.row, decision.features)),
        unmet=tuple(map(words.row, decision.unmet)),
        path=tuple(map(words.step, decision.path)),
        counterfactuals=tuple(map(words.counterfactual, decision.counterfactuals)),
        alternatives=tuple(map(words.alternative, decision.alternatives)),
        warnings=tuple(map(words.warning, decision.warnings)),
    )


def rows_without_flags(rows: Iterable[FeatureRow], decision: Decision) -> tuple[FeatureRow, ...]:
    """Return rows of a feature table in words that fit a server without flags."""
    return tuple(map(_Rewording(decision).row, rows))


def trace_without_flags(trace: Trace, decision: Decision) -> Trace:
    """Return the trace in words that fit a server without flags, without the rules about other servers."""
    words = _Rewording(decision)
    return [table._replace(attempts=[*map(words.attempt, filter(_concerns, table.attempts))]) for table in trace]


def _concerns(attempt: RuleAttempt) -> bool:
    """Whether the rule is about a server like this server: no condition about the server is false."""
    return all(tried.passed for tried in attempt.conditions if tried.fact in _SERVER)


class _Rewording:
    """Replaces the words about the flags, and removes sentences about the generated kit."""

    def __init__(self, decision: Decision) -> None:
        self._phrases = decision.knowledge.phrases
        self._assumption = decision.assumption
        self._others = tuple(self._phrases[f"calls.{kind}"].partition("{")[0] for kind in ("working", "failing"))
        self._nothing = self._phrases["calls.none"].partition("{")[0]
        self._features = decision.knowledge.features
        self._replacements = [one for one in decision.knowledge.replacements if one.kind in ("", decision.kind)]
        version = str(decision.requirements["sdk"]).partition("==")[2]
        is_old = bool(version) and key(version) < key(decision.release.start)
        self._upgrade = decision.release.exact if is_old else ""

    def __call__(self, text: str) -> str:
        kept = [sentence for sentence in _SENTENCE.split(text) if "generated" not in sentence]
        text = " ".join(kept) or text
        for replacement in self._replacements:
            text = text.replace(replacement.text, replacement.by)
        return text

    def row(self, row: FeatureRow) -> FeatureRow:
        """The row without the calls of Python SDKs, and without what guides say about the flags."""
        legacy, modern = (self._cell(row.feature, era, cell) for era, cell in row.cells)
        instead = self(row.instead) if row.instead else row.instead
        return row._replace(legacy=legacy, modern=modern, instead=instead, documented=None)

    def _cell(self, feature: str, era: Era, cell: EraCell) -> EraCell:
        nothing = cell.how.startswith(self._nothing)
        how = cell.words if nothing else self(cell.how.removeprefix(cell.call).lstrip(": "))
        how = "; ".join(part for part in how.split("; ") if not part.startswith(self._others))
        named = cell._replace(words=self._words(feature, era, cell), call="", how=how)
        if cell.status == "derived":
            return named._replace(evidence=self(cell.evidence))
        return named._replace(evidence=self._assumption if cell.evidence else "", status="assumed")

    def _words(self, feature: str, era: Era, cell: EraCell) -> str:
        """The words of a cell with the call of the protocol as its condition, or a note that nothing was measured."""
        if cell.outcome != "works" or not self._features[feature].need:
            return cell.words
        works, call = self._phrases["outcome.works"], self._phrases["outcome.call"]
        given = cell.words.removeprefix(self._phrases["outcome.works-if"].format(works=works, condition=""))
        parts = given.split(" and ") if given != cell.words else []
        others = [part for part in parts if not part.startswith(call.partition("{")[0])]
        # An SDK of another language can have more calls for legacy clients. They are not known.
        only = call.format(call=self._short(feature, cell.call)) in parts
        calls = [known for known in self._features[feature].calls if era in known.elsewhere]
        found = [known for known in calls if era == "modern" or (only and known.call == cell.call)]
        conditions = [call.format(call=known.short or known.call) for known in found[:1]] + others
        if conditions:
            return self._phrases["outcome.works-if"].format(works=works, condition=" and ".join(conditions))
        return self._phrases["outcome.not-measured"].format(works=works)

    def _short(self, feature: str, call: str) -> str:
        return next((known.short or call for known in self._features[feature].calls if known.call == call), call)

    def step(self, step: PathStep) -> PathStep:
        rule, facts = step.rule, dict(step.facts)
        if (stateless := facts.pop("stateless_http", None)) is not None:
            facts["sessions"] = not stateless
        return step._replace(facts=facts, rule=rule._replace(title=self(rule.title), because=self(rule.because)))

    def attempt(self, attempt: RuleAttempt) -> RuleAttempt:
        conditions = tuple(map(self._tried, attempt.conditions))
        return attempt._replace(rule=attempt.rule._replace(title=self(attempt.rule.title)), conditions=conditions)

    @staticmethod
    def _tried(tried: CheckedCondition) -> CheckedCondition:
        if tried.fact == "json_response":
            return tried._replace(fact="json answers")
        if tried.fact != "stateless_http":
            return tried
        condition = "is false" if tried.condition == "is true" else "is true"
        return tried._replace(fact="sessions", value=not tried.value, condition=condition)

    def counterfactual(self, other: Counterfactual) -> Counterfactual:
        change, how = self._upgraded(other.change, other.how)
        return other._replace(change=change, how=how)

    def alternative(self, other: Alternative) -> Alternative:
        change, how = self._upgraded(other.change, other.how)
        return other._replace(change=change, how=how, because=self(other.because))

    def _upgraded(self, change: Mapping[str, Any], how: str) -> tuple[Mapping[str, Any], str]:
        """The change to Streamable HTTP, with the upgrade of a release that is older than the measured releases."""
        if not self._upgrade or "transport" not in change:
            return change, self(how)
        return {**change, "sdk": self._upgrade}, f"{self._phrases['transport.upgrade'].format(sdk=self._upgrade)} {how}"

    def warning(self, warning: Finding) -> Finding:
        message, title, fix = self(warning.message), self(warning.title), self(warning.fix.text)
        return warning._replace(message=message, title=title, fix=Fix(fix))
