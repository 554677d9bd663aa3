"""The parts of a kit by the names that users give, such as `proxy`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from advisor.errors import UsageError
from advisor.requirements.text import unknown_names

KIT_PARTS = {
    "server": ("server/",),
    "tests": ("tests/",),
    "proxy": ("proxy/",),
    "compose": ("compose.yaml", "compose/", ".env.example"),
    "kubernetes": ("kubernetes/",),
    "systemd": ("systemd/",),
    "serverless": ("serverless/",),
    "monitoring": ("monitoring/",),
    "ci": (".github/", ".gitignore"),
    "documents": ("README.md", "DECISION.md", "decision.json", "requirements.yaml"),
}
"""The starts of the paths of each part."""


def selection(only: Iterable[str], without: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that says whether the path of a file belongs to the selected parts.

    Args:
        only: the parts to select; empty for all. An entry can be a list with commas.
        without: the parts to leave out.

    Raises:
        UsageError: there is no part with this name.
    """
    wanted, unwanted = _parts(only), _parts(without)
    starts = [start for part, paths in KIT_PARTS.items() if part in (wanted or KIT_PARTS) for start in paths]
    others = [start for part in unwanted for start in KIT_PARTS[part]]
    return lambda path: path.startswith(tuple(starts)) and not path.startswith(tuple(others))


def left_out(paths: Iterable[str], is_selected: Callable[[str], bool], root: Path) -> list[str]:
    """Return the parts of a kit that a run does not write and that the folder of the kit does not have.

    Args:
        paths: of all files of the complete kit, relative to its folder.
        is_selected: whether the run writes a file.
        root: the folder of the kit.
    """
    absent = [path for path in paths if not is_selected(path) and not (root / path).exists()]
    return [part for part, starts in KIT_PARTS.items() if any(path.startswith(starts) for path in absent)]


def _parts(names: Iterable[str]) -> list[str]:
    parts = [part.strip() for name in names for part in name.split(",")]
    if problem := unknown_names(parts, KIT_PARTS, "There is no part {} of a kit.", "Parts"):
        raise UsageError(problem)
    return parts
