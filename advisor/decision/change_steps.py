"""Says how to make a change of the requirements: a title and a description for each changed fact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from advisor.decision.connections import added_program
from advisor.decision.core import Core
from advisor.decision.losses import instead_of
from advisor.engine.rules import Value
from advisor.engine.table import show
from advisor.knowledge.facts import FactChange
from advisor.knowledge.space import FactSpace
from advisor.sentences import counted, inside, listed

KIND = "environment.proxy.kind"

_ROOM = 75
"""A title names the changes that fit into so many columns, and says how many changes follow."""


class ChangeStep(NamedTuple):
    """How to change a fact.

    Attributes:
        title: what to do, in a few words.
        how: how to do it, in sentences.
    """

    title: str
    how: str


def step(
    name: str, value: Value, change: FactChange, place: tuple[str, str, str], core: Core | None, space: FactSpace
) -> ChangeStep:
    """Return how to change a fact.

    Args:
        name: the fact.
        value: the new value.
        change: the description of the change.
        place: the last proxy before and after the change of all facts, and the platform after it.
        core: the new decision, on which the advice for a feature depends, or None.
        space: the known facts.
    """
    knowledge, (before, kind, platform) = space.knowledge, place
    feature, proxies = knowledge.features.get(name.removeprefix("needs.")), knowledge.proxies
    stateless = core is None or core.flags.stateless_http
    several = core is None or core.pattern != "single-instance"
    instead = instead_of(feature, stateless=stateless, direct_llm=False, several=several) if feature else None
    if name == KIND and before not in ("none", "other"):
        names = {"old": proxies[before].name, "new": proxies[str(value)].name}
        phrase = "change.no-proxy" if value == "none" else "change.proxy"
        title, how = (knowledge.phrases[f"{phrase}{part}"].format(**names) for part in (".title", ""))
        return ChangeStep(title, how)
    if core and change.added and kind != "none":
        tiered = core.pattern == "tiered"
        program = added_program(kind, core.mechanism, knowledge, platform=platform, tiered=tiered)
        if program:
            names = {"program": proxies[program].name, "proxy": proxies[kind].name}
            return ChangeStep(change.added_title.format(**names), change.added.format(**names))
    words = {
        "value": show(space.typical(name, value)),
        "feature": feature.title.lower() if feature else "",
        "instead": instead or "",
    }
    how = change.how.format(**words).strip()
    setting = getattr(proxies[kind], change.setting) if change.setting else ""
    if setting:
        setting = knowledge.phrases[f"setting.{change.setting}"].format(name=proxies[kind].name, setting=setting)
    return ChangeStep(change.title.format(**words), f"{how} {setting}".strip())


def fix_titles(fixes: Iterable[Sequence[str]], phrases: Mapping[str, str]) -> list[str]:
    """Return a title for each fix: first the changes that the fewest fixes have, then the number of further changes.

    Args:
        fixes: the titles of the changes of each fix. No two fixes have the same changes.
        phrases: the phrases of the rules, by id.
    """
    every = [list(fix) for fix in fixes]
    counts = Counter(change for fix in every for change in fix)
    ordered = [sorted(fix, key=counts.__getitem__) for fix in every]
    titles = [_title(fix, _ROOM, phrases) for fix in ordered]
    return [
        title if titles.count(title) == 1 else _title(fix, None, phrases)
        for title, fix in zip(titles, ordered, strict=True)
    ]


def _title(changes: Sequence[str], room: int | None, phrases: Mapping[str, str]) -> str:
    """Return the first changes that fit into `room` columns (at least the first), and the number of further changes."""
    title = ""
    for named in range(len(changes), 0, -1):
        more = len(changes) - named
        further = [counted(phrases, "change.and-more", more)]
        first, *others = [*changes[:named], *further[: bool(more)]]
        title = listed([first, *map(inside, others)])
        if room is None or len(title) <= room:
            break
    return title
