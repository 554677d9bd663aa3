"""What other releases of the SDK change, for requirements that do not state the release.

Such requirements name an SDK line, or no SDK. The decision then uses the newest measured release of the line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from advisor.decision.core import Core, Flags
from advisor.decision.model import Decision, FeatureRow
from advisor.decision.other_release import OtherRelease
from advisor.decision.unsure import Settled
from advisor.findings import Finding
from advisor.knowledge.releases import Release
from advisor.knowledge.space import FactSpace
from advisor.requirements.completion import changed
from advisor.requirements.model import Requirements


def other_releases(
    stated: Requirements,
    decision: Decision,
    settled: Callable[[Requirements], Settled],
    with_tier_flags: Callable[[Core, Requirements], tuple[Core, tuple[Flags, ...]]],
    warned: Callable[[Settled], Iterable[Finding]],
    space: FactSpace,
) -> tuple[OtherRelease, ...]:
    """Return the releases that change the decision, those of another SDK line first, then from new to old.

    Of neighbouring ranges with the same effect, only the newest is returned. Warnings are compared for another line
    only, because the warnings of old releases are shown when the requirements name such a release.

    Args:
        stated: the requirements as the file states them.
        decision: the decision for these requirements.
        settled: decides about requirements.
        with_tier_flags: returns the core of a decision as reports show it, and the flags of its tiers.
        warned: returns the warnings of a decision.
        space: the known releases.
    """
    found: list[OtherRelease] = []
    lost_now = _lost(decision)
    urgent_now = _urgent(decision.warnings)
    for release in _open(stated, decision.release, space):
        then = settled(changed(stated, {"sdk": release.exact}, space))
        core, tier_flags = with_tier_flags(then.core, then.requirements)
        lost = {row.feature for row in then.features if row.lost} if core.feasible else set()
        further = release.line != decision.release.line
        urgent_then = _urgent(warned(then)) if further and core.feasible and decision.feasible else urgent_now
        other = OtherRelease(
            release.exact,
            core,
            tier_flags,
            "" if further else release.before,
            core != decision.core,
            tuple(sorted(lost - lost_now)),
            tuple(sorted(lost_now - lost)) if core.feasible else (),
            _other_calls(decision.features, then.features) if further and core.feasible else (),
            tuple(sorted(urgent_then - urgent_now)),
            tuple(sorted(urgent_now - urgent_then)),
        )
        alike = found and found[-1].effect == other.effect and not further
        if other.differs and not alike:
            found.append(other)
    return tuple(found)


def _other_calls(now: Sequence[FeatureRow], then: Sequence[FeatureRow]) -> tuple[str, ...]:
    """Return the needed features that work for an era with both releases, but with different calls."""
    pairs = (
        (row.feature, cell.call, other.call)
        for row, after in zip(now, then, strict=True)
        for (_, cell), (_, other) in zip(row.cells, after.cells, strict=True)
        if row.need != "none" and cell.named and other.named and cell.outcome == other.outcome == "works"
    )
    return tuple(dict.fromkeys(feature for feature, call, other in pairs if call != other))


def _urgent(warnings: Iterable[Finding]) -> set[str]:
    return {warning.id for warning in warnings if warning.severity == "high"}


def _lost(decision: Decision) -> set[str]:
    return {row.feature for row in decision.features if row.lost} if decision.feasible else set()


def _open(stated: Requirements, used: Release, space: FactSpace) -> Iterator[Release]:
    """Yield the newest release of each other line that the file leaves open, then the older ranges of the line."""
    asked = str(stated["sdk"])
    if used.kind != "python" or "==" in asked:
        return
    ranges = [release for release in reversed(space.measured.values()) if release.package == used.package]
    if "sdk" not in stated.given:
        seen = {used.line.id}
        for release in ranges:
            if release.line.id not in seen:
                seen.add(release.line.id)
                yield release
    yield from (release for release in ranges if release.line == used.line and release != used)
