"""No TypeScript file makes the scan crash or hang, and an installation without the extra names the files."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from changed_servers import LONGEST_S, check_changed

from advisor.audits.server_code import findings
from advisor.knowledge import Knowledge
from advisor.sources.code_scan import scan

FEW, MANY = 100, 20_000
ADDED = ("\0", "\ufeff", "    ", "server = server;\n", "export * from './server';\n", "`${", "*/", "/*")
REPLACED = (("server", "extra"), ("extra", "this"), ("(", "({"), ("=", "=>"), ("'", '"'), ("const ", "class "))


def sources(knowledge: Knowledge) -> list[str]:
    kinds = [kind for kind in knowledge.findings.values() if kind.subject == "code"]
    return [text for kind in kinds for _, files in kind.examples for name, text in files.items() if name == "server.ts"]


def check(count: int, folder: Path, knowledge: Knowledge, seed: int) -> None:
    check_changed(folder / "server.ts", sources(knowledge), (ADDED, REPLACED), knowledge, count, seed)


def test_changed_servers_are_read_or_refused(tmp_path: Path, knowledge: Knowledge) -> None:
    check(FEW, tmp_path, knowledge, seed=1)


@pytest.mark.thorough
@pytest.mark.weekly
@pytest.mark.parametrize("seed", range(4))
def test_many_changed_servers_are_read_or_refused(seed: int, tmp_path: Path, knowledge: Knowledge) -> None:
    check(MANY // 4, tmp_path, knowledge, seed)


HEAD = (
    "import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';\n"
    "import { StreamableHTTPServerTransport as T } from '@modelcontextprotocol/sdk/server/streamableHttp.js';\n"
)
SERVER = HEAD + "const server = new McpServer({ name: 'a', version: '1' });\n"
HOSTILE = {
    "deep brackets": SERVER + "(" * 5000,
    "closed deep brackets": SERVER + "x = " + "(" * 3000 + "1" + ")" * 3000 + ";",
    "a deep sum": SERVER
    + "const x = "
    + "+".join(["1"] * 10_000)
    + ";\nserver.connect(new T({ enableJsonResponse: x }));",
    "deep properties": SERVER + "server.connect(new T({ enableJsonResponse: a" + ".b" * 3000 + " }));",
    "deep blocks": SERVER + "if (x) {" * 2000 + "}" * 2000,
    "a name that is itself": SERVER + "let a = b; let b = a; server.connect(new T(a)); a.connect(b);",
    "a function that calls itself": SERVER
    + "function f(x) { return f(x); }\nserver.connect(f(1)); f(server).connect(new T(f()));",
    "a class that is its own base": HEAD
    + "class A extends B {}\nclass B extends A {}\nconst s = new A(); s.connect(new T());",
    "a module that imports itself": SERVER
    + "import { a } from './server';\nexport { a } from './server';\nexport * from './server';\na.connect(a);",
    "an object that contains itself": SERVER + "const d = { ...d, a: d.a };\nserver.connect(new T({ ...d, ...d }));",
    "many calls": SERVER
    + "server.tool('a', async (x, extra) => {\n"
    + "f(extra);\n" * 1500
    + "});\nfunction f(c) { f(c); }",
    "many tools": SERVER
    + "".join(
        f"function f{n}(c) {{ f{n + 1}(c); g{n}(c); }}\nfunction g{n}(c) {{ f{n + 1}(c); }}\nserver.tool('t{n}', async (a, extra) => f{n}(extra));\n"
        for n in range(40)
    ),
    "many names": SERVER
    + "".join(f"const a{n} = x ? a{n + 1} : a{n + 2};\n" for n in range(300))
    + "server.connect(new T({ sessionIdGenerator: a0 }));",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_code_takes_less_than_a_second(name: str, tmp_path: Path, knowledge: Knowledge) -> None:
    (tmp_path / "server.ts").write_text(HOSTILE[name])
    started = time.process_time()
    findings(scan(tmp_path, knowledge), knowledge)
    assert time.process_time() - started < LONGEST_S


@pytest.mark.parametrize("name", ["package.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock"])
@pytest.mark.parametrize("text", ["\0\1", "[[[", "{", '"@modelcontextprotocol/sdk":', "@" * 1000, "'" * 1000])
def test_strange_lists_of_packages_are_read_or_refused(
    name: str, text: str, tmp_path: Path, knowledge: Knowledge
) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "server.ts").write_text(SERVER)
    assert len(scan(tmp_path, knowledge).servers) == 1


# Hides the packages of the extra, as an installation without them does.
WITHOUT = """
import sys
sys.modules["tree_sitter"] = None
from advisor.cli import main
sys.exit(main())
"""


def without_extra(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_without_the_extra_the_files_are_named_with_the_command(tmp_path: Path) -> None:
    (tmp_path / "server.ts").write_text(SERVER)
    (tmp_path / "page.js").write_text("console.log('a client of mcp');\n")
    done = without_extra("scan", str(tmp_path))
    assert done.returncode == 5
    assert "server.ts: reading TypeScript needs the extra scan-ts" in done.stderr
    assert "pip install 'mcp-deploy-advisor[scan-ts]'" in done.stderr
    assert "page.js" not in done.stderr
    assert "No findings" not in done.stdout


def test_without_the_extra_python_servers_are_read(tmp_path: Path) -> None:
    (tmp_path / "server.ts").write_text(SERVER)
    (tmp_path / "server.py").write_text("from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('a')\n")
    done = without_extra("scan", str(tmp_path), "--format", "json")
    assert done.returncode == 0
    assert "scan-ts" in done.stdout


def test_the_parser_is_loaded_only_for_servers(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('a')\n")
    (tmp_path / "page.ts").write_text("import { Client } from '@modelcontextprotocol/sdk/client/index.js';\n")
    code = "import sys\nfrom pathlib import Path\nfrom advisor.knowledge import load\nfrom advisor.sources.code_scan import scan\n"
    code += "scan(Path(sys.argv[1]), load())\nassert 'tree_sitter' not in sys.modules\n"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60, check=True)
