"""The allowed form of names in a requirements file. It is strict, because nginx, YAML, Python and shell use them."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterable, Mapping

from advisor.sentences import listed

# A DNS label (RFC 1123), because Kubernetes objects, hosts, packages and Python strings use the name.
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_GROUP = "[0-9A-Fa-f]{1,4}"
_FEWER = rf"(?!(?::{{0,2}}{_GROUP}(?![0-9A-Fa-f])){{8}})"  # `::` stands for at least one of the eight groups
IPV6 = rf"\[(?:{_GROUP}(?::{_GROUP}){{7}}|{_FEWER}(?:{_GROUP}(?::{_GROUP})*)?::(?:{_GROUP}(?::{_GROUP})*)?)\]"
"""An IPv6 address as URLs contain it, as a regular expression."""
# A host name or address with an optional port. The allow-list of the SDK has no wildcards.
_HOST = re.compile(
    rf"(?:(?=[^:]{{1,253}}(?::|$))(?:[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?|{IPV6})"
    r"(?::([0-9]{1,5}))?"
)
# The protocol allows more tool names. These names also fit a Python function and an nginx location.
_TOOL = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
# The path of a URL without characters that nginx, YAML or a regular expression read in another way.
_PATH = re.compile(r"(?=.{1,200}$)(?:/[A-Za-z0-9_][A-Za-z0-9_~.-]*)+/?")
_CLOSE = 10  # so many similar names are compared
_ONE_LETTER = 0.9  # the likeness of a name with one wrong letter, as difflib counts
_CLOSE_LETTERS = 0.7  # the least likeness of a word that is nearer than a name with the text as one of its words
_SHORT = 3  # letters of the shortest word that is compared as a word
FEW = 3  # so many names with the same word are a help
RESERVED_PATHS = ("/health", "/healthz", "/metrics", "/ready")

LABEL_RULE = "1 to 63 lower-case letters, digits and hyphens, without a hyphen at the start or end"
HOST_RULE = "a host name such as mcp.example.com or an IPv6 address such as [2001:db8::1], with an optional :port"
ORIGIN_RULE = "an origin such as https://app.example.com, with an optional :port and without a path"
PATH_RULE = f"a path such as /mcp or /tools/mcp/, without query, and other than {', '.join(RESERVED_PATHS)}"
TOOL_RULE = "1 to 64 letters, digits, _, . and -; the first character is a letter or _"


def is_label(text: str) -> bool:
    """Return whether `text` is a DNS label."""
    return _LABEL.fullmatch(text) is not None


def is_host(text: str) -> bool:
    """Return whether `text` is a host name or an address with an optional port."""
    match = _HOST.fullmatch(text.lower())
    return match is not None and (match[1] is None or 0 < int(match[1]) < 65536)


def is_origin(text: str) -> bool:
    """Return whether `text` is the origin of a web page in the form that browsers send."""
    scheme, _, host = text.lower().partition("://")
    return scheme in ("http", "https") and is_host(host)


def as_sent(name: str) -> str:
    """Return an allowed host or origin as clients send it: in lower case, with the short form of an IPv6 address."""
    before, bracket, rest = name.lower().partition("[")
    address, _, port = rest.partition("]")
    return f"{before}[{ipaddress.IPv6Address(address).compressed}]{port}" if bracket else before


def is_path(text: str) -> bool:
    """Return whether `text` is the path of a URL that a kit can serve."""
    return _PATH.fullmatch(text) is not None and text.rstrip("/") not in RESERVED_PATHS


def is_tool(text: str) -> bool:
    """Return whether `text` is an allowed tool name."""
    return _TOOL.fullmatch(text) is not None


def quote(value: object) -> str:
    """Return a value for a message in YAML notation: short, on one line and without control characters."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    # The message shows a number in the notation of the file (`1.30`), which the reader stores.
    shown = repr(value) if isinstance(value, str) else str(getattr(value, "source", value))
    return printable(shown, 60)


