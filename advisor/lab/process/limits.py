"""The limits of the system for this process. With too little, clients of the lab fail and look like faults of a kit."""

from __future__ import annotations

import errno
import sys
from contextlib import suppress

from advisor.errors import EnvironmentLacksError
from advisor.files import lacking

LEAST_DESCRIPTORS = 512
"""The open files of a run with many clients, and of each process that it starts."""
LEAST_MEMORY = 512 * 1024 * 1024
"""The address space in bytes. A run with 600,000 KiB ends; with 400,000 KiB, Python cannot start a thread."""


def require_resources() -> None:
    """Make sure that this process can open enough files and use enough memory. Raise its limit of open files.

    Raises:
        EnvironmentLacksError: a limit is too low; the message names the command that raises it.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _below(soft, LEAST_DESCRIPTORS):
        if _below(hard, LEAST_DESCRIPTORS):
            raise EnvironmentLacksError(
                f"The lab needs {LEAST_DESCRIPTORS} open files, and the limit is {hard}. {lacking(errno.EMFILE)}."
            )
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (LEAST_DESCRIPTORS, hard))
    memory, _ = resource.getrlimit(resource.RLIMIT_AS)
    if _below(memory, LEAST_MEMORY):
        raise EnvironmentLacksError(
            f"The lab needs {LEAST_MEMORY // 2**20} MiB of address space, and the limit is {memory // 2**20} MiB. "
            f"{lacking(errno.ENOMEM)}."
        )


def _below(limit: int, least: int) -> bool:
    import resource

    return limit != resource.RLIM_INFINITY and limit < least
