"""Release numbers and ranges of releases."""

from __future__ import annotations

import pytest

from advisor.errors import KnowledgeError
from advisor.knowledge.versions import Interval, at_least, key

ONE = Interval("1.29.0", "2")


@pytest.mark.parametrize(
    ("version", "inside"),
    [("1.29", True), ("1.29.0.1", True), ("1.100", True), ("1.28.9", False), ("2.0.0", False), ("2.0.0b1", False)],
)
def test_a_range_includes_its_start_and_excludes_its_end(version: str, inside: bool) -> None:
    assert ONE.holds(version) is inside


def test_adjacent_ranges_share_no_release() -> None:
    assert ONE.first_shared(Interval("2.0", "3")) == ""
    assert ONE.first_shared(Interval("1.30", "3")) == Interval("1.30", "3").first_shared(ONE) == "1.30"


def test_a_range_covers_the_ranges_inside_it() -> None:
    assert ONE.covers(ONE)
    assert ONE.covers(Interval("1.30", "1.31"))
    assert not ONE.covers(Interval("1.30", "2.1"))
    assert not ONE.covers(Interval("1.28", "1.30"))


def test_text_that_is_not_a_release_is_never_new_enough() -> None:
    assert at_least("1.30.0", "1.30")
    assert not at_least("", "1.30")
    with pytest.raises(KnowledgeError, match="not a release number"):
        key("latest")
