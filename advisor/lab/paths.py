"""Where the scripts lie that other processes run."""

from pathlib import Path

TESTSERVER = Path(__file__).parent / "testserver"
"""The lab's own servers and tools."""

KIT_LAUNCHER = Path(__file__).parent / "kit_launcher"
"""What starts a generated server with them."""

PROGRAM = Path(__file__).parents[2]
"""The folder that this program is imported from."""
