"""The proof finds one seeded fault of each kind, with an example of the fault.

tests/cli/test_rules.py proves the real rules.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.decision.checks.consistency import contradictions, sources, unread
from advisor.decision.checks.diagnoses import diagnoses
from advisor.decision.checks.fault import fault as fault_at
from advisor.decision.checks.proof import Report, _examples, _gaps, _space, check
from advisor.decision.checks.situations import Model
from advisor.decision.core import core_of
from advisor.decision.derived_facts import TOOL_NEEDS
from advisor.decision.losses import configuration_of
from advisor.engine.rules import Rule, RuleTable
from advisor.errors import KnowledgeError
from advisor.findings import Finding
from advisor.knowledge import Knowledge
from advisor.knowledge.facts import DerivedCase, Pick


def with_table(knowledge: Knowledge, name: str, **changes: Any) -> Knowledge:
    table = knowledge.tables[name]._replace(**changes)
    return replace(knowledge, tables={**knowledge.tables, name: table})


def with_rules(knowledge: Knowledge, name: str, change: Callable[[list[Rule]], list[Rule]]) -> Knowledge:
    return with_table(knowledge, name, rules=change(list(knowledge.tables[name].rules)))


def with_rule(knowledge: Knowledge, rule: str, **changes: Any) -> Knowledge:
    table = knowledge.rules[rule][0]
    return with_rules(
        knowledge, table.table, lambda rules: [r._replace(**changes) if r.id == rule else r for r in rules]
    )


def without_rule(knowledge: Knowledge, rule: str) -> Knowledge:
    return with_rules(knowledge, knowledge.rules[rule][0].table, lambda rules: [r for r in rules if r.id != rule])


def with_derived(knowledge: Knowledge, name: str, **changes: Any) -> Knowledge:
    return replace(knowledge, derived=[d._replace(**changes) if d.id == name else d for d in knowledge.derived])


@pytest.fixture(scope="module", autouse=True)
def _without_collecting_garbage() -> Iterator[None]:
    """Turn off the garbage collector: a proof makes millions of objects and no cycles."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="module")
def two(knowledge: Knowledge) -> Knowledge:
    """The real knowledge with only two releases, one for each era. Its proof takes a fraction of the time."""
    package = next(package for package in knowledge.capabilities if package.package == "mcp")
    ends = {line.id: line for line in package.lines}
    old, new = (next(line for line in ends.values() if line.modern == modern) for modern in ("falls-back", "served"))
    lines = [replace(line, start=line.newest) for line in (old, new)]
    cells = [
        replace(cell, start=line.start, before=line.before, observed_on=[line.newest])
        for line in lines
        for cell in package.cells
        if (cell.start, cell.before) != (line.start, line.before) and _holds(cell, line.newest)
    ]
    traits = [trait for trait in knowledge.traits if trait.package == package.package]
    return replace(knowledge, capabilities=[package._replace(lines=lines, cells=cells)], traits=traits)


# A measured proof takes three times as long, and one measured proof is enough.
unmeasured = pytest.mark.no_cover


def _holds(cell: Any, release: str) -> bool:
    numbers = [tuple(int(part) for part in text.split(".")) for text in (cell.start, release, cell.before)]
    return numbers[0] <= numbers[1] < numbers[2]


def fault_of(faults: list[Finding], kind: str, where: str) -> Finding:
    found = [fault for fault in faults if (fault.id, fault.key) == (kind, where)]
    assert len(found) == 1, f"not one fault of kind {kind} at {where} among {[(f.id, f.key) for f in faults]}"
    return found[0]


# --- one table ----------------------------------------------------------------------------------------------------


def test_a_gap_in_a_table_is_found(knowledge: Knowledge) -> None:
    advisor = Advisor(without_rule(knowledge, "ERA-050"))
    (fault,) = _gaps(advisor)
    assert (fault.id, fault.key, fault.message) == ("gap", "eras", "no rule applies to these facts")
    assert fault.example["path.eras"] == "legacy"
    assert fault.example["clients.protocol"] in ("mixed", "unknown")
    assert advisor.tables["eras"].evaluate(fault.example).rules == ()


