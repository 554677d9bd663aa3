"""`capabilities bisect`: for each cell that differs between two measured releases, the release in which it changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from advisor.errors import LabError, UsageError
from advisor.knowledge.capabilities import Capabilities, CapabilityCell
from advisor.knowledge.types import ERAS, FLAG_PAIRS
from advisor.knowledge.versions import key
from advisor.lab.capabilities.comparison import Difference, near, outcome_of
from advisor.lab.capabilities.matrix import Stand, Where
from advisor.lab.capabilities.yaml_file import CapabilityFile
from advisor.lab.probes.observation import Observation
from advisor.lab.process import package_index
from advisor.lab.process.run import Run
from advisor.lab.process.sdk_under_test import Say, sdk_under_test

UNKNOWN = "cannot be measured"
"""What is said of a release that does not install or start."""


@dataclass(frozen=True, slots=True)
class CellChange:
    """Two neighbouring ranges of releases with different outcomes.

    Attributes:
        package: the distribution.
        feature: the feature.
        call: the way of asking.
        upper: the newest release that was measured before the change.
        lower: the oldest measured release after the change.
        before: the cell of the older range.
        after: the cell of the newer range.
    """

    package: str
    feature: str
    call: str
    upper: str
    lower: str
    before: CapabilityCell
    after: CapabilityCell


@dataclass(slots=True)
class Bisected:
    """Where a cell changed.

    Attributes:
        change: what was looked for.
        release: the release in which it changed: the first that behaves as the newer range; where an end is wrong,
            the release that the data has.
        measured: how each release in between behaves, `older` or `newer`, or that it cannot be measured.
        ends: the same of the two measured releases, or `neither`.
        wrong: the cells of the two that are not as the data has them, by release; with any, nothing in between is
            tried.
    """

    change: CellChange
    release: str
    measured: dict[str, str] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, list[Difference[Where]]] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether the data has both ends and the release between them right."""
        return not self.wrong and self.release == self.change.after.start


Observations = dict[Where, Observation]
Tell = Callable[[str], Awaitable[bool | None]]
"""From a release to whether it behaves as the newer range; None where it cannot be measured."""


class _Witness:
    """What releases of a package do, as far as anyone asks."""

    def __init__(
        self,
        run: Run,
        package: str,
        wanted: Callable[[str], set[Where]],
        known: Sequence[Capabilities],
        say: Say,
        *,
        deadline_s: float,
    ) -> None:
        """Measure nothing yet.

        Args:
            run: holds environments and servers.
            package: the distribution.
            wanted: the cells of a release that will ever be asked for.
            known: the capability data; what differs from it is measured twice.
            say: is told each step.
            deadline_s: an answer that takes longer is a `hang`.
        """
        self._run = run
        self._package = package
        self._wanted = wanted
        self._known = known
        self._say = say
        self._deadline_s = deadline_s
        self._seen: dict[str, Observations | None] = {}

    async def seen(self, release: str) -> Observations | None:
        """What a release does in the wanted cells; None where it cannot be measured."""
        if release not in self._seen:
            self._seen[release] = await self._measured(release)
        return self._seen[release]

    async def _measured(self, release: str) -> Observations | None:
        wanted = self._wanted(release)
        pairs = [pair for pair in FLAG_PAIRS if any(where.pair == pair for where in wanted)]
        try:
            under_test = await sdk_under_test(self._run, f"{self._package}=={release}", self._say)
            stand = await Stand.start(self._run, under_test, self._deadline_s, self._say, pairs)
        except (LabError, UsageError) as error:
            self._say(f"{self._package}=={release}: passed over: {error}")
            return None
        cells = await stand.cells(lambda where: near(self._known, under_test, where), wanted.__contains__)
        await stand.stop()
        return {where: seen.observation for where, seen in cells.items()}


def changes(known: Sequence[Capabilities], package: str, wanted: str = "") -> list[CellChange]:
    """Every change in the data of a package, oldest first.

    Args:
        known: the capability data.
        package: whose.
        wanted: only this feature, or FEATURE/CALL; "" for all.

    Raises:
        UsageError: nothing is known of the package.
    """
    cells = [cell for package_data in known if package_data.package == package for cell in package_data.cells]
    if not cells:
        packages = ", ".join(package_data.package for package_data in known)
        raise UsageError(f"Nothing is known of {package!r:.80}. Packages: {packages}.")
    found = []
    for asked in dict.fromkeys((cell.feature, cell.call) for cell in cells):
        if wanted not in ("", asked[0], "/".join(asked)):
            continue
        of = sorted((cell for cell in cells if (cell.feature, cell.call) == asked), key=lambda cell: key(cell.start))
        for before, after in pairwise(of):
            if before.before == after.start:
                upper, lower = max(before.observed_on, key=key), min(after.observed_on, key=key)
                found.append(CellChange(package, *asked, upper, lower, before, after))
    return sorted(found, key=lambda change: key(change.lower))


