"""The capability files on disk: what measurements make of them, the difference, and a write that is all or nothing."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from advisor.errors import EnvironmentLacksError, UsageError
from advisor.files import reason, write_atomically
from advisor.lab.capabilities import yaml_file as capability_yaml
from advisor.lab.capabilities.bisection import Bisected, apply
from advisor.lab.capabilities.measure import Measurement, measured_by, record
from advisor.lab.capabilities.merge import Record, merge
from advisor.lab.capabilities.yaml_file import CapabilityFile


@dataclass(frozen=True, slots=True)
class Update:
    """One file, as it is and as it is to be.

    Attributes:
        path: the file.
        old: its text.
        new: its text with what was found.
    """

    path: Path
    old: str
    new: str

    def diff(self) -> str:
        """A unified diff, "" if nothing changes."""
        name = f"rules/capabilities/{self.path.name}"
        lines = difflib.unified_diff(
            self.old.splitlines(keepends=True), self.new.splitlines(keepends=True), f"a/{name}", f"b/{name}"
        )
        return "".join(lines)


def with_measurements(root: Path, package: str, records: Sequence[Record], measured_by: str) -> Update:
    """The file of a package with measurements merged in.

    Args:
        root: the folder of the knowledge.
        package: whose.
        records: what was measured.
        measured_by: the program and its clients.

    Raises:
        UsageError: there is no file for the package.
    """
    return _update(root, package, lambda file: merge(file, records, measured_by))


def write_measurements(root: Path, measured: Sequence[Measurement]) -> str:
    """Write measurements into the files of their packages; the diff of all files.

    Raises:
        UsageError: there is no file for a package.
        KnowledgeError: what would be written is not valid.
        EnvironmentLacksError: a file cannot be written.
    """
    packages = dict.fromkeys(measurement.sdk_under_test.package for measurement in measured)
    updates = [
        with_measurements(
            root,
            package,
            [record(measurement) for measurement in measured if measurement.sdk_under_test.package == package],
            measured_by(),
        )
        for package in packages
    ]
    save(root, updates)
    return "".join(update.diff() for update in updates)


def with_changes(root: Path, package: str, found: Sequence[Bisected]) -> Update:
    """The file of a package with the releases in which its cells changed."""

    def change(file: CapabilityFile) -> CapabilityFile:
        apply(file, found)
        return file

    return _update(root, package, change)


def _update(root: Path, package: str, change: Callable[[CapabilityFile], CapabilityFile]) -> Update:
    path = root / "capabilities" / f"{package}.yaml"
    if not path.is_file():
        raise UsageError(f"{path} does not exist: there is no capability data of {package} to write to.")
    old = path.read_text(encoding="utf-8")
    return Update(path, old, capability_yaml.write(change(capability_yaml.read(old))))


def save(root: Path, updates: Iterable[Update]) -> None:
    """Write the files, once they are proved to be valid together with the rest of the knowledge.

    Raises:
        KnowledgeError: they are not valid; nothing is written.
        EnvironmentLacksError: a file cannot be written.
    """
    changed = [update for update in updates if update.old != update.new]
    if not changed:
        return
    _validate(root, changed)
    for update in changed:
        try:
            write_atomically(update.path, update.new)
        except OSError as error:
            raise EnvironmentLacksError(f"{update.path} cannot be written: {reason(error)}.") from error


def _validate(root: Path, updates: Sequence[Update]) -> None:
    from advisor.knowledge.compiler import compile_rules

    with tempfile.TemporaryDirectory(prefix="mcp-advisor-rules-") as folder:
        copy = Path(folder) / "rules"
        shutil.copytree(root, copy)
        for update in updates:
            (copy / "capabilities" / update.path.name).write_text(update.new, encoding="utf-8")
        compile_rules(copy)
