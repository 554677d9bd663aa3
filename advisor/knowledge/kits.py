"""The shapes of what only kits are written from: mechanisms of affinity, proxies, oldest releases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from advisor.engine.rules import STRICT

SERVERS = "servers"
SERVICE = "kubernetes-service"
BALANCER = "platform-balancer"
OTHERS = (SERVERS, SERVICE, BALANCER)
"""What can find the owner of a session besides the proxy of a kit: values of `Mechanism.done_by`."""


@dataclass(frozen=True, slots=True)
class Mechanism:
    """How a request of a legacy session finds its owner; rules/mechanisms.yaml says what is what."""

    __pydantic_config__ = STRICT
    id: str
    done_by: str
    keyed_on: Literal["session-id", "cookie", "client-address"]
    owner_in: Literal["proxy-memory", "session-id", "cookie", "hash", "redis"]
    sources: list[str]
    balance: Literal["", "learn", "envelope", "cookie", "ip-hash", "table"] = ""
    needs: str = ""
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class KitProxy:
    """A proxy whose configuration a kit can carry; rules/kit_proxies.yaml says what is what."""

    __pydantic_config__ = STRICT
    id: str
    image: str
    version: str
    tag: str
    exact_tag: str
    folder: str
    files: list[str]
    program: str
    arguments: list[str]
    validate: list[str]
    stop: str
    reload: str = ""
    options: dict[Literal["pod", "lab"], list[str]] = field(default_factory=dict)
    drains: bool = True
    fetches: bool = True
    take_out: dict[Literal["file", "how"], str] = field(default_factory=dict)
    since: dict[str, str] = field(default_factory=dict)

    def command(self, program: str, folder: str, place: Literal["", "pod", "lab"] = "") -> list[str]:
        """How it starts in the foreground.

        Args:
            program: its name or path.
            folder: of its configuration.
            place: where it runs, for the arguments that only this place needs.
        """
        options = self.options.get(place, []) if place else []
        return [program, *(part.format(folder=folder) for part in self.arguments), *options]

    def tag_of(self, version: str) -> str:
        """The tag of the image for a release of two or three numbers."""
        return (self.exact_tag if version.count(".") > 1 else self.tag).format(version=version)


@dataclass(frozen=True, slots=True)
class Floor:
    """The oldest release of a package that generated code runs on, as a requirement."""

    __pydantic_config__ = STRICT
    id: str
    requirement: str
    because: str
