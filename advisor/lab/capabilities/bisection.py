"""`capabilities bisect`: finds the release in which a cell changed that differs between two measured releases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from advisor.errors import LabError, UsageError
from advisor.knowledge.capabilities import Capabilities, CapabilityCell
from advisor.knowledge.types import ERAS, FLAG_PAIRS
from advisor.knowledge.versions import key
from advisor.lab.capabilities.comparison import Difference, near, outcome_of
from advisor.lab.capabilities.matrix import CellKey, ReleaseServers
from advisor.lab.capabilities.yaml_file import CapabilityFile
from advisor.lab.probes.observation import ProbeResult
from advisor.lab.process import package_index
from advisor.lab.process.run import Run
from advisor.lab.process.sdk_under_test import Say, sdk_under_test
from advisor.requirements.text import suggestion
from advisor.sentences import amount

UNKNOWN = "cannot be measured"
"""The result for a release that cannot be installed or started."""


@dataclass(frozen=True, slots=True)
class CellChange:
    """Two successive ranges of releases with different outcomes.

    Attributes:
        package: the distribution.
        feature: the feature.
        call: the API that server code uses for the feature.
        upper: the newest measured release of the older range.
        lower: the oldest measured release of the newer range.
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
    """The release in which a cell changed.

    Attributes:
        change: the two ranges of releases between which the cell changed.
        release: the first release that behaves like the newer range. If `wrong` is not empty: the release in the stored
            data.
        measured: the result for each release between the two ends: `older`, `newer` or `UNKNOWN`.
        ends: the result for the two ends: `older`, `newer`, `neither` or `UNKNOWN`.
        wrong: the cells of the two ends that differ from the stored data, by release. If there are any, no release
            between the ends is measured.
    """

    change: CellChange
    release: str
    measured: dict[str, str] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, list[Difference[CellKey]]] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether the stored data has the correct outcomes for both ends and the correct release of the change."""
        return not self.wrong and self.release == self.change.after.start


CellResults = dict[CellKey, ProbeResult]
Tell = Callable[[str], Awaitable[bool | None]]
"""Tells whether a release behaves like the newer range; None if the release cannot be measured."""


class _Witness:
    """Measures releases of a package on demand and remembers the results."""

    def __init__(
        self,
        run: Run,
        package: str,
        wanted: Callable[[str], set[CellKey]],
        known: Sequence[Capabilities],
        say: Say,
        *,
        deadline_s: float,
    ) -> None:
        """Measure nothing yet.

        Args:
            run: owns environments and servers.
            package: the distribution.
            wanted: returns the cells of a release that the search needs.
            known: the stored data; cells that differ from it are measured twice.
            say: prints each step.
            deadline_s: seconds; an answer that takes longer is a `hang`.
        """
        self._run = run
        self._package = package
        self._wanted = wanted
        self._known = known
        self._say = say
        self._deadline_s = deadline_s
        self._seen: dict[str, CellResults | None] = {}

    async def seen(self, release: str) -> CellResults | None:
        """The observations of the wanted cells of a release; None if the release cannot be measured."""
        if release not in self._seen:
            self._seen[release] = await self._measured(release)
        return self._seen[release]

    async def _measured(self, release: str) -> CellResults | None:
        wanted = self._wanted(release)
        pairs = [pair for pair in FLAG_PAIRS if any(where.pair == pair for where in wanted)]
        try:
            under_test = await sdk_under_test(self._run, f"{self._package}=={release}", self._say)
            stand = await ReleaseServers.start(self._run, under_test, self._deadline_s, self._say, pairs)
        except (LabError, UsageError) as error:
            self._say(f"{self._package}=={release}: skipped: {error}")
            return None
        cells = await stand.cells(lambda where: near(self._known, under_test, where), wanted.__contains__)
        await stand.stop()
        return {where: seen.observation for where, seen in cells.items()}


def changes(known: Sequence[Capabilities], package: str, wanted: str = "") -> list[CellChange]:
    """All changes in the stored data of a package, oldest first.

    Args:
        known: the stored data.
        package: the distribution.
        wanted: a feature or FEATURE/CALL; "" selects all changes.

    Raises:
        UsageError: there is no stored data for the package.
    """
    cells = [cell for package_data in known if package_data.package == package for cell in package_data.cells]
    if not cells:
        packages = [package_data.package for package_data in known]
        hint = suggestion(package, packages, "Packages")
        raise UsageError(f"There is no capability data for {package!r:.80}. {hint}")
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
    """The releases between the two measured releases of a change, ascending."""
    return [release for release in releases if key(change.upper) < key(release) < key(change.lower)]


async def search(releases: Sequence[str], change: CellChange, newer: Tell) -> Bisected:
    """Find the release of a change by binary search.

    Args:
        releases: all releases in the package index, ascending.
        change: the change to find.
        newer: measures a release; releases that cannot be measured are skipped.
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
    """Find the release of each change. If an end of a change differs from the stored data, the search is not done.

    Args:
        wanted: changes of a package.
        known: the stored data; cells that differ from it are measured twice.
        say: prints each step.
        deadline_s: seconds; an answer that takes longer is a `hang`.
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
            say(f"{change.feature}, {change.call}: {amount(left, 'release')} between {change.upper} and {change.lower}")
            ends, wrong = await _ends(change, witness)
            if wrong:
                found.append(Bisected(change, change.after.start))
            else:
                found.append(await search(releases, change, _teller(change, witness)))
            found[-1].ends, found[-1].wrong = ends, wrong
    return found


def _asked(wanted: Sequence[CellChange], release: str) -> set[CellKey]:
    """The cells of a release that the search for the changes needs."""
    around = [change for change in wanted if key(change.upper) <= key(release) <= key(change.lower)]
    return {where for change in around for where in places(change)}


async def _ends(change: CellChange, witness: _Witness) -> tuple[dict[str, str], dict[str, list[Difference[CellKey]]]]:
    """The results `ends` and `wrong` of `Bisected`."""
    ends: dict[str, str] = {}
    wrong: dict[str, list[Difference[CellKey]]] = {}
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
        # `neither` is treated as older, because the release does not have the newer behaviour yet.
        return None if like == UNKNOWN else like == "newer"

    return newer


def _like(change: CellChange, seen: CellResults | None) -> str:
    """The range that a release behaves like: `older`, `newer` or `neither`; `UNKNOWN` if it cannot be measured."""
    if seen is None:
        return UNKNOWN
    for name, cell in (("older", change.before), ("newer", change.after)):
        if all(seen[where].outcome == outcome_of(cell, where) for where in places(change)):
            return name
    return "neither"


def places(change: CellChange) -> list[CellKey]:
    """The cells in which the two ranges differ."""
    of = (CellKey(change.feature, change.call, era, pair) for era in ERAS for pair in FLAG_PAIRS)
    return [where for where in of if outcome_of(change.before, where) != outcome_of(change.after, where)]


def apply(file: CapabilityFile, found: Sequence[Bisected]) -> CapabilityFile:
    """Write the releases of the changes into a file, as the limits of the ranges and as `changed.in`.

    The reasons in `changed.because` stay. A change with a wrong end is not written, because the release at this end
    must be measured again.
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
