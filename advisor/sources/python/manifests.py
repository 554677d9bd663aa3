"""Reads what manifests say about a server: the SDK release, the command that starts it, and its environment."""

from __future__ import annotations

import re
from fnmatch import fnmatch

from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.sources.code_files import SourceFiles
from advisor.sources.code_model import CodeValue, FlagSetting, NotExamined, SdkPin
from advisor.sources.platforms import commands, compose, dockerfile
from advisor.sources.platforms.marked import UnreadableError
from advisor.sources.python.started import started_modules
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


class Manifests:
    """The manifests of a folder.

    Attributes:
        pins: the requirements of SDK packages.
        settings: the flags in commands and environments.
        workers: the numbers of worker processes, each with the modules that its command names.
        names: the files that were read.
    """

    def __init__(self, files: SourceFiles, knowledge: Knowledge) -> None:
        """Read the manifests of a folder."""
        self._files = files
        self._knowledge = knowledge
        self.pins: list[SdkPin] = []
        self.settings: list[FlagSetting] = []
        self.workers: list[tuple[frozenset[str], CodeValue]] = []
        self.names: list[str] = []
        for name in files.others:
            self._read(name)
        for name in files.names:
            if name.endswith("setup.py"):
                self._read(name)

    def _read(self, name: str) -> None:
        base = name.rpartition("/")[2]
        is_docker = dockerfile.is_dockerfile(name)
        is_compose = compose.is_compose(name)
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
                self._command(commands.words(line.partition(":")[2], Location(name, number)))
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
        for instruction in dockerfile.instructions(text, name):
            if instruction.keyword in ("CMD", "ENTRYPOINT"):
                self._command(commands.words(instruction.rest, instruction.location))
            elif instruction.keyword == "ENV":
                for variable, value in dockerfile.variables(instruction.rest):
                    self._variable(variable, value, instruction.location)

    def _compose(self, text: str, name: str) -> None:
        try:
            services = list(compose.services(text, name))
        except UnreadableError as error:
            self._files.problems.append(NotExamined(name, str(error)))
            return
        for _, service in services:
            for key in ("command", "entrypoint"):
                self._command(commands.node_words(service.key(key)))
            for variable, value, given in compose.environment(service):
                self._variable(variable, given, value.location)

    def _variable(self, variable: str, text: str, place: Location) -> None:
        value = _value(text, place)
        flag = self._knowledge.flag_variables.get(variable)
        stated = self._knowledge.program_variables.get(variable)
        if flag is not None:
            setting = FlagSetting(flag.flag, "environment", value._replace(value=flag_of(value.value)), place)
            self.settings.append(setting)
        elif stated is not None and stated.observation == "workers":
            self._workers(value, frozenset())

    def _command(self, command: tuple[commands.CommandWord, ...]) -> None:
        programs = self._knowledge.server_programs
        for option in commands.options(command, programs):
            if option.observation == "workers":
                words = (word.text for line in commands.programs(command, programs) for word in line)
                self._workers(_value(option.text, option.location), started_modules(words))
        for line in commands.programs(command, programs):
            for word in line:
                if word.text == "--stateless" and any(each.text.rpartition("/")[2] == "fastmcp" for each in line):
                    value = CodeValue("literal", True, "", word.location)
                    self.settings.append(FlagSetting("stateless_http", "command", value, word.location))

    def _workers(self, value: CodeValue, modules: frozenset[str]) -> None:
        text = value.value
        number = int(text) if isinstance(text, str) and text.isdigit() and len(text) < 5 else None
        if value.kind == "literal" and number is None:
            return
        self.workers.append((modules, value._replace(value=number)))


def _value(text: str, place: Location) -> CodeValue:
    """Return a value of a manifest. A variable, also with a default as in `${WORKERS:-4}`, is dynamic."""
    text = text.strip().strip("\"'")
    variable = re.fullmatch(r"\$\{?(\w+)(?::?-([^}]*))?\}?", text)
    if variable is not None:
        return CodeValue("dynamic", variable[2], f"the environment variable {variable[1]}", place)
    return CodeValue("literal", text, "", place)
