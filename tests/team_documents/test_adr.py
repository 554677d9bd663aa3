"""Every record has the form of MADR 4.0.0, and no text of a user changes this form."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from subjects import EXAMPLES, hostile, subject_of

from advisor.decision.advisor import Advisor
from advisor.decision.options import Comparer
from advisor.knowledge import Knowledge
from advisor.report.markdown import said
from advisor.sections.fingerprint import fingerprint, read_fingerprint, with_fingerprint
from advisor.team_documents.adr import adr_markdown
from advisor.team_documents.front_matter import front_matter, read_front_matter, with_values
from advisor.team_documents.subject import People
from advisor.team_documents.verification_result import VerificationResult, VerifiedCell

# https://github.com/adr/madr/blob/4.0.0/template/adr-template.md
FRONT_MATTER = ("status", "date", "decision-makers", "consulted", "informed")
HEADINGS = (
    "## Context and Problem Statement",
    "## Decision Drivers",
    "## Considered Options",
    "## Decision Outcome",
    "### Consequences",
    "### Confirmation",
    "## Pros and Cons of the Options",
    "## More Information",
)

_MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@pytest.fixture(scope="module")
def comparer(advisor: Advisor) -> Comparer:
    return Comparer(advisor)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_record_has_the_form_of_madr(path: Path, advisor: Advisor, comparer: Comparer) -> None:
    made = subject_of(path, advisor, comparer, people=People(("Ada",), ("Bob",), ("Cleo", "Dan")))
    text = adr_markdown(made)
    assert tuple(read_front_matter(text)) == FRONT_MATTER
    assert text.split("\n")[1] in ('status: "accepted"', 'status: "proposed"')
    lines = re.sub(r"```.*?```|`[^`\n]+`", "`code`", text, flags=re.DOTALL).split("\n")
    headings = [line for line in lines if line.startswith("#")]
    title, *others = headings
    assert title.startswith("# ")
    options = [line.removeprefix("* ") for line in _section(lines, "## Considered Options") if line]
    assert len(options) == len(set(options)) > 1
    there = others.index("## Pros and Cons of the Options") + 1
    assert others[there : there + len(options)] == [f"### {option}" for option in options]
    assert tuple(others[:there] + others[there + len(options) :]) == HEADINGS
    assert [line for line in lines if line.startswith(("- ", "+ "))] == []
    for option in options:
        arguments = [line for line in _section(lines, f"### {option}") if line.startswith("* ")]
        assert arguments
        assert all(re.match(r"\* (Good|Neutral|Bad), because \S", line) for line in arguments)
    outcome = next(line for line in lines if line.startswith("Chosen option: "))
    chosen = options[0] if made.decision.feasible else "none of the options"
    assert outcome.startswith(f'Chosen option: "{chosen}", because ')
    assert not re.search(r"\.\.|: \.|None|Undefined|  \S", re.sub(r"^\|.*$", "", "\n".join(lines), flags=re.MULTILINE))


def _section(lines: list[str], heading: str) -> list[str]:
    rest = lines[lines.index(heading) + 1 :]
    end = next((number for number, line in enumerate(rest) if line.startswith("#")), len(rest))
    return rest[:end]


def test_a_contradiction_is_a_proposal_with_the_changes(advisor: Advisor, comparer: Comparer) -> None:
    path = next(path for path in EXAMPLES if path.stem == "sampling-on-a-stateless-fleet")
    made = subject_of(path, advisor, comparer)
    text = adr_markdown(made)
    assert 'status: "proposed"' in text
    assert "This record is a proposal." in text
    assert all(way.how in text for way in made.decision.alternatives)


def test_the_same_decision_gives_the_same_record(advisor: Advisor, comparer: Comparer) -> None:
    path = EXAMPLES[0]
    assert adr_markdown(subject_of(path, advisor, comparer)) == adr_markdown(subject_of(path, advisor, comparer))


def test_a_verification_fills_the_confirmation(advisor: Advisor, comparer: Comparer) -> None:
    path = next(path for path in EXAMPLES if path.stem == "customer-service-agent")
    cells = (VerifiedCell("stateful", "legacy", "sampling", "works", "works"),)
    fine = VerificationResult(True, "customer-service-agent", "2026-11-28", "mcp 2.3", "nginx 1.31.3", 4, cells, ())
    text = adr_markdown(subject_of(path, advisor, comparer, verification=fine))
    confirmation = "\n".join(_section(text.split("\n"), "### Confirmation"))
    assert "on 2026-11-28 with 4 instances, nginx 1.31.3 and mcp 2.3. It confirms this decision" in confirmation
    assert "| stateful | legacy  | sampling | works    | works    |" in confirmation
    bad = fine._replace(
        ok=False, cells=(cells[0]._replace(observed="error"),), problems=("A client had 3 failed calls",)
    )
    text = adr_markdown(subject_of(path, advisor, comparer, verification=bad))
    assert "**It does not confirm this decision.**" in text
    assert "**error**" in text
    assert "* A client had 3 failed calls" in text


def flat(text: str) -> str:
    """The text as one line without characters that no document contains."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+", " ", text).split())


def test_hostile_names_stay_texts_in_front_matter() -> None:
    chance = random.Random(14)
    for _ in range(10_000):
        names = [name for name in (hostile(chance) for _ in range(2)) if flat(name)]
        text = front_matter([("status", "accepted"), ("date", "2026-11-29"), ("decision-makers", names)])
        first, *lines, last = text.split("\n")
        assert first == last == "---"
        found = yaml.safe_load("\n".join(lines))
        assert found.get("decision-makers", []) == [flat(name) for name in names]
        assert found["status"] == "accepted"
        edited = with_values(f"{text}\n# Title\n", {"status": "superseded by 0002"})
        assert read_front_matter(edited) == {**found, "status": "superseded by 0002"}


def test_hostile_texts_stay_texts_in_markdown() -> None:
    chance = random.Random(15)
    for _ in range(10_000):
        text = hostile(chance)
        made = said(text)
        for context, block in ((f"* {made}\n", "list_item_open"), (f"x\n\n{made}\n", "paragraph_open")):
            tokens = _MARKDOWN.parse(context)
            kinds = [token.type for token in tokens if token.nesting >= 0 and token.type != "inline"]
            expected = ["bullet_list_open", "list_item_open"] if block == "list_item_open" else ["paragraph_open"]
            assert kinds == [*expected, *(["paragraph_open"] if made else [])], (text, made)
        inline = [token for token in tokens if token.type == "inline"][-1] if made else None
        shown = "".join(child.content for child in inline.children or []) if inline else ""
        assert {child.type for child in (inline.children or [])} <= {"text", "text_special"} if inline else True
        assert shown == flat(text), (text, made)


def test_a_fingerprint_of_hostile_values_is_read_again(
    advisor: Advisor, comparer: Comparer, knowledge: Knowledge
) -> None:
    chance = random.Random(16)
    made = subject_of(EXAMPLES[0], advisor, comparer, searched=0)
    found = fingerprint("adr", made.decision, made.versions, made.date)
    for _ in range(2_000):
        facts = {hostile(chance): hostile(chance)}
        text = with_fingerprint(
            f"# Title\n\n{said(hostile(chance))}\n", found._replace(parts={**found.parts, "facts": facts})
        )
        again = read_fingerprint(text)
        assert again is not None
        assert again.parts["facts"] == facts
        assert again.is_text_of(text)
        assert not again.is_text_of(text.replace("# Title", "# Other"))
        assert len(re.findall("-->", text[text.index("<!-- mcp-advisor-document") :])) == 1
