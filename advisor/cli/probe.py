"""The command `probe`: it asks a live endpoint through everything that stands in between, and says what is wrong."""

from __future__ import annotations

import asyncio
import datetime
import json
import math
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from advisor.cli.epilog import epilog
from advisor.console.canvas import Screen
from advisor.console.output import emit, is_unicode
from advisor.decision.advisor import default_advisor
from advisor.endpoint.examination import NamedTool
from advisor.endpoint.target import target_of
from advisor.errors import Exit, UsageError
from advisor.files import create, reason
from advisor.probe.judging import judge
from advisor.probe.reading import answer_reading
from advisor.probe.run import ProbeOrder
from advisor.probe.run import probe as run_probe
from advisor.report.probe_document import probe_document, probe_requirements
from advisor.report.probe_text import ProbeScreen, probe_text
from advisor.report.serialization import json_text

EPILOG = epilog(
    "probe https://mcp.example.com/mcp",
    "probe http://127.0.0.1:8000/mcp --requirements requirements.yaml",
    "probe https://mcp.example.com/mcp --header @token.txt",
    exit_codes={
        0: "an MCP server answered, and no check found a fault",
        1: "a check found a fault",
        2: "the URL or an option is invalid",
        5: "no MCP server answered and the reason is not known, or the time was over before all checks",
    },
)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN = {"host", "content-length", "transfer-encoding", "connection", "accept", "content-type", "accept-encoding"}
_LEAST_SESSIONS, _MOST_SESSIONS = 12, 300
_LEAST_S, _MOST_S = 1.0, 600.0


class ProbeFormat(str, Enum):
    """Text for people, JSON for programs."""

    TEXT = "text"
    JSON = "json"


def probe(
    url: Annotated[str, typer.Argument(metavar="URL", help="The URL that clients use.")],
    sessions: Annotated[
        str, typer.Option("--sessions", metavar="N", help="The largest number of sessions that are tried.")
    ] = "100",
    budget: Annotated[
        str, typer.Option("--budget", metavar="S", help="The longest duration of the run, in seconds.")
    ] = "30",
    watch: Annotated[
        str,
        typer.Option("--watch", metavar="S", help="How long an idle stream and connection are watched, in seconds."),
    ] = "6",
    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            metavar="HEADER",
            help="A header such as 'Authorization: Bearer TOKEN', or @FILE with a header in each line. It is only sent "
            "to the host of the URL, and never shown. Can be repeated.",
        ),
    ] = None,
    tool: Annotated[
        str,
        typer.Option(
            "--tool", metavar="NAME", help="The name of a tool to call, up to 13 times. By default, no tool is called."
        ),
    ] = "",
    arguments: Annotated[
        str, typer.Option("--arguments", metavar="JSON", help="The arguments of the tool, as a JSON object.")
    ] = "{}",
    requirements: Annotated[
        str,
        typer.Option(
            "--requirements", metavar="FILE", help="A new file: the observations as a partial requirements file."
        ),
    ] = "",
    format: Annotated[
        ProbeFormat,
        typer.Option("--format", "-f", help="Output format: text for people, json for scripts."),
    ] = ProbeFormat.TEXT,
    full: Annotated[
        bool, typer.Option("--full", help="Show each check with its requests, and the reason and fix of each cause.")
    ] = False,
) -> int:
    """Ask a live endpoint why sessions or streams fail.

    The command opens sessions as legacy and modern clients, through every proxy in between. It reports the
    protocol eras, how sessions find their instance and how many are lost, streams, redirects, Host, Origin and
    CORS, with ranked causes.

    It reads only: it lists tools, and calls a tool only if --tool names it. It sends at most 1,500 requests, at most
    100 per second, and says who it is in User-Agent. It deletes the sessions that it opened.
    """
    order = ProbeOrder(
        target_of(url),
        _number("--budget", budget, _LEAST_S, _MOST_S),
        int(_number("--sessions", sessions, _LEAST_SESSIONS, _MOST_SESSIONS)),
        _number("--watch", watch, 0.0, _MOST_S),
        _credentials(header or ()),
        _tool(tool, arguments),
    )
    if requirements and Path(requirements).exists():
        raise UsageError(f"{requirements} exists already. Name a new file.")
    knowledge = default_advisor().knowledge
    probed = asyncio.run(run_probe(order, answer_reading(knowledge)))
    judgement = judge(probed, knowledge)
    if requirements:
        _write(Path(requirements), probe_requirements(judgement, _head(probed.url, knowledge.phrases)))
    if format is ProbeFormat.JSON:
        emit(json_text(probe_document(probed, judgement), ascii_only=not is_unicode()))
    else:
        options = ["--tool", tool, "--arguments", arguments] if tool else []
        screen = ProbeScreen(probed, judgement, ("probe", probed.url, *options))
        emit(probe_text(screen, knowledge.phrases, Screen.of_output(), full=full))
    if probed.is_cut and probed.is_answered and not judgement.causes:
        return Exit.NOTHING_EXAMINED
    if any(cause.finding.severity != "info" for cause in judgement.causes):
        return Exit.FINDINGS
    return Exit.OK if probed.is_answered else Exit.NOTHING_EXAMINED


def _head(url: str, phrases: Mapping[str, str]) -> str:
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    return phrases["probe.yaml.head"].format(url=url, date=today)


def _write(path: Path, text: str) -> None:
    try:
        create(path, text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {reason(error)}.") from None


def _number(option: str, text: str, least: float, most: float) -> float:
    """Read a number.

    Raises:
        UsageError: the text is not a number from `least` to `most`.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise UsageError(f"{option} {text!r}: allowed are numbers from {least:g} to {most:g}.")
    return number


def _credentials(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Read the headers of the user.

    Raises:
        UsageError: a line is not a header, or the client sets this header. The message never shows the value.
    """
    found = []
    for line in chain.from_iterable(map(_lines, lines)):
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not _NAME.fullmatch(name):
            raise UsageError("--header: allowed is 'Name: value', or @FILE with a header in each line.")
        if not value.isprintable() or not value.isascii():
            raise UsageError(f"--header {name}: the value has characters that a header cannot have.")
        if name.lower() in _OWN or name.lower().startswith("mcp-"):
            raise UsageError(f"--header {name}: the probe sets this header.")
        found.append((name, value))
    return found


def _lines(text: str) -> list[str]:
    if not text.startswith("@"):
        return [text]
    try:
        content = Path(text[1:]).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"--header {text}: the file cannot be read ({reason(error)}).") from None
    return [line for line in content.splitlines() if line.strip()]


def _tool(name: str, arguments: str) -> NamedTool | None:
    """Read the tool and its arguments.

    Raises:
        UsageError: the arguments are not a JSON object, or there is no tool for them.
    """
    try:
        found = json.loads(arguments)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsageError('--arguments: allowed is a JSON object, such as \'{"city": "Oslo"}\'.')
    if found and not name:
        raise UsageError("--arguments needs --tool.")
    if not name.isprintable() or not name.isascii():
        raise UsageError("--tool: the name has characters that a header cannot have.")
    return NamedTool(name, found) if name else None
