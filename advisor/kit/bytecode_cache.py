"""Compiled templates, kept between runs: compiling them takes ten times as long as rendering them.

Beside the compiled knowledge, in the user's cache folder. The template engine checks source and version of what it
loads. A cache that cannot be read or written is as good as none.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket, bc_magic

from advisor.knowledge.cache import cache_dir


class TemplateBytecodeCache(BytecodeCache):
    """One file for each template, of each version of Python."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load what is kept, if it is of this source; code of another user's is not run."""
        try:
            with _path(bucket).open("rb") as file:
                if not hasattr(os, "getuid") or os.fstat(file.fileno()).st_uid == os.getuid():
                    bucket.load_bytecode(file)
        except Exception:  # whatever a damaged file makes of pickle and marshal
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it, whole or not at all."""
        part: Path | None = None
        try:
            path = _path(bucket)
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
            part = Path(name)
            with os.fdopen(handle, "wb") as file:
                bucket.write_bytecode(file)
            part.replace(path)
        except OSError:
            if part:
                with contextlib.suppress(OSError):
                    part.unlink(missing_ok=True)


def _path(bucket: Bucket) -> Path:
    return cache_dir() / "templates" / f"{bucket.key}-{bc_magic[-5:].hex()}"
