"""Whether the running interpreter has what a generated server needs, so that no environment has to be made for it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from advisor.knowledge.versions import parse

_WANTED = re.compile(r"(?P<name>[A-Za-z0-9._-]+?)\s*(?P<limits>(?:[<>=!]=?\s*[0-9.]+\s*,?\s*)*)")
_LIMIT = re.compile(r"(==|!=|>=|<=|>|<)\s*([0-9.]+)")
_NAME = re.compile(r"[A-Za-z0-9._-]+")

_Numbers = tuple[int, ...]
_HOLDS: Mapping[str, Callable[[_Numbers, _Numbers], bool]] = {
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
}


def installed(wanted: Sequence[str], release: str, server: Path) -> str:
    """What the running interpreter has of a server's packages, such as `mcp 2.3.0, uvicorn 0.35.0`; "" if not all.

    Args:
        wanted: the server's requirements. Whatever is more than names and limits (a URL, a marker, an extra) counts as
            not there, as a new environment is right in any case.
        release: the SDK's, as a requirement with its least release: that one is to run, no later one.
        server: the folder of its code. Code that imports what its requirements do not bring would work here only
            because something else has brought it.
    """
    found = {}
    for requirement in [*wanted, release.replace(">=", "==").partition(",")[0]]:
        version = _version(requirement)
        if not version:
            return ""
        found[_name(requirement)] = version
    if not _roots(server) <= _brought(found):
        return ""
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _version(requirement: str) -> str:
    """The installed release, if it satisfies the requirement."""
    parts = _WANTED.fullmatch(requirement.strip())
    if parts is None:
        return ""
    try:
        version = metadata.version(parts["name"])
    except metadata.PackageNotFoundError:
        return ""
    here = parse(version)
    limits = [(sign, parse(text)) for sign, text in _LIMIT.findall(parts["limits"])]
    fits = here is not None and all(other is not None and _HOLDS[sign](here, other) for sign, other in limits)
    return version if fits else ""


def _name(requirement: str) -> str:
    found = _NAME.match(requirement.strip())
    return re.sub(r"[-_.]+", "_", found.group()).lower() if found else ""


def _brought(names: Mapping[str, str]) -> set[str]:
    """The distributions that these bring, themselves included; those of extras are left out."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # of another platform
        found.add(name)
        waiting += [_name(need) for need in needs if "extra ==" not in need]
    return found


def _roots(server: Path) -> set[str]:
    """The packages that a server's code imports, but for the standard library and its own modules."""
    packages = [path.parent for path in server.glob("*/__init__.py")]  # an environment that lies there is none
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
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
