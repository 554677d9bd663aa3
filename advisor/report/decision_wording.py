"""Words for the parts of a decision. The text and the Markdown of a decision use the same words from this module.

This module contains no layout and makes no decisions.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from advisor.decision.change_lists import repeats
from advisor.decision.core import Core, Flags, difference
from advisor.decision.gateways import refuses_legacy_clients
from advisor.decision.kit_support import kit_facts
from advisor.decision.model import Alternative, Counterfactual, Decision, FeatureRow
from advisor.engine.table import show
from advisor.knowledge.servers import OTHER
from advisor.knowledge.space import UNKNOWN
from advisor.knowledge.types import Era, Raw
from advisor.sentences import inside, listed

SHIFTS_SHOWN = 8
"""The largest number of changes in text and Markdown. JSON contains all changes."""

_NO_EFFORT = 9  # effort of a change that the team cannot make


class _Result(NamedTuple):
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
        differs: the other parts of the decision that change, in words.
        effort: 1 to 5, or 9 if the team cannot make the change.
        feasible: whether the new decision keeps every required feature.
    """

    change: str
    then: str
    phrase: str
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
        return f"{asked} ({decision.language})"
    if decision.kind == "http+sse":
        return decision.phrases["sdk.http+sse"].format(asked=asked)
    if decision.facts["sdk.measured"] == "no":
        version = asked.partition("==")[2]
        return decision.phrases["sdk.not-measured"].format(asked=asked, version=version, used=newest)
    if "==" in asked:
        return asked
    stated = "sdk" in decision.requirements.stated
    return decision.phrases["sdk.line" if stated else "sdk.line.assumed"].format(
        release=f"{decision.release.package} {newest}", asked=asked
    )


def clients_text(decision: Decision) -> str:
    """Return the protocol eras that the deployment serves, with a reason if the requirements do not name them."""
    phrases = decision.phrases
    eras = " and ".join(decision.eras) or phrases["clients.none"]
    if decision.facts["era.modern"] == "falls-back":
        eras = phrases["clients.fall-back"].format(eras=eras)
    why = decision.requirements.inferred.get("clients.protocol")
    if why is None and decision.requirements["clients.protocol"] == "unknown":
        why = phrases["clients.unknown.both" if len(decision.eras) > 1 else "clients.unknown"]
    text = f"{eras} ({why})" if why else eras
    facts = decision.facts
    also = facts["sdk.modern"] == "served" and facts["path.eras"] == "both"
    if decision.kind == "python" and list(decision.eras) == ["legacy"] and also:
        return phrases["clients.also-modern"].format(clients=text)
    return text


def affinity_text(decision: Decision) -> str:
    """Return the mechanism of session affinity with the place that stores the owner, or `none`."""
    core = decision.core
    owner_in = decision.owner_in(core.mechanism)
    return f"{core.mechanism} ({owner_in})" if owner_in else core.mechanism


def instances_text(decision: Decision) -> str:
    """Return the number of instances and of their processes, for each tier of a tiered deployment."""
    if not decision.tiers:
        return _instances(decision, decision.core, decision.instances)
    tiers = ((tier.name, _instances(decision, tier.core, tier.instances)) for tier in decision.tiers)
    phrase = decision.phrases["tier.of"]
    return "; ".join(phrase.format(what=number, tier=name) for name, number in tiers)


def _instances(decision: Decision, core: Core, number: int) -> str:
    """Return a number or a range of instances, with their processes. Only a server without sessions has several."""
    phrases = decision.phrases
    asked, workers = decision.requirements["scale.instances"], decision.requirements["scale.workers"]
    text = str(number)
    if isinstance(asked, dict) and core.pattern != "single-instance":
        text = phrases["instances.range"].format(**asked)
    if asked == 1 and not decision.keeps_instances:
        text = phrases["instances.platform"]
    if workers == 1 or not core.flags.stateless_http:
        return text
    return phrases[f"instances.workers{'-of-one' if text == '1' else ''}"].format(instances=text, workers=workers)


def era_note(decision: Decision, era: Era) -> str:
    """Return a note for the column of an era whose clients are not expected or not served; else ""."""
    facts = decision.facts
    state = "unserved" if era == "legacy" and refuses_legacy_clients(facts) else str(facts[f"era.{era}"])
    return "" if state == "named" else decision.phrases[f"era.{state}"]


