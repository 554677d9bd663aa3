"""Where the scripts lie that foreign interpreters run."""

from pathlib import Path

TESTSERVER = Path(__file__).parent / "testserver"
"""The lab's own servers and tools."""

KIT_LAUNCHER = Path(__file__).parent / "kit_launcher"
"""What starts a generated server with them."""
