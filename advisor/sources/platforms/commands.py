"""Reads the command lines that start a server: their words, and what the options of server programs state."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from advisor.deployment.model import Observation, Observations
from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.knowledge.observations import ObservationKind
from advisor.knowledge.scan import ServerProgram
from advisor.sources.platforms.marked import YamlNode
from advisor.sources.platforms.observed import from_text, typed

_REFERENCE = re.compile(r"\$\(([A-Za-z_]\w*)\)|\$\{?([A-Za-z_]\w*)\}?")
_SEPARATOR = re.compile(r"\n|;|&&|\|\|")
_SHELLS = ("sh", "bash", "ash", "dash", "zsh")
_MOST_WORDS = 1000
_MOST_CHARACTERS = 10_000


class CommandWord(NamedTuple):
    """A word of a command line, with the line that has it."""

    text: str
    location: Location


class StatedOption(NamedTuple):
    """An option of a server program. `text` is the value as written, or "true" for an option without a value."""

    observation: str
    text: str
    location: Location


def split(text: str) -> tuple[str, ...]:
    """Return the words of a command: a JSON list, or else words as a shell splits them."""
    text = text.strip()[:_MOST_CHARACTERS]
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list):
            return tuple(map(str, found))[:_MOST_WORDS]
    try:
        return tuple(shlex.split(text))[:_MOST_WORDS]
    except ValueError:
        return tuple(text.split())[:_MOST_WORDS]


def words(text: str, location: Location) -> tuple[CommandWord, ...]:
    """Return the words of a command that is written as a text."""
    return tuple(CommandWord(word, location) for word in split(text))


def node_words(node: YamlNode) -> tuple[CommandWord, ...]:
    """Return the words of a command of a YAML file: a list of words, or a text."""
    if node.is_list:
        return tuple(CommandWord(item.text, item.location) for item in node.items())[:_MOST_WORDS]
    return words(node.text, node.location) if node.text else ()


def programs(command: Iterable[CommandWord], known: Mapping[str, ServerProgram]) -> Iterator[tuple[CommandWord, ...]]:
    """Yield the command lines of server programs in a command, also inside the text for a shell."""
    found = tuple(command)
    for word in found:
        if " " in word.text and any(program in word.text for program in known):  # sh -c "uvicorn app:app --workers 4"
            inner = words(word.text, word.location)
            if len(inner) > 1:
                yield from programs(inner, known)
    if any(_program(word) in known for word in found):
        yield found


def options(command: Iterable[CommandWord], known: Mapping[str, ServerProgram]) -> Iterator[StatedOption]:
    """Yield the options of server programs in a command, in the order of the command."""
    for line in programs(command, known):
        servers = [known[_program(word)] for word in line if _program(word) in known]
        names = {option: name for server in servers for name, given in server.options.items() for option in given}
        switches = {option: name for server in servers for name, given in server.switches.items() for option in given}
        for index, word in enumerate(line):
            option, equal, value = word.text.partition("=")
            if option in names:
                given = (
                    CommandWord(value, word.location)
                    if equal
                    else line[index + 1]
                    if index + 1 < len(line)
                    else word._replace(text="")
                )
                yield StatedOption(names[option], given.text, given.location)
            elif word.text in switches:
                yield StatedOption(switches[word.text], "true", word.location)


def server_observations(
    command: tuple[CommandWord, ...],
    environment: Observations,
    knowledge: Knowledge,
    shared: Collection[str] = (),
) -> Observations:
    """Return what the options and variables of server programs state. An option counts more than a variable.

    Args:
        command: the command; () if it is not known.
        environment: the variables.
        knowledge: has the programs and their variables.
        shared: the names of variables that other containers can have too. They say nothing about the program.
    """
    found: dict[str, Observation] = {}
    kinds = knowledge.observations
    known = knowledge.server_programs
    started_by = {_program(word) for line in programs(command, known) for word in line}
    is_python = any("python" in word.text for word in command)
    for variable in knowledge.program_variables.values():
        given = environment.get(variable.id)
        if command:
            counts = bool(started_by & set(variable.programs)) if variable.programs else bool(started_by) or is_python
        else:
            counts = not variable.programs or variable.id not in shared
        if given is not None and counts:
            _add(found, variable.observation, given, kinds)
    for option in options(command, known):
        _add(found, option.observation, resolved(option.text, option.location, environment), kinds)
    shell = _starts_in_shell(command)
    if shell is not None and any(programs(command, known)):
        found["shell_command"] = Observation(value=True, location=shell)
    return found


def resolved(text: str, location: Location, environment: Observations) -> Observation:
    """Return a text of a command. A reference to a variable of the container has the value of the variable."""
    reference = _REFERENCE.fullmatch(text.strip())
    name = (reference[1] or reference[2]) if reference else ""
    if name in environment:
        return environment[name]
    return Observation(text, location, is_dynamic=True) if reference else from_text(text.strip("\"'"), location)


def _add(found: dict[str, Observation], name: str, given: Observation, kinds: Mapping[str, ObservationKind]) -> None:
    value = typed(str(given.value), kinds[name].type)
    if value is not None:
        found[name] = given._replace(value=value)
    elif given.is_dynamic:
        found[name] = given


def started(command: tuple[CommandWord, ...], known: Iterable[str]) -> tuple[str, ...]:
    """Return the words of the program that a command starts.

    Args:
        command: the command. Of a text for a shell, the last server program counts, or else the last program.
        known: the names of server programs.
    """
    if not _is_shell(command):
        return tuple(word.text for word in command)
    parts = [found for part in _SEPARATOR.split(command[2].text[:_MOST_CHARACTERS]) if (found := split(part))]
    servers = [part for part in parts if any(word.rpartition("/")[2] in known for word in part)]
    inner = (servers or parts or [()])[-1]
    return inner[1:] if inner[:1] == ("exec",) else inner


def _program(word: CommandWord) -> str:
    return word.text.rpartition("/")[2]


def _is_shell(command: tuple[CommandWord, ...]) -> bool:
    """Return whether a command is a shell with a text, such as sh -c "uvicorn app:app"."""
    return len(command) > 2 and _program(command[0]) in _SHELLS and bool(re.fullmatch(r"-\w*c", command[1].text))


def _starts_in_shell(command: tuple[CommandWord, ...]) -> Location | None:
    """Return the place of a shell that starts the program as its child; None without such a shell."""
    if not _is_shell(command) or re.search(r"(?:^|[;&|\n]\s*)exec\s", command[2].text.strip()):
        return None
    return command[2].location
