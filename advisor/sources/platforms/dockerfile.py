"""Reads a Dockerfile: the instructions of the last stage as the workload that its image starts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from typing import NamedTuple

from advisor.deployment.model import DeploymentFiles, NotRead, Observation, Workload
from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.sources.platforms.commands import CommandWord, server_observations, split, started, words
from advisor.sources.platforms.marked import UnreadableError
from advisor.sources.platforms.observed import from_text

_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_MOST_STAGES = 100
_MOST_LINES = 3000
_ESCAPE = re.compile(r"#\s*escape\s*=\s*`\s*$", re.IGNORECASE)


class Instruction(NamedTuple):
    """An instruction: the keyword in capital letters, and the rest with continuation lines joined."""

    keyword: str
    rest: str
    location: Location


def is_dockerfile(path: str) -> bool:
    """Return whether a path has the name of a Dockerfile."""
    base = path.rpartition("/")[2]
    return any(fnmatch(base, pattern) for pattern in ("Dockerfile*", "*.Dockerfile", "Containerfile*"))


def instructions(text: str, path: str) -> Iterator[Instruction]:
    """Yield the instructions of a Dockerfile."""
    lines = text.splitlines()[:_MOST_LINES]
    escape = "`" if lines and _ESCAPE.match(lines[0]) else "\\"
    number = 0
    while number < len(lines):
        start = number
        pieces: list[str] = []
        while number < len(lines):
            line = lines[number].rstrip()
            number += 1
            if line.lstrip().startswith("#") or (pieces and not line.strip()):
                if pieces:
                    continue  # Docker skips comments and empty lines inside an instruction
                break
            pieces.append(line.removesuffix(escape))
            if not line.endswith(escape):
                break
        keyword, _, rest = " ".join(pieces).strip().partition(" ")
        keyword = keyword.upper()
        if keyword in ("RUN", "COPY", "ADD"):
            for match in _HEREDOC.finditer(rest):
                while number < len(lines) and lines[number].strip() != match[1]:
                    number += 1
                number += 1
        if keyword:
            yield Instruction(keyword, rest.strip(), Location(path, start + 1))


def variables(rest: str) -> Iterator[tuple[str, str]]:
    """Yield the variables of an ENV instruction, also of its old form `ENV NAME value`."""
    pairs = [part.partition("=") for part in split(rest)]
    for name, equal, value in pairs if pairs and pairs[0][1] else [rest.strip().partition(" ")]:
        if equal:
            yield name, value


@dataclass
class ImageStage:
    """What a stage of a Dockerfile says about its image, with what it has from the stage on which it stands.

    Attributes:
        location: the line with FROM.
        image: the image on which the stages stand.
        entrypoint, command: the words of ENTRYPOINT and CMD.
        has_command: whether this stage has a CMD of its own.
        folder: the working directory, or "".
        environment, ports: the variables and the ports.
        observed: further values.
    """

    location: Location
    image: str = ""
    entrypoint: tuple[CommandWord, ...] = ()
    command: tuple[CommandWord, ...] = ()
    has_command: bool = False
    folder: str = ""
    environment: dict[str, Observation] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    observed: dict[str, Observation] = field(default_factory=dict)


def last_stage(text: str, path: str) -> ImageStage | None:
    """Return the last stage of a Dockerfile, whose image is built; None without a stage.

    Raises:
        UnreadableError: the file has too many lines or stages.
    """
    if text.count("\n") > _MOST_LINES:
        raise UnreadableError("the file has too many lines")
    stages: dict[str, ImageStage] = {}
    stage: ImageStage | None = None
    for instruction in instructions(text, path):
        if len(stages) > _MOST_STAGES:
            raise UnreadableError("the file has too many stages")
        if instruction.keyword == "FROM":
            parts = [part for part in instruction.rest.split() if not part.startswith("--")]
            image = parts[0] if parts else ""
            base = stages.get(image)
            stage = (
                replace(base, environment=dict(base.environment), observed=dict(base.observed), has_command=False)
                if base is not None
                else ImageStage(instruction.location, image)
            )
            if len(parts) > 2 and parts[1].upper() == "AS":
                stages[parts[2]] = stage
        elif stage is not None:
            _apply(instruction, stage)
    return stage


def read(text: str, path: str, knowledge: Knowledge) -> DeploymentFiles:
    """Return the workload that the image of a Dockerfile starts. The last stage counts."""
    try:
        stage = last_stage(text, path)
    except UnreadableError as error:
        return DeploymentFiles(not_examined=(NotRead(path, str(error)),))
    if stage is None:
        return DeploymentFiles(examined=(path,))
    command = (*stage.entrypoint, *stage.command)
    observed = {**stage.observed, **server_observations(command, stage.environment, knowledge)}
    folder = path.rpartition("/")[0]
    workload = Workload(
        kind="Dockerfile",
        name=path,
        location=stage.location,
        command=started(command, knowledge.server_programs),
        image=stage.image,
        context=folder or ".",
        environment=stage.environment,
        ports=stage.ports,
        observed=observed,
    )
    return DeploymentFiles(examined=(path,), workloads=(workload,))


def _apply(instruction: Instruction, stage: ImageStage) -> None:
    place, rest = instruction.location, instruction.rest
    if instruction.keyword in ("CMD", "ENTRYPOINT"):
        # A shell starts a command that is not a JSON list.
        given = (
            words(rest, place)
            if rest.startswith("[")
            else tuple(CommandWord(part, place) for part in ("/bin/sh", "-c", rest))
        )
        if instruction.keyword == "CMD":
            stage.command, stage.has_command = given, True
        else:  # it removes the CMD of the stage or image on which this stage stands
            stage.entrypoint, stage.command = given, stage.command if stage.has_command else ()
    elif instruction.keyword == "WORKDIR":
        stage.folder = posixpath.join(stage.folder, rest)
    elif instruction.keyword == "ENV":
        stage.environment.update({name: from_text(value, place) for name, value in variables(rest)})
    elif instruction.keyword == "EXPOSE":
        ports = [part.partition("/")[0] for part in rest.split()]
        stage.ports += tuple(int(port) for port in ports if port.isdecimal() and port.isascii() and len(port) < 6)
    elif instruction.keyword == "STOPSIGNAL" and rest:
        stage.observed["stop_signal"] = from_text(rest, place)
    elif instruction.keyword == "HEALTHCHECK":
        _, command, check = rest.partition("CMD")
        stage.observed.pop("probe_command", None)
        if command:
            stage.observed["probe_command"] = Observation(" ".join(split(check)), place)
