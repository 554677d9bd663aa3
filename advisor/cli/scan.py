"""The command `scan`: it reads the code of a server and shows what the server needs and how it is configured."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from advisor.audits.server_code import findings
from advisor.cli.epilog import epilog
from advisor.cli.findings_output import (
    BaselineOption,
    ConfigOption,
    FindingsOrder,
    WriteBaselineOption,
    code_of,
    shown,
    write_baseline,
)
from advisor.cli.scanned_code import folder_of, requirements_text, scanned
from advisor.console.canvas import Screen
from advisor.console.output import emit, is_unicode, say
from advisor.decision.advisor import default_advisor
from advisor.errors import Exit
from advisor.findings import Location
from advisor.report.findings_text import shown_place
from advisor.report.scan_document import scan_document
from advisor.report.scan_text import scan_text
from advisor.report.serialization import json_text

EPILOG = epilog(
    "scan .",
    "scan src/server.py --format yaml > requirements.yaml",
    exit_codes={
        0: "the command found a server and no problem, or only findings with severity info",
        1: "the command found problems, or an entry of the baseline is out of date",
        2: "the path does not exist, or a configuration file or baseline is invalid",
        5: "the command found no server, or could not read its code",
    },
)


class ScanFormat(str, Enum):
    """Text for people, a partial requirements file, JSON for programs, and forms of the findings for code hosts."""

    TEXT = "text"
    YAML = "yaml"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    MARKDOWN = "markdown"


def scan(
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="The folder of the server, or a Python or TypeScript file.")
    ],
    format: Annotated[
        ScanFormat,
        typer.Option(
            "--format",
            "-f",
            help="Output format: text for people, yaml for a partial requirements file, json for scripts. Only the "
            "findings: sarif for code scanning, github for annotations in GitHub Actions, markdown for a comment.",
        ),
    ] = ScanFormat.TEXT,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="Show all tools, all state, accepted findings, and the reason and fix of each finding."
        ),
    ] = False,
    baseline: BaselineOption = "",
    write_baseline_to: WriteBaselineOption = "",
    config: ConfigOption = "",
) -> int:
    """Read the code of a server: flags, needs and faults.

    The command reads Python and TypeScript, the Dockerfile, the compose file and lists of packages
    (requirements.txt, pyproject.toml, package.json, lock files). TypeScript and JavaScript need the extra
    `scan-ts`. The command does not import or run code. Tests, vendored packages and virtual
    environments are left out.

    A value that the code does not state, such as a flag from an environment variable, is shown with its origin. The
    output of --format yaml has such values as comments. Save it as a file, and run `mcp-advisor ask` with this
    file to answer the open questions.
    """
    knowledge = default_advisor().knowledge
    folder = folder_of(path)
    order = FindingsOrder(("scan", path), knowledge, format.value, full, baseline, write_baseline_to, config)
    judged = [kind.id for kind in knowledge.findings.values() if kind.subject == "code"]
    triage = order.triage(folder, judged)
    tree = scanned(path)
    examined = tree.examined if tree.servers else ()
    found = order.triaged(findings(tree, knowledge), examined, tree.not_examined, triage)
    is_text = format in (ScanFormat.TEXT, ScanFormat.YAML)
    if not is_text and not write_baseline_to:
        is_json = format is ScanFormat.JSON
        emit(json_text(scan_document(tree, found), ascii_only=not is_unicode()) if is_json else shown(found, order))
    if not tree.servers:
        for problem in tree.not_examined:
            say(f"{shown_place(Location(problem.path))}: {problem.why}")
        say(knowledge.phrases["scan.nothing"].format(path=path, number=len(tree.examined)))
        return Exit.NOTHING_EXAMINED
    if write_baseline_to:
        return write_baseline(found, order, triage)
    if format is ScanFormat.YAML:
        emit(requirements_text(tree, path))
    elif format is ScanFormat.TEXT:
        emit(scan_text(tree, found, knowledge.phrases, Screen.of_output(), full=full))
    return code_of(found, order)
