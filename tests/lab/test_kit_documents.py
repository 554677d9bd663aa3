"""The expected behaviour in the documents of a kit: the parts that apply, and the problems in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

import jsonschema
import pytest

from advisor.cli.schema_registry import schema_of
from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import example_requirements
from advisor.kit.expected_failures import ExpectedFailure
from advisor.kit.parts import documents
from advisor.lab.verify.expected_failures import as_documented, failures_to_inject
from advisor.lab.verify.kit_documents import KitDocuments, read_kit_documents
from advisor.lab.verify.prediction import PredictedCell
from advisor.lab.verify.preparation import Preparation, prepare
from advisor.requirements import load_path

STALE = "decision.json does not match the current decision for requirements.yaml. To fix this, run `generate` again."
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
KitOf: TypeAlias = Callable[..., tuple[Preparation, Callable[[], KitDocuments], Path]]

FEASIBLE = {path.stem: path for path in EXAMPLES if path.stem != "sampling-on-a-stateless-fleet"}


@pytest.fixture
def kit(advisor: Advisor, tmp_path: Path) -> KitOf:
    """A function from an example to the expected results of its kit, after edits of its documents."""

    def read(
        name: str,
        *,
        decision: Callable[[Any, Any], object] | None = None,
        page: Callable[[str], str] | None = None,
        **options: Any,
    ) -> tuple[Preparation, Callable[[], KitDocuments], Path]:
        prepared = prepare(load_path(FEASIBLE[name], advisor.space), advisor, **options)
        for file in documents.files(prepared.kit, prepared.decision, ""):
            text = file.content
            if file.path == "decision.json" and decision:
                document = json.loads(text)
                decision({row["feature"]: row for row in document["features"]}, document)
                text = json.dumps(document)
            if file.path == "DECISION.md" and page:
                assert page(text) != text
                text = page(text)
            (tmp_path / file.path).write_text(text)
        return prepared, lambda: read_kit_documents(tmp_path, prepared, advisor), tmp_path

    return read


def changed(before: Iterable[PredictedCell], after: Iterable[PredictedCell]) -> list[tuple[str | None, str, str, str]]:
    return [
        (new.tier, new.era, new.feature, new.predicted)
        for new, old in zip(after, before, strict=True)
        if new.predicted != old.predicted
    ]


@pytest.mark.parametrize("name", FEASIBLE)
def test_the_documents_of_a_new_kit_state_the_decision(advisor: Advisor, kit: KitOf, name: str) -> None:
    prepared, read, folder = kit(name)
    said = read()
    assert (said.cells, said.problems, said.notes) == (prepared.cells, (), ())
    rows = documents.stated_lines(prepared.kit, prepared.decision)
    assert set(rows) <= set((folder / "DECISION.md").read_text().splitlines())
    assert any("stateless_http=" in row for row in rows)
    # The kit of a developer's machine has no table of failures.
    assert any(row.startswith("| An instance crashes") for row in rows) == (name != "local-development")


def test_a_feature_that_no_client_application_supports_works_for_the_clients_of_the_lab(
    advisor: Advisor, tmp_path: Path
) -> None:
    stated = {"clients.apps": ["claude-code"], "scale.instances": 3, "needs.elicitation": "required"}
    prepared = prepare(example_requirements(advisor, stated), advisor)
    for file in documents.files(prepared.kit, prepared.decision, ""):
        (tmp_path / file.path).write_text(file.content)
    (row,) = (row for row in prepared.decision.features if row.feature == "sampling")
    assert row.modern.outcome == "unsupported"
    said = read_kit_documents(tmp_path, prepared, advisor)
    assert (said.cells, said.problems, said.notes) == (prepared.cells, (), ())
    (cell,) = (cell for cell in said.cells if (cell.feature, cell.era) == ("sampling", "modern"))
    assert cell.predicted == "works"


def test_the_predicted_outcome_comes_from_the_decision(kit: KitOf) -> None:
    def lower(rows: Any, _: Any) -> None:
        rows["progress"]["legacy"]["outcome"] = "dropped"

    prepared, read, _ = kit("pattern-3-sticky-fleet", decision=lower)
    said = read()
    assert changed(prepared.cells, said.cells) == [(None, "legacy", "progress", "dropped")]
    assert said.problems == ()
    assert said.notes == (STALE,)
    lost = next(cell for cell in said.cells if (cell.era, cell.feature) == ("legacy", "progress"))
    assert lost.tool == "", "what is lost is seen on the bare call"


def test_with_tiers_the_outcome_is_of_the_tier_that_needs_the_feature(kit: KitOf) -> None:
    def lower(rows: Any, _: Any) -> None:
        for feature in ("sampling", "plain"):
            rows[feature]["legacy"]["outcome"] = "hang"

    prepared, read, _ = kit("customer-service-agent", decision=lower)
    assert changed(prepared.cells, read().cells) == [
        ("stateless", "legacy", "plain", "hang"),
        ("stateful", "legacy", "sampling", "hang"),
    ]


def test_a_run_without_a_decision_has_no_expected_result(kit: KitOf) -> None:
    def lower(rows: Any, _: Any) -> None:
        rows["plain"]["legacy"]["outcome"] = "hang"

    prepared, read, _ = kit("pattern-2-stateless-fleet", decision=lower, proxy="none")
    assert read().cells == prepared.cells


def demanded(
    advisor: Advisor, prepared: Preparation, found: KitDocuments, *events: str
) -> tuple[dict[tuple[str, str], ExpectedFailure], list[str]]:
    """The behaviour that chaos expects, by event and era, and the problems of decision.json."""
    failures = failures_to_inject(prepared, advisor.knowledge, events)
    assert found.decision is not None
    stated, problems = as_documented(failures, found.decision, prepared, advisor.knowledge)
    return {(failure.event.id, failure.era): failure for failure in stated}, problems


@pytest.mark.parametrize("name", [name for name in FEASIBLE if name != "local-development"])
def test_a_new_kit_expects_the_behaviour_of_the_rules_in_failures(advisor: Advisor, kit: KitOf, name: str) -> None:
    prepared, read, _ = kit(name)
    failures = failures_to_inject(prepared, advisor.knowledge)
    stated, problems = demanded(advisor, prepared, read())
    assert problems == []
    assert stated == {(failure.event.id, failure.era): failure for failure in failures}
    jsonschema.validate(read().decision, schema_of("decision", advisor.space))


def test_chaos_expects_the_behaviour_in_the_decision(advisor: Advisor, kit: KitOf) -> None:
    def milder(_: Any, document: Any) -> None:
        for record in document["expected_failures"]:
            if (record["event"], record["era"]) == ("instance-killed", "legacy"):
                record.update(then="unaffected", running="completes", felt=[])

    prepared, read, _ = kit("pattern-3-sticky-fleet", decision=milder)
    stated, problems = demanded(advisor, prepared, read(), "instance-killed")
    expected = stated["instance-killed", "legacy"].expected
    assert (expected.then, expected.running, expected.felt, problems) == ("unaffected", "completes", [], [])
    assert stated["instance-killed", "modern"].expected.then != "unaffected"
    assert read().notes == (STALE,)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda records: records.clear(), "instance-killed for legacy clients (no entry)"),
        (lambda records: records[0].pop("then"), "instance-killed for legacy clients (then is missing)"),
        (
            lambda records: records[0].update(then="perhaps"),
            "instance-killed for legacy clients (then: Input should be",
        ),
        (lambda records: records[0].update(handles="perhaps"), "instance-killed for legacy clients (handles: Input"),
    ],
)
def test_a_failure_that_the_decision_omits_is_a_problem(
    advisor: Advisor, kit: KitOf, edit: Callable[[list[Any]], object], said: str
) -> None:
    prepared, read, _ = kit("pattern-3-sticky-fleet", decision=lambda _, document: edit(document["expected_failures"]))
    stated, problems = demanded(advisor, prepared, read(), "instance-killed")
    assert said in problems[0]
    assert list(stated.values()) == failures_to_inject(prepared, advisor.knowledge, ["instance-killed"])


def test_a_decision_of_an_older_release_expects_nothing_of_failures(advisor: Advisor, kit: KitOf) -> None:
    prepared, read, _ = kit("pattern-3-sticky-fleet", decision=lambda _, document: document.pop("expected_failures"))
    assert read().problems == ()
    _, problems = demanded(advisor, prepared, read())
    assert problems == ["decision.json has no array `expected_failures`. To fix this, run `generate` again."]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "decision.json").unlink(), "decision.json cannot be read"),
        (lambda folder: (folder / "decision.json").write_text("{"), "decision.json is not JSON"),
        (lambda folder: (folder / "decision.json").write_text("[]"), "decision.json contains no decision"),
        (lambda folder: (folder / "DECISION.md").unlink(), "DECISION.md cannot be read"),
        (lambda folder: (folder / "DECISION.md").write_bytes(b"\xff"), "DECISION.md cannot be read (it is not text)"),
    ],
    ids=["no-decision", "half", "list", "no-page", "bytes"],
)
def test_an_unreadable_document_is_a_problem(kit: KitOf, spoil: Callable[[Path], object], said: str) -> None:
    prepared, read, folder = kit("pattern-1-single-instance")
    spoil(folder)
    found = read()
    assert found.cells == prepared.cells
    (problem,) = found.problems
    assert problem.startswith(said)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda rows, _: rows["roots"]["modern"].update(outcome="perhaps"), "the outcome of roots for modern clients"),
        (lambda rows, _: rows["roots"].update(legacy=None), "the outcome of roots for legacy clients"),
        (lambda rows, all: all["features"].remove(rows["roots"]), "has no row for the feature roots"),
    ],
)
def test_an_empty_row_of_the_decision_is_a_problem(kit: KitOf, edit: Callable[[Any, Any], object], said: str) -> None:
    _, read, _ = kit("pattern-3-sticky-fleet", decision=edit)
    (problem,) = read().problems
    assert said in problem


def test_a_row_of_the_page_that_disagrees_is_a_problem(kit: KitOf) -> None:
    _, read, _ = kit("pattern-1-single-instance", page=lambda text: text.replace("get 404", "get 410"))
    problems = read().problems
    assert problems
    for problem in problems:
        first, expected, instead = problem.splitlines()
        assert first == "A line of DECISION.md does not match the decision."
        assert expected.startswith("    expected: | ")
        assert instead.startswith("    found:    | ")
        assert (expected.partition("| ")[2].replace("get 404", "get 410")) == instead.partition("| ")[2]


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("open-source-devtool", "| Flags            |"),
        ("open-source-devtool", "| An instance hangs |"),
        ("open-source-devtool", "* **Sampling** (preferred)"),
        ("pattern-1-single-instance", "* These features that the requirements ask for work: "),
    ],
)
def test_a_removed_row_is_a_problem(kit: KitOf, name: str, start: str) -> None:
    def without(text: str) -> str:
        return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(start))

    _, read, _ = kit(name, page=without)
    (problem,) = read().problems
    assert problem.startswith(f"A line of the decision is missing in DECISION.md.\n    expected: {start}")


def test_text_around_the_rows_does_not_matter(kit: KitOf) -> None:
    def edited(text: str) -> str:
        text = text.replace("| Event |", "|  Event   |").replace("## Why", "We talked about it.\n\n## Reasons")
        return text.replace("\n| An instance", "\n|   An instance").replace("## How to check", "| Our own | row |\n")

    _, read, _ = kit("pattern-3-sticky-fleet", page=edited)
    assert read().problems == ()
