"""README, .ci/run, workflows, pyproject.toml, constraints.txt and Makefile agree with each other."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PREFIX = "Programming Language :: Python :: 3."


def readme_command() -> str:
    """The command of the README that runs the tests."""
    lines = (ROOT / "README.md").read_text().splitlines()
    (command,) = [line.removeprefix("$ ") for line in lines if line.startswith("$") and "pytest" in line]
    return command


def jobs() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    return found


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> list[tuple[str, str]]:
    """Name and release of each line of constraints.txt."""
    pin = re.compile(r"([A-Za-z0-9._-]+)==(\S+)( ; .+)?")
    found = [(line, pin.fullmatch(line)) for line in (ROOT / "constraints.txt").read_text().splitlines()]
    assert [line for line, match in found if match is None] == []
    return [(normal(match[1]), match[2]) for _, match in found if match]


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-issue-forms", FORMS),
        ("vendor.github-issue-config", [ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml"]),
    ],
    ids=["workflows", "issue forms", "issue config"],
)
def test_the_files_for_github_follow_its_schemas(schema: str, files: list[Path], tmp_path: Path) -> None:
    program = shutil.which("check-jsonschema", path=str(Path(sys.executable).parent))
    assert program, "check-jsonschema is missing: pip install -e '.[dev]'"
    assert files
    command = [program, "--builtin-schema", schema]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    # Prove that the check can fail.
    broken = tmp_path / "broken.yml"
    broken.write_text("jobs: 1\nbody: 1\nblank_issues_enabled: 1\n")
    assert subprocess.run([*command, str(broken)], capture_output=True, timeout=60, check=False).returncode == 1


def test_the_readmes_test_command_is_the_first_command_of_ci() -> None:
    lines = [line.strip() for line in (ROOT / ".ci" / "run").read_text().splitlines()]
    set_up = ("#", "set ", "cd ", "all=", "[ ", "(")
    assert next(line for line in lines if line and not line.startswith(set_up)) == readme_command()


def test_the_main_job_is_ci_run() -> None:
    assert commands(jobs()["checks"]) == [".ci/run"]


def test_the_weekly_tests_run_on_a_schedule_and_before_a_release() -> None:
    job = jobs()["everything"]
    assert commands(job) == [".ci/run --all"]
    assert "github.event_name == 'schedule'" in job["if"]
    assert "startsWith(github.ref, 'refs/tags/')" in job["if"]
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    assert release["jobs"]["ci"]["uses"] == "./.github/workflows/ci.yml"


def test_each_supported_python_runs_the_readmes_test_command() -> None:
    job = jobs()["python"]
    classified = [
        classifier.removeprefix(PREFIX)
        for classifier in PROJECT["classifiers"]
        if re.fullmatch(PREFIX + r"\d+", classifier)
    ]
    assert job["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in classified]
    assert PROJECT["requires-python"] == f">=3.{classified[0]}"
    assert commands(job) == [readme_command()]


def test_one_job_tests_without_constraints() -> None:
    run = commands(jobs()["newest"])
    assert "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]'" in run
    assert run[-1] == ".venv/bin/pytest -n 3"


def test_workflows_have_least_permissions_and_a_release_is_published_without_a_token() -> None:
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}, path
    publish = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["environment"] == "pypi"
    assert "secrets." not in "".join(path.read_text() for path in WORKFLOWS)


def test_actions_are_pinned_by_major_version() -> None:
    used = [line for path in WORKFLOWS for line in path.read_text().splitlines() if "uses: " in line and "@" in line]
    assert [line for line in used if not re.search(r"@(v\d+|release/v\d+)$", line)] == []


def test_every_target_of_the_makefile_has_one_recipe_line() -> None:
    text = (ROOT / "Makefile").read_text()
    recipes = re.findall(r"^([a-z-]+):\n((?:\t.*\n)*)", text, re.MULTILINE)
    assert {name for name, recipe in recipes if recipe.count("\n") != 1} == set()
    names = [name for name, _ in recipes]
    assert f".PHONY: {' '.join(names)}\n" in text
    assert {"test", "programs", "weekly", "lint", "types", "rules", "docs", "snapshots", "lock", "bench"} <= set(names)


def test_constraints_pin_every_dependency() -> None:
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["lab"], *extras["docs"], *extras["dev"]]
    names = {normal(re.split(r"[\[<>=; ]", requirement)[0]) for requirement in wanted}
    assert names - {name for name, _ in pins()} == {PROJECT["name"]}


def test_the_readme_installs_the_distribution_and_both_commands_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    for installer in ("uv tool install", "pipx install", "pip install"):
        assert f"{installer} {PROJECT['name']}\n" in readme
    assert PROJECT["scripts"] == dict.fromkeys(("mcp-advisor", PROJECT["name"]), "advisor.cli:main")


def test_the_hook_formats_as_the_checks_do() -> None:
    (hook,) = [
        repo
        for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
        if "ruff" in repo["repo"]
    ]
    assert hook["rev"] == f"v{dict(pins())['ruff']}"
