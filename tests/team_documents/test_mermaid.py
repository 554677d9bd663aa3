"""Each release of Mermaid reads the blocks of all examples, and shows each text of a user as this text.

GitHub draws the blocks with Mermaid 11.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import node_project
import pytest
from node_project import NodeProject
from subjects import EXAMPLES, hostile, subject_about, subject_of

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.decision.options import Comparer
from advisor.knowledge.paths import templates_dir
from advisor.knowledge.template_cache import TemplateBytecodeCache
from advisor.report.markdown import one_line
from advisor.requirements import load_path
from advisor.sections.mermaid import label
from advisor.team_documents.adr import adr_markdown
from advisor.team_documents.decision_path import drawn_steps, path_nodes
from advisor.team_documents.one_page import one_page_markdown
from advisor.team_documents.pictures import Arrow, Box, Picture, topology
from advisor.team_documents.runbook import runbook_markdown
from advisor.team_documents.sequences import sequences
from advisor.templating import environment

_WORDS = (
    *("end", "style", "classDef", "subgraph", "click", "participant", "as", "wrap:", "nowrap:", "accTitle:", "title"),
    *("%%", "%%{init: {}}%%", "#quot;", "#35;", "ﬂ°°60¶ß", "ß", "`b`", "fa:fa-user", ":fa-x", "$$x$$", ":::a", ": "),
    *("-->", "->>", "~~~", "@{", "\\n", "<br>", "<br/>", "</div>", "1.", "12) ", "+ ", "- ", "* ", "__a__", "_b_"),
    *("style a:b #1;", '"]', ")", "| x", ";", "fill:#f00;", "javascript:", "end\nend", "'", "=", "?", "!"),
)
HOSTILE, PER_BLOCK = 10_000, 50
WIDEST = 1_000
"""Pixels. GitHub makes a wider block so small that its text is hard to read."""


def text_of(chance: random.Random) -> str:
    """A text that no drawing expects."""
    return "".join(chance.choice((hostile(chance), chance.choice(_WORDS))) for _ in range(chance.randint(1, 3)))


def shown(text: str) -> str:
    """The text that a reader sees, without the invisible joiner."""
    return " ".join(text.replace("\u2060", "").split())


def drawing(picture: Picture) -> str:
    made = environment(templates_dir() / "documents", bytecode_cache=TemplateBytecodeCache(), label=label)
    block = str(made.get_template("picture.mermaid.j2").module.drawing(picture))  # type: ignore[attr-defined]
    return blocks_of(block)[0]


def blocks_of(markdown: str) -> list[str]:
    return re.findall(r"^```mermaid\n(.*?)\n```$", markdown, re.MULTILINE | re.DOTALL)


def _box(name: str, texts: tuple[str, ...], look: Any, inside: str = "") -> Box:
    return Box(name, 0, 0, 0, 0, texts, texts, look, inside)


def topology_of(texts: Iterator[str]) -> Picture:
    boxes = [
        _box("clients0", (next(texts),), "clients"),
        _box("hop0", (next(texts),), "hop"),
        _box("group0", (next(texts), next(texts), next(texts)), "group"),
        *(_box(f"instance0x{number}", (next(texts),), "instance", "group0") for number in range(PER_BLOCK - 8)),
        _box("redis", (next(texts),), "redis"),
    ]
    arrows = (Arrow("clients0", "hop0", 0, 0, 0, 0), Arrow("hop0", "group0", 0, 0, 0, 0))
    return Picture("topology", next(texts), next(texts), 0, tuple(boxes), arrows)


def sequence_of(texts: Iterator[str]) -> Picture:
    lanes = ("client", "proxy", "first", "second")
    boxes = tuple(_box(lane, (next(texts),), "lane") for lane in lanes)
    arrows = []
    for number in range(PER_BLOCK - 6):
        source, target = random.Random(number).sample(lanes, 2)
        arrows.append(Arrow(source, target, 0, 0, 0, 0, next(texts), number % 5 == 0))
    return Picture("sequence", next(texts), next(texts), 0, boxes, tuple(arrows))


def texts_in(result: dict[str, Any]) -> set[str]:
    """The texts that Mermaid shows."""
    return {shown(text.replace("\n", "<br>")) for text in result["texts"]}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> NodeProject:
    return node_project.installed(Path(__file__).with_name("markdown"), tmp_path_factory)


def results(node: NodeProject, task: str, blocks: list[str], folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What each release of Mermaid says about the blocks. `task` is parse or draw."""
    chromium = shutil.which("chromium")
    assert chromium, "chromium is missing: apt-get install --no-install-recommends chromium"
    file = folder / "blocks.json"
    file.write_text(json.dumps(blocks), encoding="utf-8")
    done = node.run("node", "visit.mjs", chromium, task, str(file), timeout_s=280)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    assert list(found) == ["mermaid-11", "mermaid-12"]
    return found


