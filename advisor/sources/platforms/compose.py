"""Reads compose files: each service is a workload."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatch
from typing import Protocol

from advisor.deployment.model import DeploymentFiles, NotRead, Observation, Observations, Workload
from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.sources.platforms.commands import node_words, server_observations, started
from advisor.sources.platforms.marked import UnreadableError, YamlNode, document
from advisor.sources.platforms.observed import from_node, from_text, observation, stated

_NAMES = ("compose*.y*ml", "docker-compose*.y*ml", "*.compose.y*ml", "docker-stack*.y*ml")
_PORT = re.compile(r"(?:.*:)?(?P<host>\d{1,5}):(?P<target>\d{1,5})(?:/\w+)?", re.ASCII)
_TARGET = re.compile(r"(?:.*:)?(?P<target>\d{1,5})(?:/\w+)?", re.ASCII)
_MOST_SERVICES = 500
_SWARM = ("update_config", "rollback_config", "placement", "endpoint_mode")  # only Docker Swarm uses these keys
_RENDERED = "pass the output of `docker compose config` instead"


class AuditedFiles(Protocol):
    """The files below the audited path."""

    def read(self, name: str) -> bytes | None:
        """Return the content of a file by its path relative to the audited path; None if it cannot be read."""


LabelReader = Callable[[Mapping[str, Observation], Workload], DeploymentFiles]
"""Reads the labels of a compose service with which a proxy finds the service."""


def no_labels(labels: Mapping[str, Observation], workload: Workload) -> DeploymentFiles:
    """Read no labels."""
    return DeploymentFiles()


def is_compose(path: str) -> bool:
    """Return whether a path has the name of a compose file."""
    return any(fnmatch(path.rpartition("/")[2], pattern) for pattern in _NAMES)


def services(text: str, path: str) -> Iterator[tuple[str, YamlNode]]:
    """Yield the services of a compose file by name.

    Raises:
        UnreadableError: the file is not YAML.
    """
    yield from document(text, path).key("services").pairs()


def environment(service: YamlNode) -> Iterator[tuple[str, YamlNode, str]]:
    """Yield the variables of a service: the name, the place, and the text of the value."""
    given = service.key("environment")
    for name, value in given.pairs():
        yield name, value, value.text
    for item in given.items():
        name, equal, text = item.text.partition("=")
        yield name, item, text if equal else f"${{{name}}}"


def read(
    text: str, path: str, files: AuditedFiles, knowledge: Knowledge, labels: LabelReader = no_labels
) -> DeploymentFiles:
    """Return the services of a compose file.

    Args:
        text: the content.
        path: the file, relative to the audited path.
        files: the other files, for the files with variables.
        knowledge: has the options of server programs.
        labels: reads the labels of each service.
    """
    try:
        root = document(text, path)
    except UnreadableError as error:
        return DeploymentFiles(not_examined=(NotRead(path, str(error)),))
    if fnmatch(path.rpartition("/")[2], "*override*"):
        return DeploymentFiles(not_examined=(NotRead(path, f"it changes another compose file; {_RENDERED}"),))
    unread: list[NotRead] = []
    workloads: list[Workload] = []
    labelled: list[DeploymentFiles] = []
    if include := root.key("include"):
        unread.append(NotRead(path, f"line {include.line}: include is not followed; {_RENDERED}"))
    listed = list(root.key("services").pairs())
    if len(listed) > _MOST_SERVICES:
        return DeploymentFiles(not_examined=(NotRead(path, "the file has too many services"),))
    for name, service in listed:
        if not (service.key("image") or service.key("build") or service.key("extends")):
            why = f"line {service.line}: the service {name} has no image, so the file changes another compose file"
            unread.append(NotRead(path, f"{why}; {_RENDERED}"))
            continue
        if extends := service.key("extends"):
            why = f"line {extends.line}: the service {name} extends another service; {_RENDERED}"
            unread.append(NotRead(path, why))
        variables, missing = _variables(service, path, files)
        unread += missing
        workloads.append(_workload(name, service, path, variables, knowledge))
        if given := _labels(service):
            labelled.append(labels(given, workloads[-1]))
    return DeploymentFiles((path,), tuple(unread), workloads=tuple(workloads)).joined(*labelled)


def _workload(name: str, service: YamlNode, path: str, variables: Observations, knowledge: Knowledge) -> Workload:
    folder = posixpath.dirname(path)
    build = service.key("build")
    context = build.text or build.key("context").text or ("." if build else "")
    command = (*node_words(service.key("entrypoint")), *node_words(service.key("command")))
    return Workload(
        kind="compose service",
        name=name,
        location=service.location,
        names=tuple(dict.fromkeys([name, *_names(service)])),
        command=started(command, knowledge.server_programs),
        image=service.key("image").text,
        context=posixpath.normpath(posixpath.join(folder, context)) if context else "",
        environment=variables,
        ports=_ports(service),
        observed={**_observed(service), **server_observations(command, variables, knowledge)},
    )


def _names(service: YamlNode) -> Iterator[str]:
    yield from filter(None, (service.key("container_name").text, service.key("hostname").text))
    for _, network in service.key("networks").pairs():
        yield from network.key("aliases").texts()


def _labels(service: YamlNode) -> dict[str, Observation]:
    found = {}
    for given in (service.key("labels"), service.get("deploy.labels")):
        for name, value in given.pairs():
            found[name] = from_text(value.text, value.location)
        for item in given.items():
            name, _, text = item.text.partition("=")
            found[name] = from_text(text, item.location)
    return found


def _variables(service: YamlNode, path: str, files: AuditedFiles) -> tuple[dict[str, Observation], list[NotRead]]:
    """Return the variables of a service, and the files of variables that cannot be read."""
    given = service.key("env_file")
    entries = list(given.items()) if given.is_list else [given] if given else []
    found: dict[str, Observation] = {}
    unread = []
    for entry in entries:
        stated_path = entry.text or entry.key("path").text
        name = posixpath.normpath(posixpath.join(posixpath.dirname(path), stated_path))
        inside = not name.startswith(("..", "/")) and "$" not in name
        content = files.read(name) if inside and stated_path else None
        if content is None:
            why = f"line {entry.line}: the file with variables {stated_path or '?'} is not there"
            unread.append(NotRead(path, why if inside else f"{why} or is outside of the audited path"))
            continue
        for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines(), 1):
            variable, equal, value = line.strip().removeprefix("export ").partition("=")
            if equal and not variable.startswith("#"):
                found[variable.strip()] = from_text(value.strip().strip("\"'"), Location(name, number))
    found.update({name: from_text(text.replace("$$", "$"), node.location) for name, node, text in environment(service)})
    return found, unread


def _ports(service: YamlNode) -> tuple[int, ...]:
    found = [port["target"] for item in service.key("ports").items() if (port := _TARGET.fullmatch(item.text))]
    found += [item.key("target").text for item in service.key("ports").items() if item.is_mapping]
    found += [item.text.partition("/")[0] for item in service.key("expose").items()]
    return tuple(dict.fromkeys(int(port) for port in found if re.fullmatch(r"\d{1,5}", port, re.ASCII)))


def _observed(service: YamlNode) -> Observations:
    limits, reserved = service.get("deploy.resources.limits"), service.get("deploy.resources.reservations")
    files = service.get("ulimits.nofile")
    check = service.key("healthcheck")
    test = [word.text for word in node_words(check.key("test"))]
    is_checked = bool(test) and test != ["NONE"] and check.key("disable").truth is not True
    command = " ".join(test[1:] if test[:1] in (["CMD"], ["CMD-SHELL"]) else test)
    return stated(
        instances=from_node(service.get("deploy.replicas") or service.key("scale"), "number"),
        grace_period=from_node(service.key("stop_grace_period"), "seconds"),
        stop_signal=from_node(service.key("stop_signal"), "word"),
        memory_limit=from_node(limits.key("memory") or service.key("mem_limit"), "bytes"),
        memory_request=from_node(reserved.key("memory") or service.key("mem_reservation"), "bytes"),
        cpu_limit=from_node(limits.key("cpus") or service.key("cpus"), "cpu"),
        file_limit=from_node(files.key("soft") or files, "number"),
        stdin_open=from_node(service.key("stdin_open"), "yes-no"),
        probe_command=Observation(command, check.key("test").location) if is_checked else None,
        host_port=_host_port(service),
        profiles=observation(service.key("profiles").texts() or None, service.key("profiles").location),
    )


def _host_port(service: YamlNode) -> Observation | None:
    if any(service.get(f"deploy.{key}") for key in _SWARM):  # Swarm publishes a port once for all containers
        return None
    for item in service.key("ports").items():
        port = _PORT.fullmatch(item.text)
        text = port["host"] if port else item.key("published").text
        if re.fullmatch(r"\d{1,5}", text, re.ASCII) and int(text):
            return Observation(int(text), item.location)
    return None
