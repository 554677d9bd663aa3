"""A cache of compiled templates, because compiling a template takes ten times as long as rendering it.

The cache is in the user's cache folder, next to the compiled knowledge. The template engine checks the source and the
version of each cached file. If the cache cannot be read or written, the templates are compiled again.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket

from advisor.knowledge.cache import cache_dir, may_create


class TemplateBytecodeCache(FileSystemBytecodeCache):
    """A cache with one file for each template."""

    def __init__(self) -> None:
        """Create a cache in the user's cache folder."""
        super().__init__(str(cache_dir() / "templates"))

    def __eq__(self, other: object) -> bool:
        """Return whether both caches have the same folder, so that `environment` keeps the templates of a process."""
        return isinstance(other, TemplateBytecodeCache) and other.directory == self.directory

    def __hash__(self) -> int:
        """Return the hash of the folder."""
        return hash(self.directory)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load the cached code if it belongs to this source. A file of another user is ignored."""
        try:
            if not hasattr(os, "getuid") or Path(self._get_cache_filename(bucket)).stat().st_uid == os.getuid():
                super().load_bytecode(bucket)
        except Exception:  # a damaged file can cause any error in pickle and marshal
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write the compiled code. The file is either complete or missing."""
        with suppress(OSError):
            if not may_create(Path(self.directory)):
                return
            Path(self.directory).mkdir(parents=True, exist_ok=True)
            super().dump_bytecode(bucket)
