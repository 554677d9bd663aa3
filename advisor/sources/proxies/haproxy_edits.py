"""Changes lines in the text of a HAProxy file. Comments, indentation and line ends stay."""

from __future__ import annotations

import re

from advisor.knowledge.finding_kinds import PatchRule
from advisor.sources.splices import Splice

_LINE = re.compile(
    r"(?P<indent>[ \t]*)(?P<words>[^#\r\n\"'\\\\]*[^#\s\"'\\\\])(?P<rest>[ \t]*(?:\#[^\r\n]*)?)(?P<end>\r?\n|$)"
)


def haproxy_splice(text: str, line: int, rule: PatchRule) -> Splice | None:
    """Return the change of a line that a rule describes, or None if it cannot be made.

    Args:
        text: the file.
        line: the line.
        rule: has the first words of the line, after which the line has at most a single word, and the new lines.
    """
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
        if not start:
            return None
    found = _LINE.match(text, start)
    wanted = rule.line.lower().split()
    words = found["words"].lower().split() if found is not None else []
    if found is None or words[: len(wanted)] != wanted or len(words) > len(wanted) + 1:
        return None
    between = f"{found['end'] or chr(10)}{found['indent']}"
    return Splice(*found.span("words"), between.join(rule.set.splitlines()))
