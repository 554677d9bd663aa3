"""The type of a value of a request path."""

from __future__ import annotations

from typing import NamedTuple

from advisor.deployment.model import Plain
from advisor.findings import Location


class PathFact(NamedTuple):
    """A value of a request path.

    Attributes:
        value: the value.
        location: the line that states it, or None.
        default_of: whose default the value is, in words; "" for a value that a file, the code or the user states.
        is_dynamic: whether the value comes from outside the files.
        is_guessed: whether the value comes from a server that the workload might not run.
    """

    value: Plain
    location: Location | None = None
    default_of: str = ""
    is_dynamic: bool = False
    is_guessed: bool = False
