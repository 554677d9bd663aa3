"""The paths of the scripts that other processes run."""

from pathlib import Path

TESTSERVER = Path(__file__).parent / "testserver"
"""The folder of the lab's own servers and tools."""

KIT_LAUNCHER = Path(__file__).parent / "kit_launcher"
"""The folder of the script that starts a generated server with the lab's tools."""

PROGRAM = Path(__file__).parents[2]
"""The folder from which this program is imported."""
