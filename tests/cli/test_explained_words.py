"""`explain` knows the labels, headings, values and calls that an answer, a kit and a verification print."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from running import run_command_for_text

from advisor.console.canvas import Screen
from advisor.decision.advisor import Advisor, default_advisor
from advisor.decision.model import Decision
from advisor.decision.options import Comparer
from advisor.errors import UsageError
from advisor.kit.context import kit_context
from advisor.kit.render import render_kit
from advisor.report.batch_text import batch_text
from advisor.report.comparison_text import comparison_text
from advisor.report.decision_text import detailed_text
from advisor.report.detail import Detail
from advisor.report.first_screen import first_screen
from advisor.report.overview import Result
from advisor.report.rule_records import Catalogue
from advisor.report.rule_text import entry_lines
from advisor.requirements import load_path

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "examples").glob("*.yaml"), *(ROOT / "examples" / "field").glob("*.yaml")])
VERIFICATIONS = sorted((ROOT / "tests" / "lab" / "snapshots").glob("*.80.txt"))
_LONGEST = 3  # words of a heading; a longer heading says in a sentence what follows
# The nouns and the messages that answers, kits and the README use without an explanation next to them.
NOUNS = """
    stateless_http, json_response, flag pair, instance, instances, worker, tier, tiers, kit, call, calls,
    session, sessions, session ID, Mcp-Session-Id, Session not found, same as legacy, connect only as legacy,
    release, releases, SDK, proxy, load balancer, hop, era, eras, legacy, modern, legacy clients, modern clients,
    need, needs, needed feature, required, preferred, not stated, always, affinity, session affinity,
    sticky session, pattern,
    mechanism, warning, high, medium, low, info, severity, contradiction, feasible, capacity, change,
    alternative, remedy, step, rule, fact, source, evidence, default, measured, assumed, lost, replaced, not
    sure, not kept, flags, why, next, if you set this, all other tools, decision table, hit policy, SSE
    stream, GET stream, response mode, idle timeout, total timeout, keep-alive, drain, readiness, liveness,
    rolling update, sealing keys, state handle, request state, session-ID rewriting, HTTP+SSE, Streamable HTTP,
    round robin, README.md, DECISION.md, decision.json, requirements.yaml, expected, observed, ok, DIFFERS,
    verdict, behaviour, cell, fault injection, event, load, exit code, exit code 3, k8s, elb, nginx, cloud-run,
    shared Redis, 2025-11-25, 2026-07-28, curl-like clients, graceful shutdown, preStop, scale-in, Host header,
    terminationGracePeriodSeconds, stop_grace_period, timeout-keep-alive, MCP_KEEP_ALIVE_S, X-Forwarded-Proto,
    FORWARDED_ALLOW_IPS, MCP_SEALING_KEYS, RequestStateSecurity, related_request_id, transport_security, duration_s,
    allowed_hosts, health check, cookie, listen stream, stateless mode, session mode, server processes, GET request,
    claude-code, mcp-2, mcp==2.3.0, SES-300, 400, 401, 404, 405, 406, 413, 421, 429, 500, 502, 503, 504