def test_a_gap_ends_the_proof_with_its_report(knowledge: Knowledge) -> None:
    """Later tables have no input after a gap, so the proof stops there."""
    report = check(Advisor(without_rule(knowledge, "ERA-050")))
    assert {fault.id for fault in report.faults} == {"gap"}
    assert report.combinations == 0


def test_a_gap_in_the_table_of_cells_is_found(knowledge: Knowledge) -> None:
    faults = _gaps(Advisor(without_rule(knowledge, "DEL-090")))
    assert {(fault.id, fault.key) for fault in faults} == {("gap", "delivery")}
    assert "channel" in faults[0].example


def test_an_overlap_in_a_table_is_found(knowledge: Knowledge) -> None:
    advisor = Advisor(with_rule(knowledge, "ERA-010", when={"clients.protocol": {"in": ["legacy", "mixed"]}}))
    faults = _gaps(advisor)
    assert {(fault.id, fault.message) for fault in faults} == {
        ("overlap", f"the rules ERA-010, {other} apply to the same facts")
        for other in ("ERA-015", "ERA-040", "ERA-045", "ERA-050", "ERA-055")
    }
    for fault in faults:
        assert len(advisor.tables["eras"].evaluate(fault.example).matching) == 2


def test_a_derived_fact_with_a_gap_is_refused(knowledge: Knowledge) -> None:
    pick = Pick("stateless_http", [DerivedCase(True, "need.stream_stateless")])
    with pytest.raises(KnowledgeError, match=r"derived fact need\.stream: no case for stateless_http: false"):
        Advisor(with_derived(knowledge, "need.stream", pick=pick))


def test_a_derived_fact_outside_its_own_values_is_refused(knowledge: Knowledge) -> None:
    mechanism = next(derived for derived in knowledge.derived if derived.id == "affinity.mechanism")
    values = [value for value in mechanism.values if value != "redis-session-directory"]
    with pytest.raises(
        KnowledgeError, match=r"derived fact affinity\.mechanism: redis-session-directory is not one of its values"
    ):
        Advisor(with_derived(knowledge, "affinity.mechanism", values=values))


def test_a_circle_of_derived_facts_is_refused_by_name(knowledge: Knowledge) -> None:
    pick = Pick(
        "json_response", [DerivedCase(True, "need.stream_stateless"), DerivedCase(False, "need.stream_sessions")]
    )
    with pytest.raises(KnowledgeError) as caught:
        Advisor(with_derived(knowledge, "need.stream", pick=pick))
    assert str(caught.value) == "these facts depend on each other: json_response, need.stream"


# --- the entire fact space ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sown(two: Knowledge) -> tuple[Advisor, list[Finding]]:
    """Independent faults, added together because one proof takes seconds, and the findings of the proof."""
    first = two.tables["affinity"].rules[0]
    assert (first.id, first.when) == ("AFF-010", {"processes": "one"})
    apart = first._replace(id="AFF-005", when={"processes": "one", "addressable": "no"})
    never = first._replace(id="AFF-006", when={"processes": {"not_in": ["one", "many"]}})
    behind = first._replace(id="AFF-015", when={**first.when, "scale.affinity": "unavailable"})
    # All are in one table, and not in the table of sessions, because a fold of that table takes seconds.
    seeded = with_rules(two, "affinity", lambda rules: [apart, never, first, behind, *rules[1:]])
    seeded = with_rule(without_rule(seeded, "FRA-020"), "FRA-090", sources=[])
    mood = seeded.facts["preference"]._replace(id="clients.mood")
    advisor = Advisor(with_cell(replace(seeded, facts={**seeded.facts, "clients.mood": mood})))
    return advisor, check(advisor).faults


def test_a_rule_whose_facts_never_occur_together_is_dead(sown: Any) -> None:
    fault = fault_of(sown[1], "dead", "AFF-005")
    assert fault.message == "the facts of this rule never occur together"
    assert (fault.example["processes"], fault.example["addressable"]) == ("one", "no")


def test_a_rule_whose_conditions_never_hold_is_dead(sown: Any) -> None:
    assert fault_of(sown[1], "dead", "AFF-006").message == "the conditions of this rule are never true together"


