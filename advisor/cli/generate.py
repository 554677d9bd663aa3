"""The command `generate`: the kit, written, merged or compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from advisor.cli.formats import Format
from advisor.cli.inputs import read_for_kit
from advisor.console.output import emit, say
from advisor.decision.advisor import default_advisor
from advisor.errors import Exit, UsageError
from advisor.kit.render import render_kit
from advisor.kit.sync import report
from advisor.kit.sync.document import generation_dict
from advisor.kit.sync.generate import Generation, diff, preview
from advisor.kit.sync.generate import generate as write_kit
from advisor.report.serialization import json_text
from advisor.requirements.discovery import is_directory


def generate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A requirements file, or - for stdin.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="The folder of the kit.")],
    show_diff: Annotated[
        bool, typer.Option("--diff", help="Show what would change (exit 1 if anything); write nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace edited files too (a copy is kept), restore deleted ones.")
    ] = False,
    format: Annotated[Format, typer.Option("--format", "-f", help="How to report what was done.")] = Format.TEXT,
) -> int:
    """Write everything that deploys the decision for FILE: server, proxy, manifests, tests.

    In a kit that exists, files that you edited are merged, or left with the new version next to them (.new). Exit code
    1: a file was left so; the rest is written. 3: the requirements contradict each other, and nothing is written.
    """
    if is_directory(file):
        raise UsageError(f"{file} is a directory. A kit is generated from one requirements file.")
    advisor = default_advisor()
    raw, requirements = read_for_kit(file, advisor.space)
    files = render_kit(advisor.decide(requirements), raw.decode())
    if show_diff:
        return _preview(preview(files, Path(output), force=force), format)
    return _report(write_kit(files, raw, Path(output), force=force), format)


def _preview(done: Generation, format: Format) -> int:
    if format is Format.JSON:
        _emit_json(done, written=False)
    else:
        emit("".join(diff(change) for change in done.changes))
    for line in (*report.lines(done, written=False), report.summary(done, written=False)):
        say(line)
    return Exit.FINDINGS if done.changed else Exit.OK


def _report(done: Generation, format: Format) -> int:
    if done.completed:
        say("An earlier run was stopped while it wrote; this run completed its work.")
    for line in (*report.lines(done, written=True), report.summary(done, written=True), *report.next_steps(done)):
        say(line)
    if format is Format.JSON:
        _emit_json(done, written=True)
    return Exit.FINDINGS if done.conflicts else Exit.OK


def _emit_json(done: Generation, *, written: bool) -> None:
    emit(json_text(generation_dict(done, written=written), ascii_only=True))
