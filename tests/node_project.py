"""Projects for Node, each installed with npm once for all processes of a test run."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from advisor.knowledge.versions import at_least

OLDEST = "22.19"
"""The oldest release of Node that the Inspector and the conformance suite start with."""
INSTALL = "Install it with: pip install -e '.[dev]' (or the Debian packages nodejs and npm, if they are new enough)"


@dataclass(frozen=True)
class NodeProject:
    """The installed project.

    Attributes:
        folder: its folder, with node_modules.
        environment: the environment in which Node is the first `node` on the PATH.
    """

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command of the project, such as `node visit.mjs`, in its folder."""
        # The Inspector keeps a catalogue of servers in the home folder.
        own = {**self.environment, "HOME": str(self.folder)}
        program = shutil.which(command[0], path=f"{self.folder / 'node_modules' / '.bin'}{os.pathsep}{own['PATH']}")
        assert program, command[0]
        return subprocess.run(
            [program, *command[1:]],
            cwd=self.folder,
            env=own,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )


def _environment() -> dict[str, str]:
    """The environment with Node and npm, next to this interpreter or on the PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for name in ("node", "npm"):
        assert shutil.which(name, path=path), f"{name} is missing. {INSTALL}"
    node = str(shutil.which("node", path=path))
    release = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip().lstrip("v")
    assert at_least(release, OLDEST), f"The tests need Node {OLDEST} or newer; {node} is {release}. {INSTALL}"
    return {**os.environ, "PATH": path}


def installed(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> NodeProject:
    """The project of a folder with the packages of its lock file."""
    environment = _environment()
    base = tmp_path_factory.getbasetemp()
    # Each process of pytest-xdist has a folder of its own inside the folder of the run.
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / sources.name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            for path in sources.iterdir():
                shutil.copy(path, folder)
            # Scripts of packages do not run: no package here needs one.
            command = [str(shutil.which("npm", path=environment["PATH"])), "ci", "--ignore-scripts", "--no-audit"]
            done = subprocess.run(
                [*command, "--no-fund"], cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-4000:]
            (folder / "installed").touch()
    return NodeProject(folder, environment)
