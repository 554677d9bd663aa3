"""The facts of a requirements file that the code of a server states, and the facts that it leaves open."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from advisor.audits.server_code import flag_value, serves_http
from advisor.knowledge import Knowledge
from advisor.knowledge.scan import FLAGS
from advisor.requirements.text import is_label, is_tool
from advisor.sentences import listed
from advisor.sources.code_model import NeedUse, ScannedTree, ServerCode

_OPTIONAL = ("progress", "logging", "list_changed", "subscriptions")
"""Features without which a tool still gives its result."""


class CodeFacts(NamedTuple):
    """The facts of the code.

    Attributes:
        stated: from the dotted key to the value, as in a requirements file.
        open: from the dotted key to the reason why the code does not state the fact.
        tools: the entries of the key `tools`; empty if the tools and their needs are not all known.
    """

    stated: dict[str, Any]
    open: dict[str, str]
    tools: tuple[dict[str, Any], ...]


def facts_of(tree: ScannedTree, knowledge: Knowledge, folder: str) -> CodeFacts:
    """Return the facts that the servers of a tree state.

    Args:
        tree: has a server or several servers.
        knowledge: the features and the words.
        folder: the name of the folder, for a server without a name.
    """
    stated: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    phrases = knowledge.phrases
    servers = tree.servers
    _service(servers, folder, stated, unknown, knowledge)
    lines = {line for server in servers for line in server.lines}
    releases = {server.release for server in servers}
    languages = {server.language for server in servers}
    if languages == {"typescript"}:
        stated |= {"sdk": "other", "language": "typescript"}
    elif len(lines) == 1:
        stated["sdk"] = next(iter(releases)) if len(releases) == 1 and "" not in releases else next(iter(lines))
    else:
        unknown["sdk"] = phrases["scan.open.sdk"].format(lines=listed(sorted(lines), "or"))
    tools = _tools(servers)
    if not any(server.tools for server in servers):
        unknown["tools"] = phrases["scan.open.tools"]
    needs = _needs(tree)
    if not tools:
        stated |= {f"needs.{feature}": level for feature, level in needs.items()}
    elif kept := {name: level for name, level in needs.items() if not _in_tools(name, tools)}:
        stated |= {f"needs.{feature}": level for feature, level in kept.items()}
    if any(state.by_session or state.holder == "session" for state in tree.state if state.kind == "state"):
        stated["workload.state_by"] = "session"
    elif shared := [state.name for state in tree.state if state.kind == "state"]:
        names = listed([f"`{name}`" for name in shared[:3]])
        unknown["needs.session_state"] = phrases["scan.open.state"].format(names=names)
    _flags(servers, stated, unknown, knowledge)
    workers = tree.workers
    if workers.kind == "literal" and isinstance(workers.value, int):
        stated["scale.workers"] = workers.value
    elif workers.kind == "dynamic":
        unknown["scale.workers"] = _from(workers, phrases)
    if any(part.kind == "oauth-proxy" for server in servers for part in server.parts):
        stated["environment.auth"] = "oauth-proxy"
    elif any({"auth", "token_verifier"} & set(server.arguments) for server in servers):
        unknown["environment.auth"] = phrases["scan.open.auth"]
    return CodeFacts(stated, unknown, tools)


def _service(
    servers: tuple[ServerCode, ...], folder: str, stated: dict[str, Any], unknown: dict[str, str], knowledge: Knowledge
) -> None:
    names = [server.title for server in servers if server.title] if len(servers) == 1 else []
    for name in (*names, folder):
        label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-")
        if is_label(label):
            stated["service"] = label
            return
    unknown["service"] = knowledge.phrases["scan.open.service"]


def _tools(servers: tuple[ServerCode, ...]) -> tuple[dict[str, Any], ...]:
    """Return the entries of `tools`; empty if a handler uses a feature for a tool that is not known."""
    found: dict[str, dict[str, str]] = {}
    for server in servers:
        for tool in server.tools:
            if not tool.name or not is_tool(tool.name):
                return ()
            levels = found.setdefault(tool.name, {})  # two branches can register tools with the same name
            for use in tool.uses:
                levels[use.feature] = max(levels.get(use.feature, ""), _level(use))  # required is after preferred
    return tuple({"name": name, **({"needs": levels} if levels else {})} for name, levels in found.items())


def _needs(tree: ScannedTree) -> dict[str, str]:
    """Return the level of each feature that the code uses; the strongest of several."""
    found: dict[str, str] = {}
    uses = [use for server in tree.servers for tool in (*server.tools, *server.other_handlers) for use in tool.uses]
    for use in sorted(uses, key=lambda use: _level(use) == "required"):
        found[use.feature] = _level(use)
    if any(state.by_session or state.holder == "session" for state in tree.state if state.kind == "state"):
        found["session_state"] = "required"
    if any(part.kind == "event-store" for server in tree.servers for part in server.parts):
        found["resumability"] = "preferred"
    return found


def _in_tools(feature: str, tools: tuple[dict[str, Any], ...]) -> bool:
    return any(feature in tool.get("needs", {}) for tool in tools)


def _level(use: NeedUse) -> str:
    return "preferred" if use.feature in _OPTIONAL or use.guard == "capability" else "required"


def _flags(
    servers: tuple[ServerCode, ...], stated: dict[str, Any], unknown: dict[str, str], knowledge: Knowledge
) -> None:
    over_http = [server for server in servers if serves_http(server)]
    for flag in FLAGS:
        values = {flag_value(server.flag(flag)) for server in over_http}
        if len(values) == 1 and None not in values:
            stated[f"current.{flag}"] = values.pop()
        elif over_http:
            dynamic = next((server.flag(flag) for server in over_http if flag_value(server.flag(flag)) is None), None)
            several = knowledge.phrases["scan.open.several"]
            unknown[f"current.{flag}"] = _from(dynamic, knowledge.phrases) if dynamic is not None else several
    uses = [use.transport for server in servers for use in server.transports]
    known = {use.value for use in uses if use.kind == "literal"}
    if over_http or "sse" in known:
        remote = known & {"sse", "streamable-http"}
        if len(remote) == 1 and all(use.kind == "literal" for use in uses):
            stated["current.transport"] = remote.pop()
        else:
            dynamic = next((use for use in uses if use.kind == "dynamic"), None)
            several = knowledge.phrases["scan.open.several"]
            unknown["current.transport"] = _from(dynamic, knowledge.phrases) if dynamic is not None else several


def _from(value: Any, phrases: Any) -> str:
    """Return what decides a dynamic value, with its place."""
    place = f"{value.location.path}:{value.location.line}" if value.location is not None else ""
    return str(phrases["scan.open.dynamic"].format(origin=value.origin, place=place))
