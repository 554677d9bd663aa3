"""The text output of `generate`: a line for each file, a summary, and the next steps."""

from __future__ import annotations

import shlex

from advisor.kit.sync.conflicts import ConflictStyle
from advisor.kit.sync.document import MadeKit
from advisor.kit.sync.file_changes import FileChange
from advisor.kit.sync.generate import Generation
from advisor.requirements.discovery import STDIN
from advisor.sentences import listed

# The actions for files that stay unchanged although they differ from the new version.
_LEFT = ("conflict", "kept", "released", "deleted")
# The verb before the path, and the text after it.
_WORDS = {
    "added": ("added", ""),
    "updated": ("updated", ""),
    "merged": ("merged", "your edits and the new text are both in the file"),
    "conflict": ("conflict", ""),
    "overwritten": ("overwritten", "your version is in {other}"),
    "removed": ("removed", "no longer part of the kit"),
    "kept": ("kept", "your edits stay"),
    "released": ("kept", "your edits stay; the file is no longer part of the kit"),
    "deleted": ("not restored", "you deleted it; --force restores it"),
    "unchanged": ("unchanged", ""),
}
# The text after the path of a conflict, by the ending of the file next to it.
_CONFLICT = {
    ".new": "your edits and the new version change the same lines; the new version is in {other}",
    ".rej": "your edits and the new version change the same lines; the changes that were not made are in {other}",
    "": "your edits and the new version change the same lines; the file has both, between <<<<<<< and >>>>>>>",
}
_STEPS = {
    ".new": "Where both change the same lines, your lines stay. Compare each .new file with your file, copy the "
    "changes that you want, and delete the .new file.",
    ".rej": "Where both change the same lines, your lines stay. Make the changes of each .rej file that you want, "
    "and delete the .rej file.",
    "": "Edit the lines between <<<<<<< and >>>>>>>, and delete these marks.",
}
_ENDINGS = {ConflictStyle.NEW: ".new", ConflictStyle.REJ: ".rej", ConflictStyle.MARKERS: ""}
_OTHER_STYLE = (
    "--conflicts {style} does not change this conflict: {file}. mcp-advisor no longer has the text that both versions "
    "changed, or it would replace a file of yours. Resolve this conflict in its present form."
)


def _ending(change: FileChange) -> str:
    """Return the ending of the file next to a conflict, without a number; "" for marks in the file."""
    return next((ending for ending in (".new", ".rej") if ending in change.beside[len(change.path) :]), "")


def _line(change: FileChange) -> str:
    verb, note = _WORDS[change.action]
    if change.action == "conflict":
        note = _CONFLICT[_ending(change)]
    text = f"  {verb:<12} {change.path}"
    return f"{text}: {note.format(other=change.beside)}" if note else text


def lines(done: Generation, *, written: bool) -> list[str]:
    """Return a line for each changed file. For a preview, which also prints the diff, only the files that stay."""
    return [_line(change) for change in done.changes if change.action in _LEFT or (written and change.writes)]


def summary(done: Generation, *, written: bool) -> str:
    """Return a line with the number of added, updated, … files."""
    counts: dict[str, int] = {}
    for change in done.changes:
        counts[change.action] = counts.get(change.action, 0) + 1
    parts = ", ".join(f"{number} {action}" for action, number in counts.items())
    if not done.changed and not done.conflicts:
        return f"{done.root}: nothing {'to change' if written else 'would change'} ({parts})."
    return f"{done.root}: {parts}{'' if written else ' (nothing was written)'}."


def next_steps(made: MadeKit, style: ConflictStyle | None = None) -> list[str]:
    """Return the next steps for the user. They name only files that the folder of the kit has.

    Args:
        made: the kit.
        style: how the user wants a conflict to be left in the kit, or None.
    """
    done = made.done
    steps = list(made.notes) if done.changed else []
    if done.conflicts:
        left = [change for change in done.changes if change.action == "conflict"]
        endings = dict.fromkeys(map(_ending, left))
        if style is not None:
            others = [change.beside or change.path for change in left if _ending(change) != _ENDINGS[style]]
            steps += [_OTHER_STYLE.format(style=style.value, file=file) for file in others[:1]]
        steps += [f"{_STEPS[ending]} Until then, each run reports the conflict." for ending in endings]
    if any(change.action == "added" for change in done.changes):
        steps += _reading(made)
    return steps


def _reading(made: MadeKit) -> list[str]:
    """Say where the user can read about the files of the kit."""
    parts = listed(made.left_out) if made.left_out else ""
    if "documents" in made.left_out:
        said = [f"This run left out these parts of the kit: {parts}."]
        if made.file == STDIN:
            return said
        return [*said, "Next: read the decision. It has the reasons for the settings:", f"  {_command(made)}"]
    readme = shlex.quote(str(made.done.root / "README.md"))
    also = f" It also describes the parts that you left out: {parts}." if parts else ""
    return [f"Next: read {readme}. It explains how to try, test and deploy the kit.{also}"]


def _command(made: MadeKit) -> str:
    return f"mcp-advisor recommend {shlex.quote(made.file)} --full"
