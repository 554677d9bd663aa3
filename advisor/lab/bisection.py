"""`capabilities bisect`: for each cell that differs between two measured releases, the release in which it changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from advisor.errors import LabError, UsageError
from advisor.knowledge.types import ERAS, FLAG_PAIRS, Capabilities, Cell, Era, Outcome, flag_key
from advisor.knowledge.versions import key
from advisor.lab import index
from advisor.lab.capability_yaml import CapabilityFile
from advisor.lab.matrix import Stand, Where
from advisor.lab.run import Run
from advisor.lab.specimen import Say, Specimen, specimen


@dataclass(frozen=True, slots=True)
class Change:
    """Two neighbouring ranges of releases with different outcomes.

    Attributes:
        package: the distribution.
        feature: the feature.
        call: the way of asking.
        upper: the newest release that was measured before the change.
        lower: the oldest one after it.
        before: the cell of the older range.
        after: the cell of the newer range.
    """

    package: str
    feature: str
    call: str
    upper: str
    lower: str
    before: Cell
    after: Cell


@dataclass(slots=True)
class Found:
    """Where a cell changed.

    Attributes:
        change: what was looked for.
        release: the release in which it changed: the first that behaves as the newer range.
        measured: the outcome at each release that was tried, `older` or `newer`, or why there is none.
    """

    change: Change
    release: str
    measured: dict[str, str] = field(default_factory=dict)


Tell = Callable[[str], Awaitable[bool | None]]
"""From a release to whether it behaves as the newer range; None where it cannot be measured."""


def changes(known: Sequence[Capabilities], package: str, wanted: str = "") -> list[Change]:
    """Every change in the data of a package, oldest first.

    Args:
        known: the capability data.
        package: whose.
        wanted: only this feature, or FEATURE/CALL; "" for all.

    Raises:
        UsageError: nothing is known of the package.
    """
    cells = [cell for one in known if one.package == package for cell in one.cells]
    if not cells:
        packages = ", ".join(one.package for one in known)
        raise UsageError(f"Nothing is known of {package!r:.80}. Packages: {packages}.")
    found = []
    for asked in dict.fromkeys((cell.feature, cell.call) for cell in cells):
        if wanted not in ("", asked[0], "/".join(asked)):
            continue
        of = sorted((cell for cell in cells if (cell.feature, cell.call) == asked), key=lambda cell: key(cell.start))
        for before, after in pairwise(of):
            if before.before == after.start:
                upper, lower = max(before.observed_on, key=key), min(after.observed_on, key=key)
                found.append(Change(package, *asked, upper, lower, before, after))
    return sorted(found, key=lambda change: key(change.lower))


def between(releases: Sequence[str], change: Change) -> list[str]:
    """The releases that lie between the two measured ones, ascending."""
    return [one for one in releases if key(change.upper) < key(one) < key(change.lower)]


async def search(releases: Sequence[str], change: Change, newer: Tell) -> Found:
    """Halve the releases in between until the change is found.

    Args:
        releases: of the index, ascending.
        change: what to look for.
        newer: measures one release; those that cannot be measured are passed over.
    """
    left = between(releases, change)
    found = Found(change, change.lower)
    while left:
        middle = left[len(left) // 2]
        answer = await newer(middle)
        found.measured[middle] = {True: "newer", False: "older", None: "cannot be measured"}[answer]
        if answer is None:
            left.remove(middle)
        elif answer:
            found.release, left = middle, left[: left.index(middle)]
        else:
            left = left[left.index(middle) + 1 :]
    return found


async def bisect(run: Run, wanted: Sequence[Change], say: Say, *, deadline_s: float) -> list[Found]:
    """Find where each change came.

    Args:
        run: holds environments and servers.
        wanted: changes of one package.
        say: is told each step.
        deadline_s: an answer that takes longer is a `hang`.
    """
    if not wanted:
        return []
    releases = await index.releases(run, wanted[0].package)
    made: dict[str, Specimen] = {}
    found = []
    for change in wanted:
        left = len(between(releases, change))
        say(f"{change.feature}, {change.call}: {left} releases between {change.upper} and {change.lower}")
        found.append(await search(releases, change, _teller(run, change, made, say, deadline_s)))
    return found


def _teller(run: Run, change: Change, made: dict[str, Specimen], say: Say, deadline_s: float) -> Tell:
    """Measures only what differs between the two ranges; `made` keeps the releases that were made runnable."""
    wanted: dict[tuple[Era, tuple[bool, bool]], Outcome] = {}
    for era in ERAS:
        for pair in FLAG_PAIRS:
            was, now = (getattr(cell, era)[flag_key(*pair)] for cell in (change.before, change.after))
            if was != now:
                wanted[era, pair] = now
    pairs = [pair for pair in FLAG_PAIRS if any(of == pair for _, of in wanted)]

    def only(where: Where) -> bool:
        return (where.feature, where.call) == (change.feature, change.call) and (where.era, where.pair) in wanted

    async def newer(release: str) -> bool | None:
        try:
            if release not in made:
                made[release] = await specimen(run, f"{change.package}=={release}", say)
            stand = await Stand.start(run, made[release], deadline_s, say, pairs)
        except (LabError, UsageError) as error:
            say(f"{change.package}=={release}: passed over: {error}")
            return None
        cells = await stand.cells(lambda where: wanted.get((where.era, where.pair)), only)
        await stand.stop()
        seen = {(where.era, where.pair): one.observation.outcome for where, one in cells.items()}
        # A release in the middle that is like neither counts as older: the newer behaviour is not there yet.
        return seen == wanted

    return newer


def apply(file: CapabilityFile, found: Sequence[Found]) -> None:
    """Write the releases into the file: as the limits of the ranges and as `changed`.

    The reason that a person wrote stays; where there is none, the outcomes are it.
    """
    for one in found:
        change = one.change
        cells = [cell for cell in file.cells if (cell["feature"], cell["call"]) == (change.feature, change.call)]
        for cell in cells:
            if cell["releases"]["before"] == change.before.before:
                cell["releases"]["before"] = one.release
                if cell.get("changed"):
                    cell["changed"]["in"] = one.release
            elif cell["releases"]["from"] == change.after.start:
                cell["releases"]["from"] = one.release
