"""What text and Markdown show of a decision, picked and put into words once: no layout here, and no deciding."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import NamedTuple

from advisor.decision.model import Alternative, Core, Decision, FeatureRow, PathStep, difference
from advisor.engine.table import show
from advisor.knowledge.types import Era, Raw

SHIFTS_SHOWN = 8
"""How many changes people are shown; JSON has all of them."""

# The simpler a pattern is to run, the earlier it stands; changes that lead to a simpler pattern come first.
_SIMPLER = ("stateless-fleet", "single-instance", "sticky-fleet", "tiered", "shared-state", "contradiction")
_NO_EFFORT = 9  # the team cannot make this change


class Shift(NamedTuple):
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


def sdk_text(decision: Decision) -> str:
    """The SDK as asked for, and the release that stands for it."""
    asked = str(decision.requirements["sdk"])
    return asked if "==" in asked else f"{asked} ({decision.release.package} {decision.release.newest})"


def clients_text(decision: Decision) -> str:
    """Which eras are served, and why if the file does not say so."""
    eras = " and ".join(decision.eras) or "none that this SDK speaks"
    if decision.facts["era.modern"] == "falls-back":
        eras += "; modern ones fall back to the handshake"
    why = decision.requirements.inferred.get("clients.protocol")
    if why is None and decision.requirements["clients.protocol"] == "unknown":
        why = "not known, so both are planned for" if len(decision.eras) > 1 else "not known"
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


def losses(decision: Decision) -> list[str]:
    """One sentence for each needed feature that is lost and not replaced, with the clients that lose it."""
    lost = [row for row in decision.needed if row.lost and not row.substituted]
    return [f"{row.title} ({row.need}): {lost_for(row)}" for row in lost]


def lost_for(row: FeatureRow) -> str:
    """Which clients lose the feature, and how they notice."""
    lost = [(era, cell) for era, cell in row.cells if cell.named and cell.outcome != "works"]
    return "; ".join(f"{cell.words} for {era} clients" for era, cell in lost)


def fact_texts(step: PathStep) -> list[str]:
    """The facts that a step read, with the value of the requirements file where binning hides it."""
    return [_fact_text(name, show(value), step.stated.get(name)) for name, value in step.facts.items()]


def _fact_text(name: str, shown: str, stated: Raw) -> str:
    if stated is None or value_text(stated) == shown:
        return f"{name}: {shown}"
    return f"{name}: {shown} ({value_text(stated)})"


def evidence(row: FeatureRow) -> list[str]:
    """What was observed of a feature, era by era; eras that are not named only where none is."""
    seen = [(era, cell) for era, cell in row.cells if cell.named] or [row.cells[0]]
    (_, first), *others = seen
    if first.evidence and all((cell.outcome, cell.evidence) == (first.outcome, first.evidence) for _, cell in others):
        return [f"{' and '.join(era for era, _ in seen)}: {first.words} ({first.evidence})"]
    return [f"{era}: {cell.words} ({cell.evidence or cell.how})" for era, cell in seen]


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
    rated.sort(key=itemgetter(0, 1))
    shown = sorted(rated[:SHIFTS_SHOWN], key=itemgetter(1))
    return [shift for _, _, shift in shown], len(rated) - len(shown)


def _by_fact(decision: Decision) -> Iterable[tuple[str, Core, str, int]]:
    """Counterfactuals with the values of a fact that come to the same put together: (fact, core, values, effort)."""
    merged: dict[tuple[str, Core], list[tuple[str, int]]] = {}
    told = [] if decision.feasible else [way.change for way in decision.alternatives]  # among the ways out
    for other in decision.counterfactuals:
        if other.change not in told and difference(other.core, decision.core):
            for fact, value in other.change.items():
                merged.setdefault((fact, other.core), []).append((value_text(value), other.effort or _NO_EFFORT))
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


def change_text(alternative: Alternative) -> str:
    """The lines of the requirements file that an alternative changes."""
    return ", ".join(f"{name}: {value_text(value)}" for name, value in alternative.change.items())


def flags_text(core: Core) -> str:
    """The flag pair as code."""
    return f"stateless_http={core.flags.stateless_http}, json_response={core.flags.json_response}"


def assumed(decision: Decision) -> list[tuple[str, str]]:
    """The defaults that the decision hangs on: read on the way, or a change of which would change the answer."""
    read = {name for step in decision.path for name in step.rule.when} | {"sdk"}
    read |= {name for counterfactual in decision.counterfactuals for name in counterfactual.change}
    defaults = decision.requirements.defaults
    stated = [(n, value_text(v)) for n, v in defaults.items() if n in read and not n.startswith("needs.")]
    silent = [n.removeprefix("needs.") for n in defaults if n in read and n.startswith("needs.")]
    return [*stated, ("needs", f"none for {', '.join(silent)}")] if silent else stated


def inferred(decision: Decision) -> list[tuple[str, str, str]]:
    """What was concluded from the file: (fact, value, why)."""
    asked = decision.requirements
    return [(name, value_text(asked.values[name]), why) for name, why in asked.inferred.items()]


def file_argument(decision: Decision) -> str:
    """The file as a shell argument, or FILE for requirements that did not come from a file."""
    name = decision.requirements.name
    return "FILE" if name.startswith("<") else shlex.quote(name)
