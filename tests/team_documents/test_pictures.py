"""A picture has each client, proxy and tier of the decision, no text leaves its box, and its SVG is well-formed XML."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from subjects import EXAMPLES, has_runbook, renamed, subject_about

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.decision.options import Comparer
from advisor.kit.redis_uses import redis_uses
from advisor.knowledge.types import ERAS
from advisor.requirements import load_bytes, load_path
from advisor.requirements.hops import hops_of
from advisor.team_documents.forms import DocumentForm, document_text
from advisor.team_documents.html import html_page, page_of
from advisor.team_documents.pictures import WIDTH, Box, Picture, topology
from advisor.team_documents.sequences import sequences

WIDEST_LETTER = 8.4
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
        ends = boxes[arrow.source], boxes[arrow.target]
        assert all(box.x < x < box.x + box.width for box, x in zip(ends, (arrow.x, arrow.to_x), strict=True)), arrow
    streams = [arrow for arrow in picture.arrows if arrow.is_stream]
    for arrow in streams:  # Its text has room before the next arrow and before the edge of the boxes.
        end = arrow.x + 6 + len(arrow.text) * WIDEST_LETTER
        assert end < min(box.x + box.width for box in (boxes[arrow.source], boxes[arrow.target])), arrow
        assert not [other for other in picture.arrows if other.y == arrow.y and arrow.x < other.x < end], arrow
    assert bool(picture.note) == bool(streams)
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
    assert looks.count("redis") == bool(redis_uses(decision))
    for box in picture.boxes:
        if box.look == "group":
            assert [text for text in box.texts if text.startswith("answers: ")], box.texts
            assert [text.partition(":")[0] for text in box.texts if text.partition(":")[0] in ERAS] == [
                *(decision.eras or ("legacy",))
            ]
    targets = {arrow.target for arrow in picture.arrows}
    assert {box.id for box in picture.boxes if box.look in ("hop", "group", "redis")} <= targets


SHARED = """
version: 1
service: desk
sdk: {sdk}
scale: {{instances: 3}}
clients: {{protocol: {era}}}
environment: {{platform: kubernetes, proxy: {{kind: nginx}}, auth: {auth}}}
operations: {{shared_store: redis}}
needs: {{{needs}}}
"""


@pytest.mark.parametrize(
    ("sdk", "era", "auth", "needs", "uses"),
    [
        ("mcp-2", "modern", "none", "session_state: required", "Redis: state of tools"),
        ("mcp-2", "modern", "none", "subscriptions: required", "Redis: changes for subscribed clients"),
        (
            "fastmcp-4",
            "modern",
            "oauth-proxy",
            "session_state: required",
            "Redis: state of tools and logins of clients",
        ),
        ("mcp-2", "modern", "none", "progress: required", ""),
    ],
)
def test_redis_is_drawn_for_each_use(advisor: Advisor, sdk: str, era: str, auth: str, needs: str, uses: str) -> None:
    text = SHARED.format(sdk=sdk, era=era, auth=auth, needs=needs)
    picture = topology(advisor.decide(load_bytes(text.encode(), "requirements.yaml", advisor.space)))
    check(picture)
    assert [box.texts[0] for box in picture.boxes if box.look == "redis"] == ([uses] if uses else [])
    assert [arrow.target for arrow in picture.arrows].count("redis") == bool(uses)


def test_streams_of_sessions_go_to_their_owner(advisor: Advisor) -> None:
    for path in EXAMPLES:
        decision = advisor.decide(load_path(path, advisor.space))
        if not decision.feasible:
            continue
        picture = topology(decision)
        groups = [box for box in picture.boxes if box.look == "group"]
        tiers = [(tier.instances, tier.core) for tier in decision.tiers] or [(decision.instances, decision.core)]
        for box, (instances, core) in zip(groups, tiers, strict=True):
            where = "owner of the session" if instances > 1 else "the only instance"
            keeps = "legacy" in decision.eras and not core.flags.stateless_http
            assert (f"GET stream: {where}" in box.texts) == keeps
            listens = "modern" in decision.eras and decision.facts["listen.streams"] != "none"
            where = "any instance" if instances > 1 else "the only instance"
            assert (f"listen stream: {where}" in box.texts) == listens
            upward = {arrow.text for arrow in picture.arrows if arrow.is_stream and arrow.source == box.id}
            assert upward == {*(["GET"] if keeps else []), *(["listen"] if listens else [])}
        downward = [(arrow.source, arrow.target) for arrow in picture.arrows if not arrow.is_stream]
        returned = {(arrow.target, arrow.source) for arrow in picture.arrows if arrow.is_stream}
        assert returned <= {*downward}, "a stream goes back on the way of the requests"
        for era, name in (("legacy", "GET"), ("modern", "listen")):
            ends = [box.texts[0] for box in picture.boxes for arrow in picture.arrows
                    if arrow.text == name and arrow.target == box.id and box.look == "clients"]  # fmt: skip
            starts = any(arrow.text == name and arrow.source == box.id for box in groups for arrow in picture.arrows)
            assert ends == ([f"{era} clients"] if starts else [])
        drawn = [text for box in picture.boxes for text in box.texts if " stream: " in text]
        page = html_page(subject_about(decision, Comparer(advisor), searched=0))
        svg = " ".join(re.findall(r"<text [^>]*>([^<]*)</text>", page))
        assert all(text in svg for text in drawn)
        assert page.count('class="arrow stream"') == len([arrow for arrow in picture.arrows if arrow.is_stream])
        assert ("A dashed line is a stream." in page) == bool(picture.note)
        if has_runbook(decision):
            text = document_text(DocumentForm.RUNBOOK, subject_about(decision, Comparer(advisor), searched=0))
            assert all(stream in text for stream in drawn), "Mermaid draws the same streams as SVG"
            arrows = [
                f'{arrow.target} -. "{arrow.text}" .- {arrow.source}' for arrow in picture.arrows if arrow.is_stream
            ]
            assert all(arrow in text for arrow in arrows)
            assert ("A dashed line is a stream." in text) == bool(picture.note)


def test_the_arrow_of_a_failure_has_a_head_of_its_color(decision: Decision, advisor: Advisor) -> None:
    page = html_page(subject_about(decision, Comparer(advisor), searched=0))
    for text in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        svg = ET.fromstring(text)  # noqa: S314 (a page of our own)
        markers = {str(found.get("id")): found[0].get("class") for found in svg.iter("marker")}
        for arrow in (found for found in svg.iter("path") if found.get("marker-end")):
            head = markers[str(arrow.get("marker-end"))[5:-1]]
            assert head == ("head bad" if "failed" in str(arrow.get("class")) else "head")


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
        subject = subject_about(plain, comparer, searched=0)
        comparison = subject.comparison._replace(decision=renamed(plain, chance))
        for text in re.findall(r"<svg.*?</svg>", page_of(subject._replace(comparison=comparison), None), re.DOTALL):
            svg = ET.fromstring(text)  # noqa: S314 (a page of our own)
            assert {found.tag for found in svg.iter()} == {
                *("svg", "title", "desc", "defs", "marker", "path", "rect", "text")
            }
