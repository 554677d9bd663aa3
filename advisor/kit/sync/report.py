"""What `generate` says of a kit: a line for each file, a summary, the next steps."""

from __future__ import annotations

import shlex

from advisor.kit.sync.file_changes import FileChange
from advisor.kit.sync.generate import Generation

# What is said of files that stay as they are, although they are not what would be generated.
_LEFT = ("conflict", "kept", "released", "deleted")
# The verb, and what is said after the path.
_WORDS = {
    "added": ("added", ""),
    "updated": ("updated", ""),
    "merged": ("merged", "your edits and what is new are both in it"),
    "conflict": ("left", "you and the new version changed the same lines; the new version is {other}"),
    "overwritten": ("overwritten", "your version is {other}"),
    "removed": ("removed", "no longer part of the kit"),
    "kept": ("kept", "as you edited it"),
    "released": ("kept", "as you edited it; no longer part of the kit, so it is yours from now on"),
    "deleted": ("not restored", "you deleted it; --force restores it"),
    "unchanged": ("unchanged", ""),
}


def _line(change: FileChange) -> str:
    verb, note = _WORDS[change.action]
    text = f"  {verb:<12} {change.path}"
    return f"{text}: {note.format(other=change.beside)}" if note else text


def lines(done: Generation, *, written: bool) -> list[str]:
    """What happens to each file; in a preview, which has the diff as well, only the files that stay as they are."""
    return [_line(change) for change in done.changes if change.action in _LEFT or (written and change.writes)]


def summary(done: Generation, *, written: bool) -> str:
    """How many files were, or would be, added, updated and so on."""
    counts: dict[str, int] = {}
    for change in done.changes:
        counts[change.action] = counts.get(change.action, 0) + 1
    parts = ", ".join(f"{number} {action}" for action, number in counts.items())
    if not done.changed:
        return f"{done.root}: nothing {'to change' if written else 'would change'} ({parts})."
    return f"{done.root}: {parts}{'' if written else ' (nothing was written)'}."


def next_steps(done: Generation) -> list[str]:
    """What to do with the kit that was written."""
    steps = []
    if done.conflicts:
        steps.append("Compare each .new file with yours, take over what you want, and delete it.")
    if any(change.action == "added" for change in done.changes):
        readme = shlex.quote(str(done.root / "README.md"))
        steps.append(f"Next: read {readme}; it says in five lines how to try, check and deploy this.")
    return steps
