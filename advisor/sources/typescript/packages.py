"""Reads the releases of SDK packages in package.json and in lock files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from advisor.findings import Location
from advisor.sources.code_files import SourceFiles
from advisor.sources.code_model import SdkPin

_LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock")
_STATED = re.compile(r"\"(?P<package>@[\w-]+/[\w.-]+)\"\s*:\s*\"(?P<spec>[^\"]+)\"")
_LOCKED_AT = re.compile(r"(?P<package>@[\w-]+/[\w-]+)@(?P<release>\d+\.\d+\.\d+[\w.-]*)")
_LOCKED_NAME = re.compile(r"(?P<package>@[\w-]+/[\w-]+)(?:@[^\"']*)?\"?:?\s*[{:]?$")
_VERSION = re.compile(r"^\s*\"?version\"?:?\s+\"?(?P<release>\d+\.\d+\.\d+[\w.-]*)\"?,?$")
_EXACT = re.compile(r"v?(\d+\.\d+\.\d+)")


def pins(files: SourceFiles, packages: Iterable[str]) -> tuple[tuple[SdkPin, ...], tuple[str, ...]]:
    """Return the requirements of packages, and the files that were read."""
    wanted = set(packages)
    found: list[SdkPin] = []
    names = []
    for name in files.others:
        base = name.rpartition("/")[2]
        if base != "package.json" and base not in _LOCKS:
            continue
        text = files.lock_text(name)
        if text is None:
            continue
        names.append(name)
        read = _stated(text, name) if base == "package.json" else _locked(text, name)
        found += [pin for pin in read if pin.package in wanted]
    return tuple(found), tuple(names)


def _stated(text: str, name: str) -> Iterator[SdkPin]:
    for number, line in enumerate(text.splitlines(), 1):
        for match in _STATED.finditer(line):
            exact = _EXACT.fullmatch(match["spec"])
            yield SdkPin(match["package"], match["spec"], exact[1] if exact else "", Location(name, number))


def _locked(text: str, name: str) -> Iterator[SdkPin]:
    package = ""
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > 2000:
            continue
        version = _VERSION.match(line) if package else None
        if version is not None:
            yield SdkPin(package, version["release"], version["release"], Location(name, number))
            package = ""
        if "@" not in line:
            continue
        at = _LOCKED_AT.search(line)
        if at is not None:
            yield SdkPin(at["package"], at["release"], at["release"], Location(name, number))
        named = _LOCKED_NAME.search(line.rstrip())
        package = named["package"] if named is not None else package
