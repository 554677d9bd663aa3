"""Record the first screen of a decision as docs/images/first-screen.svg. `python -m docs.generate` calls this module.

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
COMMAND = "mcp-advisor recommend examples/customer-service-agent.yaml"
COLUMNS = 80
_DARK = [(72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34)]
_DARK += [(88, 166, 255), (188, 140, 255), (57, 197, 207), (177, 186, 196)]
_BRIGHT = [(139, 148, 158), (255, 161, 152), (86, 211, 100), (227, 179, 65)]
_BRIGHT += [(121, 192, 255), (210, 168, 255), (86, 212, 221), (240, 246, 252)]
_THEME = TerminalTheme((13, 17, 23), (230, 237, 243), _DARK, _BRIGHT)

# rich's own format loads a font from another server. This format uses the fonts of the system.
_FORMAT = (ROOT / "docs" / "templates" / "screen.svg").read_text(encoding="utf-8")


def output() -> str:
    """What the command prints, with the escape sequences of a terminal."""
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
    return done.stdout


def picture(printed: str) -> str:
    """The SVG of a terminal that shows the command and what it printed."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), COMMAND))
    console.print(Text.from_ansi(printed))
    svg = console.export_svg(
        title="", theme=_THEME, code_format=_FORMAT.replace("{command}", COMMAND), unique_id="screen"
    )
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"
