"""Builds the context of the templates from a decision. Templates make no decisions: this module makes all of them."""

from __future__ import annotations

import hashlib
import json
import keyword
import re
import shlex
from math import ceil, inf
from typing import Any, NamedTuple

from advisor import __version__
from advisor.decision.connections import forwarding_hops, needed_keep_alive_s, outer_hop
from advisor.decision.core import Core
from advisor.decision.kit_support import checks_tokens, no_kit
from advisor.decision.model import Decision, FeatureRow
from advisor.decision.sdk_behaviour import oldest_mcp
from advisor.errors import AdvisorError, Exit, UsageError
from advisor.kit.feature_context import CellContext, FeatureContext
from advisor.kit.memory import MemoryContext, memory_of
from advisor.kit.model import KitContext, TierContext, ToolContext
from advisor.kit.redis_uses import redis_uses
from advisor.kit.sizing import sizing_for
from advisor.knowledge import Knowledge
from advisor.knowledge.capacity import MemoryPlan
from advisor.knowledge.releases import Release
from advisor.requirements.hops import Hop
from advisor.requirements.model import Tool

_USERS = "user of a session"


class InfeasibleError(AdvisorError):
    """The requirements contradict each other, so there is no kit for them."""

    code = Exit.CONTRADICTION

    def __init__(self, file: str = "") -> None:
        """Args: file: the requirements file as the user named it, or "" if another input has the contradiction."""
        command = f"run: mcp-advisor recommend {shlex.quote(file)}" if file else "run `mcp-advisor recommend`."
        problem = "No configuration keeps every required feature, so there is nothing to generate."
        super().__init__(f"{problem} To see the changes that help, {command}")


def kit_context(decision: Decision) -> KitContext:
    """Return all data that the templates need.

    Raises:
        InfeasibleError: the decision is a contradiction, so there is nothing to deploy.
        UsageError: the SDK release is too old for the generated server, or the server has no generated form.
    """
    if not decision.feasible:
        raise InfeasibleError
    requirements = decision.requirements
    release = decision.release
    if reason := no_kit(decision):
        raise UsageError(reason)
    sdk, auth = requirements["sdk"], requirements["environment.auth"]
    tiers = _tiers(decision, decision.knowledge.memory)
    many = decision.facts["processes"] == "many"
    modern = release.line.serves_modern  # current SDK clients are modern, whatever the requirements name
    features = tuple(_feature(row) for row in decision.features if row.need != "none" and row.feature != "plain")
    needed = {feature.id for feature in features}
    asked = needed - ({"sampling"} if decision.core.substitute == "direct-llm" else set())
    stored = redis_uses(decision)
    cells = _cells(decision, needed | {"plain"})
    proxy = _proxy(decision, decision.knowledge)
    kind = requirements["environment.proxy.kind"]
    outer = None if _has_no_proxy(decision) else outer_hop(requirements, proxy, decision.knowledge)
    idle_timeout = max(60, *(tier.preferred_stop_s for tier in tiers))
    outer, front = _configured_front(decision, outer, idle_timeout)
    own_keep_alive = decision.knowledge.figure("keep-alive.kit_s")
    keep_alive = needed_keep_alive_s(outer, requirements, decision.knowledge) if outer else own_keep_alive
    return KitContext(
        service=requirements["service"],
        summary=_summary(decision),
        line=release.line.id,
        package=release.package,
        requirement=_requirement(sdk, release),
        mcp_release=requirements["mcp_release"] or "",
        users_since=_users_since(decision),
        tiers=tiers,
        features=features,
        eras=decision.eras,
        hosts=tuple(requirements["environment.hosts"]),
        origins=tuple(requirements["environment.origins"]),
        platform=requirements["environment.platform"],
        proxy=proxy,
        proxy_version=requirements["environment.proxy.version"] or "" if kind == proxy else "",
        proxy_replicas=requirements["environment.proxy.replicas"],
        outer_proxy=outer.kind if outer else "",
        front_hops=forwarding_hops(requirements, proxy, decision.knowledge),
        uses_redis=bool(stored),
        needs_sealing_keys=modern and _asks_from_many(asked & {"sampling", "elicitation", "roots"}, tiers, many=many),
        needs_bus="notifications" in stored,
        needs_event_store=any(cell.feature == "resumability" and "works" in cell.legacy.values() for cell in cells),
        direct_llm=decision.core.substitute == "direct-llm",
        auth=auth,
        idle_timeout_s=idle_timeout,
        keep_alive_s=own_keep_alive if proxy else keep_alive,
        front_idle_s=front.idle_s,
        front_total_s=front.total_s,
        front_keep_alive_s=keep_alive,
        path=requirements["environment.path"],
        sizing=sizing_for(requirements["clients.concurrent"], decision.knowledge),
        cells=cells,
        decision_id=_identity(decision),
        version=__version__,
        knowledge=decision.knowledge,
    )


