"""Whether the running interpreter has what a generated server needs, so that no environment has to be made for it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement


def installed(wanted: Sequence[str], release: str, server: Path) -> str:
    """What the running interpreter has of a server's packages, such as `mcp 2.3.0, uvicorn 0.35.0`; "" if not all.

    Args:
        wanted: the server's requirements. A URL, a marker or an extra counts as not installed, as a new environment is
            right in any case.
        release: the SDK's, as a requirement with its least release: that release has to run, no later one.
        server: the folder of its code. Code that imports what its requirements do not bring would work here only
            because something else has brought it.
    """
    found = {}
    for requirement in [*wanted, release.replace(">=", "==").partition(",")[0]]:
        name, version = _installed(requirement)
        if not version:
            return ""
        found[name] = version
    if not _imported(server) <= _brought(found):
        return ""
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _installed(requirement: str) -> tuple[str, str]:
    """A distribution and its installed release; "" for the release unless it satisfies the requirement."""
    try:
        asked = Requirement(requirement)
        version = metadata.version(asked.name)
    except (InvalidRequirement, metadata.PackageNotFoundError):
        return requirement, ""
    plain = not (asked.url or asked.marker or asked.extras)
    return _import_name(asked.name), version if plain and asked.specifier.contains(version, prereleases=True) else ""


def _import_name(distribution: str) -> str:
    return distribution.replace("-", "_").replace(".", "_").lower()


def _brought(names: Iterable[str]) -> set[str]:
    """The distributions that these bring on this platform, themselves included; those of extras are left out."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            needs = [Requirement(line) for line in metadata.requires(name) or []]
        except (metadata.PackageNotFoundError, InvalidRequirement):
            continue  # another distribution replaces it here, or an old one states needs that no tool reads any more
        found.add(name)
        waiting += [_import_name(need.name) for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]
    return found


def _imported(server: Path) -> set[str]:
    """The packages that a server's code imports, apart from the standard library and its own modules."""
    packages = [path.parent for path in server.glob("*/__init__.py")]  # which an environment in the folder is not
    files = [*server.glob("*.py"), *(path for package in packages for path in package.rglob("*.py"))]
    own = {path.stem for path in files} | {package.name for package in packages}
    imported = {name.partition(".")[0] for path in files for name in _imports(path)}
    return imported - own - set(sys.stdlib_module_names)


def _imports(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return  # its start will say so
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
