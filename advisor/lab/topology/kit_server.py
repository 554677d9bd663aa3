"""Runs the server of a kit as it lies in its folder, with the tools of the topology table beside its own.

The environment, beside what the server itself reads: `LAB_SERVER` is the folder of its server.py, `LAB_NAME` the name
that its answers carry (see subject.py).
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from advisor.lab.topology.test_server import register, signed


def main() -> None:
    """Serve until a signal."""
    sys.path.insert(0, os.environ["LAB_SERVER"])
    server: Any = importlib.import_module("server")
    register(server.mcp)
    create = server.create_app
    # Outermost, as the header must be on whatever this process answers.
    server.create_app = lambda: signed(create())
    server.main()


if __name__ == "__main__":
    main()
