"""The fleet of a kit on loopback: its servers, proxy and Redis. The processes start as they start in production."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from advisor.errors import LabError
from advisor.files import reason
from advisor.kit.model import TierContext
from advisor.knowledge.types import Era
from advisor.lab.fleet.plan import MOST_WORKERS, FleetInstance, FleetPlan
from advisor.lab.fleet.proxies import Proxies, together
from advisor.lab.paths import KIT_LAUNCHER, TESTSERVER
from advisor.lab.process import ports, programs
from advisor.lab.process.run import Launch, Process, Run
from advisor.lab.process.sdk_under_test import traits

_START_S = 90.0
_ANSWER_S = 5.0
_COUNT = re.compile(r'^(?:mcp_requests_total\{route="([^"]*)"\}|mcp_(sessions)_active) (\d\S*)$', re.MULTILINE)


class Fleet:
    """The fleet of a kit. `start_servers` starts the processes, and the caller must end them (see `processes`).

    Attributes:
        plan: the plan of the fleet.
        run: owns the processes.
        instances: the server processes, by tier and number.
        front: the proxies, and the load balancer in front of several proxies.
        redis: the process of Redis, or None.
        seconds: start-up time of the instances.
        problems: problems of a running fleet, in words.
    """

    def __init__(self, run: Run, plan: FleetPlan) -> None:
        self.run = run
        self.plan = plan
        self.instances: list[FleetInstance] = []
        self.front = Proxies(run, plan)
        self.redis: Process | None = None
        self.seconds = 0.0
        self.problems: list[str] = []
        self._redis_port = 0
        self._metrics: dict[int, int] = {}  # port of an instance → port of its metrics
        self._keys = secrets.token_hex(32)

    @property
    def processes(self) -> list[Process]:
        """All processes of the fleet."""
        redis = [] if self.redis is None else [self.redis]
        return [*self.front.processes, *redis, *(instance.process for instance in self.instances)]

    def of(self, tier: str | None) -> list[FleetInstance]:
        """The instances of a tier; all of them for None."""
        return [instance for instance in self.instances if tier in (None, instance.tier.name)]

    def spread(self, tier: str | None) -> bool:
        """Whether requests to a tier can reach several processes."""
        members = self.of(tier)
        return bool(self.front.port) and sum(min(member.tier.workers, MOST_WORKERS) for member in members) > 1

    def url(self, tier: str | None, era: Era, *, tool: str = "", client: int = 0, door: int = 0) -> str:
        """Return the URL at which clients of an era reach a tier.

        Args:
            tier: name of the tier; None in a single-tier deployment.
            era: protocol era of the client. Modern clients use one path for all tiers if the proxy routes by tool name.
            tool: the tool of the kit that the client will call; "" for a tool that the proxy does not know.
            client: number of the client. Without a proxy, the number selects the instance.
            door: port of one of several proxies; 0 for the load balancer in front of all proxies.
        """
        own = next(known for known in self.plan.kit.tiers if tier in (None, known.name))
        if not self.front.port:
            members = self.of(own.name)
            return members[client % len(members)].url
        by_name = era == "modern" and tool in {tool.name for tool in own.tools}
        return f"http://127.0.0.1:{door or self.front.port}{'/mcp' if by_name else own.path}"

    async def start_servers(self) -> None:
        """Start Redis, and then all instances in parallel."""
        if self.redis is None and (self.plan.kit.uses_redis or self.plan.extras.redis):
            await self.start_redis()
        began = time.monotonic()
        wanted = [(tier, n + 1) for tier in self.plan.kit.tiers for n in range(self.plan.instances[tier.name])]
        self.instances = await together(self._start(tier, number) for tier, number in wanted)
        self.seconds = time.monotonic() - began

    async def _start(self, tier: TierContext, number: int) -> FleetInstance:
        name = f"{tier.name}-{number}"
        process, port = await self._on_port(name, tier)
        return FleetInstance(name, tier, port, process)

    async def _on_port(self, name: str, tier: TierContext, port: int = 0) -> tuple[Process, int]:
        build = partial(self._launch, tier)
        return await self.run.start_on_port(name, build, port=port, deadline_s=_START_S)

    def _launch(self, tier: TierContext, port: int) -> Launch:
        plan = self.plan
        server = plan.kit_dir / "server"
        env = {
            "MCP_TIER": tier.name,
            "MCP_INSTANCES": str(plan.instances[tier.name]),
            "MCP_PORT": str(port),
            "MCP_METRICS_PORT": str(self._metrics.setdefault(port, ports.free_port())),
            "MCP_WORKERS": str(min(tier.workers, MOST_WORKERS)),
            "MCP_SEALING_KEYS": self._keys,
            "MCP_FLEET_KEYS": self._keys,
            "MCP_AUTH": "off",  # the clients of the lab have no tokens; the tests of the kit check tokens
            "MCP_INSTANCE_URL": f"http://127.0.0.1:{port}",
            "LAB_SERVER": str(server),
            "LAB_TOOLS": str(TESTSERVER),
            "LAB_SDK": traits(plan.kit.line).written(),
            "LAB_COUNTS": "1" if plan.kit.plain else "",
            "PYTHONDONTWRITEBYTECODE": "1",  # Python must not write files into the kit
        }
        redis_url = f"redis://:{self._keys}@127.0.0.1:{self._redis_port}/0"
        if plan.kit.uses_redis:
            env["MCP_REDIS_URL"] = redis_url
        wanted = {"LAB_KEY": (plan.extras.key, self._keys), "LAB_REDIS": (plan.extras.redis, redis_url)}
        wanted |= {"LAB_BUS": (plan.extras.bus, "1"), "LAB_EVENTS": (plan.extras.events, "1")}
        env |= {name: value for name, (on, value) in wanted.items() if on}
        return Launch(
            [plan.python, KIT_LAUNCHER / "launch.py"],
            {**env, **plan.env},
            server,
            lambda: ports.answers(f"http://127.0.0.1:{port}/health"),
        )

    def launch(self, tier: TierContext, port: int, env: Mapping[str, str]) -> Launch:
        """Describe how to start another instance of a tier, with `env` added to its environment."""
        plain = self._launch(tier, port)
        return replace(plain, env={**plain.env, **env})

    async def start_redis(self) -> None:
        """Start an empty Redis. A restarted Redis gets its earlier port."""
        binary = programs.program("redis-server")

        def launch(port: int) -> Launch:
            arguments = ["--bind", "127.0.0.1", "--requirepass", self._keys, "--save", "", "--appendonly", "no"]
            arguments += ["--dir", str(self.run.folder)]
            return Launch([binary, "--port", str(port), *arguments])

        self.redis, self._redis_port = await self.run.start_on_port("redis", launch, port=self._redis_port)

    async def start_proxy(self) -> None:
        """Start the proxies, with the kit's own configuration if the kit has a proxy."""
        addresses = {
            tier.name: tuple(f"127.0.0.1:{instance.port}" for instance in self.of(tier.name))
            for tier in self.plan.kit.tiers
        }
        await self.front.start(addresses)

    async def restart(self, instance: FleetInstance) -> None:
        """Kill an instance if it runs, and start it again on its port."""
        instance.process.kill()
        instance.process, _ = await self._on_port(instance.name, instance.tier, instance.port)

    async def counts(self, instance: FleetInstance) -> dict[str, int]:
        """Read /metrics of an instance, without the proxy.

        Returns:
            The number of open sessions as `sessions`, and the number of messages by route.
        """
        port = instance.port if self.plan.kit.plain else self._metrics[instance.port]
        text = await asyncio.to_thread(_get, f"http://127.0.0.1:{port}/metrics")
        counts = {route or sessions: int(float(number)) for route, sessions, number in _COUNT.findall(text)}
        return {"sessions": 0, **counts}


def _get(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_ANSWER_S) as answer:
            return str(answer.read().decode())
    except OSError as error:
        raise LabError(f"{url} does not answer: {reason(error)}") from error
