"""What text and Markdown show of a decision, picked and put into words once: no layout here, and no deciding."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.decision.derived_facts import CONTEXT
from advisor.decision.model import Alternative, Core, Decision, EraCell, FeatureRow, PathStep
from advisor.engine.table import show
from advisor.knowledge.types import ERAS, Era, Raw
from advisor.report.decision_json import difference

SHIFTS_SHOWN = 8
"""How many changes people are shown; JSON has all of them."""

# The simpler a pattern is to run, the earlier it stands; changes that lead to a simpler one are worth telling first.
_SIMPLER = ("stateless-fleet", "single-instance", "sticky-fleet", "tiered", "shared-state", "contradiction")
_NO_EFFORT = 9  # nobody on the team can make this change


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of facts and what would be decided then.

    Attributes:
        change: the facts and their new values, in words.
        then: the pattern it leads to, or "" where that stays.
        differs: what else is different then, in words.
        effort: 1 to 5, or 9 where it is not the team's to change.
    """

    change: str
    then: str
    differs: str
    effort: int


def value_text(value: Raw) -> str:
    """A raw value of the requirements, for people."""
    if value is None:
        return "not stated"
    if isinstance(value, Mapping):
        return "-".join(str(value[end]) for end in ("min", "max"))
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return show(value)


def sdk_text(decision: Decision, advisor: Advisor) -> str:
    """The SDK as asked for, and the release that stands for it."""
    asked = str(decision.requirements["sdk"])
    release = advisor.space.releases[decision.facts["sdk"]]
    return asked if "==" in asked else f"{asked} ({release.package} {release.newest})"


def eras_named(decision: Decision) -> list[Era]:
    """The eras that the requirements name."""
    return [era for era in ERAS if decision.facts[f"era.{era}"] == "named"]


def clients_text(decision: Decision) -> str:
    """Which eras are served, and why if the file does not say so."""
    eras = " and ".join(eras_named(decision)) or "none that this SDK speaks"
    if decision.facts["era.modern"] == "falls-back":
        eras += "; modern ones fall back to the handshake"
    why = decision.requirements.inferred.get("clients.protocol")
    if why is None and decision.requirements["clients.protocol"] == "unknown":
        why = "not known, so both are planned for" if len(eras_named(decision)) > 1 else "not known"
    return f"{eras} ({why})" if why else eras


def instances_text(decision: Decision) -> str:
    """How many instances to run, per tier where there are tiers."""
    asked = decision.requirements["scale.instances"]
    if decision.tiers:
        return ", ".join(f"{tier.instances} {tier.name}" for tier in decision.tiers)
    return f"{decision.instances} (of {value_text(asked)})" if isinstance(asked, dict) else str(decision.instances)


def era_note(decision: Decision, era: Era) -> str:
    """What stands under the heading of an era that is not simply named."""
    state = str(decision.facts[f"era.{era}"])
    return "" if state == "named" else {"falls-back": "fall back", "unserved": "not served"}.get(state, "not named")


def outcome_text(cell: EraCell, advisor: Advisor) -> str:
    """The outcome in words."""
    return advisor.knowledge.phrases[f"outcome.{cell.outcome}"]


def cells(row: FeatureRow) -> list[tuple[Era, EraCell]]:
    """Both cells of a row with their eras."""
    return [("legacy", row.legacy), ("modern", row.modern)]


def needed(decision: Decision) -> list[FeatureRow]:
    """The rows that matter: needed features, the strongest need first, then plain calls."""
    return sorted((row for row in decision.features if row.need != "none"), key=lambda r: _order(r))


def unneeded(decision: Decision) -> list[FeatureRow]:
    """The rows of features that nobody needs."""
    return [row for row in decision.features if row.need == "none"]


def _order(row: FeatureRow) -> int:
    return 2 if row.feature == "plain" else ("required", "preferred").index(row.need)


def losses(decision: Decision, advisor: Advisor) -> list[str]:
    """One sentence for each needed feature that is lost and not replaced, with the clients that lose it."""
    gone = [row for row in needed(decision) if row.lost and not row.substituted]
    return [f"{row.title} ({row.need}): {lost_for(row, advisor)}" for row in gone]


def lost_for(row: FeatureRow, advisor: Advisor) -> str:
    """Who loses the feature, and how they notice."""
    lost = [(era, cell) for era, cell in cells(row) if cell.named and cell.outcome != "works"]
    return "; ".join(f"{outcome_text(cell, advisor)} for {era} clients" for era, cell in lost)


def culprits(decision: Decision, advisor: Advisor) -> list[FeatureRow]:
    """The required features that no configuration keeps, by the rule that said so; empty where no client is served."""
    context = tuple(decision.facts[name] for name in CONTEXT)
    named = {
        feature
        for step in decision.path
        for output in advisor.lost.outputs
        if output in step.rule.when and step.rule.then.get("pattern") == "contradiction"
        for feature in advisor.lost.lost_features(context, output)
    }
    return [row for row in needed(decision) if row.feature in named and row.need == "required"]


def verdict(decision: Decision) -> PathStep:
    """The step of the walk that set the pattern."""
    return next(step for step in decision.path if "pattern" in step.rule.then)


