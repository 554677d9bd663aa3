"""Converts a decision table to zen-engine's format (JDM), so that both engines can evaluate the same rows."""

import json
from typing import Any

from advisor.engine.table import DecisionTable, admitted

_POSITION = {"x": 0, "y": 0}


def name(fact: str) -> str:
    """The name of a fact without dots, because JDM reads dots as paths."""
    return fact.replace(".", "_")


def document(table: DecisionTable) -> str:
    """The table as a JDM document."""
    inputs = [{"id": f"i{n}", "name": f, "field": name(f)} for n, f in enumerate(table.inputs)]
    outputs = [{"id": f"o{n}", "name": f, "field": name(f)} for n, f in enumerate(table.outputs)]
    rules = []
    for rule in table.spec.rules:
        row: dict[str, Any] = {"_id": rule.id}
        for column in inputs:
            condition = rule.when.get(column["name"])
            row[column["id"]] = "" if condition is None else _cell(condition, table.domains[column["name"]])
        for column in outputs:
            row[column["id"]] = json.dumps(rule.then[column["name"]])
        rules.append(row)
    content = {"hitPolicy": "first", "inputs": inputs, "outputs": outputs, "rules": rules}
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in", "position": _POSITION},
        {"id": "table", "type": "decisionTableNode", "name": "table", "position": _POSITION, "content": content},
        {"id": "out", "type": "outputNode", "name": "out", "position": _POSITION},
    ]
    edges = [
        {"id": "a", "type": "edge", "sourceId": "in", "targetId": "table"},
        {"id": "b", "type": "edge", "sourceId": "table", "targetId": "out"},
    ]
    return json.dumps({"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges})


def _cell(condition: Any, domain: Any) -> str:
    return ", ".join(json.dumps(value) for value in domain if value in admitted(condition, domain, "benchmark"))
