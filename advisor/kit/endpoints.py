"""The URLs of a kit with the tools that clients find there, and how documents and `generate` name them."""

from __future__ import annotations

from typing import NamedTuple

from advisor.kit.model import KitContext
from advisor.kit.parts.server import server_tiers
from advisor.kit.templating import render


class TierUrl(NamedTuple):
    """A URL of the service.

    Attributes:
        tier: name of the tier that serves the URL.
        url: the URL for clients in production; without scheme and host if the requirements name no host.
        local: the URL on the machine that runs compose.yaml with the default ports.
        tools: the tools that every client finds there, with the names that clients call.
    """

    tier: str
    url: str
    local: str
    tools: tuple[str, ...]


def endpoints(kit: KitContext, port: int) -> tuple[TierUrl, ...]:
    """Return the endpoint of each tier, in the order of the tiers.

    Args:
        kit: the kit.
        port: the port of the service on the machine that runs compose.yaml.
    """
    base = f"https://{kit.hosts[0]}" if kit.hosts else ""
    return tuple(
        TierUrl(tier.name, base + kit.public_path(tier), f"http://localhost:{port}{tier.path}", served.tools)
        for tier, served in zip(kit.tiers, server_tiers(kit), strict=True)
    )


def client_notes(kit: KitContext, port: int) -> list[str]:
    """Return what `generate` prints about URLs of two tiers, and about a proxy that a kit does not configure."""
    text = render("documents/client_notes.j2", kit=kit, endpoints=endpoints(kit, port))
    return [line for line in text.splitlines() if line]
