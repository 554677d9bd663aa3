"""The answer for a server in another language has no words of the Python SDKs, in any output."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from advisor.console.canvas import Screen
from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.decision.trace import Trace
from advisor.report.decision_json import decision_dict
from advisor.report.decision_text import decision_text
from advisor.report.first_screen import first_screen
from advisor.team_documents.decision import written_decision

# The keys `current.stateless_http` and `current.json_response` belong to the requirements file. The Rust SDK has a
# setting with the name json_response.
PYTHON = re.compile(
    r"ctx\.|Resolve\(|fastmcp|(?<!current\.)\bstateless_http\b|uvicorn|gunicorn|streamable_http_app|asyncio"
    r"|RequestStateSecurity|\.py\b|\bpip |Mangum|jwt_signing_key|report_progress|SubscriptionBus"
    r"|EventStore|(?-i:MCP_[A-Z]+)|Python server|\bkits?\b",
    re.I,
)
JSON_RESPONSE = re.compile(r"(?<!current\.)\bjson_response\b")


def _outputs(decision: Decision, trace: Trace, *, drawn: bool) -> Iterator[tuple[str, str]]:
    """The outputs of a decision; those for a terminal only if `drawn`, because they take ten times as long."""
    if drawn:
        yield "first screen", first_screen(decision, Screen())
        yield "text with all rules", decision_text(decision, Screen(width=400), trace)
    yield "Markdown with all rules", written_decision(decision, trace).partition("\n## Sources")[0]
    yield "JSON with all rules", json.dumps(_without(decision_dict(decision, trace)), ensure_ascii=False)


def _without(document: Any) -> Any:
    """The document without requirements, facts and the ids of sources."""
    if isinstance(document, dict):
        left_out = ("sources", "requirements", "facts", "evidence")
        return {key: _without(value) for key, value in document.items() if key not in left_out}
    return [_without(entry) for entry in document] if isinstance(document, list) else document


def _files(advisor: Advisor) -> list[dict[str, Any]]:
    """The hits of the rules whose own text has words of Python, and files with other needs and transports."""
    needs = {f"needs.{name}": "required" for name in ("sampling", "elicitation", "roots", "progress", "logging")}
    files: list[dict[str, Any]] = [
        {**needs, "scale.instances": 3, "environment.proxy.kind": "nginx"},
        {"scale.instances": 1, "transport": "sse", "environment.proxy.kind": "envoy"},
        {"scale.instances": 3, "needs.session_state": "required", "operations.shared_store": "redis"},
    ]
    for _, rule in advisor.knowledge.rules.values():
        if rule.when.get("server.kind") == "python" or "needs." in str(rule.examples["hit"]):
            continue  # the first file has needs
        text = f"{rule.title} {rule.because} {getattr(rule, 'fix', '')}"
        if (PYTHON.search(text) or JSON_RESPONSE.search(text)) and "era" not in rule.examples["hit"]:
            hit = dict(rule.examples["hit"])
            files.append({key: value for key, value in hit.items() if key not in ("sdk", "mcp_release", "language")})
    return files


def _check(advisor: Advisor, decide: Any, asked: dict[str, Any], language: str, *, drawn: bool = True) -> None:
    decision = decide({**asked, "sdk": "other", "language": language})
    for name, output in _outputs(decision, advisor.trace(decision), drawn=drawn):
        found = PYTHON.search(output) or (JSON_RESPONSE.search(output) if language != "rust" else None)
        around = output[max(0, found.start() - 80) : found.end() + 80] if found else ""
        assert not found, (name, language, asked, around)


def test_no_output_has_words_of_python(advisor: Advisor, decide: Any) -> None:
    """A sample: each language with another file."""
    files = _files(advisor)
    assert len(files) > 20
    step = len(files) // len(advisor.knowledge.languages)
    for asked, language in zip(files[::step], advisor.knowledge.languages, strict=False):
        _check(advisor, decide, asked, language)


@pytest.mark.thorough
@pytest.mark.weekly
def test_no_output_in_any_language_has_words_of_python(advisor: Advisor, decide: Any) -> None:
    languages = list(advisor.knowledge.languages)
    for number, asked in enumerate(_files(advisor)):
        for place, language in enumerate(languages):
            _check(advisor, decide, asked, language, drawn=(number + place) % len(languages) < 2)
