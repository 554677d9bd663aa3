"""A page is valid HTML that needs no other file, says what the decision says, and shows each text of a user as text."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path
from xml.etree.ElementTree import Element

import html5lib
import pytest
from example_files import change, copied_example
from running import run_command
from subjects import EXAMPLES, hostile, renamed, subject_about, subject_of

from advisor.decision.advisor import Advisor
from advisor.decision.kit_support import no_kit
from advisor.decision.model import Decision
from advisor.decision.options import Comparer
from advisor.kit.context import kit_context
from advisor.kit.parts import documents
from advisor.kit.parts.duties import duties
from advisor.report.decision_wording import switch_rows
from advisor.requirements import load_bytes
from advisor.sections.fingerprint import read_fingerprint
from advisor.team_documents.forms import DocumentForm, document_text
from advisor.team_documents.html import html_page, kit_duties, page_of
from advisor.team_documents.html_templates import linked, rich
from advisor.team_documents.subject import People
from advisor.team_documents.verification_result import VerificationResult, VerifiedCell

SECTIONS = ["verdict", "path", "pictures", "features", "options", "todo", "evidence", "origin"]
LARGEST = 300_000
_SVG_TEXT = "{http://www.w3.org/2000/svg}text"


@pytest.fixture(scope="module")
def comparer(advisor: Advisor) -> Comparer:
    return Comparer(advisor)


def parsed(page: str) -> Element:
    """The page, read by a parser that fails for each error."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    root = parser.parse(page)
    assert isinstance(root, Element)
    return root


