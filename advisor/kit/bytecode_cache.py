"""Compiled templates, kept between runs: compiling them takes ten times as long as rendering them.

They lie next to the compiled knowledge, in the user's cache folder. The template engine checks source and version of
what it loads. A cache that cannot be read or written is as good as none.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket

from advisor.knowledge.cache import cache_dir


class TemplateBytecodeCache(FileSystemBytecodeCache):
    """One file for each template."""

    def __init__(self) -> None:
        """A cache in the user's cache folder."""
        super().__init__(str(cache_dir() / "templates"))

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load what is kept, if it is of this source. The code that another user wrote is not run."""
        try:
            if not hasattr(os, "getuid") or Path(self._get_cache_filename(bucket)).stat().st_uid == os.getuid():
                super().load_bytecode(bucket)
        except Exception:  # anything that a damaged file makes of pickle and marshal
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it, whole or not at all."""
        with suppress(OSError):
            Path(self.directory).mkdir(parents=True, exist_ok=True)
            super().dump_bytecode(bucket)
