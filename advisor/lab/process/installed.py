"""Check whether the running interpreter has all packages of a generated server. Then no new environment is needed."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement


def installed(wanted: Sequence[str], release: str, server: Path) -> str:
    """List the installed packages of a server, if the running interpreter has all of them.

    Args:
        wanted: the server's requirements. A requirement with a URL, a marker or an extra always needs a new
            environment.
        release: the SDK as a requirement with its lowest release. Exactly this release must be installed.
        server: the folder of the server's code. Its imports must be covered by the requirements, because an import
            of another installed package would fail in a new environment.

    Returns:
        Names and versions such as `mcp 2.3.0, uvicorn 0.35.0`; "" if a package is missing.
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
    """Return a distribution and its installed version. The version is "" if it does not satisfy the requirement."""
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
    """The given distributions and all their dependencies on this platform, without the dependencies of extras."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            needs = [Requirement(line) for line in metadata.requires(name) or []]
        except (metadata.PackageNotFoundError, InvalidRequirement):
            continue  # another distribution replaces this one, or the metadata of an old distribution is invalid
        found.add(name)
        waiting += [_import_name(need.name) for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]
    return found


def _imported(server: Path) -> set[str]:
    """The packages that a server's code imports, without the standard library and its own modules."""
    packages = [path.parent for path in server.glob("*/__init__.py")]  # this excludes an environment in the folder
    files = [*server.glob("*.py"), *(path for package in packages for path in package.rglob("*.py"))]
    own = {path.stem for path in files} | {package.name for package in packages}
    imported = {name.partition(".")[0] for path in files for name in _imports(path)}
    return imported - own - set(sys.stdlib_module_names)


def _imports(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return  # the start of the server will report the error
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
