"""The dialogues of questions that a user can answer without the terms of the requirements file. Pure.

A dialogue maps the answer to facts. An import line becomes an SDK line, and a URL becomes host names and a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from advisor.errors import InputError
from advisor.findings import input_problem
from advisor.knowledge.capabilities import SdkLine
from advisor.knowledge.catalogue import ClientApp, ProxyKind
from advisor.knowledge.facts import Fact
from advisor.knowledge.features import Feature
from advisor.knowledge.servers import OTHER
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.knowledge.types import FLAG_PAIRS
from advisor.questionnaire.forms import (
    PATH,
    Dialogue,
    Form,
    Option,
    endpoint,
    flags_written,
    needs_written,
    reader,
    written,
)
from advisor.questionnaire.questions import BREAKS, NEEDS, Answer
from advisor.requirements.hops import HOPS, MAX_HOPS
from advisor.requirements.values import read_value

_MINOR = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")  # a release without its third number
_ANOTHER = "another"  # the option for a release that the list does not have
_NOTHING = "none"
_FLAGS = ("current.stateless_http", "current.json_response")


# --- the SDK --------------------------------------------------------------------------------------------------------


def sdk_dialogue(fact: Fact, space: FactSpace, stated: Answer) -> Dialogue:
    """Ask for the import line of the server, then for the release of its package."""
    words, current = space.knowledge.phrases, stated.get(fact.id, fact.default)
    by_import: dict[str, list[SdkLine]] = {}
    for line in _lines(space):
        by_import.setdefault(_import_line(space, line.id), []).append(line)
    options = [Option(text, text, _releases(lines)) for text, lines in by_import.items()]
    options.append(Option(OTHER, words["ask.sdk.other"], words["ask.sdk.other.means"]))
    held = space.release(current)
    default = OTHER if current == OTHER else _import_line(space, held.line.id) if held is not None else None
    help_ = words["ask.sdk.help"]
    chosen = yield Form("select", words["ask.sdk"], help_, fact.why, tuple(options), default, leads=OTHER)
    if chosen == OTHER:
        language = yield _language(space, stated)
        return {fact.id: OTHER, "language": language}
    answer = {fact.id: (yield from _release(fact, space, current, by_import[chosen]))}
    return answer | ({"language": UNKNOWN} if stated.get("language", UNKNOWN) != UNKNOWN else {})


def _release(fact: Fact, space: FactSpace, current: Any, lines: Sequence[SdkLine]) -> Any:
    """Ask for the release: the newest release of a line, or an exact release. Return the value of `sdk`."""
    words = space.knowledge.phrases
    package = _package(lines[0])
    exact = {line.id: f"{package}=={line.newest}" for line in lines}
    options = [Option(name, words["ask.newest"].format(release=release), name) for name, release in exact.items()]
    example = _another_release(space, lines, exact.values())
    options.append(
        Option(_ANOTHER, words["ask.other-release"], words["ask.other-release.means"].format(example=example))
    )
    own = space.release(current)
    default = current if current in exact else _ANOTHER if own is not None and own.line in lines else lines[-1].id
    title, help_ = (words[key].format(package=package) for key in ("ask.release", "ask.release.help"))
    chosen = yield Form(
        "select",
        title,
        help_,
        fact.why,
        tuple(options),
        default,
        echo=lambda reply: exact.get(reply, words["ask.other-release"]),
        first=True,
        leads=_ANOTHER,
    )
    if chosen != _ANOTHER:
        return chosen
    held = current if default == _ANOTHER else None
    read = reader(fact, space, held)

    def read_release(text: str) -> Any:
        if _MINOR.fullmatch(text.strip()):
            # A short number is usually meant for a series of releases. The decision needs the installed release.
            problem = words["ask.release.short"].format(value=text.strip(), package=package, example=example)
            raise InputError(fact.id, [input_problem(problem)])
        typed = f"{package}=={text.strip()}" if text.strip()[:1].isdigit() else text
        older = space.release(typed) if space.known_release(typed) is None else None
        if older is not None:
            oldest = f"{older.package}=={older.start}"
            problem = words["ask.release.too-old"].format(value=typed, oldest=oldest)
            raise InputError(fact.id, [input_problem(problem)])
        return read(typed)

    title = words["ask.which-release"].format(package=package)
    return (yield Form("text", title, help_, fact.why, default=held, shown=held or "", read=read_release, first=True))


def _another_release(space: FactSpace, lines: Sequence[SdkLine], listed: Iterable[str]) -> str:
    """Return the number of a measured release of these lines that is not in the list, or else of the newest release."""
    starts = [release.start for release in space.measured.values() if release.line in lines]
    shown = {release.partition("==")[2] for release in listed}
    return next((start for start in reversed(starts) if start not in shown), lines[-1].newest)


def _language(space: FactSpace, stated: Answer) -> Form:
    fact = space.facts["language"]
    languages = space.knowledge.languages.values()
    options = tuple(Option(language.id, language.name) for language in languages)
    return Form("select", fact.question, fact.help, fact.why, options, stated.get(fact.id, fact.default))


def _lines(space: FactSpace) -> Iterable[SdkLine]:
    lines = {release.line.id: release.line for release in space.measured.values()}
    return (lines[name] for name in space.knowledge.sdks if name in lines)


def _import_line(space: FactSpace, line: str) -> str:
    """Return the import of the server class in the code of an SDK line: `from fastmcp import FastMCP`."""
    return next(text for text in space.knowledge.sdks[line].code.splitlines() if text.startswith("from "))


def _package(line: SdkLine) -> str:
    return line.id.rpartition("-")[0]


def _releases(lines: Sequence[SdkLine]) -> str:
    return f"{_package(lines[0])} {', '.join(line.id.rpartition('-')[2] for line in lines)}"


# --- a server in use ------------------------------------------------------------------------------------------------


def current_dialogue(space: FactSpace, stated: Answer) -> Dialogue:
    """Ask whether the server is in use. For a server in use, ask for its flags and for what breaks today."""
    words = space.knowledge.phrases
    why = space.facts[_FLAGS[0]].why
    in_use = any(stated.get(name, UNKNOWN) != UNKNOWN for name in _FLAGS) or BREAKS in stated
    answers = (Option(False, words["ask.no"], words["ask.current.new"]), Option(True, words["ask.yes"]))
    unknown: Answer = dict.fromkeys(_FLAGS, UNKNOWN)
    if not (yield Form("select", words["ask.current"], words["ask.current.help"], why, answers, default=in_use)):
        return unknown
    pairs = {flags_written(pair): pair for pair in (dict(zip(_FLAGS, pair, strict=True)) for pair in FLAG_PAIRS)}
    options = [Option(text, text) for text in pairs]
    options.append(Option(UNKNOWN, words["ask.unknown"], words["ask.current.flags.unknown"]))
    held = {name: stated.get(name, UNKNOWN) for name in _FLAGS}
    default = next((text for text, pair in pairs.items() if pair == held), UNKNOWN)
    chosen = yield Form(
        "select", words["ask.current.flags"], words["ask.current.flags.help"], why, tuple(options), default
    )
    symptoms = tuple(Option(entry.id, entry.text) for entry in space.knowledge.symptoms.values())
    marked = tuple(stated.get(BREAKS, ()))
    breaks = yield Form("checkbox", words["ask.breaks"], words["ask.breaks.help"], "", symptoms, marked)
    return {**pairs.get(chosen, unknown), BREAKS: tuple(breaks)}


# --- clients, hosts and the path ------------------------------------------------------------------------------------


def apps_form(fact: Fact, space: FactSpace, current: Sequence[str]) -> Form:
    """Ask for the client applications by their names. The meaning of each option is its protocol era."""
    words = space.knowledge.phrases
    options = [
        Option(app.id, app.name, words[_era(app)], words["ask.era.checked"].format(notes=app.notes, date=app.as_of))
        for app in space.knowledge.clients.values()
    ]
    names = {app.id: app.name for app in space.knowledge.clients.values()}
    return Form(
        "checkbox",
        words["ask.apps"],
        words["ask.apps.help"],
        fact.why,
        tuple(options),
        tuple(current),
        echo=lambda apps: ", ".join(names[app] for app in apps) or words["ask.unknown"],
        note=lambda apps: "" if apps else words["ask.apps.none"],
    )


def _era(app: ClientApp) -> str:
    """Return the id of the phrase for the protocol era of an application."""
    return f"ask.era.{app.protocol}{'.falls-back' if app.protocol == 'modern' and app.falls_back is True else ''}"


class _Endpoint(NamedTuple):
    """The host names and the path of a typed URL."""

    hosts: list[str]
    path: str


def hosts_dialogue(fact: Fact, space: FactSpace, stated: Answer) -> Dialogue:
    """Ask for host names. From a pasted URL, take the host name and the path."""
    words, current = space.knowledge.phrases, stated.get(fact.id, fact.default)
    path = stated.get(PATH, space.facts[PATH].default)
    plain = reader(fact, space, current, clears=bool(current))

    def read(text: str) -> _Endpoint:
        typed = endpoint(text)
        return _Endpoint(plain(" ".join(typed.names)), read_value(PATH, typed.path, space) if typed.path else path)

    def note(reply: _Endpoint) -> str:
        if not reply.hosts:
            return words["ask.hosts.none"]
        return words["ask.hosts.path"].format(path=reply.path) if reply.path != path else ""

    reply: _Endpoint = yield Form(
        "text",
        words["ask.hosts"],
        words["ask.hosts.help"],
        fact.why,
        default=current,
        shown=written(current, words),
        clears=bool(current),
        read=read,
        echo=lambda reply: written(reply.hosts, words),
        note=note,
    )
    return {fact.id: reply.hosts, **({PATH: reply.path} if reply.path != path or PATH in stated else {})}


def path_dialogue(fact: Fact, space: FactSpace, stated: Answer) -> Dialogue:
    """Ask for the proxy in front of the servers, then for what is in front of that, until nothing is."""
    words = space.knowledge.phrases
    held = [dict(hop) for hop in stated.get(HOPS) or []]
    current = [str(hop["kind"]) for hop in held] or [str(stated.get(fact.id, fact.default))]
    platform = str(stated.get("environment.platform", space.facts["environment.platform"].default))
    proxies = list(space.knowledge.proxies.values())
    # "none" and "other" come first, so that a user sees them without scrolling. Then come the proxies that this
    # platform can have. The sort keeps the order of the file.
    first = (_NOTHING, OTHER, *(proxy.id for proxy in proxies if proxy.possible_on(platform)))
    proxies.sort(key=lambda proxy: first.index(proxy.id) if proxy.id in first else len(first))
    options = tuple(_proxy(proxy) for proxy in proxies)
    nothing = Option(_NOTHING, words["ask.path.nothing"], words["ask.path.nothing.means"])
    outer = (nothing, *(option for option in options if option.value != _NOTHING))
    kinds: list[str] = []
    kind = yield Form("select", fact.question, words["ask.path.help"], fact.why, options, current[-1])
    while kind != _NOTHING and len(kinds) < MAX_HOPS:
        kinds.append(kind)
        title = words["ask.path.before"].format(name=space.knowledge.proxies[kind].name)
        default = current[-1 - len(kinds)] if len(current) > len(kinds) else _NOTHING
        help_ = words["ask.path.before.help"]
        kind = yield Form("select", title, help_, fact.why, outer, default, leads=_NOTHING)
    answer: dict[str, Any] = {fact.id: kinds[0] if kinds else _NOTHING}
    if len(kinds) > 1:
        answer[HOPS] = [_hop(kind, held) for kind in reversed(kinds)]
    elif held:
        answer[HOPS] = []
    return answer


def _hop(kind: str, held: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the hop of this kind as stated before, with its other keys, or a new hop."""
    return next((dict(hop) for hop in held if hop["kind"] == kind), {"kind": kind})


