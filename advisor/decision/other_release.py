"""An SDK release that changes a decision, if the requirements leave the release open."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from typing import Any, NamedTuple

from advisor.decision.core import Core, Flags


class OtherRelease(NamedTuple):
    """What changes with an SDK release that the requirements leave open.

    Attributes:
        release: the release, such as `mcp==1.30.0`.
        core: the new core.
        tier_flags: if the new pattern is `tiered`, the flags of the stateless tier and of the stateful tier.
        before: for an older range of the same line, the first release after this range; "" for another line.
        changes_core: whether the new core differs.
        loses: the needed features that only this release loses.
        keeps: the needed features that only this release keeps.
        calls: the needed features that work with other calls in the code of the server; only for another line.
        adds: the high-severity warnings that only this release has; only for another line.
        removes: the high-severity warnings that this release does not have; only for another line.
    """

    release: str
    core: Core
    tier_flags: tuple[Flags, ...]
    before: str
    changes_core: bool
    loses: tuple[str, ...]
    keeps: tuple[str, ...]
    calls: tuple[str, ...]
    adds: tuple[str, ...]
    removes: tuple[str, ...]

    @property
    def effect(self) -> tuple[Any, ...]:
        """Everything that changes. Releases with the same effect share a text."""
        return (self.core, self.tier_flags, self.changes_core, *self._named)

    @property
    def differs(self) -> bool:
        """Whether anything changes."""
        return self.changes_core or any(self._named)

    @property
    def _named(self) -> tuple[tuple[str, ...], ...]:
        return (self.loses, self.keeps, self.calls, self.adds, self.removes)
