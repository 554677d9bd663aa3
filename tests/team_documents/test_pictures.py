"""A picture has each client, proxy and tier of the decision, no text leaves its box, and its SVG is well-formed XML."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from subjects import EXAMPLES, hostile, subject_about

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.decision.options import Comparer
from advisor.requirements import load_path
from advisor.requirements.hops import hops_of
from advisor.team_documents.html import html_page
from advisor.team_documents.pictures import WIDTH, Box, Picture, sequences, topology

WIDEST_LETTER = 8
"""Units of an average letter in the font of the drawings, with some room."""


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.stem)
def decision(request: pytest.FixtureRequest, advisor: Advisor) -> Decision:
    path: Path = request.param
    return advisor.decide(load_path(path, advisor.space))


def overlap(first: Box, other: Box) -> bool:
    return not (
        first.x + first.width <= other.x
        or other.x + other.width <= first.x
        or first.bottom <= other.y
        or other.bottom <= first.y
    )


def check(picture: Picture) -> None:
    boxes = {box.id: box for box in picture.boxes}
    assert len(boxes) == len(picture.boxes)
    for box in picture.boxes:
        assert 0 < box.x < box.x + box.width < WIDTH
        assert 0 < box.y < box.bottom <= picture.height
        assert all(len(line) * WIDEST_LETTER <= box.width for line in box.lines), box
        outer = boxes.get(box.inside)
        assert outer is None or (outer.x < box.x and box.bottom < outer.bottom)
    for first, second in itertools.combinations(picture.boxes, 2):
        assert overlap(first, second) == (second.inside == first.id), (first, second)
    for arrow in picture.arrows:
        assert boxes[arrow.source] != boxes[arrow.target]
        assert 0 < arrow.x < WIDTH
        assert 0 < arrow.to_y < picture.height
    assert picture.title
    assert picture.means.endswith(".")


def test_a_topology_has_every_part_of_the_deployment(decision: Decision) -> None:
    if not decision.feasible:
        return
    picture = topology(decision)
    check(picture)
    looks = [box.look for box in picture.boxes]
    assert looks.count("clients") == max(1, len(decision.eras))
    assert looks.count("hop") == len([hop for hop in hops_of(decision.requirements.values) if hop.kind != "none"])
    assert looks.count("group") == max(1, len(decision.tiers))
    assert looks.count("redis") == (decision.core.pattern == "shared-state")
    targets = {arrow.target for arrow in picture.arrows}
    assert {box.id for box in picture.boxes if box.look in ("hop", "group", "redis")} <= targets


def test_a_sequence_ends_with_an_answer_for_the_client(decision: Decision) -> None:
    found = sequences(decision)
    assert bool(found) == decision.feasible
    for picture in found:
        check(picture)
        first, last = picture.arrows[0], picture.arrows[-1]
        assert first.source == last.target == "client"
        assert last.failed == (picture.id == "before")
        times = [arrow.y for arrow in picture.arrows]
        assert times == sorted(set(times))


def test_drawings_are_well_formed_and_have_a_title(decision: Decision, advisor: Advisor) -> None:
    page = html_page(subject_about(decision, Comparer(advisor), searched=0))
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert bool(drawings) == decision.feasible
    for text in drawings:
        svg = ET.fromstring(text)  # noqa: S314 (a page of our own)
        assert svg.get("role") == "img"
        labels = str(svg.get("aria-labelledby")).split()
        assert [svg[0].get("id"), svg[1].get("id")] == labels
        assert [svg[0].tag, svg[1].tag] == ["title", "desc"]
        assert svg[0].text
        assert svg[1].text


def test_hostile_names_of_tools_stay_texts_in_drawings(advisor: Advisor) -> None:
    chance = random.Random(19)
    path = next(path for path in EXAMPLES if path.stem == "customer-service-agent")
    plain = advisor.decide(load_path(path, advisor.space))
    comparer = Comparer(advisor)
    for _ in range(40):
        tools = tuple(hostile(chance) for _ in range(3))
        tiers = tuple(tier._replace(tools=tools) for tier in plain.tiers)
        subject = subject_about(plain, comparer, searched=0)
        comparison = subject.comparison._replace(decision=plain._replace(tiers=tiers))
        for text in re.findall(r"<svg.*?</svg>", html_page(subject._replace(comparison=comparison)), re.DOTALL):
            svg = ET.fromstring(text)  # noqa: S314 (a page of our own)
            assert {found.tag for found in svg.iter()} == {
                *("svg", "title", "desc", "defs", "marker", "path", "rect", "text")
            }
