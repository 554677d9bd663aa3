"""Writes the server of a kit, and runs code next to it in another process."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from advisor.decision.advisor import Advisor
from advisor.kit.render import render_kit
from advisor.requirements import load_path

EXAMPLE = Path(__file__).parents[2] / "examples" / "exercise-1-research.yaml"


def written(advisor: Advisor, folder: Path, **values: object) -> Path:
    """Write the server of a kit. Returns the folder of the server."""
    requirements = load_path(EXAMPLE, advisor.space)
    decision = advisor.decide(replace(requirements, values={**requirements.values, **values}))
    for file in render_kit(decision, EXAMPLE.read_text()):
        if file.path.startswith("server/"):
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.content)
    return folder / "server"


def run(server: Path, code: str, *arguments: str) -> str:
    """Run code in the folder of the server. Returns its output."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=server, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
