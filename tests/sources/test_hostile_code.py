"""No file makes the scan crash or hang: changed servers, deep nesting, cycles and strange files."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from changed_servers import LONGEST_S, check_changed
from changed_text import PARTS

from advisor.audits.server_code import findings
from advisor.knowledge import Knowledge
from advisor.sources.code_scan import scan

FEW, MANY = 150, 100_000
ADDED = ("\0", "\ufeff", "    ", "mcp = mcp\n", "from . import *\n", "import mcp as mcp\n")
REPLACED = (("mcp", "ctx"), ("ctx", "self"), ("(", "(*"), ("=", "=="), ("'", '"'), ("def ", "class "))


def sources(knowledge: Knowledge) -> list[str]:
    kinds = [kind for kind in knowledge.findings.values() if kind.subject == "code"]
    return [text for kind in kinds for _, files in kind.examples for text in files.values()]


def check(count: int, folder: Path, knowledge: Knowledge, seed: int) -> None:
    check_changed(folder / "server.py", sources(knowledge), (ADDED, REPLACED), knowledge, count, seed)


def test_changed_servers_are_read_or_refused(tmp_path: Path, knowledge: Knowledge) -> None:
    check(FEW, tmp_path, knowledge, seed=1)


@pytest.mark.thorough
@pytest.mark.weekly
@pytest.mark.parametrize("seed", range(PARTS))
def test_a_hundred_thousand_changed_servers_are_read_or_refused(
    seed: int, tmp_path: Path, knowledge: Knowledge
) -> None:
    check(MANY // PARTS, tmp_path, knowledge, seed)


HEAD = "from mcp.server.fastmcp import Context, FastMCP\n"
HOSTILE = {
    "deep brackets": HEAD + "(" * 5000,
    "a deep sum": HEAD + "x = " + "+".join(["1"] * 20_000),
    "deep attributes": HEAD + "mcp = FastMCP('a', stateless_http=a" + ".b" * 3000 + ")",
    "deep blocks": HEAD + "".join(f"{' ' * depth}if x:\n" for depth in range(90)) + " " * 90 + "pass\n",
    "a name that is itself": HEAD + "a = b\nb = a\nmcp = FastMCP('a', stateless_http=a)\na.run()",
    "a function that calls itself": HEAD
    + "def f(x):\n    return f(x)\nmcp = FastMCP('a', stateless_http=f(1))\nf(mcp).run()",
    "a tool that wraps itself": HEAD
    + "mcp = FastMCP('a')\na = wrap(a)\nb = wrap(a, b)\nb = wrap(b, b, a)\nmcp.tool()(b)\nmcp.add_tool(a)",
    "a class that is its own base": HEAD + "class A(B): ...\nclass B(A): ...\nmcp = A('a')\nmcp.run()",
    "a module that imports itself": "from server import mcp\nfrom server import *\n" + HEAD + "mcp.run()",
    "a mapping that contains itself": HEAD + "d = {}\nd = {**d, 'a': d['a']}\nmcp = FastMCP('a', **d)",
    "a mapping that is made of itself": HEAD
    + "d = dict(**d)\nd = dict(a=1, **d)\nmcp = FastMCP('a', **d)\nmcp.run(**d)",
    "many calls": HEAD
    + "mcp = FastMCP('a')\n"
    + "@mcp.tool()\nasync def a(ctx: Context):\n"
    + "    f(ctx)\n" * 3000
    + "def f(c):\n    f(c)\n",
    "many tools": HEAD
    + "mcp = FastMCP('a')\n"
    + "".join(
        f"def f{n}(c):\n    f{n + 1}(c)\n    g{n}(c)\ndef g{n}(c):\n    f{n + 1}(c)\n@mcp.tool()\ndef t{n}(c: Context):\n    f{n}(c)\n"
        for n in range(60)
    ),
    "many names": HEAD
    + "\n".join(f"a{n} = a{n + 1} if x else a{n + 2}" for n in range(300))
    + "\nFastMCP('a', stateless_http=a0)",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_code_takes_less_than_a_second(name: str, tmp_path: Path, knowledge: Knowledge) -> None:
    (tmp_path / "server.py").write_text(HOSTILE[name])
    started = time.process_time()
    findings(scan(tmp_path, knowledge), knowledge)
    assert time.process_time() - started < LONGEST_S


@pytest.mark.parametrize(
    "name", ["Dockerfile", "compose.yaml", "pyproject.toml", "requirements.txt", "uv.lock", "Procfile"]
)
@pytest.mark.parametrize(
    "text",
    ["\0\1", "[[[", "CMD [", "ENV", "ENV A", "a: &a [*a]", "services: [1]", "mcp==", "web:", "'" * 1000, "\\\n" * 50],
)
def test_strange_manifests_are_read_or_refused(name: str, text: str, tmp_path: Path, knowledge: Knowledge) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "server.py").write_text(HEAD + "mcp = FastMCP('a')\n")
    assert len(scan(tmp_path, knowledge).servers) == 1


def test_links_and_pipes_are_not_followed(tmp_path: Path, knowledge: Knowledge) -> None:
    import os

    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "server.py").write_text(HEAD + "mcp = FastMCP('a')\n")
    tree = scan(tmp_path, knowledge)
    assert (len(tree.servers), tree.examined) == (1, ("server.py",))
