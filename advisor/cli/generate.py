"""The command `generate`: it writes a kit, merges it with edits, or shows the changes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from advisor.cli.completion import complete_parts
from advisor.cli.epilog import epilog
from advisor.cli.formats import Format
from advisor.cli.kits import MadeKit, Writing, make_kit, make_kits
from advisor.console.output import emit, say
from advisor.errors import Exit
from advisor.kit.kit_parts import selection
from advisor.kit.sync import report
from advisor.kit.sync.conflicts import ConflictStyle
from advisor.kit.sync.document import generation_dict, generations_dict
from advisor.kit.sync.generate import Generation, diff
from advisor.report.serialization import json_text
from advisor.requirements.discovery import is_directory

EPILOG = epilog(
    "generate requirements.yaml -o kit",
    "generate requirements.yaml -o kit --diff",
    "generate requirements.yaml -o kit --only proxy,kubernetes",
    "generate deployments/ -o kits",
    exit_codes={
        0: "the kit is complete; with --diff: no file would change",
        1: "some files have merge conflicts, all others were written; with --diff: files would change",
        2: "the requirements are invalid, or DIR is not usable; nothing was written",
        3: "no configuration keeps every required feature; nothing was written",
        4: "the disk is full, or another process writes to DIR",
    },
)


def generate(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A requirements file, - for standard input, or a directory of requirements files.",
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="The folder of the kit. If FILE is a directory, the folder for all kits. The command creates it.",
        ),
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
            help="Write the kit without these parts, for example server,tests. Files of these parts that are "
            "already in the folder stay as they are.",
        ),
    ] = None,
    conflicts: Annotated[
        ConflictStyle | None,
        typer.Option(
            "--conflicts",
            help="What to write if you and the new version changed the same lines. `new`, the default, writes the "
            "complete new version to a .new file next to your file. `rej` writes a diff to a .rej file next to your "
            "file: the changes of the new version that conflict with your changes. "
            "`markers` writes both versions of these lines into your file, between <<<<<<< and >>>>>>>. "
            "An open conflict of an earlier run gets this form, too.",
        ),
    ] = None,
    format: Annotated[
        Format, typer.Option("--format", "-f", help="Format of the report: text for people, json for scripts.")
    ] = Format.TEXT,
) -> int:
    """Write a deployment kit for a requirements file.

    The kit contains a new server, the proxy configuration, the files of your platform (for example Kubernetes
    manifests), tests, and DECISION.md with the reasons. You add your tools to the server.

    Run the command again after a change of the requirements. It keeps your edits in the kit folder (DIR of --output)
    and merges them with the new versions of the files. If you and the new version changed the same lines, your lines
    stay, and the new version is written next to the file (.new). The conflict ends when you delete the .new file. To
    get a .rej file with a diff, or conflict marks in your file, instead of the .new file, use --conflicts.

    If FILE is a directory, the command writes a kit for each requirements file in it. The kit for NAME.yaml is the
    folder NAME in the output folder (DIR of --output).
    """
    how = Writing(force, selection(only or [], without or []), conflicts, show_diff)
    if is_directory(file):
        return _many(file, output, how, format)
    made = make_kit(file, Path(output), how)
    _say(made, conflicts, brief=show_diff)
    if format is Format.JSON:
        emit(json_text(generation_dict(made.done, written=not show_diff), ascii_only=True))
    elif show_diff:
        emit("".join(diff(change) for change in made.done.changes))
    return _code(made.done, how)


def _many(folder: str, output: str, how: Writing, format: Format) -> int:
    """Generate the kits of all requirements files in a folder. A file without a kit does not stop the others."""
    made, errors = make_kits(folder, Path(output), how)
    for kit in made:
        _say(kit, how.style, brief=True)
    for error in errors:
        say(error.message if error.message.startswith(error.file) else f"{error.file}: {error.message}")
    if format is Format.JSON:
        emit(json_text(generations_dict(made, errors), ascii_only=True))
    elif how.preview:
        emit("".join(diff(change, f"{kit.folder}/") for kit in made for change in kit.done.changes))
    codes = [error.code for error in errors]
    return min(codes) if codes else max(_code(kit.done, how) for kit in made)


def _code(done: Generation, how: Writing) -> Exit:
    return Exit.FINDINGS if done.conflicts or (how.preview and done.changed) else Exit.OK


def _say(made: MadeKit, style: ConflictStyle | None, *, brief: bool) -> None:
    """Describe the changes of a kit. With `brief`, name only the files that differ from the new version."""
    done = made.done
    if done.completed:
        say("An earlier run was interrupted while it wrote the kit. This run completed the earlier run.")
    steps = report.next_steps(made, style) if made.written else []
    for line in (*report.lines(done, written=not brief), report.summary(done, written=made.written), *steps):
        say(line)
