"""Makes the kit of a requirements file, and the kits of all requirements files in a directory."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from advisor.cli.inputs import read_for_kit
from advisor.decision.advisor import default_advisor
from advisor.errors import AdvisorError, EnvironmentLacksError, UsageError
from advisor.kit.context import InfeasibleError, kit_context
from advisor.kit.endpoints import client_notes
from advisor.kit.kit_parts import left_out
from advisor.kit.parts.compose import FIRST_PORT
from advisor.kit.render import render_kit
from advisor.kit.sync.conflicts import ConflictStyle
from advisor.kit.sync.document import KitError, MadeKit
from advisor.kit.sync.generate import Selected, generate, preview
from advisor.requirements.discovery import Candidate, gather, load_candidate

__all__ = ["MadeKit", "Writing", "make_kit", "make_kits"]


class Writing(NamedTuple):
    """How kits are written.

    Attributes:
        force: replace edited files (a copy is saved), and restore deleted files.
        selected: the files to write.
        style: how a conflict is left in the kit, or None; see `plan`.
        preview: write nothing.
    """

    force: bool
    selected: Selected
    style: ConflictStyle | None
    preview: bool


def make_kit(file: str, root: Path, how: Writing, folder: str = "") -> MadeKit:
    """Write or preview the kit of a requirements file.

    Args:
        file: the requirements file, or `-` for standard input.
        root: the folder of the kit.
        how: how to write the kit.
        folder: the folder of the kit in the folder of all kits, or "" for a single kit.

    Raises:
        InputError: the file is invalid.
        InfeasibleError: the requirements contradict each other.
        UsageError: the kit cannot be generated, or the folder cannot be used.
        EnvironmentLacksError: another process writes to the folder, or the disk is full.
    """
    advisor = default_advisor()
    raw, requirements = read_for_kit(file, advisor.space)
    decision = advisor.decide(requirements)
    if not decision.feasible:
        raise InfeasibleError(file)
    kit = kit_context(decision)
    files = render_kit(decision, raw.decode(), kit)
    if how.preview:
        done = preview(files, root, force=how.force, selected=how.selected, style=how.style)
    else:
        done = generate(files, raw, root, force=how.force, selected=how.selected, style=how.style)
    absent = left_out((each.path for each in files), how.selected, root)
    return MadeKit(file, folder, done, client_notes(kit, FIRST_PORT), not how.preview, absent)


def make_kits(directory: str, root: Path, how: Writing) -> tuple[list[MadeKit], list[KitError]]:
    """Write or preview the kits of all requirements files in a directory. Files of other kinds are skipped.

    Args:
        directory: the directory of the requirements files.
        root: the folder of all kits. Requirements files in this folder belong to earlier kits and are skipped.
        how: how to write the kits.

    Returns:
        The kits, and an error for each file without a kit, each in the order of the files.

    Raises:
        UsageError: the directory cannot be read or contains no requirements file.
        EnvironmentLacksError: the disk is full, or another process writes to a kit.
    """
    made: list[MadeKit] = []
    errors: list[KitError] = []
    places: dict[str, str] = {}
    for candidate in gather([directory]):
        if root.resolve() in Path(candidate.name).resolve().parents:
            continue
        folder = Path(candidate.name).relative_to(directory).with_suffix("").as_posix()
        try:
            if not _is_requirements(candidate):
                continue
            if folder in places:
                raise UsageError(f"The folder {root / folder} already has the kit of {places[folder]}.")
            places[folder] = candidate.name
            made.append(make_kit(candidate.name, root / folder, how, folder))
        except EnvironmentLacksError:
            raise
        except AdvisorError as error:
            errors.append(KitError(candidate.name, str(error), error.code))
    if not made and not errors:
        raise UsageError(f"{directory}: no file in this directory contains requirements.")
    return made, errors


def _is_requirements(candidate: Candidate) -> bool:
    return load_candidate(candidate, default_advisor().space) is not None
