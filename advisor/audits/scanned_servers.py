"""The servers in the scanned code of a deployment, and the server that a workload runs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

from advisor.audits.server_code import serves_http
from advisor.deployment.model import Workload
from advisor.sources.code_model import ScannedTree, ServerCode
from advisor.sources.python.started import module_names, started_modules

_HTTP = ("http", "streamable-http", "streamable_http")
_SSE = "sse"


class ScannedServer(NamedTuple):
    """A server in scanned code, with the tree that has it."""

    code: ServerCode
    tree: ScannedTree


class RunServer(NamedTuple):
    """The server that a workload or an address runs.

    Attributes:
        found: the server.
        by: why the program takes it for this server. A command names its module, the image is built from its folder, or
            no other server is in the audited files. The value other-command means that no other server is
            there, and the command names another module. This module can import the server.
    """

    found: ScannedServer
    by: Literal["command", "context", "only", "other-command"]


def http_servers(trees: Iterable[ScannedTree]) -> tuple[ScannedServer, ...]:
    """Return the servers that can run over HTTP."""
    every = [ScannedServer(server, tree) for tree in trees for server in tree.servers]
    certain = tuple(each for each in every if serves_http(each.code) or _has_sse(each.code))
    return certain or tuple(each for each in every if _can_serve_http(each.code))


def server_of(workload: Workload | None, servers: tuple[ScannedServer, ...]) -> RunServer | None:
    """Return the server that a workload runs, or that answers at an address without a workload. None: not known."""
    modules: frozenset[str] = frozenset()
    if workload is not None:
        modules = started_modules(workload.command)
        named = [each for each in servers if modules & module_names(each.code.location.path)]
        if len(named) == 1:
            return RunServer(named[0], "command")
        folder = workload.context.strip("./")
        inside = [each for each in servers if folder and each.code.location.path.startswith(f"{folder}/")]
        if len(inside) == 1:
            return RunServer(inside[0], "context")
        if named or folder:
            return None
    if len(servers) != 1:
        return None
    return RunServer(servers[0], "other-command" if workload is not None and modules else "only")


def candidates(workload: Workload, servers: tuple[ScannedServer, ...]) -> tuple[ScannedServer, ...]:
    """Return the servers that a workload can run, if it is not known which it runs."""
    modules = started_modules(workload.command)
    named = tuple(each for each in servers if modules & module_names(each.code.location.path))
    folder = workload.context.strip("./")
    inside = tuple(each for each in servers if folder and each.code.location.path.startswith(f"{folder}/"))
    return named or inside or (() if modules or folder else servers)


def names_other_module(workload: Workload | None, modules: Collection[str]) -> bool:
    """Return whether the command of a workload names only other modules than those with servers.

    Args:
        workload: the workload.
        modules: the files with servers in the scanned code, also of servers that only run over stdio.
    """
    named = started_modules(workload.command) if workload is not None else frozenset()
    return bool(named and modules) and not any(named & module_names(path) for path in modules)


def transport_of(server: ServerCode, workload: Workload | None) -> Literal["streamable-http", "sse", ""]:
    """Return the transport that the code states, or that a command or variable can choose; "" without HTTP."""
    if serves_http(server):
        return "streamable-http"
    is_open = any(use.transport.kind != "literal" for use in server.transports)
    variables = [str(each.value) for each in workload.environment.values()] if workload is not None else []
    words = [*variables, *(workload.command if workload is not None else ())]
    parts = {part for word in words for part in re.split(r"[\s=]+", word)}
    if parts & set(_HTTP):
        return "streamable-http"
    if _has_sse(server) or (is_open and _SSE in parts):
        return "sse"
    return "streamable-http" if is_open else ""


def _has_sse(server: ServerCode) -> bool:
    return any(use.transport.value == _SSE for use in server.transports)


def _can_serve_http(server: ServerCode) -> bool:
    values = [use.transport for use in server.transports]
    return not values or any(value.kind != "literal" for value in values)
