"""Whether `generate` can write a kit for a decision, and the facts on which only warnings and kits depend."""

from __future__ import annotations

from advisor.decision.model import Decision
from advisor.knowledge.versions import at_least, key


def checks_tokens(auth: str) -> bool:
    """Return whether servers with this value of `environment.auth` accept only requests with an access token."""
    return auth in ("bearer", "oauth-proxy")


def no_kit(decision: Decision) -> str:
    """Return why there is no kit for a feasible decision, in one or two sentences; "" if there is a kit."""
    phrases, release = decision.phrases, decision.release
    if decision.kind != "python":
        return phrases[f"kit.{decision.kind}"]
    version = decision.requirements["sdk"].partition("==")[2] or release.newest
    first = decision.knowledge.sdks[release.line.id].checks_tokens_from
    if not release.line.has_kit(version):
        kind, oldest = "old", release.line.kit_from
    elif key(version)[:2] > key(release.line.newest)[:2]:
        return phrases["kit.not-measured"].format(newest=release.line.newest, sdk=decision.requirements["sdk"])
    elif checks_tokens(decision.requirements["environment.auth"]) and first and not at_least(version, first):
        kind, oldest = "old-for-tokens", first
    else:
        return ""
    return phrases[f"kit.{kind}"].format(oldest=f"{release.package}=={oldest}", sdk=decision.requirements["sdk"])


def kit_facts(decision: Decision) -> set[str]:
    """Return the ids of the facts on which the warnings and the kit depend, even if no rule of the decision does."""
    asked = {name: fact.asked_if for name, fact in decision.knowledge.facts.items() if fact.asked_if}
    return {name for name, also in asked.items() if decision.requirements[also.fact] in also.any_of}
