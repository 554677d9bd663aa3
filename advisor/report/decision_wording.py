"""Words for the parts of a decision. The text and the Markdown of a decision use the same words from this module.

This module contains no layout and makes no decisions.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from advisor.decision.core import Core
from advisor.decision.gateways import refuses_legacy_clients
from advisor.decision.kit_support import kit_facts
from advisor.decision.model import Decision, FeatureRow
from advisor.knowledge.servers import OTHER
from advisor.knowledge.space import UNKNOWN
from advisor.knowledge.types import Era
from advisor.report.change_wording import flags_text, result_text, value_text
from advisor.sentences import counted, inside, listed


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
    return phrases[f"table.example.{decision.kind}"].format(flags=flags_text(decision.core, decision.kind, phrases))


def losses(decision: Decision) -> list[str]:
    """Return a text for each needed feature that clients lose without a substitute, with these clients."""
    lost = [(row, lost_for(row, decision.phrases)) for row in decision.needed if row.lost and not row.substituted]
    return [f"{row.title} ({row.need}): {clients}" for row, clients in (*lost, *unsupported(decision))]


def unsupported(decision: Decision) -> list[tuple[FeatureRow, str]]:
    """Return each needed feature that the deployment keeps, but some of the client applications do not support.

    The text of such a feature names these applications.
    """
    found: list[tuple[FeatureRow, str]] = []
    for row in decision.needed:
        unable = decision.unable_clients(row.feature)
        if unable and not (row.lost or row.substituted or row.feature in decision.doubted):
            text = counted(decision.phrases, "lost.unsupported", len(unable), clients=listed(unable))
            found.append((row, text))
    return found


def nothing_lost(decision: Decision) -> tuple[str, bool]:
    """Return the text for a decision that loses no needed feature, and whether this is true without a condition."""
    phrases = decision.phrases
    names = [f"lost.none.{warning.id}" for warning in decision.warnings]
    condition = next((phrases[name] for name in (*_rewritten(decision), *names) if name in phrases), "")
    replaced = [inside(row.title) for row in decision.features if row.substituted and row.instead]
    plain = phrases["lost.replaced"].format(names=listed(replaced)) if replaced else phrases["lost.none"]
    return condition or plain, not condition


def _rewritten(decision: Decision) -> Iterator[str]:
    """Yield the names of phrases about needed features that work only after the tools are changed."""
    by_user = decision.requirements["workload.state_by"] == "user"
    for row in decision.needed:
        for call, phrase in decision.rewrites(row.feature).items() if row.feature not in decision.doubted else ():
            only = decision.phrases["outcome.call"].format(call=decision.short_call(row.feature, call) or call)
            if any(cell.named and only in cell.words for _, cell in row.cells):
                yield f"{phrase}.user" if by_user else phrase


def kept_for_a_doubt(decision: Decision, *, brief: bool = False) -> list[str]:
    """Return the ids of the features that the decision keeps for a doubt, each with its condition.

    A `brief` text leaves out a condition that only names an example of a call.
    """
    phrases = decision.phrases
    works = phrases["outcome.works-if"].format(works=phrases["outcome.works"], condition="")
    rows = {row.feature: row for row in decision.features}
    names = []
    for name in decision.doubted:
        found = (cell.words for _, cell in rows[name].cells if cell.named and cell.words.startswith(works))
        given = next(found, "").removeprefix(works)
        phrase = phrases["unsure.kept.with" if brief else "unsure.kept.if"]
        if brief:
            example = given.startswith(phrases["outcome.call.example"].partition("{")[0])
            given = "" if example else given.removeprefix(phrases["outcome.call"].partition("{")[0])
        names.append(phrase.format(feature=name, condition=given) if given else name)
    return names


def assumed_unused(decision: Decision) -> str:
    """Return a text about lost features of which the requirements say nothing; empty without such a feature."""
    rows = decision.assumed_unused
    if not rows:
        return ""
    return counted(decision.phrases, "unused", len(rows), names=", ".join(row.feature for row in rows))


def unsure(decision: Decision) -> list[str]:
    """Return what becomes of the features that the requirements state as unknown: those kept, then the others."""
    words = decision.phrases
    kept = ", ".join(kept_for_a_doubt(decision))
    prices: dict[str, list[str]] = {}
    for need in decision.unsure:
        if need.price is not None:
            then = result_text(decision, need.price) if need.price.core.feasible else ""
            prices.setdefault(then, []).append(need.feature)
    texts = [words["unsure.kept"].format(features=kept)] if kept else []
    for then, features in prices.items():
        phrase = words["unsure.price" if then else "unsure.impossible"]
        it = words["unsure.one" if len(features) == 1 else "unsure.several"]
        texts.append(phrase.format(features=", ".join(features), it=it, result=then))
    return texts


def lost_for(row: FeatureRow, phrases: Mapping[str, str]) -> str:
    """Return which clients lose the feature, and the outcome that they observe."""
    unable = phrases["outcome.no-client"]
    eras: dict[str, list[str]] = {}
    for era, cell in row.failing:
        eras.setdefault(cell.words, []).append(era)
    return "; ".join(
        words if words == unable else f"{words} for {listed(failing)} clients" for words, failing in eras.items()
    )


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
