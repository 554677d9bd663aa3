"""Words for the SDK releases that change a decision, if the requirements leave the release open."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.decision.core import Core
from advisor.decision.model import Counterfactual, Decision
from advisor.decision.other_release import OtherRelease
from advisor.report import change_wording


def release_texts(decision: Decision, *, brief: bool = False) -> list[str]:
    """Return a text for each release that changes the decision: the release, then what changes.

    Args:
        decision: the decision.
        brief: whether the texts leave out the names of warnings and the parts of the decision that stay.
    """
    return [_text(decision, other, brief=brief) for other in decision.releases]


def _text(decision: Decision, other: OtherRelease, *, brief: bool) -> str:
    phrases, parts = decision.phrases, []
    if other.changes_core:
        core = other.core
        whole = core.feasible and not brief
        then = Counterfactual({"sdk": other.release}, core, None, "", other.tier_flags)
        parts = [change_wording.result_text(decision, then) if whole else _changed_parts(decision, core)]
    named = ("loses", "keeps", "calls", *(() if brief else ("adds", "removes")))
    for key in named:
        names: tuple[str, ...] = getattr(other, key)
        single = f"release.{key}.one" if len(names) == 1 else ""
        phrase = phrases.get(single) or phrases[f"release.{key}"]
        parts += [phrase.format(names=", ".join(names))] if names else []
    if brief and (other.adds or other.removes):
        parts.append(_other_warnings(other, phrases))
    now, version = (release.partition("==")[2] for release in (decision.release.exact, other.release))
    phrase = phrases[f"release.{'older' if other.before else 'line'}{'.brief' if brief else ''}"]
    package, changes = decision.release.package, "; ".join(parts)
    return phrase.format(package=package, now=now, version=other.before or version, changes=changes)


def _other_warnings(other: OtherRelease, phrases: Mapping[str, str]) -> str:
    """Return how many high-severity warnings the release has more or less."""
    if other.adds and other.removes:
        return phrases["release.warnings"]
    key, number = ("adds", len(other.adds)) if other.adds else ("removes", len(other.removes))
    return phrases[f"release.warnings.{key}{'.one' if number == 1 else ''}"].format(number=number)


def _changed_parts(decision: Decision, core: Core) -> str:
    """Return the pattern and the flags that differ from those of the decision."""
    now = decision.core
    parts = [decision.phrases[f"screen.pattern.{core.pattern}"]] if core.pattern != now.pattern else []
    if core.feasible:
        before = now.flags._asdict() if now.feasible else {}
        parts += [f"{name}={value}" for name, value in core.flags._asdict().items() if before.get(name) != value]
    if core.mechanism != now.mechanism and core.pattern == now.pattern:
        parts.append(core.mechanism)
    return ", ".join(parts)
