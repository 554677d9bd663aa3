"""The documents that commands print follow their schemas: every key is described, and every described key occurs."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from jsonschema_rs import Draft202012Validator
from schema_faults import schema_faults
from test_bisect import change_of
from test_chaos_report import rows
from test_exercise import exercise
from test_load import measured as measured_load
from test_measure import DELETE
from test_measure import measured as measured_release
from test_verification import FINE, WRONG

from advisor.audits.server_code import findings
from advisor.cli import inputs
from advisor.cli.kits import Writing, make_kits
from advisor.cli.schema_registry import DECLARATIONS, schema_of
from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import Report, example_requirements
from advisor.decision.options import Comparer
from advisor.decision.what_if import WhatIf, variant, with_facts
from advisor.diagnosis.causes import Evidence, diagnose
from advisor.endpoint.balancing import Affinity
from advisor.endpoint.examination import CheckRun
from advisor.endpoint.statistics import ConfidenceInterval, wilson
from advisor.errors import InputError
from advisor.findings import Finding, Location
from advisor.kit.render import render_kit
from advisor.kit.sync.conflicts import ConflictStyle
from advisor.kit.sync.document import generation_dict, generations_dict
from advisor.kit.sync.generate import generate, preview
from advisor.lab.capabilities import report as measurements
from advisor.lab.capabilities.bisection import Bisected
from advisor.lab.capabilities.comparison import Difference
from advisor.lab.capabilities.matrix import CellKey
from advisor.lab.capabilities.measure import compared
from advisor.lab.exercise.document import exercise_dict
from advisor.lab.verify.document import verification_dict
from advisor.probe.judging import judge
from advisor.probe.run import Probed
from advisor.report.capability_matrix import Matrix
from advisor.report.comparison_document import comparison_dict
from advisor.report.decision_json import batch_dict, decision_dict, error_dict
from advisor.report.diagnosis_document import diagnosis_document
from advisor.report.findings_document import findings_document
from advisor.report.probe_document import probe_document
from advisor.report.rule_records import Catalogue, listing, proof_record
from advisor.report.scan_document import scan_document
from advisor.report.topology_table import record as topology_record
from advisor.report.what_if_document import what_if_dict
from advisor.sources.code_model import ScannedTree
from advisor.sources.code_scan import scan
from advisor.triage import Triaged, TriageOrder, triaged
from advisor.triage.baseline import accepting, baseline_document
from advisor.triage.configuration import SeverityEntry, TriagePolicy

EXAMPLES = Path(__file__).parents[2] / "examples"
Documents: TypeAlias = Iterator[Any]


def requirements_of(name: str, advisor: Advisor) -> Any:
    return inputs.read_for_kit(str(EXAMPLES / name), advisor.space)


def decisions(advisor: Advisor, folder: Path) -> Documents:
    for path in (*EXAMPLES.glob("*.yaml"), *(EXAMPLES / "field").glob("*.yaml")):
        decision = advisor.decide(requirements_of(str(path.relative_to(EXAMPLES)), advisor)[1])
        yield decision_dict(decision, advisor.trace(decision))
    tools = [{"name": "ask", "needs": {"sampling": "required"}}, {"name": "get"}]
    tiered = {"sdk": "other", "language": "typescript", "scale.instances": 3, "scale.affinity": "unavailable"}
    yield decision_dict(
        advisor.decide(example_requirements(advisor, {**tiered, "clients.protocol": "legacy", "tools": tools}))
    )
    contradiction = {"needs.sampling": "required", "scale.instances": 3, "scale.affinity": "unavailable"}
    yield decision_dict(advisor.decide(example_requirements(advisor, contradiction)))
    unsure = {"needs.sampling": "unknown", "needs.progress": "unknown", "scale.instances": 3}
    yield decision_dict(advisor.decide(example_requirements(advisor, {**unsure, "clients.protocol": "legacy"})))
    raw, requirements = requirements_of("pattern-3-sticky-fleet.yaml", advisor)
    kit = render_kit(advisor.decide(requirements), raw.decode())
    yield next(json.loads(file.content) for file in kit if file.path == "decision.json")


def batch(advisor: Advisor, folder: Path) -> Documents:
    (folder / "wrong.yaml").write_text("service: 7\n")
    with pytest.raises(InputError) as wrong:
        requirements_of(str(folder / "wrong.yaml"), advisor)
    found = [("example.yaml", document) for document in decisions(advisor, folder)]
    yield batch_dict(found, [error_dict(wrong.value)])


def comparisons(advisor: Advisor, folder: Path) -> Documents:
    comparer = Comparer(advisor)
    for path in EXAMPLES.glob("*.yaml"):
        yield comparison_dict(comparer.compare(advisor.decide(requirements_of(path.name, advisor)[1])))
    other = {"sdk": "other", "scale.instances": 3, "needs.sampling": "required", "clients.protocol": "legacy"}
    tools = [{"name": "ask", "needs": {"sampling": "required"}}, {"name": "get"}]
    yield comparison_dict(comparer.compare(advisor.decide(example_requirements(advisor, {**other, "tools": tools}))))
    unsure = {"needs.sampling": "unknown", "needs.progress": "unknown", "scale.instances": 3}
    yield comparison_dict(comparer.compare(advisor.decide(example_requirements(advisor, unsure))))


def what_ifs(advisor: Advisor, folder: Path) -> Documents:
    found = requirements_of("customer-service-agent.yaml", advisor)[1]
    tools = [{"name": "ask", "needs": {"sampling": "required"}}, {"name": "get"}]
    tiered = {"sdk": "other", "language": "typescript", "scale.instances": 3, "scale.affinity": "unavailable"}
    other = example_requirements(advisor, {**tiered, "clients.protocol": "legacy", "tools": tools})
    changes: list[dict[str, Any]] = [
        {"sdk": "mcp==1.28.1"},
        {"clients.protocol": "modern", "needs.sampling": "unknown"},
    ]
    for base in (found, other):
        decision = advisor.decide(base)
        others = [advisor.decide(with_facts(base, change, advisor.space)) for change in changes]
        yield what_if_dict(WhatIf(decision, tuple(variant(decision, other) for other in others)))


def capabilities(advisor: Advisor, folder: Path) -> Documents:
    yield Matrix(advisor.space).record()
    known = advisor.knowledge.capabilities
    measurement = measured_release(advisor.knowledge, "2.3.0", behaved={DELETE: "HTTP 200"})
    yield measurements.record([compared(measurement, known)], known)


def topology(advisor: Advisor, folder: Path) -> Documents:
    yield topology_record(advisor.knowledge.topology.values(), advisor.knowledge)


def rules(advisor: Advisor, folder: Path) -> Documents:
    yield listing(advisor.knowledge, None)


def knowledge_entries(advisor: Advisor, folder: Path) -> Documents:
    catalogue = Catalogue(advisor.space, advisor.compiled)
    yield from (catalogue.find(name) for names in catalogue.ids().values() for name in names)
    yield from (catalogue.find(word) for word in ("sticky-fleet", "nginx-sticky-learn", "flag pair", "exit code 3"))


def proof(advisor: Advisor, folder: Path) -> Documents:
    fault = Finding("gap", "no rule fires", locations=(Location(key="session"),), example={"scale.workers": "many"})
    yield proof_record(Report([fault], combinations=1200, classes=3, peak=4, rules=5, facts=6, seconds=0.123))
    yield proof_record(Report([]))


def generation(advisor: Advisor, folder: Path) -> Documents:
    raw, requirements = requirements_of("pattern-1-single-instance.yaml", advisor)
    files = render_kit(advisor.decide(requirements), raw.decode())
    yield generation_dict(preview(files, folder / "kit"), written=False)
    yield generation_dict(generate(files, raw, folder / "kit"), written=True)


def generations(advisor: Advisor, folder: Path) -> Documents:
    requirements = str(requirements_folder(folder))
    how = Writing(force=False, selected=lambda path: True, style=ConflictStyle.NEW, preview=True)
    yield generations_dict(*make_kits(requirements, folder / "kits", how))
    yield generations_dict(*make_kits(requirements, folder / "kits", how._replace(preview=False)))


def requirements_folder(folder: Path) -> Path:
    """A folder with a good, an invalid and a contradictory requirements file."""
    place = folder / "requirements"
    place.mkdir()
    shutil.copy(EXAMPLES / "pattern-1-single-instance.yaml", place)
    (place / "bad.yaml").write_text("service: a\nscale: {instances: 0}\n")
    shutil.copy(EXAMPLES.parent / "tests" / "report" / "requirements" / "contradiction.yaml", place)
    return place


def verification(advisor: Advisor, folder: Path) -> Documents:
    yield verification_dict(FINE)
    yield verification_dict(replace(FINE, sdk="mcp 2.3"), "2026-11-29")
    yield verification_dict(replace(WRONG, chaos=tuple(rows(advisor.knowledge)), load=measured_load()))


def exercises(advisor: Advisor, folder: Path) -> Documents:
    yield exercise_dict(exercise(advisor.knowledge))


def bisection(advisor: Advisor, folder: Path) -> Documents:
    change = change_of(advisor.knowledge, "1.28.1", "1.29.0")
    cell = Difference(CellKey(change.feature, change.call, "legacy", (True, False)), "works", "error", "gone")
    yield measurements.bisection_record(
        [Bisected(change, "1.28.5", measured={"1.28.5": "newer"}, ends={"1.28.1": "neither"}, wrong={"1.28.1": [cell]})]
    )


def diagnoses(advisor: Advisor, folder: Path) -> Documents:
    known = diagnose(Evidence("session not found"), advisor.knowledge)
    assert known.question is not None
    yield diagnosis_document(known)
    yield diagnosis_document(replace(known, question=None))


def probes(advisor: Advisor, folder: Path) -> Documents:
    for kind in advisor.knowledge.findings.values():
        if kind.about == "endpoint":
            examples = dict(kind.examples)
            seen = {"eras": ["legacy"], "session_mode": "stateful", "response_mode": "json", **examples["hit"]}
            lost = Affinity("round-robin", 20, 10, wilson(10, 20), ConfidenceInterval(2, 1.5, math.inf))
            run = CheckRun("sessions", "", ("POST /mcp: 404",), 0.5)
            probed = Probed("http://127.0.0.1/mcp", (run,), seen, lost, 1.5, 40)
            yield probe_document(probed, judge(probed, advisor.knowledge))


SCANNED = """
import os
from fastmcp import Context, FastMCP
from fastmcp.server.event_store import EventStore

