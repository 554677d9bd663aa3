"""Turns the words of proxy configurations into the values of observations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

from advisor.deployment.model import Observation, Plain
from advisor.findings import Location

Files: TypeAlias = Mapping[str, str]
"""The text of each audited file, from its path relative to the audited path."""

Match: TypeAlias = Literal["prefix", "exact", "regex", "every"]
"""How a proxy compares the path of a route."""

LONGEST = 200_000
"""The longest text that a reader of proxies reads. Longer files are generated data."""

SESSION_HEADER = "mcp-session-id"

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w)")
_SIZE = re.compile(r"(\d{1,15})\s*([kKmMgG]?)i?[bB]?")
_FORWARDED = re.compile(r"x-forwarded-[\w-]+|x-real-ip|forwarded|true-client-ip")
_ADDRESS = re.compile(r"x-forwarded-for|x-real-ip|forwarded|true-client-ip|cf-connecting-ip|fly-client-ip")


def seconds(text: str, unit: str = "s") -> int | float | None:
    """Return a duration such as `1h30m`, `500ms` or `60` in seconds, or None if the text is no duration.

    Args:
        text: the duration.
        unit: the unit of a number without a unit.
    """
    text = text.strip()
    if not text or len(text) > 30:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", text):
        found = float(text) * _UNITS[unit]
    elif _PART.sub("", text):
        return None
    else:
        found = sum(float(number) * _UNITS[name] for number, name in _PART.findall(text))
    rounded = round(found, 6)
    return int(rounded) if rounded == int(rounded) else rounded


def size(text: str) -> int | None:
    """Return a number of bytes such as `4m`, `4MiB` or `1024`, or None if the text is no size."""
    match = _SIZE.fullmatch(text.strip())
    return int(match[1]) * 1024 ** " kmg".index(match[2].lower() or " ") if match else None


def number(text: str) -> int | None:
    """Return a natural number, or None if the text is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def host_and_port(text: str) -> tuple[str, int]:
    """Return the host and the port of an address such as `mcp:8000`, `[::1]:80` or `unix:/run/mcp.sock`; 0: no port."""
    if text.startswith(("unix", "/")):
        return text, 0
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port or (":" in host and not host.startswith("[")):
        return text.strip("[]"), 0
    return host.strip("[]"), number(port) or 0


def names(text: str) -> tuple[str, ...]:
    """Return the names of a list with commas, in lower case."""
    return tuple(name.strip().lower() for name in text.split(",") if name.strip())


def is_forwarded(header: str) -> bool:
    """Whether a request header says where a request comes from."""
    return _FORWARDED.fullmatch(header.lower()) is not None


def hash_of_header(header: str) -> str:
    """Return the value of `balance` for a hash of a request header."""
    header = header.lower().replace("_", "-")
    if header == SESSION_HEADER:
        return "session-hash"
    if _ADDRESS.fullmatch(header):
        return "address-hash"
    return {"cookie": "cookie-hash", ":path": "path-hash"}.get(header, "header-hash")


class Notes(dict[str, Observation]):
    """The observations of a part."""

    def note(self, name: str, value: Plain | None, place: Location, *, is_dynamic: bool = False) -> None:
        """Add or replace an observation. Without a value, nothing changes."""
        if value is not None:
            self[name] = Observation(value, place, is_dynamic)

    def measured(self, name: str, value: Plain | None, text: str, place: Location, *, is_dynamic: bool = False) -> None:
        """Add a number, or the text of a variable. A text that is neither is left out."""
        self.note(name, text if value is None and is_dynamic else value, place, is_dynamic=is_dynamic)

    def timed(self, name: str, text: str, place: Location, unit: str = "s") -> None:
        """Add a duration, or a text with a variable. Another text is left out."""
        self.measured(name, seconds(text, unit), text, place, is_dynamic="$" in text)

    def extend(self, name: str, words: tuple[str, ...], place: Location) -> None:
        """Add words to an observation of several words. The place is that of the first words."""
        old = self.get(name)
        before = old.value if old is not None and isinstance(old.value, tuple) else ()
        new = tuple(dict.fromkeys((*before, *words)))
        if new:
            self[name] = Observation(new, old.location if old is not None else place)


def response_header(name: str, text: str, place: Location, notes: Notes, *, is_dynamic: bool = False) -> None:
    """Note a response header that a proxy adds, and what it answers to requests of other origins."""
    header = name.lower()
    notes.extend("sets_response_headers", (header,), place)
    if header == "access-control-allow-headers":
        notes.note("cors_headers", names(text), place, is_dynamic=is_dynamic)
    elif header == "access-control-expose-headers":
        notes.note("cors_exposes", names(text), place, is_dynamic=is_dynamic)
    elif header == "access-control-allow-origin":
        notes.note("cors_origin", text or None, place, is_dynamic=is_dynamic)