"""


@pytest.fixture(scope="module")
def catalogue(advisor: Advisor) -> Catalogue:
    return Catalogue(advisor.space, advisor.compiled)


def unexplained(words: Iterable[str], catalogue: Catalogue) -> list[str]:
    missing = []
    for word in dict.fromkeys(words):
        try:
            catalogue.find(word)
        except UsageError:
            missing.append(word)
    return missing


def labels(text: str) -> list[str]:
    """The labels of lines, the heads of tables, and the short headings of a text for a terminal."""
    lines = text.splitlines()
    found = [match[1] for line in lines if (match := re.match(r"([A-Z][\w ]*?(?: \*)?)  +[^\s\u2500-]", line))]
    starts = (re.match(r"(Warnings|If you set this|Next)\b", line) for line in lines)
    found += [start[0] for start in starts if start]
    found += re.findall(r"\b[a-z_]+=(?:True|False)\b", text)
    for line, below in pairwise(lines):
        if below.strip() and not below.strip(" ─-"):
            found += re.split(r"\s{2,}", line.strip())
    headings = (line.rstrip(" ─") for line in lines if line.endswith("──"))
    found += [heading for heading in headings if 0 < len(heading.split()) <= _LONGEST]
    return [part.strip(" *!") for label in found for part in label.split(", ")]


def calls(decision: Decision) -> list[str]:
    used = [cell.call for row in decision.features for _, cell in row.cells if cell.call]
    hows = [cell.how for row in decision.needed for _, cell in row.cells]
    others = [re.sub(r" \([a-z ]+\)", "", match) for how in hows for match in re.findall(r"also works: ([^;]+)", how)]
    return [*used, *(name for other in others for name in other.split(", "))]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_the_words_of_an_answer_can_be_explained(path: Path, catalogue: Catalogue) -> None:
    advisor = default_advisor()
    decision = advisor.decide(load_path(path, advisor.space))
    words = [
        *labels(first_screen(decision, Screen(80))),
        *labels(detailed_text(decision, Screen(80), Detail(full=True))),
    ]
    words += calls(decision) if decision.kind == "python" else []
    name = str(decision.requirements["service"])  # the head of the first screen has it after its label
    words = ["Service" if word == f"Service {name}" else word for word in words if word != name]
    assert {"Feature", "Why"} & set(words)
    # A table can break a title: the first line of "Resource subscriptions" is no word of its own.
    titles = [feature.title for feature in advisor.knowledge.features.values()]
    words = [word for word in words if word in titles or not any(title.startswith(f"{word} ") for title in titles)]
    assert unexplained(words, catalogue) == []


@pytest.mark.parametrize(
    "name",
    ["customer-service-agent", "saas-b2b", "analytics-behind-alb", "exercise-2-team-document", "local-development"],
)
def test_the_words_of_a_decision_page_can_be_explained(name: str, catalogue: Catalogue) -> None:
    advisor = default_advisor()
    path = ROOT / "examples" / f"{name}.yaml"
    decision = advisor.decide(load_path(path, advisor.space))
    files = render_kit(decision, path.read_text(), kit_context(decision))
    (page,) = (file.content for file in files if file.path == "DECISION.md")
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    words = [heading for heading in headings if len(heading.split()) <= _LONGEST]
    rows = [re.split(r" +\| +", line.strip("| ")) for line in page.splitlines() if line.startswith("|")]
    words += [re.sub(r"[`*]", "", row[0]) for row in rows if len(row) == 2]
    words += [cell for row, below in pairwise(rows) if len(row) > 2 and set(below[0]) <= set("-:|") for cell in row]
    assert {"Why", "Session affinity"} <= set(words)
    assert unexplained([word for word in words if word.strip("-| ")], catalogue) == []


@pytest.mark.parametrize("path", VERIFICATIONS, ids=[path.name for path in VERIFICATIONS])
def test_the_words_of_a_verification_can_be_explained(path: Path, catalogue: Catalogue) -> None:
    text = path.read_text()
    words = labels(text)
    words += re.findall(r"\b(?:As expected|Not as expected|DIFFERS|ok)\b", text)
    assert words
    assert unexplained(words, catalogue) == []


def test_the_usual_nouns_can_be_explained(catalogue: Catalogue) -> None:
    assert unexplained((" ".join(noun.split()) for noun in NOUNS.split(",")), catalogue) == []


def test_every_value_after_a_label_can_be_explained(advisor: Advisor, catalogue: Catalogue) -> None:
    """The short values of the first screen, and the cells of the table of several decisions."""
    results = [Result(path.stem, advisor.decide(load_path(path, advisor.space))) for path in FILES]
    table = batch_text(results, Screen(120), advisor.knowledge.phrases)
    cells = [cell for line in table.split("\n\n")[0].splitlines()[1:] for cell in re.split(r"\s{2,}", line)[1:3]]
    screens = (first_screen(result.decision, Screen(80)) for result in results if result.decision)
    values = re.findall(r"^(?:Affinity|Flags) +(.+)|; affinity: (.+)$", "\n".join(screens), re.MULTILINE)
    words = [part.split(" (")[0] for value in values for part in ("".join(value)).split("; ")[0].split(", ")]
    assert {"none", "stateless_http=True"} <= set(words)
    assert {"per tier", "not possible"} <= set(cells)
    assert unexplained({*cells, *words} - {"-"}, catalogue) == []


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("proxy", "A program or service between clients and servers"),
        ("users", "In a comparison"),
        ("SSE", "Server-Sent Events"),
        ("none", "The value of many keys"),
        ("exit 3", "no configuration keeps"),
    ],
)
def test_a_word_with_several_meanings_starts_with_that_of_the_screens(
    word: str, first: str, catalogue: Catalogue
) -> None:
    assert meanings(catalogue, word)[0][1].startswith(first)


@pytest.mark.parametrize("word", ["session", "Affinity"])
def test_a_word_that_is_also_a_table_starts_with_its_meaning(word: str, catalogue: Catalogue) -> None:
    lines = [line.text for line in entry_lines({**catalogue.find(word)}, catalogue)]
    assert lines[0].endswith("Term")
    assert catalogue.term(word) in lines[1]
    assert "The first rule that applies decides." in " ".join(lines)


def test_every_label_of_the_wording_can_be_explained(advisor: Advisor, catalogue: Catalogue) -> None:
    phrases = advisor.knowledge.phrases
    shown = r"screen\.(label\.|features|warnings|next|tiers|pattern\.)"
    said = [text for key, text in phrases.items() if re.match(shown, key)]
    said += [text for key, text in phrases.items() if re.fullmatch(r"outcome\.[a-z-]+", key) and "{" not in text]
    said += [text for key, text in phrases.items() if re.fullmatch(r"(era|need)\.[a-z-]+", key)]
    words = [part for text in said for part in text.split(", ")]
    assert len(words) > 20
    assert unexplained(words, catalogue) == []


def test_the_words_of_a_comparison_and_of_each_table_can_be_explained(advisor: Advisor, catalogue: Catalogue) -> None:
    phrases = advisor.knowledge.phrases
    heads = [text for key, text in phrases.items() if re.fullmatch(r"(compare|what-if)\.heads|batch\.columns.*", key)]
    words = [head for text in heads for head in text.split(", ")]
    words += [text for key, text in phrases.items() if re.fullmatch(r"compare\.(estimate|cell)\.[a-z]+", key)]
    for name in ("customer-service-agent", "saas-b2b", "analytics-behind-alb"):
        decision = advisor.decide(load_path(ROOT / "examples" / f"{name}.yaml", advisor.space))
        table = comparison_text(Comparer(advisor).compare(decision), Screen(80)).split("\n\n")[0].splitlines()[2:]
        assert len(table) > 2
        words += [cell for line in table for cell in re.split(r"\s{2,}", line)[1:]]
    assert {"Undo", "no sessions", "weeks", "Clients"} <= set(words)
    assert unexplained({*words} - {"-"}, catalogue) == []


def test_every_term_of_the_glossary_page_can_be_explained(catalogue: Catalogue) -> None:
    page = (ROOT / "docs" / "concepts" / "glossary.md").read_text()
    terms = [term for term in re.findall(r"^\| ([^|]+?) \|", page, re.MULTILINE) if term not in ("term", "---")]
    assert len(terms) > 20
    assert unexplained(terms, catalogue) == []


@pytest.mark.parametrize("name", ["ask", "recommend", "generate", "verify", "capabilities", "topology"])
def test_every_command_can_be_explained(name: str) -> None:
    done = run_command_for_text("explain", name)
    assert done.returncode == 0
    assert done.stdout.startswith(name)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("instnces", "'instance'"),
        ("sesion", "'session'"),
        ("afinity", "'affinity'"),
        ("sesion not found", "'Session not found'"),
    ],
)
def test_a_misspelt_word_gets_the_nearest_word(typed: str, meant: str) -> None:
    done = run_command_for_text("explain", typed)
    assert done.returncode == 2
    assert meant in done.stderr


@pytest.mark.parametrize("word", ["loses", "fails", "fastmcp", "stateful+sse", "stateless+json"])
def test_words_of_the_first_screen_and_of_a_table_are_explained(word: str, catalogue: Catalogue) -> None:
    assert catalogue.find(word)["kind"] == "word"


def test_a_part_of_a_pattern_and_an_unknown_exit_code_get_the_known_ones(catalogue: Catalogue) -> None:
    with pytest.raises(UsageError, match="'sticky-fleet'"):
        catalogue.find("fleet")
    with pytest.raises(UsageError, match="Exit codes: 0, 1, 2, 3, 4, 5, 129, 130, 143"):
        catalogue.find("137")


def meanings(catalogue: Catalogue, name: str) -> list[tuple[str, str]]:
    """The meanings of a word, with their kinds; [] for any other entry."""
    found: dict[str, Any] = {**catalogue.find(name)}
    return [(meaning["kind"], meaning["means"]) for meaning in found.get("meanings", ())]


def test_no_word_has_a_meaning_twice(catalogue: Catalogue) -> None:
    for name in catalogue.names():
        told = meanings(catalogue, name)
        assert len(set(told)) == len(told), name
    for word in ("works", "session affinity"):
        lines = entry_lines({**catalogue.find(word)}, catalogue)
        text = " ".join(line.text for line in lines).lower()
        ((_, means),) = meanings(catalogue, word)
        assert text.count(means.lower()) == 1


def test_a_value_with_the_same_meaning_for_several_keys_has_one_entry(catalogue: Catalogue) -> None:
    _, (kind, _) = meanings(catalogue, "preferred")
    assert "needs.sampling" in kind
    assert "needs.resumability" in kind
