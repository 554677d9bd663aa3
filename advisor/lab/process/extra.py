"""The command that installs the extra `lab`. The help of commands shows it too, so this module imports little."""

from __future__ import annotations

import importlib.util
import shlex
import sys

_DISTRIBUTION = "mcp-deploy-advisor"


def installs_the_extra() -> str:
    """Return the shell command that installs the extra `lab` into the running interpreter."""
    # An environment that uv created has no pip.
    if importlib.util.find_spec("pip") is not None:
        installer = [sys.executable, "-m", "pip", "install"]
    else:
        installer = ["uv", "pip", "install", "--python", sys.executable]
    return shlex.join([*installer, f"{_DISTRIBUTION}[lab]"])


EXTRA = installs_the_extra()
"""The command for this interpreter."""
