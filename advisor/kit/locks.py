"""The exact releases of a kit's packages, from templates/kit/locks. `python -m tests.kit_locks` writes these files."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from advisor.kit.model import KitContext
from advisor.knowledge.paths import templates_dir
from advisor.knowledge.versions import key

_PIN = re.compile(r"([A-Za-z0-9._-]+)==(\S+)")


def locked(kit: KitContext) -> list[str]:
    """Return the lines of the lock file: a package, `==` and its release, and the Python releases that need the line.

    The file `mcp-1.30.0.txt` has the packages of this SDK release and of each older one down to the next file. If
    the requirements state the mcp release under fastmcp, the packages that it limits have no line.

    Args:
        kit: the kit. Its SDK release is the oldest that its requirement allows.
    """
    release, lines = lock_file(kit.package, kit.oldest_sdk)
    if not kit.mcp_release:
        return of_release(lines, release, kit.oldest_sdk)
    loose = {re.split(r"[<>=!~]", companion.requirement)[0] for companion in kit.companions}
    parts = {"mcp": "mcp-types", "pydantic": "pydantic-core"}  # these packages need one exact release of another
    return of_release(lines, release, kit.oldest_sdk, loose | {parts[name] for name in loose if name in parts})


def lock_file(package: str, version: str) -> tuple[str, list[str]]:
    """Return the SDK release and the lines of the file for an SDK release, or of the newest file of its major version.

    Args:
        package: mcp or fastmcp.
        version: the SDK release.

    Raises:
        LookupError: the major version has no file.
    """
    files = lock_files(package, version.partition(".")[0])
    found = next((release for release in files if key(release) >= key(version)), list(files)[-1])
    return found, files[found]


@lru_cache(maxsize=16)
def lock_files(package: str, major: str) -> dict[str, list[str]]:
    """Return SDK release → lines for the files of a major version, the oldest release first."""
    found = {path.stem.removeprefix(f"{package}-"): path for path in lock_folder().glob(f"{package}-{major}.*.txt")}
    return {release: found[release].read_text().splitlines() for release in sorted(found, key=key)}


def lock_folder() -> Path:
    """Return the folder of the files."""
    return templates_dir() / "kit" / "locks"


def of_release(lines: list[str], release: str, wanted: str, loose: Collection[str] = ()) -> list[str]:
    """Return the lines for another SDK release. Packages with the release of the SDK belong to the SDK, as mcp-types.

    Args:
        lines: the lines of a file.
        release: the SDK release of the file.
        wanted: the SDK release of the result.
        loose: the packages without a line.
    """
    found = []
    for line in lines:
        pin = _PIN.match(line)
        if pin is None or pin[1] in loose:
            continue
        found.append(line.replace(f"=={release}", f"=={wanted}", 1) if pin[2] == release else line)
    return found
