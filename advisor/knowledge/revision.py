"""Short names for the state of the knowledge, so that a document can say which rules and measurements it is from."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from advisor.knowledge.paths import rules_dir

_MEASURED = "capabilities"
_LENGTH = 12


class KnowledgeRevision(NamedTuple):
    """The state of the knowledge.

    Attributes:
        rules: 12 hexadecimal digits that change with every change of a file in rules/, except rules/capabilities/.
        capabilities: 12 hexadecimal digits for rules/capabilities/, which has the measurements of the SDK releases.
    """

    rules: str
    capabilities: str


def revision(root: Path | None = None) -> KnowledgeRevision:
    """Return the state of the knowledge in the folder `root` (default: the rules of mcp-advisor).

    Raises:
        OSError: a file cannot be read.
    """
    folder = root or rules_dir()
    parts: tuple[list[Path], list[Path]] = ([], [])
    for path in sorted(folder.rglob("*.yaml"), key=lambda path: path.relative_to(folder).as_posix()):
        parts[path.relative_to(folder).parts[0] == _MEASURED].append(path)
    return KnowledgeRevision(*(_digest(folder, paths) for paths in parts))


@lru_cache(maxsize=1)
def current_revision() -> KnowledgeRevision:
    """Return the state of the rules of mcp-advisor, which a process reads only once."""
    return revision()


def _digest(folder: Path, paths: list[Path]) -> str:
    found = hashlib.sha256()
    for path in paths:
        content = path.read_bytes().replace(b"\r\n", b"\n")  # Git can change the ends of lines.
        found.update(f"{path.relative_to(folder).as_posix()}\n{len(content)}\n".encode() + content)
    return found.hexdigest()[:_LENGTH]
