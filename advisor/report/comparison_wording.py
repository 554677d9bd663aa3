"""Words for the options of a comparison: names, modes, losses, and the change that makes an option the decision."""

from __future__ import annotations

from advisor.decision.comparison import Comparison, DeploymentOption
from advisor.decision.core import Flags
from advisor.decision.model import Decision, FeatureRow
from advisor.engine.table import show
from advisor.knowledge.types import NEEDS, Era, Raw, flag_key
from advisor.report.change_wording import value_text
from advisor.sentences import listed

_MARKS = {"required": "*", "preferred": "+", "none": ""}


def title(comparison: Comparison, audience: str = "compare") -> str:
    """Return the first line: `compare` for engineers, `product` for other readers."""
    decision = comparison.decision
    phrase = decision.phrases[f"{audience}.title{'' if decision.feasible else '.none'}"]
    return phrase.format(service=decision.requirements["service"], count=len(comparison.leading))


def name(option: DeploymentOption, decision: Decision) -> str:
    """Return a short name for engineers, such as `session affinity`."""
    short = decision.phrases[f"screen.pattern.{option.core.pattern}"]
    return short if option.core.substitute == "none" else decision.phrases["compare.model"].format(name=short)


def plain_name(option: DeploymentOption, decision: Decision) -> str:
    """Return a name for readers without technical knowledge."""
    short = decision.phrases[f"product.name.{option.core.pattern}"]
    return short if option.core.substitute == "none" else decision.phrases["product.model"].format(name=short)


def means(option: DeploymentOption, decision: Decision) -> str:
    """Return what an option is, in sentences for readers without technical knowledge."""
    kinds = [option.core.pattern, *([option.core.substitute] if option.core.substitute != "none" else [])]
    return " ".join(decision.phrases[f"product.means.{kind}"] for kind in kinds)


def modes(option: DeploymentOption, decision: Decision) -> str:
    """Return the flag pair as `stateless+sse`; each tier has its own, and HTTP+SSE has none."""
    if decision.kind == "http+sse":
        return "-"
    return decision.phrases["compare.per-tier"] if option.core.pattern == "tiered" else pair(option.core.flags)


def pair(flags: Flags) -> str:
    """Return a flag pair as `stateless+sse`."""
    return flag_key(*flags)


def tier_lines(option: DeploymentOption, decision: Decision) -> list[str]:
    """Return a line for each tier, with its modes and tools."""
    phrase = decision.phrases["compare.tier"]
    return [phrase.format(name=tier.name, modes=pair(tier.flags), tools=", ".join(tier.tools)) for tier in option.tiers]


def wins(option: DeploymentOption, decision: Decision) -> str:
    """Return which change makes an option the decision; "" for the decision, or if no change was searched."""
    phrases = decision.phrases
    if option.chosen or not option.searched:
        return ""
    if option.wins is None:
        return phrases["compare.wins.single" if option.searched == 1 else "compare.wins.two"]
    if not option.wins.change:
        return phrases["compare.wins.tools"]
    edits = decision.edits(option.wins.change)
    change = listed(f"{key}: {'-' if value is None else value_text(value)}" for key, value in edits.items())
    return phrases["compare.wins"].format(change=change)


def plain_reason(option: DeploymentOption, decision: Decision) -> str:
    """Return why an option loses, or that it is recommended, for readers without technical knowledge."""
    if not option.chosen:
        return option.plain
    return decision.phrases["product.recommended"].format(users=option.estimates["users"].text)


def plain_wins(option: DeploymentOption, decision: Decision) -> str:
    """Return the change in words without technical terms; for the decision, what the decision is."""
    phrases = decision.phrases
    if option.chosen:
        return means(option, decision)
    if not option.searched:
        return ""
    if option.wins is None:
        return phrases["product.never.single" if option.searched == 1 else "product.never.two"]
    changes = option.wins.change or {"tools": None}
    texts = [_plain_change(fact, value, decision) for fact, value in changes.items()]
    return phrases["product.becomes"].format(change=listed(dict.fromkeys(texts)))


def _plain_change(fact: str, value: Raw, decision: Decision) -> str:
    phrases, need = decision.phrases, fact.removeprefix("needs.")
    if need != fact:
        dropped = NEEDS.index(value) < NEEDS.index(decision.requirements[fact])
        phrase = phrases["product.change.need.none" if dropped else "product.change.need"]
        return phrase.format(feature=phrases[f"product.feature.{need}"])
    found = phrases.get(f"product.change.{fact} is {show(value)}") or phrases.get(f"product.change.{fact}")
    return found or phrases["product.change"].format(fact=fact)


def feature_rows(comparison: Comparison) -> list[FeatureRow]:
    """Return the rows of the first option, the needed features first."""
    rows = comparison.options[0].features
    return sorted(rows, key=lambda row: -NEEDS.index(row.need) if row.feature != "plain" else 0)


def feature_name(row: FeatureRow) -> str:
    """Return the title of a feature with a mark for its need: * for required, + for preferred."""
    return row.title if row.feature == "plain" else f"{row.title}{_MARKS[row.need]}"


def outcome_in(option: DeploymentOption, row: FeatureRow, era: Era, decision: Decision) -> str:
    """Return the outcome of the feature of `row` in an option in a word."""
    here = next(other for other in option.features if other.feature == row.feature)
    outcome = dict(here.cells)[era].outcome
    return decision.phrases["compare.cell.replaced" if here.substituted else f"compare.cell.{outcome}"]