def between(releases: Sequence[str], change: CellChange) -> list[str]:
    """The releases that lie between the two measured ones, ascending."""
    return [release for release in releases if key(change.upper) < key(release) < key(change.lower)]


async def search(releases: Sequence[str], change: CellChange, newer: Tell) -> Bisected:
    """Halve the releases in between until the change is found.

    Args:
        releases: of the index, ascending.
        change: what to look for.
        newer: measures a release; those that cannot be measured are passed over.
    """
    left = between(releases, change)
    found = Bisected(change, change.lower)
    while left:
        middle = left[len(left) // 2]
        answer = await newer(middle)
        found.measured[middle] = {True: "newer", False: "older", None: UNKNOWN}[answer]
        if answer is None:
            left.remove(middle)
        elif answer:
            found.release, left = middle, left[: left.index(middle)]
        else:
            left = left[left.index(middle) + 1 :]
    return found


async def bisect(
    wanted: Sequence[CellChange], known: Sequence[Capabilities], say: Say, *, deadline_s: float
) -> list[Bisected]:
    """Find where each change came, once its two ends are seen to behave as the data has them.

    Args:
        wanted: changes of a package.
        known: the capability data; what differs from it is measured twice.
        say: is told each step.
        deadline_s: an answer that takes longer is a `hang`.
    """
    if not wanted:
        return []
    package = wanted[0].package
    async with Run.open("bisect") as run:
        releases = await package_index.releases(run, package)
        witness = _Witness(run, package, lambda release: _asked(wanted, release), known, say, deadline_s=deadline_s)
        found = []
        for change in wanted:
            left = len(between(releases, change))
            say(f"{change.feature}, {change.call}: {left} releases between {change.upper} and {change.lower}")
            ends, wrong = await _ends(change, witness)
            if wrong:
                found.append(Bisected(change, change.after.start))
            else:
                found.append(await search(releases, change, _teller(change, witness)))
            found[-1].ends, found[-1].wrong = ends, wrong
    return found


def _asked(wanted: Sequence[CellChange], release: str) -> set[Where]:
    """The cells of a release that any of the changes needs."""
    around = [change for change in wanted if key(change.upper) <= key(release) <= key(change.lower)]
    return {where for change in around for where in places(change)}


async def _ends(change: CellChange, witness: _Witness) -> tuple[dict[str, str], dict[str, list[Difference[Where]]]]:
    """How the two measured releases behave, and which of their cells are not as the data has them."""
    ends: dict[str, str] = {}
    wrong: dict[str, list[Difference[Where]]] = {}
    for release, was in ((change.upper, change.before), (change.lower, change.after)):
        seen = await witness.seen(release)
        ends[release] = _like(change, seen)
        differing = [
            Difference(where, outcome_of(was, where), seen[where].outcome, seen[where].message)
            for where in places(change)
            if seen and seen[where].outcome != outcome_of(was, where)
        ]
        if differing:
            wrong[release] = differing
    return ends, wrong


def _teller(change: CellChange, witness: _Witness) -> Tell:
    async def newer(release: str) -> bool | None:
        like = _like(change, await witness.seen(release))
        # A release in the middle that is like neither counts as older: the newer behaviour is not there yet.
        return None if like == UNKNOWN else like == "newer"

    return newer


def _like(change: CellChange, seen: Observations | None) -> str:
    """Which range a release behaves like: `older`, `newer`, `neither`, or why none is known."""
    if seen is None:
        return UNKNOWN
    for name, cell in (("older", change.before), ("newer", change.after)):
        if all(seen[where].outcome == outcome_of(cell, where) for where in places(change)):
            return name
    return "neither"


def places(change: CellChange) -> list[Where]:
    """The cells in which the two ranges differ."""
    of = (Where(change.feature, change.call, era, pair) for era in ERAS for pair in FLAG_PAIRS)
    return [where for where in of if outcome_of(change.before, where) != outcome_of(change.after, where)]


def apply(file: CapabilityFile, found: Sequence[Bisected]) -> CapabilityFile:
    """The file with the releases in it: as the limits of the ranges and as `changed`.

    The reason that a person wrote stays; where there is none, the outcomes are it. A change with a wrong end is left
    as it is: its release has to be measured again.
    """
    for bisected in found:
        change = bisected.change
        if bisected.wrong:
            continue
        cells = [cell for cell in file.cells if (cell["feature"], cell["call"]) == (change.feature, change.call)]
        for cell in cells:
            if cell["releases"]["before"] == change.before.before:
                cell["releases"]["before"] = bisected.release
                if cell.get("changed"):
                    cell["changed"]["in"] = bisected.release
            elif cell["releases"]["from"] == change.after.start:
                cell["releases"]["from"] = bisected.release
    return file