def test_a_rule_behind_another_is_shadowed(sown: Any) -> None:
    advisor, faults = sown
    fault = fault_of(faults, "shadowed", "AFF-015")
    assert fault.message.endswith("to all cases of this rule")
    assert "AFF-010" in fault.message
    matching = advisor.tables["affinity"].evaluate(fault.example).matching
    assert "AFF-015" in [rule.id for rule in matching[1:]]


def test_only_the_seeded_rules_are_dead_or_shadowed(sown: Any) -> None:
    assert sorted(f.key for f in sown[1] if f.id in ("dead", "shadowed")) == [
        "AFF-005",
        "AFF-006",
        "AFF-015",
    ]


def test_checks_without_enumeration_are_in_the_same_report(sown: Any) -> None:
    fault_of(sown[1], "source", "FRA-090")
    fault_of(sown[1], "unread", "clients.mood")
    assert [fault.message for fault in sown[1] if fault.id == "data"] == ["two cells have the same release"]


def lost_in_example(advisor: Advisor, fault: Finding) -> bool:
    """Whether the advisor loses the required feature for the facts of a fault."""
    facts: dict[str, Any] = {
        name: advisor.space.domains[name][0] for name in advisor.network.base if name != TOOL_NEEDS
    }
    facts.update({name: value for name, value in fault.example.items() if name != "pattern"}, **{TOOL_NEEDS: ()})
    assert facts[f"needs.{fault.key}"] == "required"
    advisor.network.evaluate(facts)
    assert facts["pattern"] == fault.example["pattern"]
    assert core_of(facts).feasible
    named = [era for era in ("legacy", "modern") if facts[f"era.{era}"] == "named"]
    return any(not advisor.cells.works(fault.key, era, configuration_of(facts)) for era in named)  # type: ignore[arg-type]


def test_a_rule_that_drops_the_stream_loses_a_feature(sown: Any) -> None:
    advisor, faults = sown
    fault = fault_of(faults, "lost", "progress")
    assert fault.message.startswith("a feasible decision loses this required feature for ")
    assert lost_in_example(advisor, fault)


@pytest.mark.thorough
@unmeasured
def test_a_rule_that_drops_sessions_too_early_loses_features(two: Knowledge) -> None:
    """SES-210 does not read the needs in this test."""
    advisor = Advisor(with_rule(two, "SES-210", when={"processes": "many"}))
    lost = [fault for fault in _space(Model(advisor), Report([])) if fault.id == "lost"]
    assert "sampling" in [fault.key for fault in lost]
    assert {fault.example["pattern"] for fault in lost} == {"stateless-fleet"}
    assert all(lost_in_example(advisor, fault) for fault in lost)


@pytest.mark.thorough
@unmeasured
def test_a_topology_without_a_matching_rule_loses_features(two: Knowledge) -> None:
    """The delivery table says that no session directory finds an owner; the session table still relies on one."""
    when = {**two.rules["DEL-010"][1].when, "owner": {"in": ["any", "directory"]}}
    advisor = Advisor(with_rule(two, "DEL-010", when=when))
    lost = [fault for fault in _space(Model(advisor), Report([])) if fault.id == "lost"]
    assert {fault.example["pattern"] for fault in lost} == {"shared-state"}
    assert all(lost_in_example(advisor, fault) for fault in lost if fault.key in advisor.lost.features)


# --- examples -----------------------------------------------------------------------------------------------------


INVALID = {
    "ERA-020": (
        {"clients.protcol": "legacy"},
        "<example>: clients.protcol: unknown key. Did you mean 'clients.protocol'?",
    ),
    "DEL-020": ({"chanel": "listen"}, "chanel: listen is not a value of an input of the table"),
    "DEL-030": ({"channel": "radio"}, "channel: radio is not a value of an input of the table"),
}
SWAPPED = ("ERA-010", "DEL-010", "host-allow-list")
MISSING = "ERA-030"


