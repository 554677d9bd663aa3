"""A part of a page that the program writes again. The text of a person before and after the part stays."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from advisor.files import create, write_atomically
from advisor.team_documents.writing import FileOutcome, WrittenFile, read_text


class MarkedPart(NamedTuple):
    """A part between two comments, in Markdown or HTML.

    Attributes:
        name: what the part has, such as `records`.
    """

    name: str

    def marked(self, text: str) -> str:
        """Return a text between the comments of this part."""
        start, end = self._comments
        return f"{start}\n\n{text}\n\n{end}"

    def write(
        self,
        path: Path,
        text: str,
        *,
        before: str,
        after: str = "",
        others: "Mapping[MarkedPart, str] | None" = None,
    ) -> WrittenFile | None:
        """Write the part into a page. Return None if a person's page has no place for the part.

        Args:
            path: the page. A new page is created.
            text: the text of the part.
            before: what a new page has before the part.
            after: what a new page has after the part.
            others: other parts of the page. A part that a person removed stays away.

        Raises:
            UsageError: the page cannot be read.
            OSError: the page cannot be written.
        """
        if not path.exists():
            create(path, f"{before}{self.marked(text)}\n{after}")
            return WrittenFile(path, FileOutcome.NEW)
        old = read_text(path)
        if not self.is_in(old):
            return None
        new = self.replaced(old, text)
        for part, its_text in (others or {}).items():
            new = part.replaced(new, its_text)
        if new == old:
            return WrittenFile(path, FileOutcome.UNCHANGED)
        write_atomically(path, new)
        return WrittenFile(path, FileOutcome.CHANGED)

    def replaced(self, page: str, text: str) -> str:
        """Return a page with a new text of this part."""
        return self._pattern.sub(lambda _: self.marked(text), page, count=1)

    def is_in(self, page: str) -> bool:
        """Return whether a page has this part."""
        return self._pattern.search(page) is not None

    @property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(".*?".join(map(re.escape, self._comments)), re.DOTALL)

    @property
    def _comments(self) -> tuple[str, str]:
        return f"<!-- {self.name}: written by mcp-advisor document -->", f"<!-- end of {self.name} -->"
