"""Finds the smallest change of facts that makes an option the decision, by search."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from advisor.decision.change_lists import Move, smallest
from advisor.decision.changes import Changes, FactOption
from advisor.decision.comparison import WinningChange
from advisor.decision.core import CORE_FACTS, Core, Flags, core_of
from advisor.engine.goals import Goals
from advisor.engine.network import Network, Row
from advisor.engine.revisions import Combiner, Revision
from advisor.engine.rules import Value
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import NEEDS

WinTarget: TypeAlias = "tuple[str, str, Flags | None]"
"""The pattern, the substitute and the flags of an option. Tiers have None, because each tier has its own flags."""

_CIRCUMSTANCE = 4
"""The effort of a change that no team makes: the deployment or its tools are then different."""

_GROWN = "many"
"""The value of the facts that count instances or workers, of which a larger number is no advice."""


TARGET_FACTS = ("pattern", "substitute", *Flags._fields)
"""The facts of a target."""


def target_of(core: Core) -> WinTarget:
    """Return the target that a decision reaches."""
    return core.pattern, core.substitute, None if core.pattern == "tiered" else core.flags


def _facts_of(target: WinTarget) -> dict[str, Value]:
    pattern, substitute, flags = target
    return {"pattern": pattern, "substitute": substitute, **(flags._asdict() if flags else {})}


class Wins:
    """Searches changes that make an option the decision."""

    def __init__(self, changes: Changes, network: Network, space: FactSpace) -> None:
        """Create a search over the values that `changes` proposes."""
        self._changes = changes
        self._network = network
        self._space = space
        self._goals = Goals(network, TARGET_FACTS)

    def single(
        self, facts: Mapping[str, Any], wanted: Collection[WinTarget]
    ) -> dict[WinTarget, Iterator[WinningChange]]:
        """Return the changes of a single fact for each target that they reach, the smallest first."""
        revised, now = dict(facts), core_of(facts)
        found: list[tuple[Move, Core]] = []
        for option in self._changes.options(facts):
            for move in option.moves:
                old = self._revise(revised, option, move)
                core = core_of(revised)
                revised.update(old)
                if core != now:
                    found.append((move, core))
                    break
        return self._smallest(smallest(found), wanted, facts)

    def pairs(
        self, facts: Mapping[str, Any], wanted: Collection[WinTarget]
    ) -> dict[WinTarget, Iterator[WinningChange]]:
        """Return the changes of two facts for each wanted target, the smallest first."""
        return self._smallest(self._pairs(facts, wanted), wanted, facts) if wanted else {}

    def _smallest(
        self, found: Iterable[tuple[Move, Core]], wanted: Collection[WinTarget], facts: Mapping[str, Any]
    ) -> dict[WinTarget, Iterator[WinningChange]]:
        by_target: dict[WinTarget, list[tuple[Move, Core]]] = {}
        for move, core in found:
            if (target := target_of(core)) in wanted:
                by_target.setdefault(target, []).append((move, core))
        return {target: self._in_order(moves, facts) for target, moves in by_target.items()}

    def _in_order(self, moves: list[tuple[Move, Core]], facts: Mapping[str, Any]) -> Iterator[WinningChange]:
        """Yield changes, the smallest first. Most callers need only the first change."""
        for move, core in sorted(moves, key=lambda at: self._size(at[0], facts)):
            yield self._told(move, core, facts)

    def _pairs(self, facts: Mapping[str, Any], wanted: Collection[WinTarget]) -> Iterator[tuple[Move, Core]]:
        """Yield the pairs of changes that reach a wanted target. `Combiner` and `Goals` save most decisions."""
        options = [*self._changes.options(facts)]
        combiner = Combiner(self._network, CORE_FACTS, facts)
        search = self._goals.search(map(_facts_of, wanted))
        now = self._goals.conditions(facts)
        changes = [self._changes.consequences(option.moves[0], facts) for option in options]
        alone = [self._alone(*each, facts, combiner) for each in zip(options, changes, strict=True)]
        known = [self._goals.conditions(revision.facts, revision.values) for revision in alone]
        plain = [not self._changes.has_consequences(option.moves[0]) for option in options]
        cores: dict[Row, Core | None] = {}
        for index, (option, first) in enumerate(zip(options, alone, strict=True)):
            move = option.moves[0]
            after = now.then(known[index])
            apart = not self._changes.affects_consequences(first.values)
            for later in range(index + 1, len(options)):
                other, second = options[later], alone[later]
                if other.name in move:
                    continue
                there = changes[later]
                if not (plain[later] or (apart and len(other.moves[0]) == 1)):
                    there = self._changes.consequences(other.moves[0], first.facts)
                if there == changes[later]:
                    pending = first.reading & second.reading
                    if pending and not search.reachable(after, known[later], pending):
                        continue
                    row = combiner.combined(first, second)
                else:  # What follows from the second change depends on the first change.
                    revised = dict(first.facts)
                    self._network.revise(revised, there, self._changes.plan_of(other.name, other.moves[0]))
                    row = combiner.row_of(revised)
                if row not in cores:
                    core = core_of(dict(zip(CORE_FACTS, row, strict=True)))
                    cores[row] = core if target_of(core) in wanted else None
                if reached := cores[row]:
                    yield {**move, **other.moves[0]}, reached

    def _alone(
        self, option: FactOption, changes: Mapping[str, Any], facts: Mapping[str, Any], combiner: Combiner
    ) -> Revision:
        """Return what the smallest change of an option, with everything that follows from it, does to the facts."""
        revised = dict(facts)
        old = self._network.revise(revised, changes, self._changes.plan_of(option.name, option.moves[0]))
        return combiner.revision(revised, old)

    def _revise(self, facts: dict[str, Any], option: FactOption, move: Move) -> dict[str, Any]:
        consequences = self._changes.consequences(move, facts)
        return self._network.revise(facts, consequences, self._changes.plan_of(option.name, move))

    def _size(self, move: Move, facts: Mapping[str, Any]) -> tuple[int, int, int]:
        """Return the size of a change: the dropped needs, the changes that no team makes, and the effort."""
        efforts = [self._effort(name, value, facts) for name, value in move.items()]
        dropped = sum(_is_dropped(name, value, facts) for name, value in move.items())
        return dropped, efforts.count(None), sum(_CIRCUMSTANCE if effort is None else effort for effort in efforts)

    def _effort(self, name: str, value: Value, facts: Mapping[str, Any]) -> int | None:
        """Return the effort of a change that a team can make; None for another change."""
        change = self._changes.change(name, facts[name], value)
        if change is None or value == _GROWN or (name.startswith("needs.") and not _is_dropped(name, value, facts)):
            return None
        return change.effort

    def _told(self, move: Move, core: Core, facts: Mapping[str, Any]) -> WinningChange:
        raw = {name: self._space.typical(name, value) for name, value in move.items()}
        *_, effort = self._size(move, facts)
        made = {name: value for name, value in move.items() if self._effort(name, value, facts) is not None}
        how = " ".join(step.how for step in self._changes.steps(made, facts, core))
        return WinningChange(raw, effort if made.keys() == move.keys() else None, how)


def _is_dropped(name: str, value: Value, facts: Mapping[str, Any]) -> bool:
    return name.startswith("needs.") and NEEDS.index(value) < NEEDS.index(facts[name])
