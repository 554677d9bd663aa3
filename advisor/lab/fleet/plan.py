"""The plan of a fleet, and its server processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from advisor.kit.model import KitContext, TierContext
from advisor.lab.fleet.front import Front
from advisor.lab.process.process import Process

MOST_WORKERS = 2
"""The maximum number of workers of an instance. More workers show nothing new."""


@dataclass(frozen=True, slots=True)
class Extras:
    """The additions of the lab to the kit's own code. With them clients can observe features that the kit omits.

    Attributes:
        key: use a sealing key that all instances share, if the kit has no sealing keys.
        redis: store the state of the lab's tools in Redis.
        bus: publish changes to all instances, if the kit does not.
        events: send requests with the header `EVENTS` to an application with an event store.
    """

    key: bool = False
    redis: bool = False
    bus: bool = False
    events: bool = False


EVENTS: Mapping[str, str] = {"mcp-lab": "events"}
"""The header of requests that need sessions with an event store (see kit_launcher/launch.py)."""


@dataclass(slots=True)
class FleetInstance:
    """One server process with its workers.

    Attributes:
        name: name of the instance, such as `stateless-2`.
        tier: the tier of the instance.
        port: the port of the instance. The port stays after a restart.
        process: the current process.
    """

    name: str
    tier: TierContext
    port: int
    process: Process

    @property
    def url(self) -> str:
        """The URL of the instance, without the proxy."""
        return f"http://127.0.0.1:{self.port}/mcp"


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """Everything that a fleet needs to start.

    Attributes:
        kit_dir: the folder of the kit. The lab does not write into this folder.
        kit: the context of the kit.
        python: the interpreter with the packages of the server.
        front: the proxy in front of the servers.
        instances: number of instances to run, by name of the tier.
        extras: the additions of the lab.
        env: additional environment variables of the instances.
    """

    kit_dir: Path
    kit: KitContext
    python: Path
    front: Front
    instances: Mapping[str, int]
    extras: Extras = field(default_factory=Extras)
    env: Mapping[str, str] = field(default_factory=dict)
