"""The command `diagnose`: from a symptom, a log, findings and answers to ranked causes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from advisor.cli.epilog import epilog
from advisor.console.canvas import Screen
from advisor.console.output import emit, is_unicode
from advisor.decision.advisor import default_advisor
from advisor.diagnosis.causes import Evidence
from advisor.diagnosis.causes import diagnose as ranked_causes
from advisor.diagnosis.logs import SeenSign, read_log
from advisor.errors import Exit, UsageError
from advisor.files import reason
from advisor.knowledge import Knowledge
from advisor.report.diagnosis_document import diagnosis_document
from advisor.report.diagnosis_text import diagnosis_text
from advisor.report.serialization import json_text
from advisor.requirements.text import nearest

EPILOG = epilog(
    'diagnose "404 Session not found, only sometimes"',
    "diagnose --log nginx-error.log",
    'diagnose "calls end after 60 s" --answer direct-works=yes',
    exit_codes={
        0: "the symptom is known",
        2: "there is no symptom, or a file or an answer is invalid",
        5: "nothing of the symptom is known",
    },
)
_LARGEST = 20_000_000  # bytes of a file of --evidence
_ANSWERS = {"yes": True, "no": False}


class DiagnosisFormat(str, Enum):
    """Text for people, JSON for programs."""

    TEXT = "text"
    JSON = "json"


def diagnose(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The symptom in your words, or an error message.")] = "",
    log: Annotated[
        list[str] | None,
        typer.Option(
            "--log", metavar="FILE", help="A log of the server, proxy or client; - for standard input. Can be repeated."
        ),
    ] = None,
    evidence: Annotated[
        list[str] | None,
        typer.Option("--evidence", metavar="FILE", help="JSON output of scan, audit or probe. Can be repeated."),
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(
            "--answer", metavar="ID=yes|no", help="The answer to a question of this command. Can be repeated."
        ),
    ] = None,
    format: Annotated[
        DiagnosisFormat, typer.Option("--format", "-f", help="Output format: text for people, json for scripts.")
    ] = DiagnosisFormat.TEXT,
    full: Annotated[bool, typer.Option("--full", help="Show ten causes with reason, fix and check.")] = False,
) -> int:
    """Rank the causes of a symptom, a log or findings.

    The command compares your words, the lines of a log and the findings of other commands with known causes. It
    shows the likeliest causes, each with a fix and the check that confirms it, and asks the question that tells
    the rest apart best. It sends nothing anywhere.
    """
    knowledge = default_advisor().knowledge
    if not (text.strip() or log or evidence or answer):
        raise UsageError(
            'Describe the symptom, for example: mcp-advisor diagnose "404 Session not found". Or use --log.'
        )
    findings, observations = _findings(evidence or ())
    known = Evidence(text, _signs(log or (), knowledge), findings, observations, _answers(answer or (), knowledge))
    diagnosis = ranked_causes(known, knowledge)
    if format is DiagnosisFormat.JSON:
        emit(json_text(diagnosis_document(diagnosis), ascii_only=not is_unicode()))
    else:
        emit(diagnosis_text(diagnosis, knowledge.phrases, Screen.of_output(), full=full))
    return Exit.OK if diagnosis.is_known else Exit.NOTHING_EXAMINED


def _signs(names: Sequence[str], knowledge: Knowledge) -> list[SeenSign]:
    """Read the logs.

    Raises:
        UsageError: a file cannot be read.
    """
    found: list[SeenSign] = []
    for name in names:
        try:
            if name == "-":
                found += read_log(sys.stdin.buffer, knowledge.log_signs.values())
            else:
                with Path(name).open("rb") as stream:
                    found += read_log(stream, knowledge.log_signs.values())
        except (OSError, ValueError) as error:
            raise UsageError(f"--log {name}: the file cannot be read ({reason(error)}).") from None
    return found


def _findings(names: Sequence[str]) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """Read documents of other commands: the severities of their findings by id, and the observations of a probe.

    Raises:
        UsageError: a file is not such a document.
    """
    severities: dict[str, str] = {}
    observations: dict[str, Any] = {}
    for name in names:
        try:
            content = Path(name).read_bytes()[: _LARGEST + 1]
            document = json.loads(content) if len(content) <= _LARGEST else None
        except (OSError, ValueError, RecursionError) as error:
            why = reason(error) if isinstance(error, OSError) else "it is not JSON"
            raise UsageError(f"--evidence {name}: the file cannot be read ({why}).") from None
        document = document if isinstance(document, dict) else {}
        listed = document.get("findings")
        if not isinstance(listed, list):
            raise UsageError(f"--evidence {name}: allowed is the output of scan, audit or probe with --format json.")
        found = (finding for finding in listed if isinstance(finding, dict))
        severities |= {str(finding.get("id")): str(finding.get("severity")) for finding in found}
        seen = document.get("observations")
        observations |= seen if isinstance(seen, dict) else {}
    return severities, observations


def _answers(given: Sequence[str], knowledge: Knowledge) -> dict[str, bool]:
    """Read the answers.

    Raises:
        UsageError: the question does not exist, or the answer is neither yes nor no.
    """
    found = {}
    for text in given:
        name, _, answer = text.partition("=")
        if name not in knowledge.symptom_questions:
            raise UsageError(
                f"--answer {name}: there is no such question. {nearest(name, knowledge.symptom_questions)}".rstrip()
            )
        if answer not in _ANSWERS:
            raise UsageError(f"--answer {name}: allowed are yes and no.")
        found[name] = _ANSWERS[answer]
    return found
