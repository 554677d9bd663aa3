"""Where a document comes from: the versions that it is made with, and the commands that write and check it."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from typing import NamedTuple

from advisor.sections.versions import Versions


class Origin(NamedTuple):
    """The origin of a document.

    Attributes:
        versions: the versions that the document is made with.
        command: the command that writes the document again.
        check: the command that checks whether the document is up to date; "" for a document without a place.
    """

    versions: Versions
    command: str
    check: str
