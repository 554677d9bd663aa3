"""The findings about the code of a server. rules/findings has their words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from advisor.audits.code_lines import call_instead, code_calls, legacy_outcome, serves_modern
from advisor.findings import SEVERITIES, Finding, Fix, Location
from advisor.knowledge import Knowledge
from advisor.knowledge.finding_kinds import FindingKind
from advisor.knowledge.scan import FLAGS, CodeLanguage, FlagName
from advisor.sentences import listed
from advisor.sources.code_files import TYPESCRIPT
from advisor.sources.code_model import CodeValue, NeedUse, ScannedTree, ServerCode, ToolCode

PAGE = "https://github.com/mcp-advisor/mcp-advisor/blob/main/docs/findings.md"
"""The page about all findings. Each finding has an anchor."""

_HANDLER = "call_tool"
_OPTIONS: Mapping[FlagName, str] = {"stateless_http": "sessionIdGenerator", "json_response": "enableJsonResponse"}
_BUS: Mapping[CodeLanguage, str] = {"python": "subscriptions", "typescript": "bus"}


Processes: TypeAlias = Mapping[Location, Literal["single", "several"]]
"""From the place of a server to the number of its processes, if it is known."""


def findings(tree: ScannedTree, knowledge: Knowledge, processes: Processes | None = None) -> tuple[Finding, ...]:
    """Return the findings about the servers of a tree, the most severe first, each place once.

    Args:
        tree: the scanned code.
        knowledge: has the words.
        processes: the number of processes of the servers, if the deployment is known.
    """
    judge = _Judge(tree, knowledge, processes or {})
    found = {(each.id, each.message, each.locations): each for each in judge.all()}
    return tuple(sorted(found.values(), key=lambda each: (SEVERITIES.index(each.severity), each.id, each.locations)))


class _Judge:
    def __init__(self, tree: ScannedTree, knowledge: Knowledge, processes: Processes) -> None:
        self._tree, self._knowledge, self._processes = tree, knowledge, processes
        self._calls = code_calls(knowledge)

    def all(self) -> Iterator[Finding]:
        for server in self._tree.servers:
            yield from self._flag_places(server)
            for tool in (*server.tools, *server.other_handlers):
                for use in tool.uses:
                    yield from self._call(server, tool, use)
            yield from self._parts(server)
            yield from self._workers(server)
            yield from self._shared(server)
        yield from self._state()

    def _flag_places(self, server: ServerCode) -> Iterator[Finding]:
        if server.language == "typescript":
            for setting in server.settings:
                if setting.place in ("constructor", "handler-options"):
                    words = {
                        "lines": listed(server.lines, "or"),
                        "flag": _OPTIONS[setting.flag],
                        "place": self._phrase(f"scan.place.{setting.place}"),
                        "allowed": self._phrase("scan.allowed.transport"),
                    }
                    yield self._finding("flags-in-wrong-place", setting.location, words, language="typescript")
            return
        codes = [self._knowledge.sdks[line] for line in server.lines]
        for setting in server.settings:
            refusing = [] if not server.is_high_level else [code for code in codes if setting.place in code.no_flags_in]
            if refusing:
                words = {
                    "lines": listed([code.line for code in refusing], "or"),
                    "flag": setting.flag,
                    "place": self._phrase(f"scan.place.{setting.place}"),
                    "allowed": self._phrase(f"scan.allowed.{refusing[0].flags}"),
                }
                yield self._finding("flags-in-wrong-place", setting.location, words, certain=refusing == codes)

    def _call(self, server: ServerCode, tool: ToolCode, use: NeedUse) -> Iterator[Finding]:
        name = tool.name or _HANDLER
        call = self._calls[use.feature, use.call]
        words = {
            "user": self._phrase(f"scan.user.{tool.kind}"),
            "tool": name,
            "call": use.call,
            "lines": listed(server.lines, "or"),
        }
        lacking = [line for line in server.lines if self._lacks(use.call, line)]
        if lacking:
            words |= {"lines": listed(lacking, "or"), "instead": self._instead(use.feature, lacking[0])}
            yield self._finding("call-not-in-sdk", use.location, words, certain=len(lacking) == len(server.lines))
            return
        modern = [line for line in server.lines if serves_modern(server, line, self._knowledge)]
        if modern and call.modern is None and call.legacy is not None and call.legacy.channel == "server-request":
            old = {**words, "lines": listed(modern, "or"), "instead": self._instead(use.feature, modern[0])}
            certain = len(modern) == len(server.lines)
            yield self._finding("old-call-for-modern-clients", use.location, old, certain=certain)
        if use.guard == "open" and use.feature == "elicitation":
            yield self._finding("guard-catches-every-error", use.location, words)
        yield from self._lost(server, use, words)
        scope = call.modern.scope if modern and call.modern is not None else ""
        has_keys = any(part.kind == "sealing" and part.shared for part in server.parts)
        processes = self._number_of_processes(server)
        if processes == "single":
            return
        certain = processes == "several"
        if scope == "keys" and server.is_high_level and not has_keys and server.language == "python":
            yield self._finding("sealing-keys-missing", server.location, words, certain=certain)
        if scope == "bus" and not _is_shared(server, _BUS[server.language], "bus"):
            found = self._finding("bus-in-process", use.location, words, certain=certain, language=server.language)
            yield found

    def _number_of_processes(self, server: ServerCode) -> Literal["single", "several"] | None:
        """Return whether several processes of a server run at the same time for a client; None: not known."""
        workers = self._tree.workers.value if self._tree.workers.kind == "literal" else None
        if isinstance(workers, int) and workers > 1:
            return "several"
        if _is_local(server):
            return "single"
        return self._processes.get(server.location)

    def _lost(self, server: ServerCode, use: NeedUse, words: dict[str, str]) -> Iterator[Finding]:
        """Yield the finding that the flags in the code remove a feature, as measured."""
        flags = {name: flag_value(server.flag(name)) for name in FLAGS}
        stateless, answers_json = flags["stateless_http"], flags["json_response"]
        if stateless is None or answers_json is None or not serves_http(server) or len(server.lines) != 1:
            return
        outcome = legacy_outcome(use, server.lines[0], stateless, answers_json, self._knowledge)
        if outcome and outcome != "works":
            place = next(setting.location for setting in server.settings if setting.value.value)
            pair = {"stateless_http": str(stateless), "json_response": str(answers_json)}
            pair |= {
                "sessions": self._phrase(f"scan.sessions.{'none' if stateless else 'kept'}"),
                "answers": self._phrase(f"scan.answers.{'json' if answers_json else 'sse'}"),
            }
            found = self._finding(
                "feature-lost-with-flags",
                use.location,
                {**words, **pair, "outcome": outcome},
                language=server.language,
            )
            yield found._replace(locations=(*found.locations, place))

    def _lacks(self, call: str, line: str) -> bool:
        others = {api for code in self._knowledge.sdks.values() for api in code.apis}
        return call in others and line in self._knowledge.sdks and call not in self._knowledge.sdks[line].apis

    def _instead(self, feature: str, line: str) -> str:
        return call_instead(feature, line, self._knowledge) or self._phrase("scan.other-call")

    def _parts(self, server: ServerCode) -> Iterator[Finding]:
        kinds = {"oauth-proxy": "oauth-proxy-in-process", "event-store": "event-store-in-process"}
        for part in server.parts:
            if part.in_memory and part.kind in kinds:
                yield self._finding(kinds[part.kind], part.location, {"name": part.name})

    def _workers(self, server: ServerCode) -> Iterator[Finding]:
        workers = self._tree.workers
        number = workers.value if workers.kind == "literal" and server.language == "python" else None
        sessions = serves_http(server) and flag_value(server.flag("stateless_http")) is False
        if isinstance(number, int) and number > 1 and sessions:
            place = workers.location or server.location
            yield self._finding("workers-with-sessions", place, {"workers": str(number)})

    def _shared(self, server: ServerCode) -> Iterator[Finding]:
        """Yield the findings that all clients get the same transport or server object."""
        for use in server.transports:
            if use.shared is not None:
                found = self._finding("transport-shared-by-clients", use.location, {"name": use.method})
                yield found._replace(locations=(*found.locations, use.shared))
        if server.reused is not None and not any(use.shared is not None for use in server.transports):
            found = self._finding("server-shared-by-transports", server.reused, {"name": server.name})
            yield found._replace(locations=(*found.locations, server.location))

    def _state(self) -> Iterator[Finding]:
        for state in self._tree.state:
            language: CodeLanguage = "typescript" if state.changed.path.endswith(TYPESCRIPT) else "python"
            servers = [server for server in self._tree.servers if server.language == language]
            having = [server for server in servers if {tool.name for tool in server.tools} & set(state.tools)]
            servers = having or servers
            if state.kind == "cache" or (language == "typescript" and all(map(_is_local, servers))):
                continue
            if state.by_session and any(
                flag_value(server.flag("stateless_http")) and serves_http(server) for server in servers
            ):
                words = {"name": state.name}
                yield self._finding("session-key-without-sessions", state.changed, words, language=language)
            elif state.holder != "session":
                shown = [f"`{tool}`" for tool in state.tools[:3]]
                rest = len(state.tools) - len(shown)
                tools = listed([*shown, *([f"{rest} more"] if rest else [])])
                verb = self._phrase("scan.changes" if len(state.tools) > 1 else "scan.changes.one")
                words = {"name": state.name, "tools": tools, "verb": verb}
                found = self._finding("state-in-process", state.changed, words)
                yield found._replace(locations=(*found.locations, state.location))

    def _finding(
        self,
        name: str,
        place: Location,
        words: Mapping[str, str],
        *,
        certain: bool | None = None,
        language: CodeLanguage = "python",
    ) -> Finding:
        """Return a finding. `certain` is False if the fault depends on a fact outside the code; None: as in rules/."""
        kind = self._knowledge.findings[name]
        other = kind.typescript if language == "typescript" else None
        if other is not None:
            kind = kind._replace(message=other.message or kind.message, fix=other.fix or kind.fix)
        return worded_finding(kind, place, words, certain=certain)

    def _phrase(self, name: str) -> str:
        return self._knowledge.phrases[name]


def worded_finding(
    kind: FindingKind, place: Location, words: Mapping[str, str], *, certain: bool | None = None
) -> Finding:
    """Return a finding of a kind.

    Args:
        kind: the kind.
        place: the first location.
        words: the placeholders of the texts.
        certain: False if the fault depends on a fact outside the files; None: as in rules/.
    """
    return Finding(
        kind.id,
        kind.message.format(**words).strip(),
        kind.levels[0],
        kind.title,
        Fix(_filled(kind.fix, words)),
        (place,),
        sources=tuple(kind.sources),
        confidence="possible" if certain is False else kind.confidence,
        why=kind.why,
        url=f"{PAGE}#{kind.id}",
    )


def flag_value(value: CodeValue) -> bool | None:
    """Return the value of a flag that the code states, False if no code sets it, or None if it is not known."""
    if value.kind == "unset":
        return False
    return value.value if value.kind == "literal" and isinstance(value.value, bool) else None


def _is_local(server: ServerCode) -> bool:
    """Return whether each client starts its own process of a server, as far as the code shows."""
    return bool(server.transports) and all(use.transport.value == "stdio" for use in server.transports)


def serves_http(server: ServerCode) -> bool:
    """Return whether the code serves the server over Streamable HTTP, as far as it states a transport."""
    return any(use.transport.value == "streamable-http" for use in server.transports)


def _is_shared(server: ServerCode, argument: str, kind: str) -> bool:
    """Return whether the constructor gets a part that is not in the memory of the process."""
    parts = [part for part in server.parts if part.kind == kind]
    return argument in server.arguments and not any(part.in_memory for part in parts)


def _filled(text: str, words: Mapping[str, str]) -> str:
    """Replace the placeholders of a text. Other braces are code."""
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", word)
    return text


def worded_fix(kind: FindingKind, knowledge: Knowledge) -> str:
    """Return the fix of a kind of finding, with words instead of the names of a place in the code."""
    words = {"allowed": knowledge.phrases["scan.allowed.any"], "instead": knowledge.phrases["scan.other-call"]}
    return _filled(kind.fix, words).replace(f"`{words['instead']}`", words["instead"])
