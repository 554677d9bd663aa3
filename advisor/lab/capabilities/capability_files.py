"""Writes measurements into the files under rules/capabilities/, but only if all new files are valid."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from advisor.errors import EnvironmentLacksError, UsageError
from advisor.files import reason, write_atomically
from advisor.knowledge.compiler import compile_rules
from advisor.lab.capabilities import yaml_file as capability_yaml
from advisor.lab.capabilities.measure import Measurement, measured_by, record
from advisor.lab.capabilities.merge import merge
from advisor.lab.capabilities.yaml_file import CapabilityFile

CapabilityEdit = Callable[[CapabilityFile], CapabilityFile]


def write_measurements(root: Path, measured: Sequence[Measurement]) -> str:
    """Write measurements into the files of their packages. Returns the diff of all files; errors: see `rewrite`."""
    records = [(measurement.sdk_under_test.package, record(measurement)) for measurement in measured]
    changes = {
        package: partial(merge, records=[made for of, made in records if of == package], measured_by=measured_by())
        for package, _ in records
    }
    return rewrite(root, changes)


def rewrite(root: Path, changes: Mapping[str, CapabilityEdit]) -> str:
    """Change the files of packages. The new files are first validated together with the other rule files.

    Args:
        root: the folder rules/.
        changes: the change of each file, by package.

    Returns:
        The diff of all files; "" if nothing changes.

    Raises:
        UsageError: there is no file for a package.
        KnowledgeError: a new file is invalid; nothing is written.
        EnvironmentLacksError: a file cannot be written.
    """
    diff: list[str] = []
    files: dict[Path, str] = {}
    for package, change in changes.items():
        path = root / "capabilities" / f"{package}.yaml"
        if not path.is_file():
            raise UsageError(f"{path} does not exist. Measurements of {package} need this file.")
        old = path.read_text(encoding="utf-8")
        new = capability_yaml.write(change(capability_yaml.read(old)))
        if new != old:
            files[path] = new
            name = f"rules/capabilities/{path.name}"
            diff += difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"a/{name}", f"b/{name}")
    if files:
        _validate(root, files)
    for path, new in files.items():
        try:
            write_atomically(path, new)
        except OSError as error:
            raise EnvironmentLacksError(f"{path} cannot be written: {reason(error)}.") from error
    return "".join(diff)


def _validate(root: Path, files: Mapping[Path, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="mcp-advisor-rules-") as folder:
        copy = Path(folder) / "rules"
        shutil.copytree(root, copy)
        for path, text in files.items():
            (copy / path.relative_to(root)).write_text(text, encoding="utf-8")
        compile_rules(copy)