def text_of(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def level(element: Element) -> int:
    return int(element.tag[1]) if re.fullmatch("h[1-6]", str(element.tag)) else 0


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_page_is_valid_and_complete(path: Path, advisor: Advisor, comparer: Comparer) -> None:
    made = subject_of(path, advisor, comparer, people=People(("Ada",)))
    page = document_text(DocumentForm.HTML, made)
    assert len(page.encode()) <= LARGEST
    root = parsed(page)
    sections = [name for name in SECTIONS if name != "pictures" or made.decision.feasible]
    assert [found.get("aria-labelledby") for found in root.iter("section")] == sections
    assert [link.get("href") for link in root.findall(".//nav//a")] == [f"#{name}" for name in sections]
    ids = [found.get("id") for found in root.iter() if found.get("id")]
    assert len(ids) == len(set(ids))
    levels = [number for number in map(level, root.iter()) if number]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels
    for table in root.iter("table"):
        assert text_of(table[0])
        assert table[0].tag == "caption"
        assert all(head.get("scope") in ("col", "row") for head in table.iter("th"))
        widths = {len(row) for row in table.iter("tr")}
        assert len(widths) == 1
    for heading in root.iter():
        assert not level(heading) or text_of(heading)
    for paragraph in root.iter("li"):
        assert text_of(paragraph)
    shown = text_of(root.findall("body")[0])
    assert not re.search(r"\.\. (?!})|: \.|\bNone\b(?! of)|Undefined| \(\)(?! =>)|&amp;", re.sub(r"\S+/\S+", "", shown))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_page_says_what_the_decision_says(path: Path, advisor: Advisor, comparer: Comparer) -> None:
    made = subject_of(path, advisor, comparer)
    root = parsed(html_page(made))
    shown = text_of(root)
    plain = [text.replace("`", "") for text in (made.decision.means, made.decision.verdict.rule.because)]
    plain += [warning.title.replace("`", "") for warning in made.decision.warnings]
    for text in plain if not made.decision.feasible else plain[:1] + plain[2:]:
        assert " ".join(text.split()) in shown
    steps = root.findall(".//ol[@class='path']/li")
    assert [text_of(step[0])[3:] for step in steps] == [step.question for step in made.decision.steps]
    assert all(len(step.findall(".//div[@class='taken']")) == 1 for step in steps)
    for table in ("features", "options"):
        assert root.findall(f".//section[@aria-labelledby='{table}']//table")


def test_a_page_needs_no_other_file(advisor: Advisor, comparer: Comparer) -> None:
    root = parsed(html_page(subject_of(EXAMPLES[0], advisor, comparer)))
    policy = root.findall(".//meta[@http-equiv='Content-Security-Policy']")[0]
    assert policy.get("content") == "default-src 'none'; style-src 'unsafe-inline'"
    loading = {"script", "link", "img", "iframe", "object", "embed", "video", "audio", "source", "base", "form"}
    assert not loading & {str(found.tag) for found in root.iter()}
    for found in root.iter():
        assert not {"src", "srcset", "style", "background"} & set(found.keys())
        assert not [name for name in found.keys() if str(name).startswith("on")]  # noqa: SIM118 (elements)
    style = text_of(root.findall(".//style")[0])
    assert "url(" not in style
    assert "@import" not in style


def to_do(root: Element) -> tuple[list[str], list[str]]:
    """What is done, and what is left."""
    section = root.findall(".//section[@aria-labelledby='todo']")[0]
    items = [(found.get("class") == "done", text_of(found)) for found in section.iter("li")]
    return [text for done, text in items if done], [text for done, text in items if not done]


def decided(text: str, advisor: Advisor) -> Decision:
    return advisor.decide(load_bytes(text.encode(), "requirements.yaml", advisor.space))


def test_settings_of_today_are_done_or_left(advisor: Advisor, comparer: Comparer) -> None:
    text = (
        "version: 1\nservice: desk\nscale: {instances: 3}\nenvironment: {platform: kubernetes, proxy: {kind: nginx}}\n"
        "clients: {protocol: legacy}\ncurrent: {stateless_http: true, json_response: true}\n"
    )
    decision = decided(text, advisor)
    done, left = to_do(parsed(html_page(subject_about(decision, comparer))))
    for name, value in decision.core.flags._asdict().items():
        expected = f"☑{name} is already True." if value else f"☐Change {name} from True to False."
        assert expected in (done if value else left)


def test_settings_that_are_not_stated_are_left(advisor: Advisor, comparer: Comparer) -> None:
    decision = decided("version: 1\nservice: desk\n", advisor)
    left = to_do(parsed(html_page(subject_about(decision, comparer))))[1]
    for name, value in decision.core.flags._asdict().items():
        assert f"☐Set {name} to {value}." in left


def test_each_tier_has_its_settings_to_do(advisor: Advisor, comparer: Comparer) -> None:
    made = subject_of(next(path for path in EXAMPLES if path.stem == "customer-service-agent"), advisor, comparer)
    left = to_do(parsed(html_page(made)))[1]
    assert made.decision.tiers
    for tier in made.decision.tiers:
        for name, value in tier.core.flags._asdict().items():
            assert f"☐Set {name} ({tier.name} tier) to {value}." in left


def test_a_server_in_another_language_has_its_modes_to_do(advisor: Advisor, comparer: Comparer) -> None:
    made = subject_of(next(path for path in EXAMPLES if path.stem == "go-replicas"), advisor, comparer)
    left = to_do(parsed(html_page(made)))[1]
    rows = switch_rows(made.decision)
    assert rows
    for name, how in rows:
        assert [text for text in left if text.startswith(f"☐{name}: ") and how.split("`")[0] in text], left


def test_the_page_says_what_the_kit_does(advisor: Advisor, comparer: Comparer) -> None:
    """As the DECISION.md of the kit: a warning is left, or done by the kit."""
    for path in EXAMPLES:
        made = subject_of(path, advisor, comparer, searched=0)
        decision = made.decision
        done, left = to_do(parsed(html_page(made)))
        titles = [warning.title.replace("`", "") for warning in decision.warnings]
        shown = [title for title in titles if any(title in text for text in done + left)]
        assert shown == titles
        if not decision.feasible or no_kit(decision):
            assert not done, path
            continue
        kit = kit_context(decision)
        solved = duties(kit, decision).solved
        for warning, title in zip(decision.warnings, titles, strict=True):
            assert any(title in text for text in done) == (warning.id in solved), (path, title)
        page = next(file.content for file in documents.files(kit, decision, "") if file.path == "DECISION.md")
        assert page.count("(solved by this kit)") <= len(solved)


def test_a_verification_is_evidence(advisor: Advisor, comparer: Comparer) -> None:
    path = next(path for path in EXAMPLES if path.stem == "customer-service-agent")
    cells = (VerifiedCell("stateful", "legacy", "sampling", "works", "error"),)
    found = VerificationResult(
        False, "customer-service-agent", "2026-11-28", "mcp 2.3", "nginx", 4, cells, ("A client failed",)
    )
    root = parsed(html_page(subject_of(path, advisor, comparer, verification=found)))
    evidence = text_of(root.findall(".//section[@aria-labelledby='evidence']")[0])
    assert "It does not confirm this decision." in evidence
    assert "✕ error" in evidence
    assert "A client failed" in evidence


def test_the_name_of_a_file_chooses_the_form(tmp_path: Path) -> None:
    file = copied_example(tmp_path)
    page = tmp_path / "decision.html"
    assert run_command("document", file, "-o", page).returncode == 0
    text = page.read_text(encoding="utf-8")
    found = read_fingerprint(text)
    assert found is not None
    assert found.form == "html"
    assert f"mcp-advisor document {file} -o {page}\n" in text.replace("</code></pre>", "\n")
    assert run_command("document", file, "-o", page).stderr.decode() == f"{page} is up to date.\n"
    shown = run_command("document", file, "-o", "-", "--format", "html")
    assert shown.returncode == 0
    assert shown.stdout.decode().startswith("<!DOCTYPE html>")


def test_a_page_is_checked(tmp_path: Path) -> None:
    file = copied_example(tmp_path)
    page = tmp_path / "decision.html"
    run_command("document", file, "-o", page)
    assert run_command("document", file, "--check", page).returncode == 0
    change(file, "can_operate_affinity: false", "can_operate_affinity: true")
    done = run_command("document", file, "--check", page)
    assert done.returncode == 1
    assert "decision: pattern changes from tiered" in done.stdout.decode()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_cell_of_a_wide_table_has_a_label_for_narrow_screens(
    path: Path, advisor: Advisor, comparer: Comparer
) -> None:
    for table in parsed(html_page(subject_of(path, advisor, comparer, searched=0))).iter("table"):
        rows = list(table.iter("tr"))
        for row in rows[1:] if len(rows[0]) > 2 else []:
            assert [found.tag for found in row].count("th") == 1
            labels = [found.get("data-label") for found in row if found.tag == "td" and found.get("class") != "rank"]
            assert all(labels)
            assert len(labels) == len(set(labels))


def flat(text: str) -> str:
    forbidden = r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
    return " ".join(re.sub(forbidden, " ", text).split())


def test_hostile_texts_stay_texts_in_html() -> None:
    chance = random.Random(17)
    for _ in range(10_000):
        text = hostile(chance)
        made = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", " ", f"<p>{rich(text)}</p><p>{linked(text)}</p>")
        parser = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False)
        fragment = parser.parseFragment(made)
        assert not [error for error in parser.errors if "control" not in str(error)], (text, parser.errors)
        assert {str(found.tag) for found in fragment.iter()} <= {"DOCUMENT_FRAGMENT", "p", "code", "a"}, text
        assert flat(text_of(fragment[0])).replace("`", "") == flat(text).replace("`", ""), text


def test_a_page_of_hostile_values_has_the_same_elements(advisor: Advisor, comparer: Comparer) -> None:
    """Names of tools and hosts are limited, so the values replace the texts of a finished subject."""
    chance = random.Random(18)
    path = next(path for path in EXAMPLES if path.stem == "customer-service-agent")
    made = subject_of(path, advisor, comparer, searched=0)

    def tags(page: str) -> list[str]:
        """The elements without code spans, and without the lines of drawings, which depend on the length of names."""
        return [tag for tag in (str(found.tag) for found in parsed(page).iter()) if tag not in ("code", _SVG_TEXT)]

    decision = made.decision
    kit = kit_duties(decision)  # A kit refuses hostile names.
    expected = tags(page_of(made, kit))
    for _ in range(30):
        warnings = tuple(
            warning._replace(message=f"m{hostile(chance)}", title=f"t{hostile(chance)}")
            for warning in decision.warnings
        )
        changed = renamed(decision, chance)._replace(warnings=warnings)
        people = People((f"p{hostile(chance)}",))
        comparison = made.comparison._replace(decision=changed)
        page = page_of(made._replace(comparison=comparison, people=people, command=hostile(chance)), kit)
        assert tags(page) == expected
