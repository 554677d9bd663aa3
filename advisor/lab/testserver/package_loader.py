"""Loads a folder of the lab as a package with a private name, for interpreters that have another SDK.

The private name avoids conflicts with the modules of a measured server. This module imports only the standard library.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

TOOLS = "_lab_tools"
"""The private name of this folder."""


def load_package(name: str, folder: Path) -> Any:
    """Load a folder as a package.

    Args:
        name: the name of the package.
        folder: a folder with an `__init__.py`.

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
    """Load the package that contains this file."""
    return load_package(TOOLS, Path(__file__).parent)
