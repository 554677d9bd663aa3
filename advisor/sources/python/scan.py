"""Reads a folder or a file with server code, and joins what the other modules of this package find."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.knowledge.capabilities import SdkLine
from advisor.knowledge.versions import parse
from advisor.sources.code_files import SourceFiles
from advisor.sources.code_model import UNSET, CodeValue, NeedUse, ScannedTree, SdkPin, ServerCode, ServerPart, ToolCode
from advisor.sources.code_state import StateChange, ValueNames, kept
from advisor.sources.python.kept_reads import ReadNames
from advisor.sources.python.manifests import Manifests
from advisor.sources.python.modules import Module
from advisor.sources.python.needs import FeatureUses
from advisor.sources.python.resolve import CodeTree, argument
from advisor.sources.python.servers import ServerObject, Servers
from advisor.sources.python.started import can_start
from advisor.sources.python.state import StateChanges
from advisor.sources.python.tools import ServerTools, ToolFunction
from advisor.sources.python.values import Values

_CLAUSE = re.compile(r"\s*(===?|~=|>=|<=|!=|<|>|\^)\s*v?(\d+(?:\.\d+)*)(\.\*)?")


def scan_files(files: SourceFiles, path: str, knowledge: Knowledge) -> ScannedTree:
    """Return the server code in files.

    Args:
        files: the files.
        path: the folder or file as the user named it.
        knowledge: has the names of the SDKs.
    """
    tree = CodeTree(files, {name for code in knowledge.code_names.values() for name in (code.id, *code.also)})
    values = Values(tree, knowledge)
    servers = Servers(tree, values, knowledge)
    manifests = Manifests(files, knowledge)
    needs = FeatureUses(tree, values, servers, knowledge)
    tools = ServerTools(tree, values, servers)
    state = StateChanges(tree, needs, ValueNames(knowledge))
    changes: list[tuple[str, StateChange]] = []
    read = ReadNames(tree)
    parts = list(servers.parts())
    by_server: dict[ast.AST, list[ToolCode]] = {server.call: [] for server in servers.all}
    for tool in tools.all():
        by_server[tool.server.call] += _tool_code(tool, tools, needs, state, changes, read)
    return ScannedTree(
        path,
        tuple(sorted({*files.examined, *manifests.names})),
        tuple(sorted(set(files.problems))),
        tuple(_server(server, servers, parts, manifests, by_server[server.call], knowledge) for server in servers.all),
        kept(changes, read.has),
        tuple(manifests.pins),
        _workers(tree, values, _stated_workers(tree, servers, manifests, files)),
    )


def _server(
    server: ServerObject,
    servers: Servers,
    found: list[tuple[Module, ServerPart]],
    manifests: Manifests,
    tools: list[ToolCode],
    knowledge: Knowledge,
) -> ServerCode:
    lines = _lines(server, manifests.pins, knowledge)
    packages = {line: data.package for data in knowledge.capabilities for each in data.lines for line in [each.id]}
    settings = list(servers.settings(server))
    settings += [
        setting
        for setting in manifests.settings
        if server.kind.id.startswith("fastmcp.") or setting.place == "environment"
    ]
    here = {each.module.path for each in servers.all}
    parts = [part for module, part in found if module is server.module or module.path not in here]
    title = server.call.args[0] if server.call.args else argument(server.call, "name")
    stated = title.value if isinstance(title, ast.Constant) and isinstance(title.value, str) else ""
    effective = sorted(
        (_effective(tool, lines, knowledge) for tool in tools),
        key=lambda tool: (tool.location.path, tool.location.line or 0, tool.name),
    )
    arguments = [each.arg for _, call in server.calls for each in call.keywords if each.arg is not None]
    return ServerCode(
        server.name or server.class_name,
        stated,
        server.class_name,
        server.kind.kind == "server",
        lines,
        _release(lines, packages, manifests.pins),
        server.location,
        tuple(settings),
        tuple(servers.transports(server)),
        tuple(parts),
        tuple(arguments),
        tuple(tool for tool in effective if tool.kind == "tool"),
        other_handlers=tuple(tool for tool in effective if tool.kind != "tool" and tool.uses),
    )


def _tool_code(
    tool: ToolFunction,
    tools: ServerTools,
    needs: FeatureUses,
    state: StateChanges,
    changes: list[tuple[str, StateChange]],
    read: ReadNames,
) -> list[ToolCode]:
    """Return the tool, or the tools that a handler of a low-level server dispatches to.

    `changes` and `read` get what the tool changes and reads.
    """
    uses: dict[str, list[NeedUse]] = {}
    for visit in needs.visits(tool):
        read.add(visit)
        for name, use in needs.uses(visit, tool):
            uses.setdefault(name, []).append(use)
        if tool.kind == "tool":  # a resource or a prompt only reads; what it stores, it can make again
            changes += [(visit.branch or tool.name or tool.function.name, change) for change in state.changes(visit)]
    if not tool.dispatches:
        return [ToolCode(tool.name, tool.location, _once(uses.get("", [])), tool.kind)]
    listed = tools.listed(tool.server)
    names = dict.fromkeys([*listed, *filter(None, uses)])
    found = [ToolCode(name, listed.get(name, tool.location), _once(uses.get(name, []))) for name in names]
    rest = _once(uses.get("", []))
    return [*found, *([ToolCode("", tool.location, rest)] if rest or not found else [])]


def _effective(tool: ToolCode, lines: tuple[str, ...], knowledge: Knowledge) -> ToolCode:
    """Return a tool without the calls that have no effect in any of the SDK lines, as measured with all flag pairs."""
    return tool._replace(uses=tuple(use for use in tool.uses if not _has_no_effect(use, lines, knowledge)))


def _has_no_effect(use: NeedUse, lines: tuple[str, ...], knowledge: Knowledge) -> bool:
    outcomes = set()
    for package in knowledge.capabilities:
        for line in package.lines:
            for cell in package.cells if line.id in lines else ():
                if (cell.feature, cell.call) == (use.feature, use.call) and cell.holds(line.newest):
                    outcomes |= {*cell.legacy.values(), *cell.modern.values()}
    return bool(outcomes) and outcomes <= {"dropped", "unsupported"}


def _once(uses: Iterable[NeedUse]) -> tuple[NeedUse, ...]:
    found: dict[tuple[str, Location], NeedUse] = {}
    for use in uses:
        found.setdefault((use.call, use.location), use)
    return tuple(found.values())


def _stated_workers(tree: CodeTree, servers: Servers, manifests: Manifests, files: SourceFiles) -> CodeValue:
    """Return the number of workers of the first command that can start a server, or of a variable."""
    with_server = {server.module.path for server in servers.all}
    for modules, value in manifests.workers:
        if not with_server or can_start(modules, with_server, tree, files.names):
            return value
    return UNSET


def _workers(tree: CodeTree, values: Values, stated: CodeValue) -> CodeValue:
    """Return the number of workers from a command, or else from `uvicorn.run(workers=...)`."""
    if stated.kind != "unset":
        return stated
    for module in tree.modules:
        for call in module.calls:
            if (
                any(each.arg == "workers" for each in call.keywords)
                and tree.resolve(call.func, module) == "uvicorn.run"
            ):
                value = values.keyword(call, "workers", module)
                return value._replace(value=value.value if isinstance(value.value, int) else None)
    return stated


def _lines(server: ServerObject, pins: Iterable[SdkPin], knowledge: Knowledge) -> tuple[str, ...]:
    """Return the SDK lines that a server can be written for: from the class, its arguments and the manifests."""
    lines = [knowledge.lines[line] for line in server.kind.lines]
    if server.kind.kind == "low-level-server":
        modern = any(
            keyword.arg and keyword.arg.startswith("on_") for _, call in server.calls for keyword in call.keywords
        )
        lines = [line for line in lines if line.serves_modern == modern] or lines
    package = server.kind.id.partition(".")[0]
    for pin in pins:
        if pin.package == package:
            lines = [line for line in lines if _allows(pin.requirement, line)] or lines
    return tuple(line.id for line in lines)


def _allows(requirement: str, line: SdkLine) -> bool:
    """Return whether a requirement allows a release of an SDK line. The line starts with its major version."""
    major = int(line.start.partition(".")[0])
    low: tuple[int, ...] = (major,)
    high = parse(line.before) or (major + 1,)
    for operator, number, wildcard in _CLAUSE.findall(requirement):
        version = parse(number)
        if version is None:
            continue
        if operator in (">=", ">", "~=", "==", "===", "^"):
            low = max(low, version)
        if operator in ("<", "<="):
            high = min(high, version) if operator == "<" else min(high, (*version, 1))
        if operator in ("==", "===") and not wildcard:
            high = min(high, (*version, 1))
        elif operator in ("^", "==") or operator == "~=":
            parts = [int(part) for part in number.split(".")]
            kept_parts = 1 if operator == "^" else len(parts) if wildcard else max(len(parts) - 1, 1)
            high = min(high, (*parts[: kept_parts - 1], parts[kept_parts - 1] + 1))
    return low < high


def _release(lines: tuple[str, ...], packages: dict[str, str], pins: Iterable[SdkPin]) -> str:
    """Return the exact release if the code has a single SDK line, and all exact pins name the same release."""
    if len(lines) != 1:
        return ""
    package = packages[lines[0]]
    major = lines[0].rpartition("-")[2]
    found = {pin.release for pin in pins if pin.package == package and pin.release.partition(".")[0] == major}
    return f"{package}=={found.pop()}" if len(found) == 1 else ""