mcp = FastMCP("orders")
carts = {}


@mcp.tool
async def book(ctx: Context) -> str:
    carts[ctx.session_id] = 1
    return str(await ctx.elicit("Book?", response_type=None))


@mcp.resource("orders://open")
async def open_orders(ctx: Context) -> str:
    return str(await ctx.elicit("All?", response_type=None))


app = mcp.http_app(stateless_http=os.getenv("STATELESS") == "1", event_store=EventStore())
"""


def scanned(advisor: Advisor, folder: Path) -> Iterator[tuple[Triaged, ScannedTree]]:
    place = folder / "scanned"
    place.mkdir()
    (place / "server.py").write_text(SCANNED)
    (place / "requirements.txt").write_text("fastmcp==3.4.4\n")
    (place / "broken.py").write_text("import mcp (\n")
    tree = scan(place, advisor.knowledge)
    found = findings(tree, advisor.knowledge)
    patched = [finding._replace(fix=finding.fix._replace(patch="--- a\n")) for finding in found]
    overridden = SeverityEntry(patched[0].id, "info", "a reason")
    order = TriageOrder(place, advisor.knowledge.findings, TriagePolicy((overridden,)))
    yield triaged(patched, tree.examined, tree.not_examined, order, advisor.knowledge), tree


def scans(advisor: Advisor, folder: Path) -> Documents:
    for found, tree in scanned(advisor, folder):
        yield scan_document(tree, found)


def found_problems(advisor: Advisor, folder: Path) -> Documents:
    for found, _ in scanned(advisor, folder):
        yield findings_document(found)


def baselines(advisor: Advisor, folder: Path) -> Documents:
    for found, _ in scanned(advisor, folder):
        yield baseline_document(accepting(found.findings))


def configuration_files(advisor: Advisor, folder: Path) -> Documents:
    entry = {"id": "state-in-process", "severity": "low", "reason": "one instance"}
    ignored = {"path": "legacy/**", "reason": "not deployed"}
    yield {
        "version": 1,
        "severity": [entry, {**entry, "path": "tools/**"}],
        "ignore": [ignored, {**ignored, "id": "state-in-process"}],
    }


EXAMPLES_OF: dict[str, Callable[[Advisor, Path], Documents]] = {
    "decision": decisions,
    "decisions": batch,
    "comparison": comparisons,
    "what-if": what_ifs,
    "capabilities": capabilities,
    "topology": topology,
    "scan": scans,
    "findings": found_problems,
    "baseline": baselines,
    "configuration": configuration_files,
    "rules": rules,
    "knowledge": knowledge_entries,
    "proof": proof,
    "generation": generation,
    "generations": generations,
    "verification": verification,
    "exercise": exercises,
    "bisection": bisection,
    "probe": probes,
    "diagnosis": diagnoses,
}

Shape: TypeAlias = tuple[str, ...]
"""The keys of an object, by which its declaration is known again in other places of a document."""


def is_object(schema: Any) -> bool:
    return isinstance(schema.get("required"), list) and "properties" in schema


def closed(schema: Any) -> Any:
    """The schema, changed so that a key without a description is an error."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(part) for key, part in schema.items()}
    return {"additionalProperties": False, **inner} if is_object(schema) else inner


