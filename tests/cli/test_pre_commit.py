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
from advisor.sources.deployment_files import AUDITED_NAMES

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "how-to"
TEAM, CI = PAGES / "team-documents.md", PAGES / "check-in-ci.md"
SERVER = """
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("orders")
orders = []


@mcp.tool()
def add(order: str) -> int:
    orders.append(order)
    return len(orders)


mcp.run("streamable-http")
"""
FILES = ("README.md", "LICENSE", "pyproject.toml", ".pre-commit-hooks.yaml", "advisor", "rules", "templates")


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def _configuration(page: Path) -> str:
    """The example of a page of the documentation."""
    (found,) = re.findall(r"```yaml\n(repos:.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def _repository(folder: Path, page: Path) -> Path:
    """A repository with the configuration of a page. The hooks come from a copy of this repository."""
    source, team = folder / "source", folder / "team"
    team.mkdir()
    source.mkdir()
    for name in FILES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    url, revision = (yaml.safe_load(_configuration(page))["repos"][0][key] for key in ("repo", "rev"))
    _git(source, "init", "-q")
    _git(source, "add", "-A", "-f")
    _git(source, "commit", "-q", "-m", "copy")
    _git(source, "tag", revision)
    configuration = _configuration(page).replace(url, source.as_uri())
    (team / ".pre-commit-config.yaml").write_text(configuration, encoding="utf-8")
    _git(team, "init", "-q")
    return team


def _hooks(repository: Path) -> tuple[int, str]:
    """The exit code and the output of pre-commit."""
    assert importlib.util.find_spec("pre_commit"), "pre-commit is missing: pip install -e '.[dev]'"
    _git(repository, "add", "-A")
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"],
        env={**os.environ, "PRE_COMMIT_HOME": str(repository.parent / "cache")},
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.programs
def test_the_hooks_of_scan_and_audit_run(tmp_path: Path) -> None:
    repository = _repository(tmp_path, CI)
    server = repository / "server"
    server.mkdir()
    (server / "tools.py").write_text(SERVER)
    code, said = _hooks(repository)
    assert (code, said.count("Failed")) == (1, 2), said
    assert "state-in-process" in said
    change(
        server / "tools.py", "append(order)\n", "append(order)  # mcp-advisor: ignore[state-in-process] an example\n"
    )
    code, said = _hooks(repository)
    assert (code, said.count("Passed")) == (0, 2), said
    (server / "tools.py").unlink()
    (server / "README.md").write_text("no code\n")
    assert re.search(r"the server is safe .*\(no files to check\)Skipped", _hooks(repository)[1])


@pytest.mark.programs
def test_the_hooks_of_the_documentation_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = _repository(tmp_path, TEAM)
    copied_example(repository).rename(repository / "requirements.yaml")
    (repository / "docs").mkdir()
    monkeypatch.chdir(repository)
    assert run_command("document", "requirements.yaml", "-o", "docs/decisions/").returncode == 0

    def hooks() -> tuple[int, str]:
        return _hooks(repository)

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
    listed = [repo for page in (TEAM, CI) for repo in yaml.safe_load(_configuration(page))["repos"]]
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert {hook["id"] for repo in listed for hook in repo["hooks"]} == {hook["id"] for hook in hooks}
    assert {repo["rev"] for repo in listed} == {f"v{__version__}"}


@pytest.mark.parametrize(
    ("path", "runs"),
    [
        ("server.py", True),
        ("a/Dockerfile.dev", True),
        ("docker-compose.prod.yml", True),
        ("compose.yaml", True),
        ("requirements-dev.txt", True),
        ("uv.lock", True),
        (".mcp-advisor.yaml", True),
        (".mcp-advisor-baseline.json", True),
        ("README.md", False),
        ("data.yaml", False),
    ],
)
def test_the_hook_of_scan_runs_for_files_that_scan_reads(path: str, runs: bool) -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    files = {hook["id"]: hook.get("files") for hook in hooks}
    assert bool(re.search(files["mcp-advisor-scan"], path)) is runs
    # `audit` reads these files too, and configurations of proxies and manifests.
    assert re.search(files["mcp-advisor-audit"], path) or not runs
    for other in ("nginx.conf", "deploy/haproxy.cfg", "k8s/service.yml", "Caddyfile", "main.tf", "envoy.json"):
        assert re.search(files["mcp-advisor-audit"], other)


def test_the_hook_of_audit_runs_for_each_file_that_audit_reads() -> None:
    hooks = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}
    pattern = hooks["mcp-advisor-audit"]["files"]
    assert pattern == f"{AUDITED_NAMES}|{hooks['mcp-advisor-scan']['files']}"
    names = (
        "shop.nginx",
        "shop.vhost",
        "a/nginx.conf.tpl",
        "haproxy.cfg.j2",
        "site.erb",
        "a/nginx",
        "Containerfile.dev",
    )
    for name in (*names, "server.py", "uv.lock", "requirements.txt", ".mcp-advisor.yaml"):
        assert re.search(pattern, name), name
    assert not re.search(pattern, "README.md")
