"""Documents are compositions of the same sections: no document has a table, a list or a text of its own for them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from subjects import EXAMPLES, hostile, renamed, subject_about

from advisor.decision.advisor import Advisor
from advisor.decision.kit_support import no_kit
from advisor.decision.options import Comparer
from advisor.kit.render import render_kit
from advisor.report.markdown import code, one_line, prose
from advisor.requirements import load_path
from advisor.sections.fingerprint import read_fingerprint
from advisor.sections.versions import versions_of
from advisor.team_documents.adr import adr_markdown
from advisor.team_documents.decision import decision_markdown
from advisor.team_documents.one_page import one_page_markdown
from advisor.team_documents.subject import Subject

_MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def lines_of(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(start, line)]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_documents_have_the_same_sections(path: Path, advisor: Advisor) -> None:
    decision = advisor.decide(load_path(path, advisor.space))
    subject = subject_about(decision, Comparer(advisor))
    record, complete, page = adr_markdown(subject), decision_markdown(subject), one_page_markdown(subject)
    high = [warning for warning in decision.warnings if warning.severity == "high"]
    warned = lines_of(complete, r"\* \*\*.*\*\* \(\w+ severity, \[")
    assert len(warned) == len(decision.warnings)
    for line in warned:
        assert (line if "(high severity" not in line else f"* Bad, because of this warning: {line[2:]}") in record
    assert record.count("Bad, because of this warning: ") == len(high)
    sources = lines_of(record, r"\* `[\w-]+`: ")
    assert sources
    assert set(sources) <= set(complete.splitlines())
    if not decision.feasible or no_kit(decision):
        return
    kit = {file.path: file.content for file in render_kit(decision, "")}["DECISION.md"]
    settings = [
        re.sub(" +", " ", line) for line in lines_of(complete, r"\| (Flags|Tier|Session affinity|Instances|Cap)")
    ]
    assert len(settings) >= 3
    for text in (record, kit):
        assert settings == [
            re.sub(" +", " ", line) for line in lines_of(text, r"\| (Flags|Tier \w|Session a|Inst|Cap)")
        ]
    rules = lines_of(record, r"\* \*\*.*\(rule \[")
    assert rules == lines_of(kit, r"\* \*\*.*\(rule \[")
    assert all(rule.partition(".** ")[2] in complete for rule in rules)
    lost = complete.partition("## Lost features and their replacements\n\n")[2].partition("\n\n")[0]
    assert lost in kit
    assert re.sub(r"\n\* These features .*", "", f"{lost}\n").strip() in page


def test_hostile_texts_of_rules_keep_their_characters() -> None:
    chance = random.Random(16)
    for _ in range(10_000):
        text = f"a {hostile(chance)}{chance.choice(('`', '``', ''))}{hostile(chance)}"
        for made, kinds in ((prose(text), {"text", "text_special", "code_inline"}), (code(text), {"code_inline"})):
            (*_, inline, _) = _MARKDOWN.parse(f"x {made}\n")
            shown = "".join(child.content for child in inline.children or ())
            assert {child.type for child in inline.children or ()} <= {"text", *kinds}, (text, made)
            if kinds == {"code_inline"}:
                assert shown == f"x {one_line(text)}", (text, made)
            else:  # Code spans have backticks and spaces of their own.
                bare = [re.sub("[` ]", "", each) for each in (shown, one_line(f"x {text}"))]
                assert bare[0] == bare[1], (text, made)
                assert "`" in text or shown == one_line(f"x {text}")


@pytest.mark.parametrize("render", [adr_markdown, decision_markdown, one_page_markdown])
def test_documents_show_hostile_names_as_they_are(render: Callable[[Subject], str], advisor: Advisor) -> None:
    chance, comparer = random.Random(17), Comparer(advisor)
    path = next(path for path in EXAMPLES if path.stem == "customer-service-agent")
    subject = subject_about(advisor.decide(load_path(path, advisor.space)), comparer, searched=0)
    for _ in range(60):
        named = subject._replace(comparison=subject.comparison._replace(decision=renamed(subject.decision, chance)))
        tokens = _MARKDOWN.parse(render(named))
        spans = {child.content for token in tokens for child in token.children or () if child.type == "code_inline"}
        assert {one_line(tool.name) for tool in named.decision.requirements.tools} <= spans


def test_the_page_of_a_kit_says_where_it_comes_from(advisor: Advisor) -> None:
    decision = advisor.decide(load_path(EXAMPLES[0], advisor.space))
    text = {file.path: file.content for file in render_kit(decision, "")}["DECISION.md"]
    found = read_fingerprint(text)
    assert found is not None
    assert (found.form, found.versions, found.date) == ("kit", versions_of(decision), "")
    assert found.is_text_of(text)
    assert "```sh\nmcp-advisor generate requirements.yaml -o .\n```" in text
    assert "```sh\nmcp-advisor document requirements.yaml --check DECISION.md\n```" in text