def printable(text: str, length: int) -> str:
    """Return `text` cut to `length` characters. A mark replaces each character that is not printable."""
    shown = text if len(text) <= length else text[: length - 3] + "..."
    if shown.isprintable():  # nearly always, and fast
        return shown
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown)


def nearest(text: str, candidates: Iterable[str], also: Mapping[str, str] | None = None) -> str:
    """Return `Did you mean NAME?` with the nearest spelling, or "". Several equally near names are joined with "or".

    The first of these rules that finds a name decides:

    1. The name has the same letters with other separators: `cloudrun`.
    2. The name differs by one letter.
    3. The text contains the name as a word: `aws-alb`.
    4. The name contains the text as a word: `claude`.
    5. The name is similar.

    Args:
        text: the unknown name.
        candidates: the known names.
        also: other names that people use, with the known names that they stand for.
    """
    if len(text) > 64:  # difflib needs quadratic time, and a longer text is not a typing error
        return ""
    names = {candidate.lower(): candidate for candidate in candidates}
    known = names | {name.lower(): meant for name, meant in (also or {}).items() if name.lower() not in names}
    typed = text.lower().strip()
    found = _nearest(typed, known)
    if not found:
        return ""
    return f"Did you mean {listed(map(repr, found), 'or')}?"


def _nearest(typed: str, known: Mapping[str, str]) -> list[str]:
    """Return the values of the names in `known` that are nearest to `typed`, each once."""
    if typed in known:
        return [known[typed]]
    for name in known:
        if _letters(name) == _letters(typed) != "":
            return [known[name]]
    close = difflib.get_close_matches(typed, known, n=_CLOSE, cutoff=0.6)

    def likeness(candidate: str) -> tuple[float, int]:
        """Of equally similar names, the name with the same beginning is more likely: SES-3OO means SES-300."""
        matcher = difflib.SequenceMatcher(None, candidate, typed)
        start = matcher.get_matching_blocks()[0]
        return matcher.ratio(), start.size if start.a == start.b == 0 else 0

    best = max(close, key=likeness, default="")
    if best and likeness(best)[0] >= _ONE_LETTER:
        return [known[best]]
    words = _words(typed)
    if inside := [name for name in known if _words(name) and _words(name) <= words]:
        return [known[max(inside, key=lambda name: (len(name), likeness(name)))]]
    around = list(dict.fromkeys(known[name] for name in known if words and words <= _words(name)))
    # A name of several words that contains the text is nearer than a word with some equal letters: fleet, not fault.
    if around and len(around) <= FEW and (not best or known[best] in around or likeness(best)[0] < _CLOSE_LETTERS):
        return around
    return [known[best]] if best else []


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name)


def _words(name: str) -> set[str]:
    """The words of a name; none if a word is short, because short words such as `to` occur in many names."""
    words = set(re.split(r"[^a-z0-9]+", name)) - {""}
    return words if all(len(word) >= _SHORT for word in words) else set()


def suggestion(typed: str, names: Iterable[str], label: str) -> str:
    """Return `Did you mean 'verify'? LABEL: ask, verify.`; without a similar name, only the names."""
    known = list(names)
    return f"{nearest(typed, known)} {label}: {', '.join(known)}.".strip()


def unknown_names(names: Iterable[str], known: Iterable[str], problem: str, label: str) -> str:
    """Return a message with each name that is not known and its nearest spelling, then all known names; "" for none.

    Args:
        names: the typed names.
        known: the known names.
        problem: the sentence for each unknown name, such as `Unknown event {}.`.
        label: the words before the known names.
    """
    allowed = list(known)
    wrong = [name for name in dict.fromkeys(names) if name not in allowed]
    said = [f"{problem.format(f'{name!r:.80}')} {nearest(name, allowed)}".strip() for name in wrong]
    return " ".join([*said, f"{label}: {', '.join(allowed)}."]) if wrong else ""
