"""Whether the running interpreter serves as the environment of a server."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from advisor.lab.process.installed import installed

MCP = metadata.version("mcp")
RELEASE = f"mcp>={MCP},<99"


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A server that imports what the SDK brings, a module of its own, and the standard library."""
    (tmp_path / "server.py").write_text(
        "import os.path\nfrom mcp.server import fastmcp\nimport uvicorn\nimport drain\n"
    )
    (tmp_path / "drain.py").write_text("from starlette.applications import Starlette\nfrom . import server\n")
    return tmp_path


def test_it_has_all_and_says_what(server: Path) -> None:
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
def test_what_it_lacks_or_what_is_not_plain_needs_a_new_one(server: Path, requirement: str) -> None:
    assert installed([RELEASE, requirement], RELEASE, server) == ""


def test_the_release_that_was_measured_is_to_run_and_no_later_one(server: Path) -> None:
    assert installed(["mcp>=1.0,<99"], "mcp>=1.0,<99", server) == ""


@pytest.mark.parametrize("line", ["import pytest", "from pytest import mark", "def f():\n    import pytest.mark"])
def test_code_that_imports_what_nobody_declares_needs_a_new_one(server: Path, line: str) -> None:
    """It would start here, where pytest happens to be, and nowhere else."""
    assert installed([RELEASE], RELEASE, server)
    (server / "tools.py").write_text(line + "\n")
    assert installed([RELEASE], RELEASE, server) == ""
    assert installed([RELEASE, "pytest"], RELEASE, server)


def test_packages_of_the_server_count_and_environments_in_its_folder_do_not(server: Path) -> None:
    (server / "parts").mkdir()
    (server / "parts" / "__init__.py").write_text("import pytest\n")
    assert installed([RELEASE], RELEASE, server) == ""
    (server / "parts" / "__init__.py").write_text("from parts import one\nfrom . import two\n")
    site = server / ".venv" / "lib" / "site"
    site.mkdir(parents=True)
    (site / "__init__.py").write_text("import pytest\n")
    assert installed([RELEASE], RELEASE, server)
