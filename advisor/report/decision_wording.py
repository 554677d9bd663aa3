"""Words for the parts of a decision. The text and the Markdown of a decision use the same words from this module.

This module contains no layout and makes no decisions.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import NamedTuple

from advisor.decision.model import Alternative, Core, Decision, FeatureRow, Flags, PathStep, difference
from advisor.engine.table import show
from advisor.knowledge.servers import OTHER
from advisor.knowledge.types import Era, Raw

SHIFTS_SHOWN = 8
"""The largest number of changes in text and Markdown. JSON contains all changes."""

WHERE = "Which instance can process the request or the reply of the client, for each needed feature"
"""The heading above the calls of the needed features."""

DISPUTED = "Published guides contradict the measured results of this feature."
"""The meaning of the mark * in the feature table."""

TIERS = (
    "If only tools of the stateful tier need a feature, the row shows the result in that tier. All other rows show the "
    "results in the stateless tier."
)
"""Which tier a row of the feature table describes, for a tiered deployment."""

# Patterns from the simplest to operate to the most complex. Changes that lead to a simpler pattern are shown first.
_SIMPLER = ("stateless-fleet", "single-instance", "sticky-fleet", "tiered", "shared-state", "contradiction")
_NO_EFFORT = 9  # effort of a change that the team cannot make


class _Result(NamedTuple):
    """A new decision after a change.

    Attributes:
        core: the new core.
        tier_flags: the flags of the tiers, if the new pattern is `tiered`.
    """

    core: Core
    tier_flags: tuple[Flags, ...]


class Shift(NamedTuple):
    """A change of facts and the new decision.

    Attributes:
        change: the facts and their new values, in words.
        then: the new pattern or, for a contradiction, its meaning; "" if the pattern stays.
        differs: the other parts of the decision that change, in words.
        effort: 1 to 5, or 9 if the team cannot make the change.
        feasible: whether the new decision keeps every required feature.
    """

    change: str
    then: str
    differs: str
    effort: int
    feasible: bool


def value_text(value: Raw) -> str:
    """Return a value of the requirements in words."""
    if value is None:
        return "unknown"
    if isinstance(value, Mapping):
        return "-".join(str(value[end]) for end in ("min", "max"))
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return show(value)


def sdk_text(decision: Decision) -> str:
    """Return the SDK as the requirements name it, with the release that the decision uses."""
    asked, newest = str(decision.requirements["sdk"]), decision.release.newest
    if asked == OTHER:
        return f"{asked} ({decision.knowledge.languages[decision.requirements['language']].name})"
    if decision.kind == "http+sse":
        return f"{asked}, with HTTP+SSE"
    if decision.facts["sdk.measured"] == "no":
        return f"{asked} ({asked.partition('==')[2]} has not been measured; {newest} is used)"
    return asked if "==" in asked else f"{asked} ({decision.release.package} {newest})"


def clients_text(decision: Decision) -> str:
    """Return the protocol eras that the deployment serves, with a reason if the requirements do not name them."""
    eras = " and ".join(decision.eras) or "none, because the SDK does not support the protocol era of the clients"
    if decision.facts["era.modern"] == "falls-back":
        eras += "; modern clients fall back to the initialize handshake and behave as legacy clients"
    why = decision.requirements.inferred.get("clients.protocol")
    if why is None and decision.requirements["clients.protocol"] == "unknown":
        why = "clients.protocol is unknown" + (
            ", so the decision covers both protocol eras" if len(decision.eras) > 1 else ""
        )
    return f"{eras} ({why})" if why else eras


def instances_text(decision: Decision) -> str:
    """Return the number of instances, for each tier of a tiered deployment."""
    asked = decision.requirements["scale.instances"]
    if decision.tiers:
        return ", ".join(f"{tier.instances} in the {tier.name} tier" for tier in decision.tiers)
    number = str(decision.instances)
    return f"{number} (lower end of the range {value_text(asked)})" if isinstance(asked, dict) else number


def era_note(decision: Decision, era: Era) -> str:
    """Return a note for the column of an era whose clients are not expected or not served; else ""."""
    state = str(decision.facts[f"era.{era}"])
    notes = {"named": "", "falls-back": "fall back to legacy", "unserved": "cannot connect"}
    return notes.get(state, "you have none")


def undecided(decision: Decision) -> str:
    """Return the reason why the feature table of a contradiction has flags, and these flags."""
    if decision.kind == "http+sse":
        return "The table shows what happens today."
    what, mode = ("flags", "") if decision.kind == "python" else ("modes", "a server ")
    example = f"{mode}{flags_text(decision.core, decision.kind)}"
    return f"The decision sets no {what}. As an example, the table shows what happens with {example}."


def losses(decision: Decision) -> list[str]:
    """Return a text for each needed feature that is lost and has no substitute, with the clients that lose it."""
    lost = [row for row in decision.needed if row.lost and not row.substituted]
    return [f"{row.title} ({row.need}): {lost_for(row)}" for row in lost]


def need_text(decision: Decision, row: FeatureRow) -> str:
    """Return how much the feature is needed, as the feature table shows it."""
    if row.feature == "plain":
        return "always"
    if row.need != "none":
        return row.need
    return "not stated" if decision.says_nothing_of(row) else "-"


def assumed_unused(decision: Decision) -> str:
    """Return a text about lost features of which the requirements say nothing; empty without such a feature."""
    rows = decision.assumed_unused
    if not rows:
        return ""
    names = ", ".join(row.feature for row in rows)
    what = "it" if len(rows) == 1 else "them"
    return f"{names}. The requirements do not state whether a tool needs {what}, and this decision loses {what}."


def lost_for(row: FeatureRow) -> str:
    """Return which clients lose the feature, and the outcome that they observe."""
    return "; ".join(f"{cell.words} for {era} clients" for era, cell in row.failing)


def fact_texts(step: PathStep) -> list[str]:
    """Return the facts that a step uses. A value of the requirements follows in parentheses if its bin hides it."""
    return [_fact_text(name, show(value), step.stated.get(name)) for name, value in step.facts.items()]


def _fact_text(name: str, shown: str, stated: Raw) -> str:
    if stated is None or value_text(stated) == shown:
        return f"{name}: {shown}"
    return f"{name}: {shown} ({value_text(stated)})"


def evidence(row: FeatureRow) -> list[str]:
    """Return the results for a feature by protocol era, only for eras that the requirements name if they name any."""
    seen = [(era, cell) for era, cell in row.cells if cell.named] or [row.cells[0]]
    (_, first), *others = seen
    if first.evidence and all(cell.evidence == first.evidence for _, cell in others):
        if all(cell.outcome == first.outcome for _, cell in others):
            return [f"{' and '.join(era for era, _ in seen)} clients: {first.words}. {first.evidence}"]
        return [f"{'; '.join(f'{era} clients: {cell.words}' for era, cell in seen)}. {first.evidence}"]
    return [f"{era} clients: {cell.words}. {cell.evidence or cell.how}" for era, cell in seen]


def shifts(decision: Decision) -> tuple[list[Shift], int]:
    """Return the changes to show, the easiest first, and the number of changes that are not shown.

    Changes of several facts with the same value and the same result form one entry. Changes that lead to a simpler
    pattern have priority, then changes that lead to a contradiction.
    """
    groups: dict[tuple[str, _Result], list[tuple[str, int]]] = {}
    for fact, result, values, effort in _by_fact(decision):
        groups.setdefault((values, result), []).append((fact, effort))
    rated = []
    for (values, result), facts in groups.items():
        then = result.core
        effort = min(effort for _, effort in facts)
        change = f"{'any of ' if len(facts) > 1 else ''}{', '.join(fact for fact, _ in facts)}: {values}"
        words = then.pattern if then.feasible else decision.knowledge.phrases["pattern.contradiction"]
        pattern = words if then.pattern != decision.core.pattern else ""
        kind = decision.kind_after({fact: values for fact, _ in facts})
        shift = Shift(change, pattern, _differs(result, decision, kind), effort, then.feasible)
        rated.append((_interest(then, decision.core), effort, shift))
    rated.sort(key=itemgetter(0, 1))
    shown = sorted(rated[:SHIFTS_SHOWN], key=itemgetter(1))
    return [shift for _, _, shift in shown], len(rated) - len(shown)


def _by_fact(decision: Decision) -> Iterable[tuple[str, _Result, str, int]]:
    """Yield (fact, result, values, effort) for each fact and result; `values` lists the values with this result."""
    merged: dict[tuple[str, _Result], list[tuple[str, int]]] = {}
    told = [] if decision.feasible else [way.change for way in decision.alternatives]  # The possible fixes show these.
    for other in decision.counterfactuals:
        if other.change not in told and difference(other.core, decision.core):
            for fact, value in other.change.items():
                result = _Result(other.core, other.tier_flags)
                merged.setdefault((fact, result), []).append((value_text(value), other.effort or _NO_EFFORT))
    for (fact, result), values in merged.items():
        texts = [text for text, _ in values]
        listed = texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"
        yield fact, result, listed, min(effort for _, effort in values)


def _interest(then: Core, now: Core) -> int:
    simpler = _SIMPLER.index(then.pattern) < _SIMPLER.index(now.pattern)
    if simpler:
        return 0
    return 1 if not then.feasible else (2 if then.pattern != now.pattern else 3)


def _differs(result: _Result, decision: Decision, kind: str) -> str:
    differs = difference(result.core, decision.core)
    parts = []
    flags = differs.get("flags", {})
    now = decision.core.flags._asdict() if decision.feasible else {}
    if "tiered" in (result.core.pattern, decision.core.pattern) and "pattern" in differs:
        # The flags of one tier say nothing about the other tier, so all flags of the new decision are shown.
        parts += [deployment_flags(result, kind)] if result.core.feasible else []
    else:
        changed = [name for name, value in flags.items() if now.get(name) != value]
        modes = _modes(result.core.flags, kind)
        parts += [
            modes[name] if name in modes else f"{name}={flags[name]}" for name in changed if modes or kind == "python"
        ]
    mechanism = differs.get("affinity", {}).get("mechanism")
    if mechanism:
        parts.append("no session affinity" if mechanism == "none" else f"session affinity {mechanism}")
    if "substitute" in differs:
        parts.append(
            "the server calls the model directly" if differs["substitute"] != "none" else "no substitute for sampling"
        )
    return ("; " if result.tier_flags else ", ").join(parts)


def change_text(alternative: Alternative) -> str:
    """Return the keys of the requirements that an alternative changes, with their new values."""
    return ", ".join(f"{name}: {value_text(value)}" for name, value in alternative.change.items())


def flags_text(core: Core, kind: str) -> str:
    """Return the flag pair as Python keyword arguments, or its modes in words; "" for HTTP+SSE, which has no modes."""
    return _pair(core.flags, kind)


def deployment_flags(other: Alternative | _Result, kind: str) -> str:
    """Return the flag pair of another deployment, or the flag pair of each tier of a tiered deployment."""
    if not other.tier_flags:
        return flags_text(other.core, kind)
    tiers = zip(("stateless", "stateful"), other.tier_flags, strict=True)
    return "; ".join(f"{_pair(flags, kind)} in the {name} tier" for name, flags in tiers)


def result_text(decision: Decision, way: Alternative) -> str:
    """Return the pattern, the flags and the session affinity of another deployment."""
    parts = [way.core.pattern, deployment_flags(way, decision.kind_after(way.change))]
    parts += [f"session affinity {way.core.mechanism}"] if way.core.mechanism != "none" else []
    return ", ".join(part for part in parts if part)


def _pair(flags: Flags, kind: str) -> str:
    if kind == "python":
        return f"stateless_http={flags.stateless_http}, json_response={flags.json_response}"
    return ", ".join(_modes(flags, kind).values())


def _modes(flags: Flags, kind: str) -> dict[str, str]:
    """Return the modes of a server without the Python flags, by the name of the flag."""
    if kind != OTHER:
        return {}
    sessions = "without sessions" if flags.stateless_http else "with sessions"
    return {"stateless_http": sessions, "json_response": "JSON answers" if flags.json_response else "SSE streams"}


def switch_rows(decision: Decision) -> list[tuple[str, str]]:
    """Return (mode, setting) for a server without the Python flags, for each tier of a tiered deployment."""
    rows = [(switch.mode.capitalize(), switch.how) for switch in decision.settings]
    for tier in decision.tiers:
        rows += [(f"{switch.mode.capitalize()}, {tier.name} tier", switch.how) for switch in tier.settings]
    return rows


def assumed(decision: Decision) -> list[tuple[str, str]]:
    """Return the default values that affect the decision.

    A rule on the path uses the fact, or a change of the fact leads to another decision.
    """
    read = {name for step in decision.path for name in step.rule.when} | {"sdk"}
    read |= {name for counterfactual in decision.counterfactuals for name in counterfactual.change}
    defaults = decision.requirements.defaults
    stated = [(n, value_text(v)) for n, v in defaults.items() if n in read and not n.startswith("needs.")]
    silent = [n for n in defaults if n in read and n.startswith("needs.")]
    return [*stated, (", ".join(silent), "none")] if silent else stated


def inferred(decision: Decision) -> list[tuple[str, str, str]]:
    """Return (fact, value, reason) for each value that other requirements imply."""
    asked = decision.requirements
    return [(name, value_text(asked.values[name]), why) for name, why in asked.inferred.items()]


def file_argument(decision: Decision) -> str:
    """Return the requirements file as a shell argument, or FILE for requirements from standard input."""
    name = decision.requirements.name
    return "FILE" if name.startswith("<") else shlex.quote(name)