def hostile_pictures(count: int) -> list[Picture]:
    """Pictures with `count` hostile texts."""
    chance = random.Random(20)
    texts = iter([text_of(chance) for _ in range(count)])
    return [(sequence_of if number % 2 else topology_of)(texts) for number in range(count // PER_BLOCK)]


def expected(picture: Picture) -> set[str]:
    """The texts that a reader sees in a picture."""
    texts = [picture.title, picture.means]
    for box in picture.boxes:
        texts += [box.texts[0], "<br>".join(map(one_line, box.texts[1:]))] if box.look == "group" else box.texts
    texts += [f"{'✕ ' if arrow.failed else ''}{arrow.text}" for arrow in picture.arrows if arrow.text]
    return {shown(one_line(text)) for text in texts}


def pictures_of(decision: Decision) -> list[Picture]:
    return [topology(decision), *sequences(decision)] if decision.feasible else []


def texts_of_path(decision: Decision) -> set[str]:
    """The texts that a reader sees in the drawing of the decision path."""
    found = {"The path of the decision"}
    steps = drawn_steps(decision)
    for step in steps:
        found |= {step.question, f"✓ {step.answer}", *map("<br>".join, step.others)}
    return {*found, " ".join(f"{step.question} {step.answer}" for step in steps)}


@pytest.fixture(scope="module")
def decisions(advisor: Advisor) -> list[Decision]:
    return [advisor.decide(load_path(path, advisor.space)) for path in EXAMPLES]


def test_a_record_has_the_pictures_of_the_page(advisor: Advisor, decisions: list[Decision]) -> None:
    comparer = Comparer(advisor)
    for decision in decisions:
        *drawn, walked = blocks_of(adr_markdown(subject_about(decision, comparer, searched=0)))
        assert drawn == [drawing(picture) for picture in pictures_of(decision)]
        assert walked.count("==>") == 2 * len(decision.steps) - 1
        for step, node in zip(drawn_steps(decision), path_nodes(decision), strict=True):
            assert f'"✓ {label(step.answer)}"' in walked
            assert node.answer.startswith(step.answer)


def test_a_runbook_has_the_pictures_of_the_page(advisor: Advisor) -> None:
    path = next(path for path in EXAMPLES if path.stem == "customer-service-agent")
    subject = subject_of(path, advisor, Comparer(advisor), searched=0)
    assert blocks_of(runbook_markdown(subject)) == [drawing(picture) for picture in pictures_of(subject.decision)]


def test_the_single_page_has_the_boxes_and_arrows_of_the_topology(decisions: list[Decision], advisor: Advisor) -> None:
    comparer = Comparer(advisor)
    for decision in decisions:
        blocks = blocks_of(one_page_markdown(subject_about(decision, comparer, searched=0)))
        assert len(blocks) == decision.feasible
        for block, picture in zip(blocks, pictures_of(decision), strict=False):
            boxes = [box for box in picture.boxes if not box.inside]
            assert all(f'"{"<br>".join(map(label, box.texts))}"' in block for box in boxes)
            assert block.count(" --> ") == len([arrow for arrow in picture.arrows if not arrow.is_stream])


def test_a_label_is_a_single_line_without_syntax() -> None:
    chance = random.Random(21)
    for _ in range(HOSTILE):
        made = label(text_of(chance))
        assert re.fullmatch(r"(?:[^\n\r\"#;<>&`{}\[\]|~%$@*\\^]|#\w+;)+", made), made
    assert label("lookup_order, help_article (v2.1): true") == "lookup_order, help_article (v2.1): true"
    assert label('a "b" <c> #1;') == "a #quot;b#quot; #lt;c#gt; #35;1#59;"
    assert label(" \n") == "#160;"


@pytest.mark.programs
@pytest.mark.timeout(300)
def test_every_release_draws_the_blocks_of_every_example(
    node: NodeProject, advisor: Advisor, decisions: list[Decision], tmp_path: Path
) -> None:
    comparer = Comparer(advisor)
    texts = [text for each in decisions for text in (*map(expected, pictures_of(each)), texts_of_path(each))]
    subjects = [subject_about(decision, comparer, searched=0) for decision in decisions]
    records = [adr_markdown(subject) for subject in subjects]
    blocks = [block for record in records for block in blocks_of(record)]
    for name, found in results(node, "draw", blocks, tmp_path).items():
        for block, expected_texts, result in zip(blocks, texts, found, strict=True):
            assert "error" not in result, (name, block, result)
            assert texts_in(result) == expected_texts, (name, block)
            assert result["width"] <= WIDEST, (name, block)
    small = [block for subject in subjects for block in blocks_of(one_page_markdown(subject))]
    for name, found in results(node, "draw", small, tmp_path).items():
        for block, result in zip(small, found, strict=True):
            assert "error" not in result, (name, block, result)
            assert result["width"] <= WIDEST, (name, block)


@pytest.mark.programs
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("task", "count"), [("parse", HOSTILE), ("draw", HOSTILE // 5)])
def test_hostile_texts_stay_texts_in_mermaid(node: NodeProject, task: str, count: int, tmp_path: Path) -> None:
    pictures = hostile_pictures(count)
    for name, found in results(node, task, [drawing(picture) for picture in pictures], tmp_path).items():
        for picture, result in zip(pictures, found, strict=True):
            assert "error" not in result, (name, result)
            assert texts_in(result) == expected(picture), name
            assert not {"i", "a", "b", "img", "script", "math"} & set(result.get("elements", ()))


@pytest.mark.programs
def test_every_release_finds_a_fault(node: NodeProject, tmp_path: Path) -> None:
    faults = ['flowchart TD\n  a["x"y"]', "sequenceDiagram\n  client-->", "no diagram"]
    for found in results(node, "parse", faults, tmp_path).values():
        assert all("error" in result for result in found)
