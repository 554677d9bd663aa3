"""Reads the TypeScript and JavaScript files of a folder, and joins what the other modules of this package find."""

from __future__ import annotations

from collections.abc import Iterable

from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.sources.code_files import SourceFiles
from advisor.sources.code_model import NeedUse, NotExamined, ScannedTree, SdkPin, ServerCode, ToolCode
from advisor.sources.code_state import StateChange, ValueNames, kept
from advisor.sources.typescript.grammar import is_installed
from advisor.sources.typescript.needs import ScriptUses
from advisor.sources.typescript.packages import pins
from advisor.sources.typescript.requests import reused_at
from advisor.sources.typescript.resolve import ScriptTree
from advisor.sources.typescript.servers import ScriptServers, SdkObject, name_of
from advisor.sources.typescript.state import ScriptState
from advisor.sources.typescript.syntax import SyntaxNode
from advisor.sources.typescript.tools import ScriptTool, ScriptTools
from advisor.sources.typescript.values import ScriptValues


def scan_typescript(files: SourceFiles, names: list[str], knowledge: Knowledge) -> ScannedTree:
    """Return the server code in files. Without the extra, the files are not examined.

    Args:
        files: the files.
        names: the files that can make a server.
        knowledge: has the names of the SDK.
    """
    if not is_installed():
        why = knowledge.phrases["scan.needs-extra"]
        return ScannedTree("", (), tuple(NotExamined(name, why) for name in names))
    tree = ScriptTree(files, names)
    values = ScriptValues(tree)
    servers = ScriptServers(tree, values, knowledge)
    needs = ScriptUses(tree, values, servers, knowledge)
    tools = ScriptTools(tree, values, servers)
    state = ScriptState(tree, needs, ValueNames(knowledge))
    found, read = pins(files, [line.packages[0] for line in knowledge.typescript_lines.values()])
    changes: list[tuple[str, StateChange]] = []
    by_server: dict[SyntaxNode, list[ToolCode]] = {server.node: [] for server in servers.all}
    listed = tools.listed() if any(each.kind.kind == "low-level-server" for each in servers.all) else {}
    for tool in tools.all():
        by_server[tool.server.node] += _tool_code(tool, listed, needs, state, changes)
    return ScannedTree(
        "",
        tuple(sorted({*(module.path for module in tree.modules), *(read if servers.all else ())})),
        tuple(sorted(set(files.problems))),
        tuple(_server(server, servers, found, by_server[server.node], knowledge) for server in servers.all),
        kept(list(dict.fromkeys(changes)), state.is_read),
        found,
    )


def _server(
    server: SdkObject, servers: ScriptServers, found: Iterable[SdkPin], tools: list[ToolCode], knowledge: Knowledge
) -> ServerCode:
    return ServerCode(
        name_of(server),
        servers.title(server),
        server.name,
        server.kind.kind != "low-level-server",
        (server.line,),
        _release(server.line, found, knowledge),
        server.location,
        tuple(dict.fromkeys(servers.settings(server))),
        tuple(dict.fromkeys(servers.transports(server))),
        tuple(dict.fromkeys(servers.parts(server))),
        servers.arguments(server),
        tuple(tools),
        "typescript",
        reused_at(server, servers),
    )


def _tool_code(
    tool: ScriptTool,
    listed: dict[str, Location],
    needs: ScriptUses,
    state: ScriptState,
    changes: list[tuple[str, StateChange]],
) -> list[ToolCode]:
    """Return the tool, or the tools that a handler of a low-level server dispatches to, and add its changes."""
    uses: dict[str, list[NeedUse]] = {}
    for visit in needs.visits(tool):
        for name, use in needs.uses(visit, tool):
            uses.setdefault(name, []).append(use)
        changes += [(visit.branch or tool.name or "tools/call", change) for change in state.changes(visit)]
    if not tool.dispatches:
        return [ToolCode(tool.name, tool.location, _once(uses.get("", [])))]
    names = dict.fromkeys([*listed, *filter(None, uses)])
    found = [ToolCode(name, listed.get(name, tool.location), _once(uses.get(name, []))) for name in names]
    rest = _once(uses.get("", []))
    return [*found, *([ToolCode("", tool.location, rest)] if rest or not found else [])]


def _once(uses: Iterable[NeedUse]) -> tuple[NeedUse, ...]:
    found: dict[tuple[str, Location], NeedUse] = {}
    for use in uses:
        found.setdefault((use.call, use.location), use)
    return tuple(found.values())


def _release(line: str, found: Iterable[SdkPin], knowledge: Knowledge) -> str:
    """Return the exact release if all manifests state the same release of the line."""
    package, major = knowledge.typescript_lines[line].packages[0], line.rpartition("-")[2]
    releases = {pin.release for pin in found if pin.package == package and pin.release.startswith(f"{major}.")}
    return f"{package}=={releases.pop()}" if len(releases) == 1 else ""
