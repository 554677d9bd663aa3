"""Finds rules/ and templates/: next to the package in a checkout, inside the package after an installation."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def _folder(name: str) -> Path:
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def rules_dir() -> Path:
    """Return the folder of the rules."""
    return _folder("rules")


def templates_dir() -> Path:
    """Return the folder of the templates."""
    return _folder("templates")
