"""`capabilities bisect`: what is looked for, and how few releases it takes to find it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.errors import UsageError
from advisor.knowledge import Knowledge
from advisor.knowledge.paths import rules_dir
from advisor.knowledge.versions import key
from advisor.lab import capability_yaml
from advisor.lab.bisection import Change, Found, apply, between, changes, search


def change_of(knowledge: Knowledge, upper: str, lower: str) -> Change:
    """Some change, as if it lay between these releases."""
    some = changes(knowledge.capabilities, "mcp", "progress")[0]
    return Change("mcp", some.feature, some.call, upper, lower, some.before, some.after)


def test_a_change_is_two_ranges_that_meet(knowledge: Knowledge) -> None:
    found = changes(knowledge.capabilities, "mcp", "progress/ctx.report_progress")
    assert ("1.28.1", "1.29.0") in [(one.upper, one.lower) for one in found]
    assert all(one.before.before == one.after.start for one in found)
    assert all(key(one.upper) < key(one.after.start) <= key(one.lower) for one in found)
    whole = changes(knowledge.capabilities, "mcp")
    assert {one.feature for one in whole} > {"progress"}
    assert [key(one.lower) for one in whole] == sorted(key(one.lower) for one in whole)


def test_of_what_nothing_is_known_nothing_is_bisected(knowledge: Knowledge) -> None:
    with pytest.raises(UsageError, match=r"Nothing is known of 'requests'\. Packages: "):
        changes(knowledge.capabilities, "requests")


@given(count=st.integers(1, 60), where=st.integers(0, 60), gaps=st.sets(st.integers(0, 59)))
def test_the_first_release_of_the_new_behaviour_is_found(
    knowledge: Knowledge, count: int, where: int, gaps: set[int]
) -> None:
    """`where` releases behave as before; those in `gaps` cannot be measured."""
    releases = [f"1.{number}.0" for number in range(count + 2)]
    inside, changed = releases[1:-1], min(where, count)
    tried: list[str] = []

    async def newer(release: str) -> bool | None:
        tried.append(release)
        place = inside.index(release)
        return None if place in gaps else place >= changed

    change = change_of(knowledge, releases[0], releases[-1])
    assert between(releases, change) == inside
    found = asyncio.run(search(releases, change, newer))
    measurable = [one for place, one in enumerate(inside) if place >= changed and place not in gaps]
    assert found.release == (measurable[0] if measurable else releases[-1])
    assert len(tried) == len(set(tried)) == len(found.measured)
    assert len(tried) <= count.bit_length() + len(gaps)


def test_what_was_found_becomes_the_limit(knowledge: Knowledge) -> None:
    text = (rules_dir() / "capabilities" / "mcp.yaml").read_text(encoding="utf-8")
    file = capability_yaml.read(text)
    change = next(one for one in changes(knowledge.capabilities, "mcp", "progress") if one.lower == "1.29.0")
    apply(file, [Found(change, "1.28.5")])
    cells = {cell["releases"]["from"]: cell for cell in file.cells if cell["call"] == "ctx.report_progress"}
    assert "1.29.0" not in cells
    assert cells["1.28.5"]["observed_on"][0] == "1.29.0"
    before = next(cell for cell in cells.values() if cell["releases"]["before"] == "1.28.5")
    assert before["changed"]["in"] == "1.28.5"
    assert capability_yaml.write(file) != text
    apply(file, [])
    apply(again := capability_yaml.read(text), [Found(change, change.after.start)])
    assert capability_yaml.write(again) == text