@pytest.fixture(scope="module")
def wrong_examples(knowledge: Knowledge) -> list[Finding]:
    """The faults of many wrong examples, made together because to decide all examples takes seconds."""
    changed = knowledge
    for rule in (*SWAPPED, *INVALID, MISSING):
        hit, miss = (knowledge.rules[rule][1].examples[kind] for kind in ("hit", "miss"))
        examples = {"hit": INVALID[rule][0], "miss": miss} if rule in INVALID else {"hit": miss, "miss": hit}
        changed = with_rule(changed, rule, examples={"hit": hit} if rule == MISSING else examples)
    return _examples(Advisor(changed), set())


def test_only_the_wrong_examples_are_found(wrong_examples: list[Finding]) -> None:
    assert sorted(fault.key for fault in wrong_examples) == sorted((*SWAPPED, *SWAPPED, *INVALID, MISSING))
    assert {fault.id for fault in wrong_examples} == {"example"}


@pytest.mark.parametrize("rule", SWAPPED)
def test_an_example_with_the_wrong_outcome_is_found(
    knowledge: Knowledge, wrong_examples: list[Finding], rule: str
) -> None:
    positive, negative = (fault for fault in wrong_examples if fault.key == rule)
    assert positive.message == "this rule does not apply to its example 'hit'"
    assert positive.example == knowledge.rules[rule][1].examples["miss"]
    assert negative.message == "this rule applies to its example 'miss'"
    assert negative.example == knowledge.rules[rule][1].examples["hit"]


@pytest.mark.parametrize("rule", INVALID)
def test_an_example_with_invalid_requirements_is_found(wrong_examples: list[Finding], rule: str) -> None:
    fault = fault_of(wrong_examples, "example", rule)
    assert fault.message.startswith(f"the example 'hit' is not valid: {INVALID[rule][1]}")


def test_a_missing_example_is_found(wrong_examples: list[Finding]) -> None:
    assert fault_of(wrong_examples, "example", MISSING).message == "this rule has no example 'miss'"


# --- sources ------------------------------------------------------------------------------------------------------


def test_a_source_that_does_not_exist_is_found(knowledge: Knowledge) -> None:
    (fault,) = sources(with_rule(knowledge, "SES-100", sources=["hearsay"]))
    assert fault == fault_at("source", "SES-100", "the source 'hearsay' does not exist")


def test_a_removed_source_is_reported_for_every_entry_that_names_it(knowledge: Knowledge) -> None:
    left = {name: source for name, source in knowledge.sources.items() if name != "measured-flag-matrix"}
    faults = sources(replace(knowledge, sources=left))
    assert {fault.message for fault in faults} == {"the source 'measured-flag-matrix' does not exist"}
    cells = [cell for package in knowledge.capabilities for cell in package.cells]
    named = {f"{cell.feature}, {cell.call}" for cell in cells if "measured-flag-matrix" in cell.sources}
    assert named | {"SES-020", "FRA-010"} <= {fault.key for fault in faults}


def test_a_rule_without_source_is_found(knowledge: Knowledge) -> None:
    assert sources(with_rule(knowledge, "FRA-090", sources=[])) == [fault_at("source", "FRA-090", "no source is given")]


# --- facts and data -----------------------------------------------------------------------------------------------


def test_a_fact_that_no_rule_reads_is_found(knowledge: Knowledge) -> None:
    idle = knowledge.facts["preference"]._replace(id="clients.mood")
    faults = unread(Advisor(replace(knowledge, facts={**knowledge.facts, "clients.mood": idle})))
    assert faults == [fault_at("unread", "clients.mood", "no rule uses this fact")]


def test_an_input_that_no_rule_of_its_table_reads_is_found(knowledge: Knowledge) -> None:
    framing = knowledge.tables["framing"]
    faults = unread(Advisor(with_table(knowledge, "framing", inputs=[*framing.inputs, "preference"])))
    assert faults == [fault_at("unread", "framing", "no rule of this table uses the input 'preference'")]


def with_cell(knowledge: Knowledge, **changes: Any) -> Knowledge:
    """The knowledge with its first capability cell and a changed copy of this cell."""
    first, *others = knowledge.capabilities
    return replace(
        knowledge, capabilities=[first._replace(cells=[*first.cells, replace(first.cells[0], **changes)]), *others]
    )


