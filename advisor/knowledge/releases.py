"""The releases of the SDKs as a finite domain: a value for each range in which no capability cell changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from advisor.knowledge.capabilities import Capabilities, SdkLine
from advisor.knowledge.versions import Interval, at_least, key


@dataclass(frozen=True, slots=True)
class Release(Interval):
    """A range of releases of a package that behave alike.

    Attributes:
        id: the range as a requirement specifier, for example `mcp>=1.29.0,<2.0.0`.
        package: the distribution on PyPI.
        newest: the newest release of the range that was observed; what stands for the range.
        line: the line (major) that it belongs to.
    """

    id: str
    package: str
    newest: str
    line: SdkLine

    @property
    def exact(self) -> str:
        """The newest observed release as the requirements file names it, for example `mcp==1.30.0`."""
        return f"{self.package}=={self.newest}"

    @property
    def has_kit(self) -> bool:
        """Whether generated servers run on it."""
        return not self.line.kit_from or at_least(self.newest, self.line.kit_from)


def release_ranges(capabilities: list[Capabilities]) -> list[Release]:
    """Every range, packages in file order, releases ascending."""
    return [release for package in capabilities for release in _of_package(package)]


def _of_package(package: Capabilities) -> Iterator[Release]:
    bounds = {text for cell in package.cells for text in (cell.start, cell.before)}
    bounds |= {text for line in package.lines for text in (line.start, line.before)}
    observed = {text for cell in package.cells for text in cell.observed_on} | {line.newest for line in package.lines}
    for start, before in pairwise(sorted(bounds, key=key)):
        here = Interval(start, before)
        for line in package.lines:
            if line.covers(here):
                newest = max(filter(here.holds, observed), key=key, default=start)
                name = f"{package.package}>={start},<{before}"
                yield Release(start, before, name, package.package, newest, line)


def find_release(text: str, ranges: list[Release]) -> Release | None:
    """The range that a line (`mcp-2`) or an exact release (`mcp==1.28.1`) names, or None."""
    of_line = [release for release in ranges if release.line.id == text]
    if of_line:
        return next(release for release in of_line if release.holds(release.line.newest))
    package, _, version = text.partition("==")
    return next((release for release in ranges if release.package == package and release.holds(version)), None)