def undecided(decision: Decision) -> str:
    """Return the reason why the feature table of a contradiction has flags, and these flags."""
    phrases = decision.phrases
    if decision.kind == "http+sse":
        return phrases["table.http+sse"]
    return phrases[f"table.example.{decision.kind}"].format(flags=flags_text(decision.core, decision.kind))


def losses(decision: Decision) -> list[str]:
    """Return a text for each needed feature that is lost and has no substitute, with the clients that lose it."""
    lost = [row for row in decision.needed if row.lost and not row.substituted]
    return [f"{row.title} ({row.need}): {lost_for(row, decision.phrases)}" for row in lost]


def nothing_lost(decision: Decision) -> tuple[str, bool]:
    """Return the text for a decision that loses no needed feature, and whether this is true without a condition."""
    phrases = decision.phrases
    names = (f"lost.none.{warning.id}" for warning in decision.warnings)
    condition = next((phrases[name] for name in names if name in phrases), "")
    replaced = [inside(row.title) for row in decision.features if row.substituted and row.instead]
    plain = phrases["lost.replaced"].format(names=listed(replaced)) if replaced else phrases["lost.none"]
    return condition or plain, not condition


def assumed_unused(decision: Decision) -> str:
    """Return a text about lost features of which the requirements say nothing; empty without such a feature."""
    rows = decision.assumed_unused
    if not rows:
        return ""
    phrase = decision.phrases["unused.one" if len(rows) == 1 else "unused.several"]
    return phrase.format(names=", ".join(row.feature for row in rows))


def unsure(decision: Decision) -> list[str]:
    """Return what becomes of the features that the requirements state as unknown: those kept, then the others."""
    words = decision.phrases
    kept = ", ".join(decision.doubted)
    prices: dict[str, list[str]] = {}
    for need in decision.unsure:
        if need.price is not None:
            result = result_text(decision, need.price) if need.price.core.feasible else ""
            prices.setdefault(result, []).append(need.feature)
    texts = [words["unsure.kept"].format(features=kept)] if kept else []
    for result, features in prices.items():
        phrase = words["unsure.price" if result else "unsure.impossible"]
        it = words["unsure.one" if len(features) == 1 else "unsure.several"]
        texts.append(phrase.format(features=", ".join(features), it=it, result=result))
    return texts


def lost_for(row: FeatureRow, phrases: Mapping[str, str]) -> str:
    """Return which clients lose the feature, and the outcome that they observe."""
    unable = phrases["outcome.no-client"]
    lost = (unable if cell.words == unable else f"{cell.words} for {era} clients" for era, cell in row.failing)
    return "; ".join(dict.fromkeys(lost))


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
        words = inside(result.unreached) or decision.phrases["pattern.contradiction"]
        words = pattern_text(then, decision.phrases) if then.feasible else words
        pattern, phrase = (words, result.phrase) if then.pattern != decision.core.pattern else ("", "")
        kind = decision.kind_after({fact: values for fact, _ in facts})
        differs = _differs(result, decision, kind, [fact for fact, _ in facts])
        shift = Shift(change, pattern, phrase, differs, effort, then.feasible)
        rated.append((_interest(decision, then), effort, shift))
    rated.sort(key=itemgetter(0, 1))
    shown = sorted(rated[:SHIFTS_SHOWN], key=itemgetter(1))
    return [shift for _, _, shift in shown], len(rated) - len(shown)


def _by_fact(decision: Decision) -> Iterable[tuple[str, _Result, str, int]]:
    """Yield (fact, result, values, effort) for each fact and result; `values` lists the values with this result."""
    merged: dict[tuple[str, _Result], list[tuple[str, int]]] = {}
    told = () if decision.feasible else decision.alternatives  # The possible fixes show these changes.
    for other in decision.counterfactuals:
        if not any(repeats(other, way) for way in told) and difference(other.core, decision.core):
            value = next(iter(other.change.values()))
            key, result = _edited(decision, other.change), _Result(other.core, other.tier_flags, other.unreached)
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


