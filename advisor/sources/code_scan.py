"""Reads the code of servers: Python, and TypeScript if the extra `scan-ts` is installed."""

from __future__ import annotations

from pathlib import Path

from advisor.knowledge import Knowledge
from advisor.sources.code_files import SourceFiles
from advisor.sources.code_model import ScannedTree
from advisor.sources.python.scan import scan_files as scan_python


def scan(path: Path, knowledge: Knowledge) -> ScannedTree:
    """Return the content of a folder or of a file with code.

    Args:
        path: a folder, or a file. It exists.
        knowledge: has the names of the SDKs.
    """
    return scan_files(SourceFiles(path, knowledge.scan_skips.values()), str(path), knowledge)


def scan_files(files: SourceFiles, path: str, knowledge: Knowledge) -> ScannedTree:
    """Return the server code in files.

    Args:
        files: the files.
        path: the folder or file as the user named it.
        knowledge: has the names of the SDKs.
    """
    tree = scan_python(files, path, knowledge)
    names = files.typescript_servers()
    if not names:
        return tree
    from advisor.sources.typescript.scan import scan_typescript  # only for trees that need tree-sitter

    other = scan_typescript(files, names, knowledge)
    return tree._replace(
        examined=tuple(sorted({*tree.examined, *other.examined})),
        not_examined=tuple(sorted({*tree.not_examined, *other.not_examined})),
        servers=(*tree.servers, *other.servers),
        state=(*tree.state, *other.state),
        pins=(*tree.pins, *other.pins),
    )
