"""Ask the user's package index for the releases of a package and their upload times.

The requests go through uv and pip, and therefore use the index, certificates and credentials of the user.
"""

from __future__ import annotations

import os
import re
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from advisor.errors import EnvironmentLacksError, LabError, UsageError
from advisor.knowledge.versions import key, parse
from advisor.lab.process.programs import program
from advisor.lab.process.run import Run

_ANSWER_S = 90.0
_DAYS = 3  # dependencies that were uploaded up to three days after an old release work with this release
_VERSIONS = re.compile(r"^Available versions: (.+)$", re.MULTILINE)
_UPLOADED = re.compile(r'upload-time = "([^"]+)"')

# A project with a single dependency. The metadata hides further dependencies, and the lock file has the upload time.
_PROJECT = """\
[project]
name = "lab"
version = "0"
requires-python = ">={python}"
dependencies = ["{package}=={version}"]

[[tool.uv.dependency-metadata]]
name = "{package}"
version = "{version}"
requires-dist = []
"""


async def releases(run: Run, package: str) -> list[str]:
    """Return the releases of a package without pre-releases, oldest first.

    Raises:
        EnvironmentLacksError: the index does not answer.
    """
    command: list[str | Path] = [program("uv"), "tool", "run", "pip", "index", "versions", package]
    if index := os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL"):
        command += ["--index-url", index]
    try:
        said = await run.execute(f"index-{package}", command, deadline_s=_ANSWER_S)
    except LabError as error:
        last = error.lines[-1] if error.lines else str(error)
        raise EnvironmentLacksError(f"The package index does not list the releases of {package}: {last}") from error
    found = _VERSIONS.search(said)
    versions = [part.strip() for part in found.group(1).split(",")] if found else []
    return sorted((version for version in versions if parse(version) is not None), key=key)


async def uploaded(run: Run, package: str, version: str) -> datetime:
    """Return the upload time of a release.

    Raises:
        UsageError: the release does not exist.
        LabError: the index has no upload time.
    """
    folder = run.folder / f"index-{package}-{version}"
    folder.mkdir(exist_ok=True)
    python = ".".join(map(str, sys.version_info[:2]))
    project = _PROJECT.format(package=package, version=version, python=python)
    (folder / "pyproject.toml").write_text(project, encoding="utf-8")
    lock = folder / "uv.lock"
    try:
        await run.execute(f"lock-{package}-{version}", [program("uv"), "lock"], cwd=folder, deadline_s=_ANSWER_S)
    except LabError as error:
        raise UsageError(f"The package index has no release {version} of {package}.") from error
    found = _UPLOADED.search(lock.read_text(encoding="utf-8"))
    if found is None:
        raise LabError(f"The package index has no upload time for {package} {version}.")
    return datetime.fromisoformat(found.group(1)[:19]).replace(tzinfo=timezone.utc)


async def its_time(run: Run, package: str, version: str) -> str:
    """Return a time some days after the upload of a release, in the syntax of uv for `exclude_newer`."""
    return (await uploaded(run, package, version) + timedelta(days=_DAYS)).isoformat(timespec="seconds")
