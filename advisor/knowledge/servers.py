"""The types of rules/servers.yaml: servers whose features are assumed, because the lab does not measure them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, NamedTuple

from advisor.knowledge.capabilities import Capabilities, CapabilityCell, SdkLine
from advisor.knowledge.releases import Release
from advisor.knowledge.types import ERAS, FLAG_PAIRS, flag_key

OTHER = "other"
"""The value of `sdk` for a server that is not written in Python."""

_START, _BEFORE = "0", "1"  # a profile has no releases
_MODES = [flag_key(*pair) for pair in FLAG_PAIRS]


class Profile(NamedTuple):
    """A kind of server whose features are assumed; the head of rules/servers.yaml explains the keys."""

    id: str
    kind: Literal["other", "http+sse"]
    modern: Literal["served", "falls-back"]
    like: str
    note: str
    sources: list[str]
    flags: str = ""
    without: tuple[str, ...] = ()
    stateless: str = ""


class Language(NamedTuple):
    """A language, with the switches of its SDK; the head of rules/servers.yaml explains the keys."""

    id: str
    name: str
    also: tuple[str, ...]
    profile: str
    sessions: str
    stateless: str
    sse: str
    json: str
    sources: list[str]
    expiry: Literal["idle-timeout", "never", "unknown"] = "unknown"
    expiry_s: float | None = None
    expiry_setting: str = ""
    expiry_note: str = ""
    ping_s: float | None = None
    ping_note: str = ""
    get_stream: Literal["open", "refused", "unknown"] = "unknown"
    keep_alive: Literal["default", "never", "unknown"] = "unknown"
    keep_alive_s: float | None = None
    keep_alive_setting: str = ""


class Replacement(NamedTuple):
    """Words of a rule, and the words for a server without the Python flags, or for one `kind` of these servers."""

    text: str
    by: str
    kind: Literal["other", "http+sse", ""] = ""


def like(profile: Profile, lines: Iterable[SdkLine]) -> SdkLine | None:
    """Return the SDK line whose features a profile is assumed to have; None if the knowledge does not have the line."""
    return next((line for line in lines if line.id == profile.like), None)


def assumed(profile: Profile, capabilities: Iterable[Capabilities]) -> Capabilities | None:
    """Return the capability data that a profile is assumed to have, or None if its SDK line is not known."""
    for package in capabilities:
        line = like(profile, package.lines)
        if line is not None:
            note = profile.note.format(release=f"{package.package} {line.newest}")
            own = SdkLine(_START, _BEFORE, profile.id, "", profile.modern)
            cells = [_assumed(cell, profile, note) for cell in package.cells if cell.holds(line.newest)]
            return Capabilities(profile.id, [own], [cell for cell in cells if cell.feature not in profile.without])
    return None


def _assumed(cell: CapabilityCell, profile: Profile, note: str) -> CapabilityCell:
    eras = {era: getattr(cell, era) for era in ERAS}
    if profile.stateless:
        pair = flag_key(stateless_http=True, json_response=False)
        eras = {era: {**outcomes, pair: outcomes[profile.stateless]} for era, outcomes in eras.items()}
    if profile.flags:
        eras = {era: dict.fromkeys(_MODES, outcomes[profile.flags]) for era, outcomes in eras.items()}
    return replace(
        cell,
        **eras,
        start=_START,
        before=_BEFORE,
        status="assumed",
        observed_on=[],
        evidence=note,
        sources=profile.sources,
        changed={},
    )


def release_of(profile: Profile, data: Capabilities) -> Release:
    """Return the only release range of a profile."""
    return Release(_START, _BEFORE, profile.id, profile.id, "", data.lines[0], kind=profile.kind)
