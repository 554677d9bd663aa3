"""Whether the running interpreter can be the environment of a server."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from advisor.lab.process.installed import installed

MCP = metadata.version("mcp")
RELEASE = f"mcp>={MCP},<99"


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A server that imports the SDK and its dependencies, a module of its own, and the standard library."""
    (tmp_path / "server.py").write_text(
        "import os.path\nfrom mcp.server import fastmcp\nimport uvicorn\nimport drain\n"
    )
    (tmp_path / "drain.py").write_text("from starlette.applications import Starlette\nfrom . import server\n")
    return tmp_path


def test_the_running_interpreter_is_used_if_it_has_every_package(server: Path) -> None:
    said = installed([RELEASE, "uvicorn>=0.30", "redis>=5.0"], RELEASE, server)
    assert said == f"mcp {MCP}, uvicorn {metadata.version('uvicorn')}, redis {metadata.version('redis')}"


@pytest.mark.parametrize(
    "requirement",
    [
        "no-such-package",
        "uvicorn>=999",
        "uvicorn<0.1",
        "uvicorn==0.1",
        f"uvicorn!={metadata.version('uvicorn')}",
        "uvicorn[standard]>=0.30",
        "uvicorn>=0.30; python_version < '3.0'",
        "uvicorn @ https://example.com/uvicorn.whl",
        "",
    ],
)
def test_a_missing_package_or_a_special_requirement_needs_a_new_environment(server: Path, requirement: str) -> None:
    assert installed([RELEASE, requirement], RELEASE, server) == ""


def test_only_the_measured_release_is_accepted(server: Path) -> None:
    assert installed(["mcp>=1.0,<99"], "mcp>=1.0,<99", server) == ""


@pytest.mark.parametrize("line", ["import pytest", "from pytest import mark", "def f():\n    import pytest.mark"])
def test_code_that_imports_an_undeclared_package_needs_a_new_environment(server: Path, line: str) -> None:
    """The code would start only in an environment that has pytest."""
    assert installed([RELEASE], RELEASE, server)
    (server / "tools.py").write_text(line + "\n")
    assert installed([RELEASE], RELEASE, server) == ""
    assert installed([RELEASE, "pytest"], RELEASE, server)


def test_modules_of_the_server_are_searched_for_imports_and_environments_are_not(server: Path) -> None:
    (server / "parts").mkdir()
    (server / "parts" / "__init__.py").write_text("import pytest\n")
    assert installed([RELEASE], RELEASE, server) == ""
    (server / "parts" / "__init__.py").write_text("from parts import one\nfrom . import two\n")
    site = server / ".venv" / "lib" / "site"
    site.mkdir(parents=True)
    (site / "__init__.py").write_text("import pytest\n")
    assert installed([RELEASE], RELEASE, server)