def described(schema: Any) -> Iterator[tuple[Shape, str]]:
    """Every key that a schema describes, with the object of the key."""
    if isinstance(schema, list):
        for part in schema:
            yield from described(part)
    if isinstance(schema, dict):
        if is_object(schema):
            yield from ((tuple(schema["properties"]), key) for key in schema["properties"])
        for part in schema.values():
            yield from described(part)


def filled(schema: Any, data: Any, compiled: dict[int, Draft202012Validator]) -> Iterator[tuple[Shape, str]]:
    """The described keys that occur in data. `compiled` keeps the validators of alternatives, by their identity."""
    for alternative in schema.get("anyOf", ()):
        if id(alternative) not in compiled:
            compiled[id(alternative)] = Draft202012Validator(alternative)
        if compiled[id(alternative)].is_valid(data):
            yield from filled(alternative, data, compiled)
    if isinstance(data, list) and "items" in schema:
        for item in data:
            yield from filled(schema["items"], item, compiled)
    if isinstance(data, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, value in data.items():
            if key in properties:
                yield (tuple(properties), key)
                yield from filled(properties[key], value, compiled)
            elif isinstance(others, dict):
                yield from filled(others, value, compiled)


def test_every_document_has_examples() -> None:
    assert EXAMPLES_OF.keys() == DECLARATIONS.keys()


@pytest.mark.parametrize("name", EXAMPLES_OF)
def test_documents_follow_their_schema_and_every_described_key_occurs(
    name: str, advisor: Advisor, tmp_path: Path
) -> None:
    schema = closed(schema_of(name, advisor.space))
    validator, keys = Draft202012Validator(schema), set()
    compiled: dict[int, Draft202012Validator] = {}
    for document in EXAMPLES_OF[name](advisor, tmp_path):
        data = json.loads(json.dumps(document))
        assert schema_faults(validator, data) == []
        keys |= set(filled(schema, data, compiled))
    assert set(described(schema)) - keys == set()
