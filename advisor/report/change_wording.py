"""Words for changes of the requirements and for the deployments that follow from them.

This module contains no layout and makes no decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from advisor.decision.change_lists import repeats
from advisor.decision.core import Core, Flags, difference
from advisor.decision.model import Alternative, Counterfactual, Decision
from advisor.engine.table import show
from advisor.knowledge.servers import OTHER
from advisor.knowledge.types import Raw, flag_key
from advisor.sentences import inside, listed

SHIFTS_SHOWN = 8
"""The largest number of changes in text and Markdown. JSON contains all changes."""

_NO_EFFORT = 9  # effort of a change that the team cannot make


class _After(NamedTuple):
    """A new decision after a change.

    Attributes:
        core: the new core.
        tier_flags: the flags of the tiers, if the new pattern is `tiered`.
        unreached: why no client can connect; "" if a client can connect.
    """

    core: Core
    tier_flags: tuple[Flags, ...]
    unreached: str

    @property
    def phrase(self) -> str:
        """The last part of the ids of the phrases for the new pattern."""
        return f"{self.core.pattern}.unreached" if self.unreached else self.core.pattern


class Shift(NamedTuple):
    """A change of facts and the new decision.

    Attributes:
        change: the facts and their new values, in words.
        then: the new pattern or, for a contradiction, its meaning; "" if the pattern stays.
        phrase: the last part of the ids of the phrases for the new pattern; "" if the pattern stays.
        differs: the other parts of the decision that change, in words; "" if there are none.
        tiers: the flags of each tier, if the new pattern is `tiered`.
        effort: 1 to 5, or 9 if the team cannot make the change.
        feasible: whether the new decision keeps every required feature.
    """

    change: str
    then: str
    phrase: str
    differs: str
    tiers: tuple[str, ...]
    effort: int
    feasible: bool

    @property
    def parts(self) -> str:
        """The parts that change on a line; "; " stands before each tier."""
        return "; ".join(filter(None, (self.differs, *self.tiers)))


def value_text(value: Raw) -> str:
    """Return a value of the requirements in words."""
    if value is None:
        return "unknown"
    if isinstance(value, Mapping):
        return "-".join(str(value[end]) for end in ("min", "max"))
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return show(value)


def shifts(decision: Decision) -> tuple[list[Shift], int]:
    """Return the changes to show, the easiest first, and the number of changes that are not shown.

    Changes of several facts with the same value and the same result form an entry. Changes that lead to a simpler
    pattern have priority, then changes that lead to a contradiction.
    """
    groups: dict[tuple[str, _After], list[tuple[str, int]]] = {}
    for fact, result, values, effort in _by_fact(decision):
        groups.setdefault((values, result), []).append((fact, effort))
    rated = []
    for (values, result), facts in groups.items():
        then = result.core
        effort = min(effort for _, effort in facts)
        phrase = decision.phrases["change.any-of" if len(facts) > 1 else "change.of"]
        change = phrase.format(facts=", ".join(fact for fact, _ in facts), values=values)
        words = inside(result.unreached) or decision.phrases["pattern.contradiction"]
        words = pattern_text(then, decision.phrases) if then.feasible else words
        pattern, name = (words, result.phrase) if then.pattern != decision.core.pattern else ("", "")
        kind = decision.kind_after({fact: values for fact, _ in facts})
        differs, tiers = _differs(result, decision, kind, [fact for fact, _ in facts])
        shift = Shift(change, pattern, name, differs, tiers, effort, then.feasible)
        rated.append((_interest(decision, then), effort, shift))
    rated.sort(key=itemgetter(0, 1))
    shown = sorted(rated[:SHIFTS_SHOWN], key=itemgetter(1))
    return [shift for _, _, shift in shown], len(rated) - len(shown)


def _by_fact(decision: Decision) -> Iterable[tuple[str, _After, str, int]]:
    """Yield (fact, result, values, effort) for each fact and result; `values` lists the values with this result."""
    merged: dict[tuple[str, _After], list[tuple[str, int]]] = {}
    told = () if decision.feasible else decision.alternatives  # The possible fixes show these changes.
    for other in decision.counterfactuals:
        if not any(repeats(other, way) for way in told) and difference(other.core, decision.core):
            value = next(iter(other.change.values()))
            key, result = _edited(decision, other.change), _After(other.core, other.tier_flags, other.unreached)
            merged.setdefault((key, result), []).append((value_text(value), other.effort or _NO_EFFORT))
    for (fact, result), values in merged.items():
        texts = [text for text, _ in values]
        yield fact, result, listed(texts, "or"), min(effort for _, effort in values)


def _interest(decision: Decision, then: Core) -> int:
    """Return the rank of a change. Changes that lead to a pattern that is simpler to operate come first."""
    now, patterns = decision.core, decision.patterns
    if patterns.index(then.pattern) < patterns.index(now.pattern):
        return 0
    return 1 if not then.feasible else (2 if then.pattern != now.pattern else 3)


def _differs(result: _After, decision: Decision, kind: str, facts: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the parts that differ after a change of `facts`, and the flags of each tier of the new decision."""
    differs = difference(result.core, decision.core)
    phrases = decision.phrases
    parts: list[str] = []
    tiers: list[str] = []
    flags = differs.get("flags", {})
    now = decision.core.flags._asdict() if decision.feasible else {}
    if "tiered" in (result.core.pattern, decision.core.pattern) and "pattern" in differs:
        # The flags of a tier say nothing about the other tier, so all flags of the new decision are shown.
        shown = _flags_texts(result, kind, phrases) if result.core.feasible else []
        parts, tiers = ([], shown) if result.tier_flags else (list(filter(None, shown)), [])
    else:
        changed = [name for name, value in flags.items() if now.get(name) != value]
        modes = _modes(result.core.flags, kind, phrases)
        parts += [
            modes[name] if name in modes else f"{name}={flags[name]}" for name in changed if modes or kind == "python"
        ]
    mechanism = differs.get("affinity", {}).get("mechanism")
    if mechanism:
        phrase = phrases["change.affinity.none" if mechanism == "none" else "change.affinity"]
        parts.append(phrase.format(mechanism=mechanism, owner_in=decision.owner_in(mechanism)))
    if "substitute" in differs:
        # A decision that no longer replaces a required feature keeps this feature.
        needed = [row for row in decision.features if row.substituted and row.need == "required"]
        works = any(f"needs.{row.feature}" not in facts for row in needed)
        ending = "" if differs["substitute"] != "none" else (".none.works" if works else ".none")
        parts.append(phrases[f"change.substitute{ending}"])
    return ", ".join(parts), tuple(tiers)