class _FrontTimeouts(NamedTuple):
    """The idle timeout and the total timeout of the hop in front of the kit, in seconds."""

    idle_s: int
    total_s: int


def _configured_front(decision: Decision, outer: Hop | None, least_s: int) -> tuple[Hop | None, _FrontTimeouts]:
    """Return the hop in front of the kit as the manifests of the kit configure it, and its timeouts.

    Args:
        decision: the decision.
        outer: the hop with the stated timeouts; None for no hop.
        least_s: the shortest idle timeout for the calls of the kit, in seconds.
    """
    longest_s = decision.knowledge.figure("timeout.long_s")
    if outer is None:
        return None, _FrontTimeouts(least_s, longest_s)
    kind = decision.knowledge.proxies[outer.kind]
    needed_s = min(max(least_s, kind.idle_timeout_s or 0), kind.idle_max_s or inf)
    timeouts = _FrontTimeouts(ceil(outer.idle_timeout_s or needed_s), ceil(outer.total_timeout_s or longest_s))
    on_kubernetes = decision.requirements["environment.platform"] == "kubernetes"
    if on_kubernetes and outer.kind in decision.knowledge.kit_fronts:
        outer = outer._replace(idle_timeout_s=float(timeouts.idle_s))
    return outer, timeouts


def _users_since(decision: Decision) -> str:
    """Return the first mcp release that binds sessions to users; "" if the kit need not bind them."""
    requirements, knowledge = decision.requirements, decision.knowledge
    if not checks_tokens(requirements["environment.auth"]):
        return ""
    oldest = requirements["mcp_release"] or oldest_mcp(requirements["sdk"], decision.release, knowledge)
    absent = (trait for trait in knowledge.traits if trait.name == _USERS and trait.seen.startswith("absent"))
    return next((trait.before for trait in absent if trait.holds(oldest)), "")


def _requirement(sdk: str, release: Release) -> str:
    """Return the SDK requirement for pip: the stated release, or the newest measured minor release of the stated line.

    Generated servers use private attributes of the SDK, which a new minor release can change.
    """
    if "==" in sdk:
        return sdk
    major, minor = (*release.newest.split("."), "0")[:2]
    return f"{release.package}>={release.newest},<{major}.{int(minor) + 1}"


def _asks_from_many(asking: set[str], tiers: tuple[TierContext, ...], *, many: bool) -> bool:
    """Whether a tool that sends requests to the client (`asking`) runs in several processes."""
    if len(tiers) == 1:
        return many and bool(asking)
    fleets = (tier for tier in tiers if tier.pattern != "single-instance")
    return any(asking.intersection(tool.needs) for tier in fleets for tool in tier.tools)


class _Longest(NamedTuple):
    """The longest call in seconds, and whether it is assumed because the requirements do not state it."""

    seconds: float
    is_assumed: bool = False


def _tiers(decision: Decision, plan: MemoryPlan) -> tuple[TierContext, ...]:
    requirements = decision.requirements
    service = requirements["service"]
    tools = _tool_contexts(requirements.tools)
    stated = requirements["workload.longest_call_s"]
    longest = _Longest(stated or float(decision.knowledge.figure("call.assumed_s")), is_assumed=not stated)
    knowledge = decision.knowledge
    if not decision.tiers:
        memory = memory_of(decision, decision.core, plan)
        return (_tier("main", service, "/mcp", decision.core, requirements, tools, longest, memory, knowledge),)
    contexts = []
    for tier in decision.tiers:
        own = tuple(tool for tool in tools if tool.name in tier.tools)
        durations = [tool.duration_s for tool in own]
        slowest = longest if None in durations else _Longest(max(d for d in durations if d is not None))
        stateful = tier.name == "stateful"
        host = f"{service}-stateful" if stateful else service
        path = "/stateful/mcp" if stateful else "/mcp"
        memory = memory_of(decision, tier.core, plan)
        contexts.append(_tier(tier.name, host, path, tier.core, requirements, own, slowest, memory, knowledge))
    return tuple(contexts)


