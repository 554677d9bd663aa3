"""What a fleet is made of: the plan that decides what is started, and a server process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from advisor.kit.model import KitContext, TierContext
from advisor.lab.fleet.front import Front
from advisor.lab.process.process import Process

MOST_WORKERS = 2
"""How many workers an instance runs at most: more show nothing new."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What the lab adds to the kit's own code, so that features that the kit does not need can be observed too.

    Attributes:
        key: seal with a key that all instances share, where the kit has none.
        redis: keep the lab's handles in Redis.
        bus: publish changes to all instances, where the kit does not.
        events: serve requests with the header `EVENTS` by an application with an event store.
    """

    key: bool = False
    redis: bool = False
    bus: bool = False
    events: bool = False


EVENTS: Mapping[str, str] = {"mcp-lab": "events"}
"""The header of requests that want sessions with an event store (see kit_launcher/launch.py)."""


@dataclass(slots=True)
class FleetInstance:
    """One server process (with its workers).

    Attributes:
        name: such as `stateless-2`.
        tier: the tier that it is of.
        port: where it listens; the same after a restart.
        process: what runs now.
    """

    name: str
    tier: TierContext
    port: int
    process: Process

    @property
    def url(self) -> str:
        """Its endpoint, past any proxy."""
        return f"http://127.0.0.1:{self.port}/mcp"


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """Everything that decides what is started.

    Attributes:
        kit_dir: the folder of the kit; nothing is written there.
        kit: its context.
        python: the interpreter with what the server needs.
        front: what stands in front.
        instances: how many to run, by tier name.
        extras: what the lab adds.
        env: what is added to the environment of the instances.
    """

    kit_dir: Path
    kit: KitContext
    python: Path
    front: Front
    instances: Mapping[str, int]
    extras: Extras = field(default_factory=Extras)
    env: Mapping[str, str] = field(default_factory=dict)
