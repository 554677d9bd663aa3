"""Maps each document to its declaration. `schema_of` imports only the module of the wanted document."""

from __future__ import annotations

from importlib import import_module

from advisor.documents.schema import Schema, json_schema
from advisor.knowledge.space import FactSpace
from advisor.knowledge.vocabulary import vocabulary
from advisor.requirements.schema import requirements_schema

DECLARATIONS = {
    "decision": "advisor.report.decision_document:CheckedDecision",
    "decisions": "advisor.report.decision_document:DecisionsDocument",
    "comparison": "advisor.report.comparison_document:ComparisonDocument",
    "what-if": "advisor.report.what_if_document:WhatIfDocument",
    "capabilities": "advisor.report.capability_document:CapabilitiesDocument",
    "topology": "advisor.report.topology_table:TopologyDocument",
    "rules": "advisor.report.rule_document:RulesDocument",
    "knowledge": "advisor.report.rule_document:AnyEntry",
    "proof": "advisor.report.rule_document:ProofDocument",
    "scan": "advisor.report.scan_document:ScanDocument",
    "findings": "advisor.report.findings_document:FindingsDocument",
    "probe": "advisor.report.probe_document:ProbeDocument",
    "diagnosis": "advisor.report.diagnosis_document:DiagnosisDocument",
    "baseline": "advisor.triage.baseline:BaselineDocument",
    "configuration": "advisor.triage.configuration:ConfigurationFile",
    "generation": "advisor.kit.sync.document:GenerationDocument",
    "generations": "advisor.kit.sync.document:GenerationsDocument",
    "verification": "advisor.lab.verify.document:VerificationDocument",
    "exercise": "advisor.lab.exercise.document:ExerciseDocument",
    "bisection": "advisor.lab.capabilities.report:BisectionDocument",
}
"""From the name of a document to `module:class` of its declaration."""
_WRITTEN_BY_PEOPLE = {"configuration", "baseline"}  # an unknown key of such a file is an error


def schema_of(name: str, space: FactSpace) -> Schema:
    """Return the JSON Schema of a document as JSON types.

    Args:
        name: `requirements`, or a name in `DECLARATIONS`.
        space: provides the allowed values, such as the ids of the features.
    """
    if name == "requirements":
        return requirements_schema(space)
    module, _, declaration = DECLARATIONS[name].partition(":")
    closed = name in _WRITTEN_BY_PEOPLE
    return json_schema(getattr(import_module(module), declaration), name, vocabulary(space), closed=closed)
