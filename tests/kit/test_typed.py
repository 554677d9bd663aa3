"""`mypy --strict` accepts the servers of each SDK line, next to the packages that a user installs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sdk_environments
import test_server_render
from sdk_lines import SDK_LINES

from advisor.kit.model import KitContext
from advisor.kit.parts import server

pytestmark = pytest.mark.programs

python = sdk_environments.python  # fixture
kit = test_server_render.kit  # fixture

LOCAL = {"environment.platform": "local", "environment.origins": ["https://app.example.com"], **test_server_render.ALL}
STATED = {**test_server_render.CASES, "local": LOCAL}
OFTEN = ("everything", "shared", "workers")  # the other cases run each week
CASES = [
    pytest.param(case, line, marks=() if case in OFTEN else pytest.mark.weekly) for case in STATED for line in SDK_LINES
]


@pytest.mark.parametrize(("case", "line"), CASES)
def test_a_user_finds_no_error_with_strict_types(
    kit: Callable[..., KitContext], python: Callable[[KitContext], Path], case: str, line: str, tmp_path: Path
) -> None:
    context = kit(sdk=line, **STATED[case])
    for file in server.files(context):
        path = tmp_path / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python(context)), "."]
    done = subprocess.run(command, cwd=tmp_path / "server", capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
