"""An installation without the extra `lab`: commands that need it say so, and all other commands work."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from advisor.errors import Exit
from advisor.lab.process.environments import environment
from advisor.lab.process.run import Run

ROOT = Path(__file__).parents[2]
EXAMPLE = str(ROOT / "examples" / "pattern-1-single-instance.yaml")

pytestmark = [
    pytest.mark.programs,
    pytest.mark.retried("The installation reads a package index, and each command has a deadline of 60 s."),
]


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")

    async def install() -> Path:
        async with Run.open("base") as run:
            return await environment(run, [str(ROOT)], name=str(folder / "venv"))

    return asyncio.run(install())


def advise(interpreter: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(interpreter), "-I", "-m", "advisor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=interpreter.parent)


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", EXAMPLE),
        ("verify", EXAMPLE, "--load", "10"),
        ("verify", EXAMPLE, "--chaos"),
        ("capabilities", "measure", "--sdk", "mcp==2.3.0"),
        ("capabilities", "bisect", "--sdk", "mcp"),
        ("topology", "measure"),
        ("exercise",),
    ],
    ids=" ".join,
)
def test_commands_of_the_lab_say_how_to_install_it(interpreter: Path, arguments: tuple[str, ...]) -> None:
    done = advise(interpreter, *arguments)
    assert (done.returncode, done.stdout) == (Exit.ENVIRONMENT, ""), done.stderr
    # uv created the environment, without pip.
    command = f"uv pip install --python {interpreter} 'mcp-deploy-advisor[lab]'"
    assert done.stderr == f"The lab is not installed. Install it with: {command}\n"


@pytest.mark.parametrize("arguments", [("recommend", EXAMPLE), ("capabilities",), ("topology",)], ids=" ".join)
def test_other_commands_work_without_the_lab(interpreter: Path, arguments: tuple[str, ...]) -> None:
    done = advise(interpreter, *arguments)
    assert done.returncode == Exit.OK, done.stderr
