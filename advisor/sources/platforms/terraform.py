"""Reads Terraform files: load balancers of AWS with their target groups, services of ECS, and Cloud Run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from advisor.deployment.model import (
    DeploymentFiles,
    NotRead,
    Observation,
    Observations,
    Proxy,
    Route,
    Target,
    Upstream,
    Workload,
)
from advisor.sources.platforms.hcl import Argument, HclBlock, blocks
from advisor.sources.platforms.marked import UnreadableError
from advisor.sources.platforms.observed import observation, stated, typed

_BALANCERS, _GROUPS = ("aws_lb", "aws_alb"), ("aws_lb_target_group", "aws_alb_target_group")
_LISTENERS = ("aws_lb_listener", "aws_alb_listener")
_RULES = ("aws_lb_listener_rule", "aws_alb_listener_rule")
_RUN = ("google_cloud_run_v2_service", "google_cloud_run_service")
_KNOWN = (*_BALANCERS, *_GROUPS, *_LISTENERS, *_RULES, *_RUN, "aws_ecs_service")
_VARIABLE = re.compile(r"(?:\$\{)?var\.(\w+)\}?")
_REFERENCE = re.compile(r"(?<![\w.])(\w+)\.([\w-]+)")
_STRINGS = re.compile(r'"([^"\n]{0,500})"')
_ALB, _NLB, _CLOUD_RUN = "alb", "aws-nlb", "cloud-run"
_ALGORITHMS = {
    "round_robin": "round-robin",
    "least_outstanding_requests": "least-connections",
    "weighted_random": "random",
}


def is_terraform(path: str) -> bool:
    """Return whether a path has the name of a Terraform file."""
    return path.endswith(".tf")


class Modules:
    """The Terraform files of a deployment. The files of a folder are a module, and name each other."""

    def __init__(self) -> None:
        self._folders: dict[str, list[HclBlock]] = {}
        self._unread: list[NotRead] = []
        self._examined: list[str] = []

    def add(self, text: str, path: str) -> None:
        """Read a file."""
        try:
            found = blocks(text, path)
        except UnreadableError as error:
            self._unread.append(NotRead(path, str(error)))
            return
        self._folders.setdefault(posixpath.dirname(path), []).extend(found)
        if any(block.kind == "resource" and block.labels[:1] and block.labels[0] in _KNOWN for block in found):
            self._examined.append(path)

    def result(self) -> DeploymentFiles:
        """Return the parts of the deployment that the files state."""
        modules = [_Module(found) for found in self._folders.values()]
        return DeploymentFiles(
            examined=tuple(self._examined),
            not_examined=tuple(self._unread),
            proxies=tuple(proxy for module in modules for proxy in module.proxies()),
            workloads=tuple(workload for module in modules for workload in module.workloads()),
        )


class _Module:
    def __init__(self, found: list[HclBlock]) -> None:
        self._resources = [block for block in found if block.kind == "resource" and len(block.labels) > 1]
        self._defaults = {
            block.labels[0]: block.arguments["default"]
            for block in found
            if block.kind == "variable" and block.labels and "default" in block.arguments
        }
        self._groups = {block.labels[1]: block for block in self._of(_GROUPS)}
        self._listeners = _by_reference(self._of(_LISTENERS), "load_balancer_arn", _BALANCERS)
        self._rules_of = _by_reference(self._of(_RULES), "listener_arn", _LISTENERS)
        self._attached: dict[str, list[tuple[HclBlock, HclBlock]]] = {}
        for service in self._of(("aws_ecs_service",)):
            for attached in service.all("load_balancer"):
                for name in _names(attached.arguments.get("target_group_arn"), _GROUPS):
                    self._attached.setdefault(name, []).append((service, attached))

    def _of(self, kinds: tuple[str, ...]) -> Iterator[HclBlock]:
        return (block for block in self._resources if block.labels[0] in kinds)

    def _value(self, block: HclBlock, name: str, kind: str) -> Observation | None:
        """Return an argument. A variable is dynamic, with its default as value."""
        argument = block.arguments.get(name)
        if argument is None:
            return None
        variable = _VARIABLE.fullmatch(argument.text)
        given = self._defaults.get(variable[1], argument) if variable else argument
        is_dynamic = variable is not None or (not given.is_text and not _is_literal(given.text)) or "${" in given.text
        value = typed(given.text, kind)
        if value is None:
            return Observation(argument.text, argument.location, is_dynamic=True) if is_dynamic else None
        return Observation(value, argument.location, is_dynamic)

    def proxies(self) -> Iterator[Proxy]:
        used: set[str] = set()
        for balancer in self._of(_BALANCERS):
            upstreams: dict[str, Upstream] = {}
            routes: list[Route] = []
            for listener in self._listeners.get(balancer.labels[1], ()):
                tls = self._tls(listener)
                routes += self._rules(listener, tls, upstreams)
                routes += self._routes(listener.inner("default_action"), (), [""], tls, upstreams)
            used |= set(upstreams)
            kind = balancer.arguments.get("load_balancer_type")
            observed = stated(
                idle_timeout=self._value(balancer, "idle_timeout", "seconds"),
                client_idle_timeout=self._value(balancer, "client_keep_alive", "seconds"),
            )
            product = _NLB if kind is not None and kind.text == "network" else _ALB
            yield _proxy(product, balancer, tuple(upstreams.values()), tuple(routes), observed)
        for name, group in self._groups.items():
            if name not in used:
                upstream = self._upstream(group)
                yield _proxy(_ALB, group, (upstream,), (Route((), "", "every", upstream.name, group.location),), {})
        for service in self._of(_RUN):
            yield self._cloud_run(service)

    def _tls(self, listener: HclBlock) -> Observations:
        protocol = listener.arguments.get("protocol")
        return {"listens_tls": Observation(protocol.text in ("HTTPS", "TLS"), protocol.location)} if protocol else {}

    def _rules(self, listener: HclBlock, tls: Observations, upstreams: dict[str, Upstream]) -> Iterator[Route]:
        for rule in self._rules_of.get(listener.labels[1], ()):
            hosts: list[str] = []
            paths: list[str] = []
            for condition in rule.all("condition"):
                hosts += _strings(condition.inner("host_header").arguments.get("values"))
                paths += _strings(condition.inner("path_pattern").arguments.get("values"))
            yield from self._routes(rule.inner("action"), tuple(hosts), paths or [""], tls, upstreams)

    def _routes(
        self,
        action: HclBlock,
        hosts: tuple[str, ...],
        paths: list[str],
        tls: Observations,
        upstreams: dict[str, Upstream],
    ) -> Iterator[Route]:
        arguments = [action.arguments.get("target_group_arn")]
        arguments += [group.arguments.get("arn") for group in action.inner("forward").all("target_group")]
        name = ""
        for argument in arguments:
            for label in _names(argument, _GROUPS):
                if label in self._groups:
                    name = label
                    upstreams.setdefault(label, self._upstream(self._groups[label]))
        observed = dict(tls)
        if action.all("redirect"):
            redirect = action.inner("redirect")
            protocol = redirect.arguments.get("protocol")
            is_https = protocol is not None and protocol.text == "HTTPS"
            observed["redirects"] = Observation("https" if is_https else "other", redirect.location)
        for path in paths:
            text = path.removesuffix("*")
            is_prefix = path != text
            match = "every" if path in ("", "*") else "prefix" if is_prefix else "exact"
            if "*" in text or "?" in text:
                match, text = "regex", re.escape(path).replace(r"\*", ".*").replace(r"\?", ".")
            yield Route(hosts, "" if match == "every" else text, match, name, action.location, observed)  # type: ignore[arg-type]

    def _upstream(self, group: HclBlock) -> Upstream:
        stickiness, check = group.inner("stickiness"), group.inner("health_check")
        kind = stickiness.arguments.get("type")
        enabled = stickiness.arguments.get("enabled")
        word = "address" if kind is not None and kind.text == "source_ip" else "cookie"
        sticky = Observation(word, kind.location if kind is not None else stickiness.location)
        if enabled is not None and enabled.text == "false":
            sticky = Observation("none", enabled.location)
        algorithm = group.arguments.get("load_balancing_algorithm_type")
        protocol = group.arguments.get("protocol")
        targets = []
        for service, attached in self._attached.get(group.labels[1], ()):
            port = self._value(attached, "container_port", "number")
            number = port.value if port is not None and isinstance(port.value, int) else 0
            targets.append(Target(service.labels[1], number, attached.location, is_pool=True))
        observed = stated(
            sticky=sticky if group.all("stickiness") else None,
            balance=observation(_ALGORITHMS.get(algorithm.text), algorithm.location) if algorithm else None,
            drain_delay=self._value(group, "deregistration_delay", "seconds"),
            health_check_path=self._value(check, "path", "word"),
            upstream_tls=Observation(protocol.text == "HTTPS", protocol.location) if protocol else None,
        )
        return Upstream(group.labels[1], group.location, tuple(targets), observed)

    def _cloud_run(self, service: HclBlock) -> Proxy:
        template = service.inner("template")
        affinity = template.arguments.get("session_affinity")
        sticky = {"true": "cookie", "false": "none"}.get(affinity.text) if affinity is not None else None
        upstream = Upstream(
            service.labels[1],
            service.location,
            (Target(service.labels[1], 0, service.location, is_pool=True),),
            stated(sticky=observation(sticky, affinity.location) if affinity is not None else None),
        )
        timeout = self._value(template, "timeout", "seconds")
        timeout = timeout or self._value(template.inner("spec"), "timeout_seconds", "seconds")
        route = Route((), "", "every", upstream.name, service.location)
        return _proxy(_CLOUD_RUN, service, (upstream,), (route,), stated(total_timeout=timeout))

    def workloads(self) -> Iterator[Workload]:
        for service in self._of(("aws_ecs_service",)):
            observed = stated(instances=self._value(service, "desired_count", "number"))
            name = service.labels[1]
            yield Workload("aws_ecs_service", name, service.location, names=(name,), observed=observed)
        for service in self._of(_RUN):
            template = service.inner("template")
            scaling, limits = template.inner("scaling"), template
            inside = template.inner("spec") if template.all("spec") else template
            container = inside.inner("containers")
            variables = {}
            for variable in container.all("env"):
                key, value = variable.arguments.get("name"), self._value(variable, "value", "word")
                if key is not None and value is not None:
                    variables[key.text] = value
            least = self._value(scaling, "min_instance_count", "number")
            port = self._value(container.inner("ports"), "container_port", "number")
            image = container.arguments.get("image")
            command = [*_strings(container.arguments.get("command")), *_strings(container.arguments.get("args"))]
            yield Workload(
                service.labels[0],
                service.labels[1],
                service.location,
                names=(service.labels[1],),
                command=tuple(command),
                image=image.text if image is not None and image.is_text else "",
                environment=variables,
                ports=(port.value,) if port is not None and isinstance(port.value, int) else (),
                observed=stated(
                    instances=least,
                    min_scale=least,
                    most_instances=self._value(scaling, "max_instance_count", "number"),
                    request_timeout=self._value(limits, "timeout", "seconds"),
                ),
            )


def _proxy(
    product: str, block: HclBlock, upstreams: tuple[Upstream, ...], routes: tuple[Route, ...], observed: Observations
) -> Proxy:
    return Proxy(product, ".".join(block.labels[:2]), block.location, upstreams, routes, observed=observed)


def _names(argument: Argument | None, kinds: tuple[str, ...]) -> list[str]:
    """Return the names of resources in an expression, such as `aws_lb.main.arn` or `aws_lb.main[0].arn`."""
    found = _REFERENCE.findall(argument.text[:500]) if argument is not None else []
    return [name for kind, name in found if kind in kinds]


def _by_reference(found: Iterable[HclBlock], key: str, kinds: tuple[str, ...]) -> dict[str, list[HclBlock]]:
    """Return blocks by the name of the resource in an argument."""
    by_name: dict[str, list[HclBlock]] = {}
    for block in found:
        for name in _names(block.arguments.get(key), kinds):
            by_name.setdefault(name, []).append(block)
    return by_name


def _strings(argument: Argument | None) -> list[str]:
    if argument is None:
        return []
    return [argument.text] if argument.is_text else _STRINGS.findall(argument.text)


def _is_literal(text: str) -> bool:
    return bool(re.fullmatch(r"-?\d+(?:\.\d+)?|true|false", text, re.ASCII))
