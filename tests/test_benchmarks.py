"""The inputs and the figures of the benchmarks: drawn requirements, and the lines of a kit."""

from __future__ import annotations

from advisor.decision.advisor import Advisor
from advisor.requirements.reader import SourceDocument
from advisor.requirements.validate import validate
from benchmarks.kit_lines import BEFORE, counted
from benchmarks.requirements import draw


def test_drawn_requirements_are_valid_and_differ(advisor: Advisor) -> None:
    drawn = [validate(SourceDocument("drawn", data, {}), advisor.space) for data in draw(advisor, 40)]
    assert len({advisor.core(requirements) for requirements in drawn}) > 3
    assert all(len(requirements.stated) > 20 for requirements in drawn)


def test_what_the_user_changes_in_a_kit_is_shorter_than_before(advisor: Advisor) -> None:
    for example, before in BEFORE.items():
        now = counted(advisor, example)
        assert now.tools + now.server < before.server, example
        assert now.server <= 60 or now.runtime == 0, example  # the glue; a server in a single file has no other part
