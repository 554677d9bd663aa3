"""Tells the programs that are no MCP server, by the commands and names of a deployment."""

from __future__ import annotations

import re
from collections.abc import Iterable

from advisor.deployment.model import Workload

MCP_WORD = re.compile(r"(?<![a-z0-9])(?:fast)?mcp(?:servers?)?(?![a-z0-9])", re.IGNORECASE)


class OtherPrograms:
    """The programs of rules/scan.yaml that are no MCP server."""

    def __init__(self, names: Iterable[str]) -> None:
        """Args: names: the names of the programs."""
        self._names = frozenset(names)
        words = "|".join(map(re.escape, sorted(self._names, key=len, reverse=True)))
        self._word = re.compile(rf"(?<![a-z0-9])(?:{words or '(?!)'})(?![a-z0-9])", re.IGNORECASE)

    def run_by(self, workload: Workload | None) -> bool:
        """Return whether the command of a workload starts such a program."""
        words = workload.command if workload is not None else ()
        parts = (part.rpartition("/")[2] for word in words for part in word.split())
        return any(part in self._names for part in parts)

    def named(self, names: Iterable[str]) -> bool:
        """Return whether a name is about such a program, and not about an MCP server too."""
        for name in names:
            rest, number = self._word.subn("", name.replace("_", "-"))
            if number and not MCP_WORD.search(rest):
                return True
        return False
