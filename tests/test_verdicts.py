"""The page about the audit states the figures of the tables of verdicts, and the tables are complete."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from advisor.knowledge import Knowledge

ROOT = Path(__file__).parents[1]
TABLES = ROOT / "benchmarks"
SMALL = "request-body-limit"
VERDICTS = {"right", "misleading", "wrong", "missed", "no finding"}


def rows(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def known() -> list[dict[str, str]]:
    return rows("audit_verdicts.csv")


@pytest.fixture(scope="module")
def unseen() -> list[dict[str, str]]:
    return rows("audit_verdicts_unseen.csv")


@pytest.fixture(scope="module")
def page() -> str:
    text = (ROOT / "docs/how-to/audit-your-deployment.md").read_text(encoding="utf-8")
    return " ".join(text.split())


def judged(counts: Counter[str]) -> str:
    total = counts["right"] + counts["misleading"] + counts["wrong"]
    return (
        f"Of {total} findings, {counts['right']} are right, {counts['misleading']} are right but can mislead, "
        f"and {counts['wrong']} are wrong."
    )


def test_the_page_states_the_figures_of_the_first_set(known: list[dict[str, str]], page: str) -> None:
    counts = Counter({name: sum(int(row[name]) for row in known) for name in ("right", "misleading", "wrong")})
    assert all(int(row["findings"]) == sum(int(row[name]) for name in counts) for row in known)
    assert f"The command ran on {len(known)} public repositories" in page
    assert judged(counts) in page


def test_the_page_states_the_figures_of_the_unseen_set(unseen: list[dict[str, str]], page: str) -> None:
    assert f"A second set has {len({row['repository'] for row in unseen})} repositories" in page
    assert judged(Counter(row["verdict"] for row in unseen)) in page
    read = [row for row in unseen if row["read_completely"] == "yes"]
    counts = Counter(row["verdict"] for row in read)
    found, faults = counts["right"], counts["right"] + counts["missed"]
    count = len({row["repository"] for row in read})
    assert f"In the {count} repositories that were read completely" in page
    assert f"the command found {found} of {faults} faults." in page


def test_the_page_states_the_figures_without_the_size_of_requests(unseen: list[dict[str, str]], page: str) -> None:
    others = [row for row in unseen if row["finding"] != SMALL]
    counts = Counter(row["verdict"] for row in others)
    total = counts["right"] + counts["misleading"] + counts["wrong"]
    read = Counter(row["verdict"] for row in others if row["read_completely"] == "yes")
    found, faults = read["right"], read["right"] + read["missed"]
    assert f"Without them, {counts['right']} of {total} findings are right" in page
    assert f"the command found {found} of {faults} faults." in page


def test_the_page_states_the_figures_after_the_improvements(unseen: list[dict[str, str]], page: str) -> None:
    assert judged(Counter(row["now"] for row in unseen)) in page
    missed = [row for row in unseen if row["verdict"] == "missed"]
    found = [row for row in missed if row["now"] == "right"]
    assert f"The command finds {len(found)} of the {len(missed)} faults that it missed before." in page


def test_the_sets_are_large_and_have_no_repository_in_common(
    known: list[dict[str, str]], unseen: list[dict[str, str]]
) -> None:
    first, second = ({row["repository"].lower() for row in table} for table in (known, unseen))
    assert len(first) >= 60
    assert len(second) >= 40
    assert len({row["repository"] for row in unseen if row["read_completely"] == "yes"}) >= 20
    assert not first & second


def test_each_verdict_is_complete(
    known: list[dict[str, str]], unseen: list[dict[str, str]], knowledge: Knowledge
) -> None:
    assert {row["verdict"] for row in unseen} <= VERDICTS
    assert {row["now"] for row in unseen} <= VERDICTS | {"not reported"}
    for row in unseen:
        assert (row["verdict"] in ("right", "no finding")) == (not row["reason"]), row
        assert (row["verdict"] == "no finding") == (not row["path"]), row
        assert row["verdict"] == "no finding" or row["finding"] in knowledge.findings, row
    assert all(re.fullmatch(r"[0-9a-f]{40}", row["commit"]) for row in (*known, *unseen))


def test_the_page_about_symptoms_states_the_figures_of_its_table(knowledge: Knowledge) -> None:
    text = (ROOT / "docs/how-to/diagnose-a-symptom.md").read_text(encoding="utf-8")
    table = rows("symptom_verdicts.csv")
    titles = {"held-out": "not seen before", "seen": "seen by mistake", "tune": "used to improve the phrases"}
    for half, title in titles.items():
        ranked = [(row["causes"].split(), row["first_three"].split()) for row in table if row["half"] == half]
        first = sum(found[0] in right for right, found in ranked)
        third = sum(not {*found}.isdisjoint(right) for right, found in ranked)
        assert f"| {len(ranked)} {title} | {first} | {third} |" in text
    assert len({row["source"] for row in table}) == len(table) == 120
    assert {name for row in table for name in row["first_three"].split()} <= knowledge.failure_causes.keys()
