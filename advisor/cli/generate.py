"""The command `generate`: it writes a kit, merges it with edits, or shows the changes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from advisor.cli.completion import complete_parts
from advisor.cli.epilog import epilog
from advisor.cli.formats import Format
from advisor.cli.inputs import read_for_kit
from advisor.console.output import emit, say
from advisor.decision.advisor import default_advisor
from advisor.errors import Exit, UsageError
from advisor.kit.context import kit_context
from advisor.kit.endpoints import client_notes
from advisor.kit.kit_parts import selection
from advisor.kit.parts.compose import FIRST_PORT
from advisor.kit.render import render_kit
from advisor.kit.sync import report
from advisor.kit.sync.document import generation_dict
from advisor.kit.sync.generate import Generation, diff, preview
from advisor.kit.sync.generate import generate as write_kit
from advisor.report.serialization import json_text
from advisor.requirements.discovery import is_directory

EPILOG = epilog(
    "generate requirements.yaml -o kit",
    "generate requirements.yaml -o kit --diff",
    "generate requirements.yaml -o kit --only proxy,kubernetes",
    exit_codes={
        0: "the kit is complete; with --diff: no file would change",
        1: "some files have merge conflicts, all others were written; with --diff: files would change",
        2: "the requirements are invalid, or DIR is not usable; nothing was written",
        3: "no configuration keeps every required feature; nothing was written",
        4: "the disk is full, or another process writes to DIR",
    },
)


def generate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A requirements file, or - for standard input.")],
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="DIR", help="The folder of the kit. The command creates it if needed."),
    ],
    show_diff: Annotated[
        bool, typer.Option("--diff", help="Show the changes as a unified diff and write nothing.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Replace the files that you edited, and restore the files that you deleted. The command keeps your "
            "version of a replaced file next to it (.bak). With --force, DIR can also be a folder with files that do "
            "not belong to a kit.",
        ),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="PARTS",
            autocompletion=complete_parts,
            help="Write only these parts of the kit, for example proxy,kubernetes. Other files stay as they are.",
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="PARTS",
            autocompletion=complete_parts,
            help="Write the kit without these parts, for example server,tests.",
        ),
    ] = None,
    format: Annotated[
        Format, typer.Option("--format", "-f", help="Format of the report: text for people, json for scripts.")
    ] = Format.TEXT,
) -> int:
    """Write a deployment kit for a requirements file.

    The kit has the server, the proxy configuration, the files of your platform (for example Kubernetes manifests),
    tests and DECISION.md with the reasons.

    Run the command again after a change of the requirements. It keeps your edits in DIR and merges them with the new
    versions of the files. If you and the new version changed the same lines, your lines stay, and the new version is
    written next to the file (.new). The conflict ends when you delete the .new file.
    """
    selected = selection(only or [], without or [])
    if is_directory(file):
        raise UsageError(f"{file} is a directory. Name one requirements file: a kit has exactly one.")
    advisor = default_advisor()
    raw, requirements = read_for_kit(file, advisor.space)
    decision = advisor.decide(requirements)
    kit = kit_context(decision)
    files = render_kit(decision, raw.decode(), kit)
    if show_diff:
        return _preview(preview(files, Path(output), force=force, selected=selected), format)
    notes = client_notes(kit, FIRST_PORT)
    return _report(write_kit(files, raw, Path(output), force=force, selected=selected), notes, format)


def _preview(done: Generation, format: Format) -> int:
    if format is Format.JSON:
        _emit_json(done, written=False)
    else:
        emit("".join(diff(change) for change in done.changes))
    for line in (*report.lines(done, written=False), report.summary(done, written=False)):
        say(line)
    return Exit.FINDINGS if done.changed or done.conflicts else Exit.OK


def _report(done: Generation, notes: list[str], format: Format) -> int:
    if done.completed:
        say("An earlier run was interrupted while it wrote the kit. This run completed the earlier run.")
    steps = report.next_steps(done, notes)
    for line in (*report.lines(done, written=True), report.summary(done, written=True), *steps):
        say(line)
    if format is Format.JSON:
        _emit_json(done, written=True)
    return Exit.FINDINGS if done.conflicts else Exit.OK


def _emit_json(done: Generation, *, written: bool) -> None:
    emit(json_text(generation_dict(done, written=written), ascii_only=True))