def test_two_cells_for_one_release_are_found(knowledge: Knowledge) -> None:
    (fault,) = contradictions(with_cell(knowledge))
    cell = knowledge.capabilities[0].cells[0]
    assert (fault.id, fault.message) == ("data", "two cells have the same release")
    assert fault.key == f"{knowledge.capabilities[0].package}: {cell.feature}, {cell.call}"
    assert fault.example == {"release": cell.start}


def test_a_hole_between_the_ranges_of_a_call_is_found(knowledge: Knowledge) -> None:
    first, *others = knowledge.capabilities
    calls: dict[tuple[str, str], list[Any]] = {}
    for cell in first.cells:
        calls.setdefault((cell.feature, cell.call), []).append(cell)
    gone = next(cells[1] for cells in calls.values() if len(cells) > 2)
    cells = [cell for cell in first.cells if cell is not gone]
    faults = contradictions(replace(knowledge, capabilities=[first._replace(cells=cells), *others]))
    assert {fault.key for fault in faults} == {f"{first.package}: {gone.feature}, {gone.call}"}
    assert "has cells for releases around this release" in faults[0].message


def test_a_cell_with_an_unknown_call_is_found(knowledge: Knowledge) -> None:
    (fault,) = contradictions(with_cell(knowledge, call="ctx.shout"))
    assert fault.message == "rules/features.yaml does not have this call for this feature"
    assert fault.key.endswith("ctx.shout")


def test_an_observation_outside_its_range_is_found(knowledge: Knowledge) -> None:
    first = knowledge.capabilities[0]
    cells = [replace(first.cells[0], observed_on=["0.1.0"]), *first.cells[1:]]
    (fault,) = contradictions(
        replace(knowledge, capabilities=[first._replace(cells=cells), *knowledge.capabilities[1:]])
    )
    assert fault.message.startswith("observed_on has 0.1.0, which is outside of the range ")
    assert fault.example == {"release": "0.1.0"}


def test_a_line_whose_newest_release_is_outside_the_line_is_found(knowledge: Knowledge) -> None:
    first = knowledge.capabilities[0]
    lines = [replace(first.lines[0], newest="99.0"), *first.lines[1:]]
    (fault,) = contradictions(
        replace(knowledge, capabilities=[first._replace(lines=lines), *knowledge.capabilities[1:]])
    )
    assert fault.key == f"{first.package}: {first.lines[0].id}"
    assert fault.message.startswith("the newest release 99.0 is outside of the range ")


def test_a_table_is_compiled_with_its_name_in_every_error(knowledge: Knowledge) -> None:
    table: RuleTable = knowledge.tables["session"]
    with pytest.raises(KnowledgeError, match="table session, rule SES-100, processes: 'three' is not one of one, many"):
        Advisor(
            with_rules(
                knowledge,
                table.table,
                lambda rules: [r._replace(when={"processes": "three"}) if r.id == "SES-100" else r for r in rules],
            )
        )


def test_each_fault_of_the_diagnoses_is_found(knowledge: Knowledge) -> None:
    assert list(diagnoses(knowledge)) == []
    entries = knowledge.diagnoses
    cut, missed = entries["calls-cut"], entries["notifications-missed"]
    step = cut.steps[0]
    seeded = {
        "has no diagnosis of this warning": cut._replace(warnings=cut.warnings[1:]),
        "a warning that does not exist": cut._replace(warnings=[*cut.warnings, "no-warning"]),
        "names this warning 2 times": cut._replace(warnings=[*cut.warnings, missed.warnings[0]]),
        "needs a title": cut._replace(title=""),
        "the same as those of": cut._replace(steps=entries["state-missing"].steps),
        "either a query or a command": cut._replace(steps=[step._replace(sh="true"), *cut.steps[1:]]),
    }
    for says, entry in seeded.items():
        faults = list(diagnoses(replace(knowledge, diagnoses={**entries, "calls-cut": entry})))
        assert [says in found.message for found in faults] == [True], (says, faults)
    without = {name: entry for name, entry in entries.items() if name != "redis-stalled"}
    faults = list(diagnoses(replace(knowledge, diagnoses=without)))
    assert [found.message for found in faults] == ["rules/diagnoses.yaml has no diagnosis of this failure"]
