"""What the instances of a deployment store in Redis."""

from __future__ import annotations

from typing import Literal, TypeAlias

from advisor.decision.model import Decision
from advisor.kit.tokens import runs_oauth_proxy

RedisUse: TypeAlias = Literal["owners", "notifications", "state", "logins"]
"""The owners of sessions, changes that each instance passes on to its clients, state of tools, or logins of clients."""


def redis_uses(decision: Decision) -> tuple[RedisUse, ...]:
    """Return what the instances of a deployment share in Redis; nothing if no Redis is necessary."""
    requirements = decision.requirements
    many = decision.facts["processes"] == "many"
    stores = many and requirements["operations.shared_store"] == "redis"
    needed = {row.feature for row in decision.features if row.need != "none"}
    found: dict[RedisUse, bool] = {
        "owners": decision.core.pattern == "shared-state",
        "notifications": stores
        and decision.release.line.serves_modern
        and not needed.isdisjoint(("subscriptions", "list_changed")),
        "state": stores and "session_state" in needed,
        # The requests of a login reach several instances.
        "logins": many and runs_oauth_proxy(requirements["environment.auth"], decision.release.package),
    }
    return tuple(use for use, applies in found.items() if applies)
