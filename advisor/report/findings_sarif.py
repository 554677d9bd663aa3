"""Findings as SARIF 2.1.0, the format of code scanning.

Sources: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html and
https://docs.github.com/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from advisor import __version__
from advisor.audits.server_code import worded_fix
from advisor.findings import Confidence, Finding, Location, Severity
from advisor.knowledge import Knowledge
from advisor.report.findings_text import override_text, suppression_text
from advisor.report.repository_paths import repository_uri
from advisor.report.unified_diff import LineChange, line_changes
from advisor.triage import Triaged, TriagedFinding

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_HOME = "https://github.com/mcp-advisor/mcp-advisor"
_BASE = "SRCROOT"
_FINGERPRINT = "mcpAdvisorFinding/v1"
_LEVELS: dict[Severity, str] = {"high": "error", "medium": "warning", "low": "note", "info": "note"}
_PROBLEMS: dict[Severity, str] = {
    "high": "error",
    "medium": "warning",
    "low": "recommendation",
    "info": "recommendation",
}
_PRECISIONS: dict[Confidence, str] = {"certain": "very-high", "likely": "high", "possible": "medium"}

_Json = dict[str, Any]


def findings_sarif(triaged: Triaged, knowledge: Knowledge) -> _Json:
    """Return the findings as a SARIF log in JSON types."""
    every = [*triaged.findings, *triaged.suppressed]
    ids = sorted({each.finding.id for each in every})
    driver = {
        "name": "mcp-advisor",
        "version": __version__,
        "semanticVersion": __version__,
        "informationUri": _HOME,
        "rules": [_rule(next(each for each in every if each.finding.id == name), knowledge) for name in ids],
    }
    base = {"description": {"text": knowledge.phrases["findings.sarif.base"]}}
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(triaged, knowledge.phrases)],
        "originalUriBaseIds": {_BASE: base},
        "artifacts": [{"location": _artifact(triaged, path), "roles": ["analysisTarget"]} for path in triaged.examined],
        "results": [_result(each, ids.index(each.finding.id), triaged, knowledge.phrases) for each in every],
        "columnKind": "unicodeCodePoints",
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(example: TriagedFinding, knowledge: Knowledge) -> _Json:
    """Return the description of a kind of finding, from the rules or from a finding of this kind."""
    finding = example.finding
    kind = knowledge.findings.get(finding.id)
    severity = kind.levels[0] if kind else example.override.severity if example.override else finding.severity
    what = [kind.what_it_does] if kind else []
    fix = worded_fix(kind, knowledge) if kind else finding.fix.text
    texts = [*what, finding.why, fix]
    heads = ("findings.sarif.what", "findings.sarif.why", "findings.sarif.fix")
    shown = [f"**{knowledge.phrases[head]}** {text}" for head, text in zip(heads[-len(texts) :], texts, strict=True)]
    return {
        "id": finding.id,
        "name": "".join(word.capitalize() for word in finding.id.split("-")),
        "shortDescription": {"text": _message(finding.title or finding.id)},
        "fullDescription": {"text": _message(finding.why or finding.title or finding.id)},
        "help": {"text": _literal("\n".join(text for text in texts if text)), "markdown": "\n\n".join(shown)},
        "helpUri": finding.url or _HOME,
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {
            "precision": _PRECISIONS[kind.confidence if kind else finding.confidence],
            "problem.severity": _PROBLEMS[severity],
            "tags": ["mcp", "deployment", "reliability"],
        },
    }


def _result(each: TriagedFinding, index: int, triaged: Triaged, phrases: Mapping[str, str]) -> _Json:
    finding = each.finding
    first, *others = finding.locations
    properties: _Json = {"severity": finding.severity, "confidence": finding.confidence}
    if each.override is not None:
        properties |= {"overriddenSeverity": each.override.severity, "overrideReason": each.override.reason}
    changed = override_text(each, phrases)
    result: _Json = {
        "ruleId": finding.id,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(f"{finding.message} ({changed})" if changed else finding.message)},
        "locations": [_location(triaged, first)],
        "partialFingerprints": {_FINGERPRINT: each.fingerprint},
        "properties": properties,
    }
    if others:
        result["relatedLocations"] = [
            {"id": number, **_location(triaged, place), "message": {"text": phrases["findings.sarif.also"]}}
            for number, place in enumerate(others, 1)
        ]
    if finding.fix.patch and (fix := _fix(finding, triaged)):
        result["fixes"] = [fix]
    if each.suppression is not None:
        kind = "inSource" if each.suppression.kind == "comment" else "external"
        said = suppression_text(each.suppression, phrases)
        result["suppressions"] = [
            {"kind": kind, "status": "accepted", "justification": each.suppression.reason or said}
        ]
    return result


def _fix(finding: Finding, triaged: Triaged) -> _Json:
    changes = sorted(line_changes(finding.fix.patch), key=lambda change: change.path)
    files = groupby(changes, key=lambda change: change.path)
    made = [
        {"artifactLocation": _artifact(triaged, path), "replacements": [_replacement(change) for change in found]}
        for path, found in files
    ]
    return {"description": {"text": _message(finding.fix.text)}, "artifactChanges": made} if made else {}


def _replacement(change: LineChange) -> _Json:
    end = change.line + change.removed
    region = {"startLine": change.line, "startColumn": 1, "endLine": end, "endColumn": 1}
    inserted = {"insertedContent": {"text": change.text}} if change.text else {}
    return {"deletedRegion": region, **inserted}


def _invocation(triaged: Triaged, phrases: Mapping[str, str]) -> _Json:
    unread = [
        {
            "level": "warning",
            "message": {"text": _message(phrases["findings.unread"].format(why=why))},
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(triaged, path)}}],
        }
        for path, why in triaged.not_examined
    ]
    if not triaged.examined:
        unread.append({"level": "error", "message": {"text": _message(phrases["findings.nothing"])}})
    return {"executionSuccessful": bool(triaged.examined), "toolExecutionNotifications": unread}


def _location(triaged: Triaged, place: Location) -> _Json:
    # A finding about an entire file is shown at its first line, because GitHub needs a line.
    region = {"startLine": place.line or 1}
    return {"physicalLocation": {"artifactLocation": _artifact(triaged, place.path), "region": region}}


def _artifact(triaged: Triaged, path: str) -> dict[str, str]:
    uri = repository_uri(triaged.folder, path)
    return {"uri": f"file://{uri}"} if uri.startswith("/") else {"uri": uri, "uriBaseId": _BASE}


def _message(text: str) -> str:
    """Return text as a message: a sentence without placeholders and links."""
    return _literal(text if text.endswith((".", "!", "?", ")")) else f"{text}.")


def _literal(text: str) -> str:
    """Escape braces, which start a placeholder, and square brackets, which start a link (SARIF 3.11.5 and 3.11.6)."""
    doubled = text.replace("{", "{{").replace("}", "}}")
    return re.sub(r"\\*[\[\]]", lambda found: f"{found[0][:-1] * 2}\\{found[0][-1]}", doubled)