def _tier(
    name: str,
    host: str,
    path: str,
    core: Core,
    requirements: Any,
    tools: tuple[ToolContext, ...],
    longest: _Longest,
    memory: MemoryContext,
    knowledge: Knowledge,
) -> TierContext:
    instances = requirements["scale.instances"]
    low, high = (instances["min"], instances["max"]) if isinstance(instances, dict) else (instances, instances)
    if core.pattern == "single-instance":
        low = high = 1
    workers = requirements["scale.workers"] if core.flags.stateless_http else 1
    most = memory.most_sessions(workers, knowledge.figure("instance.sessions"))
    return TierContext(
        name=name,
        host=host,
        path=path,
        stateless_http=core.flags.stateless_http,
        json_response=core.flags.json_response,
        pattern=core.pattern,
        mechanism=core.mechanism,
        instances=low,
        max_instances=high,
        workers=workers,
        tools=tools or (ToolContext("echo", "echo", {}, None),),
        longest_call_s=longest.seconds,
        call_is_assumed=longest.is_assumed,
        propagation_s=knowledge.figure("propagation_s"),
        memory=memory,
        max_sessions=most,
        scaling_sessions=memory.scaling_sessions(most, knowledge.figure("autoscaler.sessions_percent")),
    )


def _tool_contexts(tools: tuple[Tool, ...]) -> tuple[ToolContext, ...]:
    taken: set[str] = set()
    contexts = []
    for tool in tools:
        function = re.sub(r"\W", "_", tool.name)
        while function in taken or keyword.iskeyword(function) or keyword.issoftkeyword(function):
            function += "_"
        taken.add(function)
        contexts.append(ToolContext(tool.name, function, dict(tool.needs), tool.duration_s))
    return tuple(contexts)


def _feature(row: FeatureRow) -> FeatureContext:
    return FeatureContext(row.feature, row.need)


def _cells(decision: Decision, features: set[str]) -> tuple[CellContext, ...]:
    return tuple(
        CellContext(cell.feature, cell.call, dict(cell.legacy), dict(cell.modern))
        for cell in decision.measured
        if cell.feature in features
    )


def _proxy(decision: Decision, knowledge: Knowledge) -> str:
    """The proxy of the kit: the proxy that provides session affinity, or a proxy in front that a kit can configure."""
    if _has_no_proxy(decision):
        return ""
    mechanism = knowledge.mechanisms.get(decision.core.mechanism)
    kind: str = decision.requirements["environment.proxy.kind"]
    for name in (mechanism.done_by if mechanism else "", kind):
        if knowledge.in_kit(name, decision.requirements["environment.platform"]):
            return name
    # If a kit cannot configure the load balancer in front, the kit needs its own proxy to route requests to the tiers.
    return next(iter(knowledge.kit_proxies)) if decision.tiers else ""


def _has_no_proxy(decision: Decision) -> bool:
    """Whether a single process runs on a developer's machine, and the requirements name no proxy there."""
    requirements = decision.requirements
    alone = decision.core.pattern == "single-instance" and requirements["environment.platform"] == "local"
    return alone and "environment.proxy.kind" in requirements.defaults


def _summary(decision: Decision) -> str:
    if decision.tiers:
        return f"{decision.core.pattern} (a stateless tier and a stateful tier)"
    flags = decision.core.flags
    pair = f"stateless_http={flags.stateless_http}, json_response={flags.json_response}"
    return f"{decision.core.pattern}, {pair}, session affinity {decision.core.mechanism}"


def _identity(decision: Decision) -> str:
    """A hash that is equal for equal requirements and decisions. File headers contain this hash instead of a time."""
    requirements = decision.requirements
    asked = dict(requirements.values)
    tools = [[tool.name, dict(tool.needs), tool.duration_s] for tool in requirements.tools]
    text = json.dumps([__version__, asked, tools, decision.core], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
