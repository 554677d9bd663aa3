"""The page has what a team must know, and it fits on one printed page."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path

import pytest
import yaml
from running import run_command
from subjects import EXAMPLES, MANY_TOOLS

ROOT = Path(__file__).parents[2]

# A4 and Letter with margins of 2 cm and text of 10 pt: 17 cm have more than 100 letters. 23.9 cm of Letter have
# 56 lines of 12 pt.
COLUMNS, LINES = 100, 56
_HEADING = 1.2  # lines of a heading, besides the gaps before and after it
_GAP = 0.4  # lines between two blocks
_PICTURE = 7  # lines of the picture, as test_printed_page.py prints it


def printed_lines(markdown: str) -> float:
    """The lines of a document on paper: long lines wrap, and each block has a margin. Comments are not printed."""
    total = 0.0
    printed = re.sub(r"<!--.*?-->|```mermaid.*?```", "", markdown, flags=re.DOTALL)
    total += _PICTURE * markdown.count("```mermaid")
    for line in printed.split("\n"):
        if line.startswith("#"):
            total += _HEADING * math.ceil(len(line) / (COLUMNS / 2))
        elif line.startswith("|--"):
            total += 0.2
        elif line.strip():
            total += math.ceil(len(re.sub(r"  +", " ", line)) / COLUMNS) * (1.2 if line.startswith("|") else 1)
        else:
            total += _GAP
    return total


def page(file: Path, folder: Path, *options: str) -> str:
    output = folder / "page.md"
    shutil.copy(file, folder / "requirements.yaml")
    done = run_command(
        "document",
        "requirements.yaml",
        "-o",
        "page.md",
        "--format",
        "one-page",
        "--date",
        "2026-11-29",
        *options,
        cwd=folder,
    )
    assert done.returncode in (0, 3), done.stderr.decode()
    return output.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda path: path.stem)
def test_the_page_of_every_example_is_one_page(file: Path, tmp_path: Path) -> None:
    text = page(file, tmp_path)
    assert printed_lines(text) <= LINES
    assert not re.search(r"\.\. |: \.|None|Undefined| \(\)", re.sub("`[^`]+`", "`code`", text))


def test_a_page_with_very_many_tools_is_one_page(tmp_path: Path) -> None:
    file = tmp_path / "many.yaml"
    file.write_text(yaml.safe_dump({"version": 1, "service": "many", "scale": {"instances": 9}, "tools": MANY_TOOLS}))
    text = page(file, tmp_path)
    assert "34 more tools are in the requirements file." in text
    assert printed_lines(text) <= LINES


def test_the_page_answers_the_questions_of_a_team(tmp_path: Path) -> None:
    file = ROOT / "examples" / "customer-service-agent.yaml"
    text = page(file, tmp_path)
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings == [
        "Today",
        "What the tools need",
        "The decision and why",
        "What clients lose",
        "Before the rollout",
    ]
    assert "Decided by: ____" in text
    assert "| `suggest_reply` | sampling (required) and progress (preferred) |" in text
    assert (
        "* **`stateless_http`: True in the stateless tier, False in the stateful tier.** Only some tools need" in text
    )
    (tmp_path / "page.md").unlink()
    assert "Decided by: Ada, Bob." in page(file, tmp_path, "--decision-makers", "Ada,Bob")


def test_a_page_is_checked(tmp_path: Path) -> None:
    file = ROOT / "examples" / "customer-service-agent.yaml"
    page(file, tmp_path)
    assert run_command("document", file, "--check", tmp_path / "page.md").returncode == 0
