"""No baseline, configuration file, comment or file name makes the command crash, hang or print control characters."""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path

import pytest
from finding_reports import KNOWN, PARTS, STATE, finding, report
from running import run_command

from advisor.errors import InputError
from advisor.triage.baseline import read_baseline
from advisor.triage.configuration import read_configuration

LONGEST_S = 1.0
FEW, MANY = 300, 25_000
BASELINE = f"""{{"schema": "mcp-advisor/baseline/1",
"findings": [
{{"id": "{STATE}", "path": "a.py", "fingerprint": "{"0" * 16}"}}
]}}
"""
CONFIGURATION = f"""version: 1
severity:
  - id: {STATE}
    path: "a/**"
    severity: low
    reason: r
ignore:
  - path: b
    reason: s
"""
COMMENTS = f"""x = 1  # mcp-advisor: ignore[{STATE}, {PARTS}] why
// mcp-advisor: ignore[{STATE}]
<!-- mcp-advisor: ignore[] x -->
"""
PIECES = (
    *(
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        "- ",
        "\n",
        "\t",
        '"',
        "'",
        "#",
        "&a ",
        "*a",
        "!!python/object:os.system ",
        "<<: ",
        "%",
    ),
    *("\0", "\x1b[31m", "\u2028", "\ud800", "\ufeff", "null", "true", "1e999", "9" * 200, "**/" * 50, "ignore[", "'''"),
)


def changed(text: str, draw: random.Random) -> bytes:
    for _ in range(draw.randint(1, 6)):
        start = draw.randrange(len(text) + 1)
        end = min(len(text), start + draw.randint(0, 8))
        text = text[:start] + draw.choice(PIECES) * draw.choice((0, 1, 1, 40)) + text[end:]
    return text.encode("utf-8", errors="surrogatepass")


def check(count: int, folder: Path, seed: int) -> None:
    draw = random.Random(seed)
    for number in range(count):
        content = changed(draw.choice((BASELINE, CONFIGURATION, COMMENTS)), draw)
        for name in ("input", "a.py", "a.conf"):
            (folder / name).write_bytes(content)
        started = time.process_time()
        for read in (read_baseline, lambda name: read_configuration(name, KNOWN.findings)):
            said = ""
            try:
                read(str(folder / "input"))
            except InputError as error:
                said = str(error)
            assert "\x1b" not in said, (seed, number, content)
        report(folder, [finding("a.py"), finding("a.conf", 2)])
        assert time.process_time() - started < LONGEST_S, (seed, number, content)


def test_changed_files_are_read_or_refused(tmp_path: Path) -> None:
    check(FEW, tmp_path, 1)


@pytest.mark.thorough
@pytest.mark.weekly
@pytest.mark.parametrize("seed", range(4))
def test_a_hundred_thousand_changed_files_are_read_or_refused(seed: int, tmp_path: Path) -> None:
    check(MANY, tmp_path, seed)


NAMES = (
    "a\nb.py",
    "\x1b[31mred.py",
    "::error::x.py",
    "%0A,b.py",
    "]]>-->.py",
    "|`x`.py",
    "\u202egnp.py",
    "[x](y).py",
    "##[error]x.py",
    "a ::warning::y.py",
)
SERVER = """from mcp.server.fastmcp import Context, FastMCP
mcp = FastMCP({name!r})
state = {{}}
@mcp.tool({name!r})
async def tool(ctx: Context) -> None:
    state[ctx.session] = 1
    try:
        await ctx.elicit("x", schema=dict)
    except Exception:
        pass
# mcp-advisor: ignore[{comment}] x
mcp.run("streamable-http")
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_text(SERVER.format(name=name, comment=name.replace("\n", " ")), encoding="utf-8")
    (tmp_path / "broken\x1b[2J\n.py").write_text("import mcp (\n")
    return tmp_path


@pytest.mark.parametrize("format", ["text", "github", "markdown", "sarif", "json", "baseline"])
def test_names_and_comments_print_no_control_characters(format: str, repository: Path) -> None:
    options = ["--write-baseline", "b.json"] if format == "baseline" else ["--format", format, "--full"]
    done = run_command("scan", ".", *options, cwd=repository)
    assert done.returncode == (0 if format == "baseline" else 1), done.stderr
    shown = done.stdout.decode() + done.stderr.decode()
    # JSON has the names themselves. It escapes control characters.
    allowed = {"\n", "\u202e"} if format == "json" else {"\n"}
    assert {char for char in shown if not char.isprintable()} <= allowed
    if format in ("sarif", "json"):
        json.loads(done.stdout)
    if format == "github":
        assert all(line.startswith("::") for line in shown.splitlines())
    if format == "text":
        assert not re.search(r"(?m)^\s*::[a-z]|##\[", shown)
    if format == "baseline":
        used = run_command("scan", ".", "--baseline", "b.json", cwd=repository)
        assert used.returncode == 0, used.stderr


def test_an_unreadable_file_prints_no_control_characters(tmp_path: Path) -> None:
    (tmp_path / "broken\x1b[2J\n.py").write_text("import mcp (\n")
    done = run_command("scan", ".", cwd=tmp_path)
    assert done.returncode == 5
    assert {char for char in done.stderr.decode() if not char.isprintable()} <= {"\n"}
