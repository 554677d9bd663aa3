"""Where each document is declared. Only the module of the document that is asked for is imported."""

from __future__ import annotations

from importlib import import_module

from advisor.documents.schema import Schema, json_schema
from advisor.knowledge.space import FactSpace
from advisor.knowledge.vocabulary import vocabulary
from advisor.requirements.schema import requirements_schema

DECLARATIONS = {
    "decision": "advisor.report.decision_document:CheckedDecision",
    "decisions": "advisor.report.decision_document:DecisionsDocument",
    "capabilities": "advisor.report.capability_document:CapabilitiesDocument",
    "topology": "advisor.report.topology_table:TopologyDocument",
    "rules": "advisor.report.rule_document:RulesDocument",
    "knowledge": "advisor.report.rule_document:AnyEntry",
    "proof": "advisor.report.rule_document:ProofDocument",
    "generation": "advisor.kit.sync.document:GenerationDocument",
    "verification": "advisor.lab.verify.document:VerificationDocument",
    "exercise": "advisor.lab.exercise.document:ExerciseDocument",
    "bisection": "advisor.lab.capabilities.report:BisectionDocument",
}
"""Each document, and the module and the name of its declaration."""


def schema_of(name: str, space: FactSpace) -> Schema:
    """The JSON Schema of a document.

    Args:
        name: `requirements`, or a name in `DECLARATIONS`.
        space: has the values that are allowed, such as the ids of the features.
    """
    if name == "requirements":
        return requirements_schema(space)
    module, _, declaration = DECLARATIONS[name].partition(":")
    return json_schema(getattr(import_module(module), declaration), name, vocabulary(space))
