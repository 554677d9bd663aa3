"""`.mcp-advisor.lock`: what was generated, by what, from what.

It holds the generated texts themselves, not only their hashes. They are the common ancestor of the user's version and
the next version. Without it nothing can be merged, and they cannot be made again: another version of this program has
other templates. They stand in the lock, so that one rename replaces hashes and texts together, and uncompressed,
because what a compressor makes of a text differs between its releases, and the same input must give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor import __version__
from advisor.errors import UsageError
from advisor.kit.model import KitFile
from advisor.kit.sync.kit_paths import require_inside
from advisor.knowledge.paths import rules_dir

SCHEMA = "mcp-advisor/lock/1"


@dataclass(frozen=True, slots=True)
class Lock:
    """What the last run generated.

    Attributes:
        version: of the program.
        rules: fingerprint of the knowledge.
        input: SHA-256 of the requirements file.
        base: path → text as generated, before any merge.
    """

    version: str
    rules: str
    input: str
    base: Mapping[str, str]


def lock_for(files: list[KitFile], requirements: bytes, rules: Path | None = None) -> Lock:
    """The lock of a kit that has just been rendered."""
    base = {file.path: file.content for file in sorted(files, key=lambda file: file.path)}
    return Lock(__version__, rules_fingerprint(rules or rules_dir()), digest(requirements), base)


def rules_fingerprint(root: Path) -> str:
    """SHA-256 over the knowledge: names below `root` and contents; neither times nor where it is installed."""
    whole = hashlib.sha256()
    for path in sorted(root.rglob("*.yaml"), key=lambda path: path.relative_to(root).as_posix()):
        content = path.read_bytes().replace(b"\r\n", b"\n")  # a Windows checkout holds the same rules
        whole.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def dump(lock: Lock) -> bytes:
    """The file."""
    document = {
        "schema": SCHEMA,
        "note": "mcp-advisor generate needs this file to merge what you edit. Keep it under version control.",
        "version": lock.version,
        "rules": lock.rules,
        "input": lock.input,
        "files": {path: digest(text.encode()) for path, text in lock.base.items()},
        "base": dict(lock.base),
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def parse(content: bytes, name: str) -> Lock:
    """Read the file.

    Args:
        content: its bytes.
        name: what it is called in messages.

    Raises:
        UsageError: it is damaged, of a later version of this program, or names files outside the kit.
    """
    try:
        document: Any = json.loads(content)
        schema, files, base = document["schema"], document["files"], document["base"]
        version, rules, source = (_text(document[key]) for key in ("version", "rules", "input"))
        intact = {path: digest(_text(text).encode()) for path, text in base.items()} == files
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        intact = False
    if not intact:
        raise UsageError(
            f"{name} is damaged. Restore it from version control, or remove it and run again with --force, which keeps "
            "a copy (.bak) of every file that differs."
        )
    if schema != SCHEMA:
        raise UsageError(f"{name}: written by another mcp-advisor ({schema!r}); use that version or a later one.")
    for path in base:
        require_inside(path, name)
    return Lock(version, rules, source, base)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
