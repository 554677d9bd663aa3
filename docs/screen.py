"""Record the first screen of a decision as a picture: docs/images/first-screen.svg, written by `python -m docs.generate`.

The picture shows what the program prints. It loads nothing from other servers.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "images" / "first-screen.svg"
COMMAND = "mcp-advisor recommend examples/analytics-behind-alb.yaml"
COLUMNS = 80
LINES = 36
"""The lines of a usual terminal window. The rest of the output follows below them."""

_THEME = TerminalTheme(
    (13, 17, 23),
    (230, 237, 243),
    [(72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34)]
    + [(88, 166, 255), (188, 140, 255), (57, 197, 207), (177, 186, 196)],
    [(139, 148, 158), (255, 161, 152), (86, 211, 100), (227, 179, 65)]
    + [(121, 192, 255), (210, 168, 255), (86, 212, 221), (240, 246, 252)],
)

# The format of rich with the fonts of the system: rich's own format loads a font from another server.
_FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="first-screen">
<title id="first-screen">What the command prints: {command}</title>
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def output() -> str:
    """The first lines of what the command prints, with the escape sequences of a terminal."""
    settings = {"COLUMNS": str(COLUMNS), "FORCE_COLOR": "1", "PYTHONIOENCODING": "utf-8", "TERM": "xterm-256color"}
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    done = subprocess.run(
        [sys.executable, "-m", "advisor", *COMMAND.split()[1:]],
        cwd=ROOT,
        env=environment | settings,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return "\n".join(done.stdout.splitlines()[:LINES])


def picture(printed: str) -> str:
    """The SVG of a terminal that shows the command and what it printed."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), COMMAND))
    console.print(Text.from_ansi(printed))
    svg = console.export_svg(
        title="", theme=_THEME, code_format=_FORMAT.replace("{command}", COMMAND), unique_id="screen"
    )
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"
