"""The lock file `.mcp-advisor.lock`: the generated texts, the version of this program, and a hash of the requirements.

A merge needs the generated text of the last run: it is the common ancestor of the user's version and the next version.
The texts cannot be generated again, because another version of this program has other templates. The lock file
contains both texts and hashes, so that a single rename replaces both. The texts are not compressed: the output of a
compressor differs between its releases, and equal input must give equal bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """The result of the last run.

    Attributes:
        version: version of mcp-advisor.
        rules: fingerprint of the rules.
        input: SHA-256 of the requirements file.
        base: path → generated text, before any merge.
        ancestors: path of an open conflict → generated text before the version in conflict. With this text, a later
            run can give the conflict another form.
    """

    version: str
    rules: str
    input: str
    base: Mapping[str, str]
    ancestors: Mapping[str, str] = field(default_factory=dict)


def lock_for(files: list[KitFile], requirements: bytes, rules: Path | None = None) -> Lock:
    """Return the lock of a newly rendered kit."""
    base = {file.path: file.content for file in sorted(files, key=lambda file: file.path)}
    return Lock(__version__, rules_fingerprint(rules or rules_dir()), digest(requirements), base)


def rules_fingerprint(root: Path) -> str:
    """Return a SHA-256 over the names and contents of the YAML files below `root`."""
    whole = hashlib.sha256()
    for path in sorted(root.rglob("*.yaml"), key=lambda path: path.relative_to(root).as_posix()):
        content = path.read_bytes().replace(b"\r\n", b"\n")  # a checkout on Windows has the same rules
        whole.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def digest(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def dump(lock: Lock) -> bytes:
    """Return the bytes of the lock file."""
    document = {
        "schema": SCHEMA,
        "note": "mcp-advisor generate needs this file to merge your edits. Keep this file under version control.",
        "version": lock.version,
        "rules": lock.rules,
        "input": lock.input,
        "files": {path: digest(text.encode()) for path, text in lock.base.items()},
        "base": dict(lock.base),
        **({"ancestors": dict(lock.ancestors)} if lock.ancestors else {}),
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def parse(content: bytes, name: str) -> Lock:
    """Read a lock file.

    Args:
        content: the bytes of the lock file.
        name: the name of the lock file for error messages.

    Raises:
        UsageError: the file is damaged, was written by a later version, or names files outside the kit.
    """
    try:
        document: Any = json.loads(content)
        schema, files, base = document["schema"], document["files"], document["base"]
        version, rules, source = (_text(document[key]) for key in ("version", "rules", "input"))
        ancestors = {path: _text(text) for path, text in document.get("ancestors", {}).items()}
        intact = {path: digest(_text(text).encode()) for path, text in base.items()} == files
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        intact = False
    if not intact:
        raise UsageError(
            f"{name} is damaged. Restore it from version control. Otherwise, remove it and run again with --force: "
            "every file that differs is then saved as a copy (.bak)."
        )
    if schema != SCHEMA:
        raise UsageError(f"Another version of mcp-advisor wrote {name} ({schema!r}). Use that version or a later one.")
    for path in base:
        require_inside(path, name)
    return Lock(version, rules, source, base, ancestors)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
