"""Loads a folder of the lab as a package under a private name, for interpreters that have another SDK.

A private name, so that no module of a measured server shadows the lab's tools or is shadowed by them. Standard library
only.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

TOOLS = "_lab_tools"
"""The name of the lab's tools (this folder) in such an interpreter."""


def load_package(name: str, folder: Path) -> Any:
    """Load a folder as a package.

    Args:
        name: under which its modules import each other from now on.
        folder: has an `__init__.py`.

    Returns:
        The package.
    """
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_tools() -> Any:
    """Load the lab's tools: the package that this file is in."""
    return load_package(TOOLS, Path(__file__).parent)
