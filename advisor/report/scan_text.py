"""The result of a scan for a terminal: the first screen has the servers, the needs, the state and the findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from advisor.console.canvas import Canvas, Screen
from advisor.findings import Location
from advisor.knowledge.scan import FLAGS
from advisor.report.findings_text import draw_findings
from advisor.report.screen_parts import LINES, draw_rows
from advisor.sentences import counted, listed
from advisor.sources.code_model import CodeValue, KeptState, ScannedTree, ServerCode, ToolCode
from advisor.triage import Triaged

_MOST_SERVERS = 1
_MOST_TOOLS = 4
_MOST_STATE = 2


def scan_text(
    tree: ScannedTree, triaged: Triaged, phrases: Mapping[str, str], screen: Screen, *, full: bool = False
) -> str:
    """Return the result as text. Without `full`, it has at most 23 lines of 80 columns.

    Args:
        tree: the content of the folder.
        triaged: the findings.
        phrases: the words.
        screen: the width and the colours.
        full: whether to show everything.
    """
    canvas = Canvas(screen)
    _draw_head(canvas, tree, phrases)
    servers = sorted(tree.servers, key=lambda server: not server.transports)
    shown = servers if full else servers[:_MOST_SERVERS]
    for server in shown:
        _draw_server(canvas, server, tree, phrases)
    if len(servers) > len(shown):
        names = ", ".join(f"{server.name} ({_place(server.location)})" for server in servers[len(shown) :])
        _draw_one(canvas, phrases["scan.label.more"], f"{names}"[: canvas.width - 12])
    _draw_tools(canvas, tree, phrases, None if full else _MOST_TOOLS)
    _draw_state(canvas, tree.state, phrases, None if full else _MOST_STATE)
    for problem in tree.not_examined if full else tree.not_examined[:1]:
        rest = "" if full or len(tree.not_examined) == 1 else f" (+{len(tree.not_examined) - 1})"
        _draw_one(canvas, phrases["scan.label.unread"], f"{problem.path}: {problem.why}{rest}")
    draw_findings(canvas, triaged, phrases, None if full else LINES - canvas.size)
    return canvas.text()


def _draw_head(canvas: Canvas, tree: ScannedTree, phrases: Mapping[str, str]) -> None:
    files = counted(phrases, "scan.files", len(tree.examined))
    servers = counted(phrases, "scan.servers", len(tree.servers))
    canvas.line((_cut(tree.path, canvas.width - len(files) - len(servers) - 4), "bold"), f": {servers}, {files}")


def _draw_server(canvas: Canvas, server: ServerCode, tree: ScannedTree, phrases: Mapping[str, str]) -> None:
    sdk = server.release or listed(server.lines, "or")
    name = (
        f"{server.name} = {server.class_name}({server.title!r})"
        if server.title
        else f"{server.name} ({server.class_name})"
    )
    rows = [(phrases["scan.label.server"], f"{_cut(name, 34)}, {sdk}, {_place(server.location)}")]
    transports = list(dict.fromkeys(_shown(use.transport, phrases) for use in server.transports))
    rows.append((phrases["scan.label.transport"], "; ".join(transports) or phrases["scan.transport.none"]))
    for flag in FLAGS:
        value = server.flag(flag)
        text = phrases["scan.unset"] if value.kind == "unset" else _shown(value, phrases)
        rows.append((phrases[f"scan.label.{flag}"], text))
    if tree.workers.kind != "unset":
        rows.append((phrases["scan.label.workers"], _shown(tree.workers, phrases)))
    if server.parts:
        parts = [f"{part.name} ({_place(part.location)})" for part in server.parts]
        rows.append(
            (phrases["scan.label.parts"], listed(parts[:2]) + (f", +{len(parts) - 2}" if len(parts) > 2 else ""))
        )
    _draw_rows(canvas, rows)


def _draw_tools(canvas: Canvas, tree: ScannedTree, phrases: Mapping[str, str], most: int | None) -> None:
    tools = [tool for server in tree.servers for tool in server.tools]
    using = [tool for tool in tools if tool.uses]
    others = [handler for server in tree.servers for handler in server.other_handlers]
    summary = counted(phrases, "scan.tools", len(tools), using=str(len(using)))
    _draw_rows(canvas, [(phrases["scan.label.tools"], summary)])
    users = [*using, *others]
    shown = users if most is None else users[:most]
    for tool in shown:
        name = phrases[f"scan.shown.{tool.kind}"].format(name=tool.name or "call_tool")
        if most is not None:
            text = f"{name}: {'; '.join(_uses(tool, phrases, _short))}"
            canvas.line(_cut(text, canvas.width - 12), indent=12)
        else:
            canvas.line(f"{name} ({_place(tool.location)})", indent=12)
            for use in _uses(tool, phrases, _place):
                canvas.line(use, indent=14)
    if len(users) > len(shown):
        canvas.line((phrases["scan.more"].format(number=len(users) - len(shown)), "dim"), indent=12)


def _uses(tool: ToolCode, phrases: Mapping[str, str], placed: Callable[[Location], str]) -> list[str]:
    """Return each call of a tool, with its first place and its guard."""
    found: dict[str, str] = {}
    for use in tool.uses:
        guard = "" if use.guard == "none" else phrases[f"scan.guard.{use.guard}"]
        found.setdefault(use.call, f"{use.call} ({placed(use.location)}{guard})")
    return list(found.values())


def _draw_state(canvas: Canvas, states: Sequence[KeptState], phrases: Mapping[str, str], most: int | None) -> None:
    kept = [state for state in states if state.kind == "state" or most is None]
    shown = kept if most is None else kept[:most]
    for index, state in enumerate(shown):
        kind = phrases[f"scan.state.{'cache' if state.kind == 'cache' else state.holder}"]
        by_session = phrases["scan.state.by-session"] if state.by_session else ""
        place = _place(state.changed) if most is None else _short(state.changed)
        text = f"`{state.name}` {kind}{by_session} ({place})"
        shown_text = text if most is None else _cut(text, canvas.width - 12)
        _draw_rows(canvas, [(phrases["scan.label.state"] if index == 0 else "", shown_text)])
    if len(kept) > len(shown):
        canvas.line((phrases["scan.more"].format(number=len(kept) - len(shown)), "dim"), indent=12)


def _draw_one(canvas: Canvas, label: str, text: str) -> None:
    _draw_rows(canvas, [(label, text)])


def _draw_rows(canvas: Canvas, rows: Sequence[tuple[str, str]]) -> None:
    draw_rows(canvas, [(f"{label:<10}", text) for label, text in rows])


def _shown(value: CodeValue, phrases: Mapping[str, str]) -> str:
    """Return a value with its place: the literal, or what decides it."""
    place = f" ({_place(value.location)})" if value.location is not None else ""
    if value.kind == "literal":
        return f"{value.value}{place}"
    default = "" if value.value is None else phrases["scan.default"].format(value=value.value)
    return phrases["scan.dynamic"].format(origin=value.origin, default=default, place=place)


def _place(location: Location) -> str:
    return f"{location.path}:{location.line}"


def _short(location: Location) -> str:
    """Return a place without its folders. The first screen is narrow, and `--full` has the folders."""
    return f"{location.path.rpartition('/')[2]}:{location.line}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(width, 4) - 3]}..."
