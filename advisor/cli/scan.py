"""The command `scan`: it reads the code of a server and shows what the server needs and how it is configured."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from advisor.audits.server_code import findings
from advisor.audits.stated_facts import facts_of
from advisor.cli.epilog import epilog
from advisor.console.canvas import Screen
from advisor.console.output import emit, is_unicode, say
from advisor.decision.advisor import default_advisor
from advisor.errors import Exit, UsageError
from advisor.report.scan_document import scan_document
from advisor.report.scan_requirements import scan_requirements
from advisor.report.scan_text import scan_text
from advisor.report.serialization import json_text
from advisor.sources.python import ScannedTree
from advisor.sources.python import scan as read_tree

EPILOG = epilog(
    "scan .",
    "scan src/server.py --format yaml > requirements.yaml",
    exit_codes={
        0: "the command found a server and no problem",
        1: "the command found problems",
        2: "the path does not exist",
        5: "the command found no server, or could not read its code",
    },
)


class ScanFormat(str, Enum):
    """Text for people, a partial requirements file, JSON for programs."""

    TEXT = "text"
    YAML = "yaml"
    JSON = "json"


def scan(
    path: Annotated[str, typer.Argument(metavar="PATH", help="The folder of the server, or a Python file.")],
    format: Annotated[
        ScanFormat,
        typer.Option(
            "--format",
            "-f",
            help="Output format: text for people, yaml for a partial requirements file, json for scripts.",
        ),
    ] = ScanFormat.TEXT,
    full: Annotated[
        bool, typer.Option("--full", help="Show all tools, all state, and the reason and fix of each finding.")
    ] = False,
) -> int:
    """Read the code of a Python server: flags, needs and faults.

    The command reads the Python files, the Dockerfile, the compose file and the requirements of packages. It does not
    import or run them. Tests, vendored packages and virtual environments are left out.

    A value that the code does not state, such as a flag from an environment variable, is shown with its origin. The
    output of --format yaml has such values as comments. To answer the open questions, run `mcp-advisor ask` with
    this file.
    """
    knowledge = default_advisor().knowledge
    tree = scanned(path)
    found = findings(tree, knowledge)
    if format is ScanFormat.JSON:
        emit(json_text(scan_document(tree, found), ascii_only=not is_unicode()))
    if not tree.servers:
        for problem in tree.not_examined:
            say(f"{problem.path}: {problem.why}")
        say(knowledge.phrases["scan.nothing"].format(path=path, number=len(tree.examined)))
        return Exit.NOTHING_EXAMINED
    if format is ScanFormat.YAML:
        emit(requirements_text(tree, path))
    elif format is ScanFormat.TEXT:
        emit(scan_text(tree, found, knowledge.phrases, Screen.of_output(), full=full))
    return Exit.FINDINGS if found else Exit.OK


def scanned(path: str) -> ScannedTree:
    """Return the content of a folder or a Python file.

    Raises:
        UsageError: there is no such folder or Python file.
    """
    folder = Path(path)
    try:
        is_there = folder.is_dir() or (folder.is_file() and path.endswith(".py"))
    except (OSError, ValueError):
        is_there = False
    if not is_there:
        raise UsageError(f"{path} is not a folder and not a Python file.")
    return read_tree(folder, default_advisor().knowledge)


def requirements_text(tree: ScannedTree, path: str) -> str:
    """Return the partial requirements file of a scan."""
    advisor = default_advisor()
    folder = Path(path).resolve()
    facts = facts_of(tree, advisor.knowledge, folder.name if folder.is_dir() else folder.stem)
    return scan_requirements(facts, advisor.space, advisor.knowledge.phrases, path)
