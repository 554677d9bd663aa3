"""The GitHub action in action.yml: its steps run in bash as on a runner, and linters accept it and the examples."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor import __version__

ROOT = Path(__file__).parent.parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "how-to" / "check-in-ci.md").read_text(encoding="utf-8")
WORKFLOWS = re.findall(r"```yaml\n(name: mcp\n.*?)```", PAGE, re.DOTALL)
FILES = ("README.md", "LICENSE", "pyproject.toml", "advisor", "rules", "templates")
SERVER = """
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("orders")
orders = []


@mcp.tool()
def add(order: str) -> None:
    orders.append(order)


@mcp.tool()
def every() -> list[str]:
    return orders


mcp.run("streamable-http")
"""
# Python imports these modules if it looks for modules in the folder of the repository.
HOSTILE = ("pip.py", "venv.py", "yaml.py", "typer.py", "advisor.py", "sitecustomize.py")


@dataclass(frozen=True)
class Runner:
    """A runner that has installed the action.

    Attributes:
        workspace: the folder of the user's repository.
        temp: the temporary folder, which has the installed program.
        action: a copy of this repository.
    """

    workspace: Path
    temp: Path
    action: Path

    def step(self, name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run a step of the action, as the runner does."""
        (step,) = [each for each in ACTION["runs"]["steps"] if each.get("name") == name]
        assert step["shell"] == "bash"
        given = {key: each["default"] for key, each in ACTION["inputs"].items()} | {
            key.replace("_", "-"): value for key, value in inputs.items()
        }
        values = {f"inputs.{key}": value for key, value in given.items()}
        values["steps.python.outputs.python-path"] = sys.executable
        environment = {
            key: re.sub(r"\$\{\{ (\S+) \}\}", lambda match: values[match[1]], value)
            for key, value in step["env"].items()
        }
        paths = {"RUNNER_TEMP": str(self.temp), "GITHUB_ACTION_PATH": str(self.action), "RUNNER_OS": "Linux"}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env={**os.environ, **paths, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def run(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        return self.step("Run mcp-advisor", **inputs)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    folder = tmp_path_factory.mktemp("runner")
    made = Runner(folder / "workspace", folder / "temp", folder / "action")
    for path in (made.workspace / "my server", made.temp, made.action):
        path.mkdir(parents=True)
    for name in FILES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, made.action / name)
    (made.workspace / "my server" / "tools.py").write_text(SERVER)
    for name in HOSTILE:
        (made.workspace / name).write_text("open('ran', 'w')\nraise SystemExit('a module of the repository ran')\n")
    installed = made.step("Install mcp-advisor")
    assert installed.returncode == 0, installed.stderr
    return made


@pytest.mark.programs
def test_the_steps_print_annotations_and_fail(runner: Runner) -> None:
    done = runner.run(path="my server")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::warning file=my server/tools.py,line=10,title=")
    assert done.stdout.count("\n") == 1
    assert runner.run(path="my server", fail_on_findings="false").returncode == 0
    audited = runner.run(path="my server\nmy server/tools.py", command="audit")
    assert audited.returncode == 1, audited.stderr
    assert "file=my server/tools.py,line=10" in audited.stdout
    assert not (runner.workspace / "ran").exists()


@pytest.mark.programs
def test_the_steps_write_a_file_for_code_scanning(runner: Runner) -> None:
    done = runner.run(path="my server", format="sarif", fail_on_findings="false")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    log = json.loads((runner.workspace / "mcp-advisor.sarif").read_text())
    (result,) = log["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "my%20server/tools.py"
    assert runner.run(path="my server", format="markdown", output="comment.md").returncode == 1
    assert (runner.workspace / "comment.md").read_text().startswith("### mcp-advisor: 1 finding in 1 file")


@pytest.mark.programs
def test_the_steps_take_a_baseline_and_a_configuration_file(runner: Runner) -> None:
    program = runner.temp / "mcp-advisor" / "bin" / "mcp-advisor"
    command = [str(program), "scan", "my server", "--write-baseline", "accepted.json"]
    assert subprocess.run(command, cwd=runner.workspace, capture_output=True, check=False).returncode == 0
    assert runner.run(path="my server", baseline="accepted.json").returncode == 0
    (runner.workspace / "own.yaml").write_text("ignore: [{path: tools.py, reason: an example}]\n")
    assert runner.run(path="my server", config="own.yaml").returncode == 0


@pytest.mark.programs
@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"path": "missing"}, 2),
        ({"path": "--help"}, 2),
        ({"path": "my server", "config": "missing.yaml"}, 2),
        ({"path": "my server", "format": "x; touch injected"}, 2),
        ({"path": "$(touch injected)"}, 2),
        ({"path": "`touch injected`\n"}, 2),
        ({"path": "my server", "baseline": '"; touch injected; "'}, 2),
    ],
    ids=range(7),
)
def test_errors_fail_the_step_and_inputs_are_no_code(inputs: dict[str, str], code: int, runner: Runner) -> None:
    done = runner.run(**inputs, fail_on_findings="false")
    assert done.returncode == code, done.stderr
    assert not (runner.workspace / "injected").exists()


def _program(name: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found, f"{name} is missing: pip install -e '.[dev]'"
    return found


def _examples(folder: Path) -> list[Path]:
    files = []
    for number, text in enumerate(WORKFLOWS):
        files.append(folder / str(number) / ".github" / "workflows" / "mcp.yml")
        files[-1].parent.mkdir(parents=True)
        files[-1].write_text(text, encoding="utf-8")
    return files


def test_the_action_and_the_examples_follow_the_schemas_of_github(tmp_path: Path) -> None:
    examples = _examples(tmp_path)
    assert len(examples) == 2
    for schema, files in (("github-actions", [ROOT / "action.yml"]), ("github-workflows", examples)):
        command = [_program("check-jsonschema"), "--builtin-schema", f"vendor.{schema}", *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout


def _zizmor(*files: Path) -> set[str]:
    command = [
        _program("zizmor"),
        "--offline",
        "--no-config",
        "--persona=auditor",
        "--format=json-v1",
        *map(str, files),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (0, 10, 11, 12, 13, 14), done.stderr
    return {finding["ident"] for finding in json.loads(done.stdout)}


def test_zizmor_finds_nothing_in_the_action(tmp_path: Path) -> None:
    assert _zizmor(ROOT / "action.yml") == set()
    # The page says that a hash is a stronger pin. The other two are about style.
    style = {"anonymous-definition", "concurrency-limits"}
    assert _zizmor(*_examples(tmp_path)) <= {"unpinned-uses", *style}
    # Prove that the check can fail.
    (tmp_path / "action.yml").write_text(
        (ROOT / "action.yml").read_text().replace('"$COMMAND"', '"${{ inputs.command }}"')
    )
    assert "template-injection" in _zizmor(tmp_path / "action.yml")


def test_the_examples_name_inputs_of_the_action_and_this_release() -> None:
    steps = [step for text in WORKFLOWS for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
    used = [step for step in steps if step["uses"].startswith("mcp-advisor/")]
    assert {step["uses"].partition("@")[2] for step in used} == {f"v{__version__}"}
    assert {key for step in used for key in step["with"]} <= ACTION["inputs"].keys()
    assert all(isinstance(each["default"], str) and each["description"] for each in ACTION["inputs"].values())
