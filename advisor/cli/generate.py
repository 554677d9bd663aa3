"""The command `generate`: the kit, written, merged or compared."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.cli.formats import Format
from advisor.console.output import emit, say
from advisor.errors import Exit
from advisor.report.serialization import json_text

if TYPE_CHECKING:
    from advisor.kit.sync.generate import Generation
    from advisor.kit.sync.plan import FileChange
    from advisor.knowledge.space import FactSpace
    from advisor.requirements import Requirements


def generate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A requirements file, or - for stdin.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="The folder of the kit.")],
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what would change (exit 1 if anything); write nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace edited files too (a copy is kept), restore deleted ones.")
    ] = False,
    format: Annotated[Format, typer.Option("--format", "-f", help="How to report what was done.")] = Format.TEXT,
) -> int:
    """Write everything that deploys the decision for FILE: server, proxy, manifests, tests.

    In a kit that exists, files that you edited are merged, or left with the new version beside them (.new). Exit code
    1: a file was left so; the rest is written. 3: the requirements contradict each other, and nothing is written.
    """
    from advisor.decision.advisor import default_advisor
    from advisor.kit.render import render_kit
    from advisor.kit.sync import generate as kit

    advisor = default_advisor()
    raw, requirements = _read(file, advisor.space)
    decision = advisor.decide(requirements)
    files = render_kit(decision, advisor, raw.decode())
    root = Path(output)
    if diff:
        return _preview(kit.preview(files, root, force=force), format)
    return _report(kit.generate(files, raw, root, force=force), format)


def _read(name: str, space: FactSpace) -> tuple[bytes, Requirements]:
    """The bytes of the requirements file, and what they say.

    Raises:
        InputError: it is not valid.
        UsageError: it is a directory, or there is no standard input.
    """
    from advisor.cli import inputs
    from advisor.errors import UsageError

    if inputs.is_directory(name):
        raise UsageError(f"{name} is a directory. A kit is generated from one requirements file.")
    return inputs.read_for_kit(name, space)


def _preview(done: Generation, format: Format) -> int:
    from advisor.kit.sync.document import generation_dict
    from advisor.kit.sync.generate import diff

    if format is Format.JSON:
        emit(json_text(generation_dict(done, written=False), ascii_only=True))
    else:
        emit("".join(diff(change) for change in done.changes))
    for line in _notes(done):
        say(line)
    say(_summary(done, written=False))
    return Exit.FINDINGS if done.changed else Exit.OK


def _report(done: Generation, format: Format) -> int:
    from advisor.kit.sync.document import generation_dict

    if done.completed:
        say("An earlier run had been stopped while it wrote; its work was completed first.")
    for change in done.changes:
        if change.writes or change.action in _LEFT:
            say(_line(change))
    say(_summary(done, written=True))
    for line in _next(done):
        say(line)
    if format is Format.JSON:
        emit(json_text(generation_dict(done, written=True), ascii_only=True))
    return Exit.FINDINGS if _conflicts(done) else Exit.OK


def _conflicts(done: Generation) -> bool:
    return any(change.action == "conflict" for change in done.changes)


# What is said of files that stay as they are, although they are not what would be generated.
_LEFT = ("conflict", "kept", "released", "deleted")
# The verb, and what is said after the path.
_WORDS = {
    "added": ("added", ""),
    "updated": ("updated", ""),
    "merged": ("merged", "your edits and what is new are both in it"),
    "conflict": ("left", "you and the new version changed the same lines; the new one is {beside}"),
    "overwritten": ("overwritten", "your version is {beside}"),
    "removed": ("removed", "no longer part of the kit"),
    "kept": ("kept", "as you edited it"),
    "released": ("kept", "as you edited it; no longer part of the kit, so it is yours from now on"),
    "deleted": ("not restored", "you deleted it; --force restores it"),
    "unchanged": ("unchanged", ""),
}


def _line(change: FileChange) -> str:
    verb, note = _WORDS[change.action]
    text = f"  {verb:<12} {change.path}"
    return f"{text}: {note.format(beside=change.beside)}" if note else text


def _notes(done: Generation) -> list[str]:
    return [_line(change) for change in done.changes if change.action in _LEFT]


def _summary(done: Generation, *, written: bool) -> str:
    counts: dict[str, int] = {}
    for change in done.changes:
        counts[change.action] = counts.get(change.action, 0) + 1
    parts = ", ".join(f"{number} {action}" for action, number in counts.items())
    if not done.changed:
        return f"{done.root}: nothing {'to change' if written else 'would change'} ({parts})."
    return f"{done.root}: {parts}{'' if written else ' (nothing was written)'}."


def _next(done: Generation) -> list[str]:
    lines = []
    if _conflicts(done):
        lines.append("Compare each .new file with yours, take over what you want, and delete it.")
    if any(change.action == "added" for change in done.changes):
        readme = shlex.quote(str(done.root / "README.md"))
        lines.append(f"Next: read {readme}; it says in five lines how to try, check and deploy this.")
    return lines
