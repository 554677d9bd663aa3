"""What a kit does, and what it leaves to the team."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from collections.abc import Mapping
from typing import Any, NamedTuple

from advisor.decision.model import Decision
from advisor.kit.model import KitContext
from advisor.kit.parts import kubernetes
from advisor.kit.templating import render
from advisor.kit.upstreams import opens_unchecked
from advisor.knowledge.kits import BALANCER
from advisor.sentences import sentences


class KitDuties(NamedTuple):
    """What a kit does, and what it leaves to the team.

    Attributes:
        done: what the kit does, as phrases and sentences.
        left: what is left to the team.
        solved: what the kit does about a warning, by the id of the warning. Nothing is left to do about it.
    """

    done: list[str]
    left: list[str]
    solved: Mapping[str, str]


def duties(kit: KitContext, decision: Decision) -> KitDuties:
    """Return what a kit does and what it leaves to the team, as in its DECISION.md."""
    values = {"kit": kit, "decision": decision, **duty_values(kit)}
    done, left = (line.partition(":** ")[2] for line in render("documents/duties.md.j2", **values).splitlines())
    solved = (line.partition("\t") for line in render("documents/solved.j2", **values).splitlines() if line)
    return KitDuties(_items(done), _items(left), {warning: what for warning, _, what in solved})


def _items(text: str) -> list[str]:
    """Return the phrases of the first sentence, which semicolons separate, and then each other sentence."""
    first, *others = sentences(text)
    items = [*first.removesuffix(".").split("; "), *others]
    return [item[:1].upper() + item[1:] for item in items]


def duty_values(kit: KitContext) -> dict[str, Any]:
    """Return the values that documents/duties.md.j2 uses besides the kit and the decision."""
    return {
        "affinity": _affinity(kit),
        "proxied": kubernetes.deploys_proxy(kit) if kit.platform == "kubernetes" else bool(kit.proxy),
        "opens_unchecked": opens_unchecked(kit),
        "fixed_pods": kubernetes.fixed_pods(kit),
        "scales_by_sessions": kubernetes.scales_by_sessions(kit),
    }


def _affinity(kit: KitContext) -> str:
    """Return what provides session affinity: kit, balancer (the load balancer in front) or "" for none."""
    mechanisms = [mechanism for tier in kit.tiers if (mechanism := kit.mechanism(tier))]
    if not mechanisms:
        return ""
    done_by = {mechanism.done_by for mechanism in mechanisms}
    return "balancer" if done_by & {BALANCER} else "kit"