def _proxy(proxy: ProxyKind) -> Option:
    return Option(proxy.id, proxy.id, proxy.name if proxy.name != proxy.id else "", proxy.affinity)


# --- needs ----------------------------------------------------------------------------------------------------------


def needs_form(space: FactSpace, stated: Answer, needs: Sequence[str]) -> Form:
    """Ask for the level of each need in one list, with the call of the feature in the SDK and its meaning."""
    words = space.knowledge.phrases
    release = space.release(stated.get("sdk", space.facts["sdk"].default))
    calls = space.knowledge.sdks[release.line.id].calls if release and release.line.id in space.knowledge.sdks else None
    options = []
    for name in needs:
        feature = space.knowledge.features[name.removeprefix(f"{NEEDS}.")]
        call = "" if calls is None else _call(feature, calls.get(feature.id, {}))
        means = f"{call}: {feature.does}" if call else feature.does
        options.append(Option(name, feature.id, means))
    default = {name: stated.get(name) or "none" for name in needs}
    why = space.knowledge.facts[NEEDS].why
    return Form(
        "levels",
        words["ask.needs"],
        words["ask.needs.help"],
        why,
        tuple(options),
        default,
        echo=lambda levels: needs_written(levels, words),
    )


def _call(feature: Feature, by_era: Mapping[Any, str]) -> str:
    """Return the call of a feature in the code of the server; "" if the feature is no single call."""
    name = by_era.get("modern") or by_era.get("legacy") or feature.calls[0].call
    call = next((entry.short or entry.call for entry in feature.calls if entry.call == name), name)
    return "" if " " in call else call