def change_text(decision: Decision, alternative: Alternative) -> str:
    """Return the keys of the requirements file that an alternative edits, with their new values."""
    return ", ".join(edited_keys(decision, alternative))


def edited_keys(decision: Decision, alternative: Alternative) -> list[str]:
    """Return each key of the requirements file that an alternative edits, with its new value."""
    edited, remove = decision.edits(alternative.change).items(), decision.phrases["change.remove"]
    return [remove.format(key=key) if value is None else f"{key}: {value_text(value)}" for key, value in edited]


def _edited(decision: Decision, change: Mapping[str, Raw]) -> str:
    """Return the key of the file for the main fact of a change, with the other keys that the change edits too."""
    edited, phrases = decision.edits(change) or dict(change), decision.phrases
    first, *others = edited
    if others and others[0].startswith("tools["):
        return phrases[f"change.{'not-in' if first.startswith('workload.') else 'in'}-tools"].format(key=first)
    alike = [key for key in others if edited[key] == edited[first]]
    added = [f"{key}: {value_text(edited[key])}" for key in others if key not in alike and edited[key] is not None]
    removed = [key for key in others if edited[key] is None]
    others_named = (("change.with", added), ("change.without", removed))
    parts = [phrases[name].format(keys=", ".join(keys)) for name, keys in others_named if keys]
    return " and ".join([first, *alike]) + (f" ({' and '.join(parts)})" if parts else "")


def pattern_text(core: Core, phrases: Mapping[str, str]) -> str:
    """Return the pattern with its meaning in a few words."""
    return f"{core.pattern} ({phrases[f'screen.pattern.{core.pattern}']})"


def flags_text(core: Core, kind: str, phrases: Mapping[str, str]) -> str:
    """Return the flag pair as Python keyword arguments, or its modes in words; "" for HTTP+SSE, which has no modes."""
    return _pair(core.flags, kind, phrases)


def deployment_flags(other: Alternative | Counterfactual | _After, kind: str, phrases: Mapping[str, str]) -> str:
    """Return the flag pair of another deployment, or the flag pair of each tier of a tiered deployment."""
    return "; ".join(_flags_texts(other, kind, phrases))


def _flags_texts(other: Alternative | Counterfactual | _After, kind: str, phrases: Mapping[str, str]) -> list[str]:
    """Return a text for the deployment, or a text for each tier of a tiered deployment."""
    if not other.tier_flags:
        return [flags_text(other.core, kind, phrases)]
    tiers, phrase = zip(("stateless", "stateful"), other.tier_flags, strict=True), phrases["change.tier"]
    return [phrase.format(tier=name, flags=_pair(flags, kind, phrases)) for name, flags in tiers]


class OtherDeployment(NamedTuple):
    """Another deployment in words.

    Attributes:
        pattern: the pattern, with its meaning in a few words.
        settings: the flags of a deployment without tiers, and the session affinity; "" without both.
        tiers: the flags of each tier; () without tiers.
    """

    pattern: str
    settings: str
    tiers: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """A text for the deployment, then a text for each tier."""
        return (", ".join(filter(None, (self.pattern, self.settings))), *self.tiers)


def result(decision: Decision, way: Alternative | Counterfactual) -> OtherDeployment:
    """Return the pattern, the flags and the session affinity of another deployment."""
    phrases, mechanism = decision.phrases, way.core.mechanism
    flags = _flags_texts(way, decision.kind_after(way.change), phrases)
    parts, tiers = ([], tuple(flags)) if way.tier_flags else (flags, ())
    if mechanism != "none":
        owner_in = decision.owner_in(mechanism)
        phrase = phrases["change.affinity" if owner_in else "change.affinity.only"]
        parts = [*parts, phrase.format(mechanism=mechanism, owner_in=owner_in)]
    return OtherDeployment(pattern_text(way.core, phrases), ", ".join(filter(None, parts)), tiers)


def result_text(decision: Decision, way: Alternative | Counterfactual) -> str:
    """Return another deployment on a line; "; " stands before each tier."""
    return "; ".join(result(decision, way).lines)


def _pair(flags: Flags, kind: str, phrases: Mapping[str, str]) -> str:
    if kind == "python":
        return f"stateless_http={flags.stateless_http}, json_response={flags.json_response}"
    return ", ".join(_modes(flags, kind, phrases).values())


def _modes(flags: Flags, kind: str, phrases: Mapping[str, str]) -> dict[str, str]:
    """Return the modes of a server without the Python flags, by the name of the flag."""
    if kind != OTHER:
        return {}
    sessions, response = flag_key(*flags).split("+")
    return {"stateless_http": phrases[f"mode.{sessions}"], "json_response": phrases[f"mode.{response}"]}