def _differs(result: _Result, decision: Decision, kind: str, facts: Sequence[str]) -> str:
    """Return the parts that differ after a change of `facts`; "; " stands before each tier of the new decision."""
    differs = difference(result.core, decision.core)
    phrases = decision.phrases
    parts: list[str] = []
    tiers = ""
    flags = differs.get("flags", {})
    now = decision.core.flags._asdict() if decision.feasible else {}
    if "tiered" in (result.core.pattern, decision.core.pattern) and "pattern" in differs:
        # The flags of one tier say nothing about the other tier, so all flags of the new decision are shown.
        shown = deployment_flags(result, kind) if result.core.feasible else ""
        parts, tiers = ([], shown) if result.tier_flags else ([shown] if shown else [], "")
    else:
        changed = [name for name, value in flags.items() if now.get(name) != value]
        modes = _modes(result.core.flags, kind)
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
    return "; ".join(part for part in (", ".join(parts), tiers) if part)


def change_text(decision: Decision, alternative: Alternative) -> str:
    """Return the keys of the requirements file that an alternative edits, with their new values."""
    edited = decision.edits(alternative.change).items()
    return ", ".join(f"remove {key}" if value is None else f"{key}: {value_text(value)}" for key, value in edited)


def _edited(decision: Decision, change: Mapping[str, Raw]) -> str:
    """Return the key of the file for the main fact of a change, with the other keys that the change edits too."""
    edited = decision.edits(change) or dict(change)
    first, *others = edited
    if others and others[0].startswith("tools["):
        return f"{first} (without duration_s in tools)" if first.startswith("workload.") else f"in every tool, {first}"
    alike = [key for key in others if edited[key] == edited[first]]
    added = [f"{key}: {value_text(edited[key])}" for key in others if key not in alike and edited[key] is not None]
    removed = [key for key in others if edited[key] is None]
    parts = [f"{name} {', '.join(keys)}" for name, keys in (("with", added), ("without", removed)) if keys]
    return " and ".join([first, *alike]) + (f" ({' and '.join(parts)})" if parts else "")


def pattern_text(core: Core, phrases: Mapping[str, str]) -> str:
    """Return the pattern with its meaning in a few words."""
    return f"{core.pattern} ({phrases[f'screen.pattern.{core.pattern}']})"


def flags_text(core: Core, kind: str) -> str:
    """Return the flag pair as Python keyword arguments, or its modes in words; "" for HTTP+SSE, which has no modes."""
    return _pair(core.flags, kind)


def deployment_flags(other: Alternative | Counterfactual | _Result, kind: str) -> str:
    """Return the flag pair of another deployment, or the flag pair of each tier of a tiered deployment."""
    if not other.tier_flags:
        return flags_text(other.core, kind)
    tiers = zip(("stateless", "stateful"), other.tier_flags, strict=True)
    return "; ".join(f"{name} tier: {_pair(flags, kind)}" for name, flags in tiers)


def result_text(decision: Decision, way: Alternative | Counterfactual) -> str:
    """Return the pattern, the flags and the session affinity of another deployment; "; " stands before each tier."""
    flags = deployment_flags(way, decision.kind_after(way.change))
    parts = [pattern_text(way.core, decision.phrases), "" if way.tier_flags else flags]
    owner_in = decision.owner_in(way.core.mechanism)
    if way.core.mechanism != "none":
        parts += [f"session affinity {way.core.mechanism}{f' ({owner_in})' if owner_in else ''}"]
    text = ", ".join(part for part in parts if part)
    return f"{text}; {flags}" if way.tier_flags else text


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

    A rule on the path uses the fact, a change of the fact leads to another decision, or the warnings and the kit depend
    on the fact.
    """
    read = {name for step in decision.path for name in step.rule.when} | {"sdk"}
    read |= {name for counterfactual in decision.counterfactuals for name in counterfactual.change}
    read |= kit_facts(decision)
    defaults = decision.requirements.defaults
    stated = [(n, value_text(v)) for n, v in defaults.items() if n in read and not n.startswith("needs.")]
    stated.sort(key=lambda pair: pair[1] == UNKNOWN)  # an unknown value assumes the least
    if "mcp_release" in defaults and (mcp := decision.assumed_mcp):
        stated.insert(0, ("mcp_release", mcp))
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
