"""The pattern of a decision in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.decision.core import Core
from advisor.knowledge import Knowledge
from advisor.requirements.hops import keeps_instances
from advisor.requirements.model import Requirements


def is_unreached(core: Core, facts: Mapping[str, Any]) -> bool:
    """Return whether a core is a contradiction because no client in the requirements can connect."""
    return not core.feasible and facts["clients.reached"] != "yes"


def pattern_in_words(core: Core, requirements: Requirements, facts: Mapping[str, Any], knowledge: Knowledge) -> str:
    """Return the pattern of a core as `several instances without sessions`.

    Several processes can also be the workers of one instance, and a contradiction can mean that no client connects.

    Args:
        core: what the tables decided.
        requirements: the requirements of the decision.
        facts: all facts of these requirements.
        knowledge: the phrases and the kinds of proxies.
    """
    phrases = knowledge.phrases
    if is_unreached(core, facts):
        return phrases[f"{core.phrase}.unreached"]
    single = requirements["scale.instances"] == 1 and requirements["scale.workers"] > 1
    single = single and keeps_instances(requirements, knowledge.proxies)
    return phrases.get(f"{core.phrase}.workers" if single else "") or phrases[core.phrase]
