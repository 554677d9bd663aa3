"""The hooks of .pre-commit-hooks.yaml, with the real program pre-commit and the configuration of the documentation."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from example_files import change, copied_example
from running import run_command

from advisor import __version__

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "team-documents.md"
FILES = ("README.md", "LICENSE", "pyproject.toml", ".pre-commit-hooks.yaml", "advisor", "rules", "templates")


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def _configuration() -> str:
    """The example of the documentation."""
    (found,) = re.findall(r"```yaml\n(repos:.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with requirements, a record and the configuration. The hooks come from a copy of this repository."""
    source, team = tmp_path / "source", tmp_path / "team"
    (team / "docs").mkdir(parents=True)
    source.mkdir()
    for name in FILES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    url, revision = (yaml.safe_load(_configuration())["repos"][0][key] for key in ("repo", "rev"))
    _git(source, "init", "-q")
    _git(source, "add", "-A", "-f")
    _git(source, "commit", "-q", "-m", "copy")
    _git(source, "tag", revision)
    copied_example(team).rename(team / "requirements.yaml")
    configuration = _configuration().replace(url, source.as_uri())
    (team / ".pre-commit-config.yaml").write_text(configuration, encoding="utf-8")
    _git(team, "init", "-q")
    return team


@pytest.mark.programs
def test_the_hooks_of_the_documentation_run(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert importlib.util.find_spec("pre_commit"), "pre-commit is missing: pip install -e '.[dev]'"
    monkeypatch.chdir(repository)
    assert run_command("document", "requirements.yaml", "-o", "docs/decisions/").returncode == 0

    def hooks() -> tuple[int, str]:
        _git(repository, "add", "-A")
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"],
            env={**os.environ, "PRE_COMMIT_HOME": str(repository.parent / "cache")},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    code, said = hooks()
    assert (code, said.count("Passed")) == (0, 2), said
    change(Path("requirements.yaml"), "can_operate_affinity: false", "can_operate_affinity: true")
    code, said = hooks()
    assert (code, said.count("Passed")) == (1, 1), said
    assert "decision: pattern changes from tiered" in said
    Path("requirements.yaml").write_text("service: a\nscale: {instances: many}\n", encoding="utf-8")
    code, said = hooks()
    assert (code, said.count("Passed")) == (1, 0), said
    assert "scale.instances" in said


def test_the_configuration_names_the_hooks_and_this_release() -> None:
    (listed,) = yaml.safe_load(_configuration())["repos"]
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert {hook["id"] for hook in listed["hooks"]} == {hook["id"] for hook in hooks}

    assert listed["rev"] == f"v{__version__}"
