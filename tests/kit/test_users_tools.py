"""The tools of a user in a kit: other names, signatures and modules, then a new version of the kit."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import test_server_run
import yaml
from mcp import Client
from mcp.types import TextContent
from running import run_command
from sdk_lines import SDK_LINES
from weekly import some_weekly

from advisor.kit.model import KitContext

pytestmark = [
    pytest.mark.programs,
    pytest.mark.retried("The servers and their clients share the processors, and each request has a deadline."),
]

python, kit = test_server_run.python, test_server_run.kit  # fixtures

TOOLS: list[dict[str, Any]] = [
    {"name": "ask", "needs": {"elicitation": "required", "progress": "preferred"}, "duration_s": 40},
    {"name": "look", "duration_s": 0.4},
    {"name": "note", "needs": {"session_state": "preferred"}},
    {"name": "old"},
]
SHAPES: dict[str, dict[str, Any]] = {
    "fleet": {"operations.can_operate_affinity": True},
    "tiers": {"operations.can_operate_affinity": False},
}
MORE = '''"""The tools for prices."""

from importlib.resources import files

from runtime.sdk import tool

import prices


@tool("price"TIER)
async def price(article: str) -> str:
    """Return the price of an article."""
    return files(prices).joinpath("data/list.csv").read_text("utf-8").split(f"{article},")[1].split()[0]
'''
STUB = r"(?s)@tool\('{}'\).*?(?=@tool\(|\Z)"
LOOK = '''@tool('look')
async def look(order: int, *, detailed: bool = False) -> list[str]:
    """Look up an order."""
    return [f"order {order}", f"detailed {detailed}"]


'''
REFUND = '''

@tool("refund"TIER)
async def refund(order: int, reason: str, *, notify: bool = False) -> dict[str, Any]:
    """Refund an order."""
    return {"order": order, "reason": reason, "notify": notify}
'''


def requirements(line: str, shape: str, tools: list[dict[str, Any]], instances: int) -> str:
    document: dict[str, Any] = {
        "version": 1,
        "service": "demo",
        "sdk": line,
        "scale": {"instances": instances},
        "environment": {"hosts": ["mcp.example.com"], "platform": "compose", "proxy": {"kind": "nginx"}},
        "clients": {"protocol": "legacy"},
        "tools": tools,
    }
    for key, value in SHAPES[shape].items():
        section, _, name = key.partition(".")
        document.setdefault(section, {})[name] = value
    return yaml.safe_dump(document)


def generate(folder: Path, text: str) -> tuple[int, str]:
    """Generate the kit in the folder; returns the exit code and the output."""
    path = folder.parent / "requirements.yaml"
    path.write_text(text)
    done = run_command("generate", path, "-o", folder)
    return done.returncode, (done.stdout + done.stderr).decode()


def edit(folder: Path, tier: str) -> None:
    """Rename a tool, change a signature, remove a stub, add tools here and in a second module with a data file."""
    server = folder / "server"
    path = server / "tools.py"
    text = path.read_text()
    text = re.sub(r"'ask'", "'ask_customer'", text, count=1)
    text = re.sub(STUB.format("look"), LOOK, text)
    text = re.sub(STUB.format("old"), "", text).rstrip() + "\n"
    text = text.replace(
        "from runtime.sdk import", "import more_tools  # noqa: F401\nfrom typing import Any\nfrom runtime.sdk import", 1
    )
    path.write_text(text + REFUND.replace("TIER", tier))
    (server / "more_tools.py").write_text(MORE.replace("TIER", tier))
    (server / "prices/data").mkdir(parents=True)
    (server / "prices/__init__.py").write_text("")
    (server / "prices/data/list.csv").write_text("pen,3\nink,7\n")


def pass_own_tests(interpreter: Path, folder: Path) -> None:
    command = [str(interpreter), "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    ended = subprocess.run(
        command, cwd=folder, env=test_server_run.clean(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-6000:]


def called(url: str) -> tuple[set[str], dict[str, str]]:
    """The names of the tools, and the results of some calls."""

    async def visit() -> tuple[set[str], dict[str, str]]:
        async with Client(f"{url}/mcp", mode="legacy") as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            said = {}
            for name, arguments in (
                ("look", {"order": 5, "detailed": True}),
                ("refund", {"order": 7, "reason": "late"}),
                ("price", {"article": "ink"}),
            ):
                result = await client.call_tool(name, arguments)
                assert not result.is_error, result
                said[name] = "".join(block.text for block in result.content if isinstance(block, TextContent))
            return names, said

    return asyncio.run(visit())


CASES = [(line, shape) for line in SDK_LINES for shape in SHAPES]


@pytest.mark.parametrize(
    ("line", "shape"), some_weekly(CASES, always={(line, "fleet") for line in SDK_LINES} | {("mcp-2", "tiers")})
)
def test_the_tools_of_a_user_work_and_survive_a_new_version_of_the_kit(
    kit: Callable[..., KitContext], python: Callable[[KitContext], Path], tmp_path: Path, line: str, shape: str
) -> None:
    folder = tmp_path / "kit"
    code, shown = generate(folder, requirements(line, shape, TOOLS, 3))
    assert code == 0, shown
    facts = {"clients.protocol": "legacy", "scale.instances": 3, "tools": TOOLS, **SHAPES[shape]}
    interpreter = python(kit(sdk=line, **facts))
    # The names of tools in requirements.yaml decide their tier, and other tools name it.
    tier = ', tier="stateful"' if shape == "tiers" else ""
    edit(folder, tier)
    if tier:
        path = folder / "server/tools.py"
        path.write_text(path.read_text().replace("'ask_customer',\n", "'ask_customer',\n    tier='stateful',\n"))
    edited = (folder / "server/tools.py").read_text()
    code, shown = generate(folder, requirements(line, shape, TOOLS, 4))
    assert code == 0, shown
    assert (folder / "server/tools.py").read_text() == edited
    pass_own_tests(interpreter, folder)
    with test_server_run.running(interpreter, folder, FASTMCP_CHECK_FOR_UPDATES="off") as instance:
        names, said = called(instance.url)
    assert names == {"ask_customer", "look", "note", "refund", "price"}
    assert "order 5" in said["look"]
    assert json.loads(said["refund"]) == {"order": 7, "reason": "late", "notify": False}
    assert said["price"] == "7"
