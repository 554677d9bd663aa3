"""Paths as the tools of a code host need them: relative to the current folder, which is the top of the repository."""

from __future__ import annotations

import posixpath
from urllib.parse import quote

LONGEST_PATH = 4096
"""The most characters of a path, as Linux allows."""


def repository_path(folder: str, path: str) -> str:
    """Return a path relative to the current folder.

    Args:
        folder: the folder to which `path` is relative, as in `Triaged`.
        path: the path with `/`.
    """
    joined = posixpath.normpath(posixpath.join(folder, path))
    return f"/{joined.lstrip('/')}" if joined.startswith("/") else joined


def repository_uri(folder: str, path: str) -> str:
    """Return a path relative to the current folder as a URI reference (RFC 3986)."""
    shown = repository_path(folder, path)
    try:
        # A file name is bytes. Python shows a byte that is not UTF-8 as a lone surrogate.
        name = shown.encode("utf-8", errors="surrogateescape")
    except UnicodeEncodeError:
        name = shown.encode("utf-8", errors="replace")
    return quote(name, safe="/")
