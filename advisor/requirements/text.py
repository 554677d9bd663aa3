"""What free text in a requirements file may be. It ends up in nginx, YAML, Python and shell, so little is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

# A DNS label (RFC 1123): the name becomes a Kubernetes object, a host, a package and a Python string.
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# A host name with an optional port, or an address; no wildcard, because the SDK's allow-list matches whole names.
_HOST = re.compile(
    r"(?=[^:]{1,253}(?::|$))(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?::([0-9]{1,5}))?"
)
# Tool names of the protocol are wider; these also make a Python function and a location in nginx.
_TOOL = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")

LABEL_RULE = "lower-case letters, digits and inner hyphens, 1 to 63 characters"
HOST_RULE = "a host name such as mcp.example.com, with an optional :port"
ORIGIN_RULE = "an origin such as https://app.example.com, with an optional :port and without a path"
TOOL_RULE = "letters, digits, _ . and -, not starting with a digit, 1 to 64 characters"


def is_label(text: str) -> bool:
    """Whether `text` is a DNS label."""
    return _LABEL.fullmatch(text) is not None


def is_host(text: str) -> bool:
    """Whether `text` is a host name with an optional port."""
    match = _HOST.fullmatch(text.lower())
    return match is not None and (match[1] is None or 0 < int(match[1]) < 65536)


def is_origin(text: str) -> bool:
    """Whether `text` is the origin of a web page, as browsers send it."""
    scheme, _, host = text.lower().partition("://")
    return scheme in ("http", "https") and is_host(host)


def is_tool(text: str) -> bool:
    """Whether `text` is a tool name that every target can carry."""
    return _TOOL.fullmatch(text) is not None


def quote(value: object) -> str:
    """A value for a message, as YAML writes it: short, on a single line, without control characters."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    # A number is shown as it was written (`1.30`); the reader remembers that.
    shown = repr(value) if isinstance(value, str) else str(getattr(value, "source", value))
    return printable(shown, 60)


def printable(text: str, length: int) -> str:
    """`text` cut to `length` characters, with a mark for each that would not print."""
    shown = text if len(text) <= length else text[: length - 3] + "..."
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown)


def nearest(text: str, candidates: Iterable[str]) -> str:
    """`Did you mean …?` with the nearest spelling, or ""."""
    if len(text) > 64:  # difflib is quadratic, and a text of this length is no typing error
        return ""
    known = {candidate.lower(): candidate for candidate in candidates}
    close = difflib.get_close_matches(text.lower(), known, n=1, cutoff=0.6)
    return f"Did you mean {known[close[0]]!r}?" if close else ""
