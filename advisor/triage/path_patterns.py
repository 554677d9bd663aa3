"""Patterns of paths, such as `legacy/**` or `**/settings.py`."""

from __future__ import annotations

from fnmatch import fnmatchcase


def matches(pattern: str, path: str) -> bool:
    """Return whether a pattern covers a path, or a folder of the path.

    Args:
        pattern: `*`, `?` and `[...]` stand for characters of a name. `**` stands for any number of folders.
        path: a path with `/`.
    """
    names = path.split("/")
    # The positions in the path that the parts of the pattern so far can end at. A set keeps the time short.
    ends = {0}
    for part in pattern.removeprefix("./").rstrip("/").split("/"):
        if part == "**":
            ends = set(range(min(ends), len(names) + 1)) if ends else ends
        else:
            ends = {end + 1 for end in ends if end < len(names) and fnmatchcase(names[end], part)}
    return bool(ends)
