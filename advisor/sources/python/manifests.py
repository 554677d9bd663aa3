"""Reads what manifests say about a server: the SDK release, the command that starts it, and its environment."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import NamedTuple

import yaml

from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.sources.python.files import SourceFiles
from advisor.sources.python.model import UNSET, CodeValue, FlagSetting, NotExamined, SdkPin
from advisor.sources.python.syntax import flag_of

_PACKAGE = r"(?P<package>mcp|fastmcp)(?:\[[\w,\s-]*\])?"
_SPEC = r"(?P<spec>(?:===?|~=|>=|<=|!=|<|>|\^)\s*[^\"'#;\n]+)"
_QUOTED = re.compile(rf"[\"']{_PACKAGE}\s*{_SPEC}[\"';]")
_POETRY = re.compile(rf"^\s*{_PACKAGE}\s*=\s*(?:\{{[^}}]*?version\s*=\s*)?[\"'](?P<spec>[\^~<>=!]*\s*\d[^\"']*)[\"']")
_LINE = re.compile(rf"^\s*{_PACKAGE}\s*{_SPEC}")
_LOCKED = re.compile(r"^name = \"(?P<package>mcp|fastmcp)\"$")
_VERSION = re.compile(r"^version = \"(?P<version>[\d.]+)\"$")
_EXACT = re.compile(r"===?\s*(?P<release>[\d.]+)\s*$")
_MANIFESTS = ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile")
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock")
_COMPOSE = ("compose*.y*ml", "docker-compose*.y*ml")


class Command(NamedTuple):
    """A command line of a manifest."""

    words: tuple[str, ...]
    location: Location


class Manifests:
    """The manifests of a folder.

    Attributes:
        pins: the requirements of SDK packages.
        settings: the flags in commands and environments.
        workers: the number of worker processes; unset without a command that states it.
        names: the files that were read.
    """

    def __init__(self, files: SourceFiles, knowledge: Knowledge) -> None:
        """Read the manifests of a folder."""
        self._files = files
        self._variables = knowledge.flag_variables
        self._programs = knowledge.server_programs
        self.pins: list[SdkPin] = []
        self.settings: list[FlagSetting] = []
        self.workers = UNSET
        self.names: list[str] = []
        for name in files.others:
            self._read(name)
        for name in files.names:
            if name.endswith("setup.py"):
                self._read(name)

    def _read(self, name: str) -> None:
        base = name.rpartition("/")[2]
        is_docker = fnmatch(base, "Dockerfile*") or fnmatch(base, "*.Dockerfile")
        is_compose = any(fnmatch(base, pattern) for pattern in _COMPOSE)
        is_requirements = fnmatch(base, "*requirements*.txt") or fnmatch(name, "*requirements/*.txt")
        if not (is_docker or is_compose or is_requirements or base in (*_MANIFESTS, *_LOCKS, "Procfile")):
            return
        content = self._files.read(name)
        if content is None:
            return
        self.names.append(name)
        text = content.decode("utf-8", errors="replace")
        if is_docker:
            self._docker(text, name)
        elif is_compose:
            self._compose(text, name)
        elif base == "Procfile":
            for number, line in enumerate(text.splitlines(), 1):
                self._command(Command(_words(line.partition(":")[2]), Location(name, number)))
        elif base in _LOCKS:
            self._locked(text, name)
        else:
            self._required(text, name, is_requirements)

    def _required(self, text: str, name: str, is_requirements: bool) -> None:
        for number, line in enumerate(text.splitlines(), 1):
            if line.lstrip().startswith("#"):
                continue
            patterns = [_LINE] if is_requirements else [_QUOTED, _POETRY]
            match = next((found for pattern in patterns if (found := pattern.search(line))), None)
            if match is not None:
                spec = match["spec"].strip().rstrip(",")
                spec = f"=={spec}" if spec[0].isdigit() else spec
                exact = _EXACT.fullmatch(spec)
                release = exact["release"] if exact else ""
                self.pins.append(SdkPin(match["package"], spec, release, Location(name, number)))

    def _locked(self, text: str, name: str) -> None:
        package = ""
        for number, line in enumerate(text.splitlines(), 1):
            found = _LOCKED.match(line)
            version = _VERSION.match(line) if package else None
            if version is not None:
                release = version["version"]
                self.pins.append(SdkPin(package, f"=={release}", release, Location(name, number)))
            if found is not None or version is not None or line.startswith("[["):
                package = found["package"] if found is not None else ""

    def _docker(self, text: str, name: str) -> None:
        number = 0
        lines = text.splitlines()
        while number < len(lines):
            start = number
            line = lines[number]
            while line.rstrip().endswith("\\") and number + 1 < len(lines):
                number += 1
                line = f"{line.rstrip()[:-1]} {lines[number]}"
            number += 1
            word, _, rest = line.strip().partition(" ")
            place = Location(name, start + 1)
            if word.upper() in ("CMD", "ENTRYPOINT"):
                self._command(Command(_words(rest), place))
            elif word.upper() == "ENV":
                pairs = [part.partition("=") for part in _words(rest)]
                for variable, equal, value in pairs if pairs and pairs[0][1] else [rest.strip().partition(" ")]:
                    self._variable(variable, value, place) if equal else None

    def _compose(self, text: str, name: str) -> None:
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            self._files.problems.append(
                NotExamined(name, f"not valid YAML{f' (line {mark.line + 1})' if mark else ''}")
            )
            return
        for key, services in _pairs(root):
            for _, service in _pairs(services) if key == "services" else ():
                for setting, node in _pairs(service):
                    place = Location(name, node.start_mark.line + 1)
                    if setting in ("command", "entrypoint"):
                        words = (
                            [str(part.value) for part in node.value] if isinstance(node, yaml.SequenceNode) else None
                        )
                        self._command(Command(tuple(words) if words is not None else _words(str(node.value)), place))
                    elif setting == "environment":
                        for variable, value in _environment(node):
                            self._variable(variable, str(value.value), Location(name, value.start_mark.line + 1))

    def _variable(self, variable: str, text: str, place: Location) -> None:
        value = _value(text, place)
        known = self._variables.get(variable)
        if known is not None:
            setting = FlagSetting(known.flag, "environment", value._replace(value=flag_of(value.value)), place)
            self.settings.append(setting)
        elif variable == "WEB_CONCURRENCY":
            self._workers(value)

    def _command(self, command: Command) -> None:
        words = list(command.words)
        for word in words:
            if " " in word and any(
                program in word for program in self._programs
            ):  # sh -c "uvicorn app:app --workers 4"
                self._command(Command(_words(word), command.location))
        servers = [word.rpartition("/")[2] for word in words if word.rpartition("/")[2] in self._programs]
        if not servers:
            return
        for index, word in enumerate(words):
            option, equal, value = word.partition("=")
            if any(option in self._programs[server].workers for server in servers):
                given = value if equal else words[index + 1] if index + 1 < len(words) else ""
                self._workers(_value(given, command.location))
            if word == "--stateless" and "fastmcp" in servers:
                value_ = CodeValue("literal", True, "", command.location)
                self.settings.append(FlagSetting("stateless_http", "command", value_, command.location))

    def _workers(self, value: CodeValue) -> None:
        text = value.value
        number = int(text) if isinstance(text, str) and text.isdigit() and len(text) < 5 else None
        if value.kind == "literal" and number is None:
            return
        if self.workers.kind == "unset":
            self.workers = value._replace(value=number)


def _value(text: str, place: Location) -> CodeValue:
    """Return a value of a manifest. A variable, also with a default as in `${WORKERS:-4}`, is dynamic."""
    text = text.strip().strip("\"'")
    variable = re.fullmatch(r"\$\{?(\w+)(?::?-([^}]*))?\}?", text)
    if variable is not None:
        return CodeValue("dynamic", variable[2], f"the environment variable {variable[1]}", place)
    return CodeValue("literal", text, "", place)


def _words(text: str) -> tuple[str, ...]:
    text = text.strip()
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list):
            return tuple(map(str, found))
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return tuple(text.split())


def _pairs(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield key.value, value


def _environment(node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    yield from _pairs(node)
    for part in node.value if isinstance(node, yaml.SequenceNode) else ():
        if isinstance(part, yaml.ScalarNode) and "=" in part.value:
            name, _, value = part.value.partition("=")
            yield name, yaml.ScalarNode(part.tag, value, part.start_mark, part.end_mark)