def fact_texts(step: PathStep, decision: Decision, advisor: Advisor) -> list[str]:
    """The facts that a step read, with the raw value where binning hides it."""
    return [_fact_text(name, value, decision, advisor) for name, value in step.facts.items()]


def _fact_text(name: str, value: Any, decision: Decision, advisor: Advisor) -> str:
    shown = show(value)
    raw = decision.requirements.values.get(name)
    if raw is None or raw == [] or value_text(raw) == shown or advisor.space.bin(name, raw) != value:
        return f"{name}: {shown}"  # the last case: a step of a tier, which has facts of its own
    return f"{name}: {shown} ({value_text(raw)})"


def evidence(row: FeatureRow, advisor: Advisor) -> list[str]:
    """What was observed of a feature, era by era; eras that are not named only where none is."""
    seen = [(era, cell) for era, cell in cells(row) if cell.named] or cells(row)[:1]
    if len({(cell.outcome, cell.evidence) for _, cell in seen}) == 1 and seen[0][1].evidence:
        eras = " and ".join(era for era, _ in seen)
        return [f"{eras}: {outcome_text(seen[0][1], advisor)} ({seen[0][1].evidence})"]
    return [f"{era}: {outcome_text(cell, advisor)} ({cell.evidence or cell.how})" for era, cell in seen]


def shifts(decision: Decision) -> tuple[list[Shift], int]:
    """The changes worth telling, the easiest first, and how many single changes they leave out.

    Changes with the same outcome are told together. Those that lead to a simpler pattern, or to none, are preferred.
    """
    groups: dict[tuple[str, Core], list[tuple[str, int]]] = {}
    for fact, then, values, effort in _by_fact(decision):
        groups.setdefault((values, then), []).append((fact, effort))
    rated = []
    for (values, then), facts in groups.items():
        effort = min(effort for _, effort in facts)
        change = f"{', '.join(fact for fact, _ in facts)}: {values}"
        pattern = then.pattern if then.pattern != decision.core.pattern else ""
        shift = Shift(change, pattern, _differs(then, decision), effort)
        rated.append((_interest(then, decision.core), effort, shift))
    rated.sort(key=lambda one: one[:2])
    shown = sorted(rated[:SHIFTS_SHOWN], key=lambda one: one[1])
    return [shift for _, _, shift in shown], len(rated) - len(shown)


def _by_fact(decision: Decision) -> Iterable[tuple[str, Core, str, int]]:
    """Counterfactuals with the values of one fact that come to the same put together: (fact, core, values, effort)."""
    merged: dict[tuple[str, Core], list[tuple[str, int]]] = {}
    told = [] if decision.feasible else [one.change for one in decision.alternatives]  # among the ways out
    for one in decision.counterfactuals:
        if one.change not in told and difference(one.core, decision.core):
            for fact, value in one.change.items():
                merged.setdefault((fact, one.core), []).append((value_text(value), one.effort or _NO_EFFORT))
    for (fact, core), values in merged.items():
        texts = [text for text, _ in values]
        listed = texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"
        yield fact, core, listed, min(effort for _, effort in values)


def _interest(then: Core, now: Core) -> int:
    simpler = _SIMPLER.index(then.pattern) < _SIMPLER.index(now.pattern)
    if simpler:
        return 0
    return 1 if not then.feasible else (2 if then.pattern != now.pattern else 3)


def _differs(then: Core, decision: Decision) -> str:
    differs = difference(then, decision.core)
    parts = []
    flags = differs.get("flags", {})
    now = decision.core.flags._asdict() if decision.feasible else {}
    parts += [f"{name}={value}" for name, value in flags.items() if now.get(name) != value]
    mechanism = differs.get("affinity", {}).get("mechanism")
    if mechanism:
        parts.append("no affinity" if mechanism == "none" else str(mechanism))
    if "substitute" in differs:
        parts.append(
            "the server calls the model itself" if differs["substitute"] != "none" else "no substitute for sampling"
        )
    return ", ".join(parts)


def change_text(one: Alternative) -> str:
    """The lines of the requirements file that an alternative changes."""
    return ", ".join(f"{name}: {value_text(value)}" for name, value in one.change.items())


def flags_text(core: Core) -> str:
    """The flag pair as code."""
    return f"stateless_http={core.flags.stateless_http}, json_response={core.flags.json_response}"


def assumed(decision: Decision) -> list[tuple[str, str]]:
    """The defaults that the decision hangs on: read on the way, or a change of which would change the answer."""
    read = {name for step in decision.path for name in step.rule.when} | {"sdk"}
    read |= {name for one in decision.counterfactuals for name in one.change}
    defaults = decision.requirements.defaults
    stated = [(n, value_text(v)) for n, v in defaults.items() if n in read and not n.startswith("needs.")]
    silent = [n.removeprefix("needs.") for n in defaults if n in read and n.startswith("needs.")]
    return [*stated, ("needs", f"none for {', '.join(silent)}")] if silent else stated


def inferred(decision: Decision) -> list[tuple[str, str, str]]:
    """What was concluded from the file: (fact, value, why)."""
    asked = decision.requirements
    return [(name, value_text(asked.values[name]), why) for name, why in asked.inferred.items()]


def file_argument(decision: Decision) -> str:
    """The file as a shell argument, or FILE for what did not come from one."""
    name = decision.requirements.name
    return "FILE" if name.startswith("<") else shlex.quote(name)
