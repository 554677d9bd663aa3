"""Renders the instructions for serverless platforms."""

from __future__ import annotations

from advisor.kit.endpoints import endpoints
from advisor.kit.model import KitContext, KitFile, TierContext
from advisor.kit.templating import render
from advisor.kit.upstreams import PROXY_PORT


def files(kit: KitContext) -> list[KitFile]:
    """Render serverless/README.md."""
    text = render(
        "serverless/README.md.j2",
        kit=kit,
        endpoints=endpoints(kit, PROXY_PORT),
        limits={tier.name: _limit(tier) for tier in kit.tiers},
        reasons={tier.name: _reason(tier) for tier in kit.tiers},
        streams=not all(tier.json_response for tier in kit.tiers),
    )
    return [KitFile("serverless/README.md", text)]


def _limit(tier: TierContext) -> str:
    if tier.pattern == "single-instance":
        return "exactly 1"
    if tier.max_instances > tier.instances:
        return f"{tier.instances} to {tier.max_instances}"
    return f"up to {tier.instances}, or more" if tier.stateless_http else str(tier.instances)


def _reason(tier: TierContext) -> str:
    if tier.pattern == "single-instance":
        return "a second instance would not have the sessions of the first instance"
    if tier.stateless_http:
        return "every instance can answer every request"
    return f"{tier.mechanism} sends the requests of a session to its owner, the instance that holds it"
