"""The values of a request path about the server and its clients: from scanned code and from a requirements file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from advisor.audits.code_lines import code_calls, serves_modern
from advisor.audits.path_fact import PathFact
from advisor.audits.request_paths import RequestPath
from advisor.audits.scanned_servers import RunServer, transport_of
from advisor.audits.server_code import flag_value
from advisor.deployment.model import Plain, Workload
from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.knowledge.capabilities import UNBUFFERED, SdkLine, ping_interval_s
from advisor.knowledge.scan import FlagName
from advisor.knowledge.versions import at_least
from advisor.requirements.model import Requirements
from advisor.sources.code_model import ServerCode

_UNKNOWN = PathFact("unknown")
_OWN = "own"
_SESSION_STATE = "session_state"


def server_facts(path: RequestPath, knowledge: Knowledge, requirements: Requirements | None) -> dict[str, PathFact]:
    """Return the values of `server`, `clients` and `path.workers` that the code or the user states."""
    found: dict[str, PathFact] = {}
    if path.server is not None:
        found.update(_of_code(path.server, knowledge, path.workload))
    elif path.candidates:
        found.update(_of_all(path, knowledge))
    for name, fact in _of_user(requirements) if requirements is not None else ():
        if name == "server.needs" and name in found:
            mine, other = found[name], fact
            assert isinstance(mine.value, tuple)
            assert isinstance(other.value, tuple)
            found[name] = mine._replace(value=tuple(dict.fromkeys((*mine.value, *other.value))))
        elif found.get(name, _UNKNOWN).value in (_UNKNOWN.value, _OWN):
            found[name] = fact
    if found.get("clients.era", _UNKNOWN).value == "modern":
        found["server.sessions"] = PathFact("none")
    workers = _workers(path)
    if workers is not None:
        found["path.workers"] = workers
    for name in (
        "server.sessions",
        "server.transport",
        "server.answers",
        "clients.era",
        "clients.cookies",
        "clients.addresses",
    ):
        found.setdefault(name, _UNKNOWN)
    found.setdefault("server.in_code", PathFact(False))
    return found


def _of_all(path: RequestPath, knowledge: Knowledge) -> dict[str, PathFact]:
    """Return the values that all candidates have. No server is the place of a value."""
    every = [dict(_of_code(RunServer(each, "only"), knowledge, path.workload)) for each in path.candidates]
    first = every[0]
    return {
        name: fact._replace(location=None)
        for name, fact in first.items()
        if all(name in each and each[name].value == fact.value for each in every)
    }


def _of_code(server: RunServer, knowledge: Knowledge, workload: Workload | None) -> Iterator[tuple[str, PathFact]]:
    code, tree = server.found.code, server.found.tree
    guessed = server.by in ("only", "other-command")

    def fact(value: Plain, place: Location | None = None) -> PathFact:
        return PathFact(value, place or code.location, is_guessed=guessed)

    yield "server.in_code", fact(True)
    transport = transport_of(code, workload)
    if transport:
        yield "server.transport", fact(transport)
    if transport == "sse":
        yield "server.sessions", fact("kept")
        yield "server.answers", fact("streams")
    else:
        if transport:
            yield "server.sessions", _of_flag(code, "stateless_http", ("none", "kept"), fact)
        elif not code.is_high_level:
            yield "server.sessions", fact(_OWN)
        yield "server.answers", _of_flag(code, "json_response", ("json", "streams"), fact)
    uses = [(tool, use) for tool in (*code.tools, *code.other_handlers) for use in tool.uses]
    needs = [use.feature for _, use in uses]
    kept = [state for state in tree.state if state.kind == "state" and (state.by_session or state.holder == "session")]
    yield "server.needs", fact(tuple(dict.fromkeys([*needs, *([_SESSION_STATE] if kept else [])])))
    calls = code_calls(knowledge)
    for tool, use in uses:
        call = calls.get((use.feature, use.call))
        if call is not None and call.legacy is not None and call.legacy.channel == "server-request":
            yield "server.asks", fact(f"{tool.name or 'call_tool'} ({use.call})", use.location)
            break
    if code.language == "typescript":
        pinged = _pings(code, knowledge)
        yield "server.accel_header", fact(pinged is not None)
        if pinged is not None:
            yield "server.ping", fact(pinged)
    else:
        yield from _python_streams(code, knowledge, fact)
    yield "server.modern", fact(all(serves_modern(code, line, knowledge) for line in code.lines))
    if code.language == "python":  # The TypeScript SDK ends no idle session.
        yield "server.session_timeout", fact(knowledge.figure("session.idle_s"))


def _pings(code: ServerCode, knowledge: Knowledge) -> int | None:
    """Return how often a TypeScript server sends a comment on a stream; None for a release that sends none."""
    release = code.release.rpartition("==")[2]
    lines = [knowledge.typescript_lines[line] for line in code.lines]
    sends = all(not release or at_least(release, line.pings_from) for line in lines)
    return max(line.ping_s for line in lines) if sends else None


def _python_streams(
    code: ServerCode, knowledge: Knowledge, fact: Callable[[Plain], PathFact]
) -> Iterator[tuple[str, PathFact]]:
    releases = _releases(code, knowledge)
    sent = [
        any(
            (trait.package, trait.name) == (package, UNBUFFERED)
            and trait.holds(version)
            and trait.seen.startswith("sent")
            for trait in knowledge.traits
        )
        for package, version in releases
    ]
    yield "server.accel_header", fact(bool(sent) and all(sent))
    pings = [ping_interval_s(package, version, knowledge.capabilities) for package, version in releases]
    known = [ping for ping in pings if ping is not None]
    if known and len(known) == len(pings):
        yield "server.ping", fact(max(known))


def _of_flag(
    code: ServerCode, flag: FlagName, words: tuple[str, str], fact: Callable[[Plain, Location | None], PathFact]
) -> PathFact:
    """Return the first word if the flag is True, and the second word if it is False."""
    value = flag_value(code.flag(flag))
    place = next((setting.location for setting in code.settings if setting.flag == flag), None)
    return _UNKNOWN if value is None else fact(words[0] if value else words[1], place)


def _releases(code: ServerCode, knowledge: Knowledge) -> list[tuple[str, str]]:
    """Return the package and release of the SDK; of each possible line the newest, if the release is not known."""
    if code.release:
        package, _, version = code.release.partition("==")
        return [(package, version)]
    lines: list[SdkLine] = [knowledge.lines[line] for line in code.lines]
    return [(line.id.rpartition("-")[0], line.newest) for line in lines]


def _workers(path: RequestPath) -> PathFact | None:
    """Return how many processes share a port: as the workload states it, or else the scanned commands."""
    stated = path.workload.observed.get("workers") if path.workload is not None else None
    if stated is not None:
        return PathFact(stated.value, stated.location, is_dynamic=stated.is_dynamic)
    if path.server is None or path.workload is not None:
        return None
    value = path.server.found.tree.workers
    if value.kind != "literal" or not isinstance(value.value, int):
        return None
    return PathFact(value.value, value.location)


def _of_user(requirements: Requirements) -> Iterator[tuple[str, PathFact]]:
    """Yield what the file of the user states. Defaults of the file are no statement."""
    given = requirements.given
    if "current.stateless_http" in given:
        yield "server.sessions", PathFact("none" if requirements["current.stateless_http"] is True else "kept")
    if "current.json_response" in given:
        yield "server.answers", PathFact("json" if requirements["current.json_response"] is True else "streams")
    if "clients.protocol" in given:
        yield "clients.era", PathFact(str(requirements["clients.protocol"]))
    if "clients.concurrent" in given:
        yield "clients.concurrent", PathFact(requirements["clients.concurrent"])
    if "clients.keep_cookies" in given:
        kept = {True: "kept", False: "dropped"}
        yield "clients.cookies", PathFact(kept.get(requirements["clients.keep_cookies"], "unknown"))
    if "clients.addresses" in given:
        yield "clients.addresses", PathFact(str(requirements["clients.addresses"]))
    if "scale.workers" in given:
        yield "path.workers", PathFact(requirements["scale.workers"])
    stated = {name.partition(".")[2] for name, value in requirements.values.items() if _is_need(name, value)}
    by_tools = {name for tool in requirements.tools for name, need in tool.needs.items() if need != "none"}
    needs = tuple(sorted(by_tools | {name for name in stated if f"needs.{name}" in given}))
    if needs:
        yield "server.needs", PathFact(needs)
    durations = [tool.duration_s for tool in requirements.tools if tool.duration_s is not None]
    if durations:
        yield "server.longest_call", PathFact(max(durations))


def _is_need(name: str, value: object) -> bool:
    return name.startswith("needs.") and value in ("required", "preferred")
