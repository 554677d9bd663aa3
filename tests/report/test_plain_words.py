"""Texts that readers misread before: processes and instances, ranges, unknown limits, and steps without effect."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from advisor.console.canvas import Screen
from advisor.engine.table import show
from advisor.knowledge import Knowledge
from advisor.report.decision_text import decision_text
from advisor.report.decision_wording import clients_text, instances_text

REPORT = Path(__file__).parents[2] / "advisor" / "report"
KNOWLEDGE_TABLES = {
    "rule_text",
    "rule_records",
    "condition_wording",
    "capability_matrix",
    "topology_table",
    "behaviour_table",
    "answer_words",
}
"""Modules that show the knowledge itself. They have their own headings: a folder of rules need not have these words."""
STYLE_OR_COMMAND = re.compile(r"bold \w+|\s*mcp-advisor .*|.*\n +mcp-advisor .*", re.DOTALL)
SEVERAL = {"scale.instances": 3, "clients.protocol": "legacy", "environment.platform": "compose"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"scale.instances": 1}, "1"),
        ({"scale.instances": {"min": 1, "max": 15}}, "1 to 15"),
        ({"scale.workers": 4}, "1, with 4 server processes"),
        ({"scale.instances": 3, "scale.workers": 4}, "3, with 4 server processes in each instance"),
        (
            {"scale.instances": {"min": 2, "max": 9}, "scale.workers": 2},
            "2 to 9, with 2 server processes in each instance",
        ),
    ],
)
def test_instances_and_processes_are_told_apart(decide: Any, asked: dict[str, Any], said: str) -> None:
    assert instances_text(decide({"clients.protocol": "legacy", **asked})) == said


def test_one_instance_with_workers_is_not_called_several_instances(decide: Any) -> None:
    assert decide({"scale.workers": 4, "clients.protocol": "legacy"}).means.startswith("one instance with several")


@pytest.mark.parametrize(
    ("kind", "workers", "means", "number"),
    [
        ("cloud-run", 1, "one instance", "1"),
        ("cloud-run", 4, "one instance with several", "1, with 4 server processes"),
        ("lambda-url", 1, "several instances", "1 planned; the platform can start more"),
        ("lambda-url", 4, "several instances", "1 planned; the platform can start more, with 4 server processes"),
        ("agentcore", 1, "several instances", "1 planned; the platform can start more"),
    ],
)
def test_the_number_of_instances_agrees_with_the_pattern(
    decide: Any, kind: str, workers: int, means: str, number: str
) -> None:
    """A serverless platform without a setting for exactly one instance starts more of them."""
    asked = {"environment.platform": "serverless", "environment.proxy.kind": kind, "scale.workers": workers}
    decision = decide(asked)
    assert decision.means.startswith(means)
    assert instances_text(decision).startswith(number)


@pytest.mark.parametrize(
    ("stated", "keys"),
    [
        ({}, "environment.proxy.idle_timeout_s in"),
        ({"environment.hops": [{"kind": "cloud-run"}]}, "idle_timeout_s in environment.hops"),
    ],
)
def test_only_limits_that_are_not_known_must_be_stated(decide: Any, stated: dict[str, Any], keys: str) -> None:
    asked = {"environment.platform": "serverless", "environment.proxy.kind": "cloud-run", "workload.longest_call_s": 60}
    warned = {warning.id: warning.fix.text for warning in decide({**asked, **stated}).warnings}
    assert keys in warned["proxy-timeouts-not-known"]
    assert "total_timeout_s" not in warned["proxy-timeouts-not-known"]


def test_the_steps_leave_out_a_question_about_another_deployment(decide: Any) -> None:
    several, single = decide(SEVERAL), decide({**SEVERAL, "scale.instances": 1})
    assert "single" in {step.table for step in several.path}  # the JSON document has every step
    assert "single" not in {step.table for step in several.steps}
    assert single.steps == single.path


def test_a_warning_names_the_command_that_generates_a_server_and_does_not_speak_of_lines(knowledge: Knowledge) -> None:
    texts = [text for rule in knowledge.tables["warnings"].rules for text in (rule.because, rule.fix)]
    assert [text for text in texts if re.search(r"\b[Aa] generated|SDK line|\b[Ee](lse|very)where\b", text)] == []


STICKY = {**SEVERAL, "needs.sampling": "required", "environment.proxy.kind": "nginx", "sdk": "mcp-2"}


def _lines(decision: Any) -> list[str]:
    return [line.strip() for line in decision_text(decision, Screen(120)).splitlines()]


def test_each_title_call_and_tier_has_a_line_of_its_own(decide: Any) -> None:
    tools = [{"name": "ask", "needs": {"sampling": "required"}}, {"name": "get"}]
    lines = _lines(decide({key: value for key, value in STICKY.items() if key != "needs.sampling"}, tools=tools))
    assert "- If a modern client connects, ctx.session.create_message fails" in lines
    assert "does not work: InputRequiredResult (fails with an error)" in lines
    assert any(line.endswith("tiered (two tiers), no session affinity") for line in lines)
    assert "stateful tier: stateless_http=False, json_response=False" in lines


def test_a_server_that_also_answers_modern_clients_is_not_shown_as_a_server_for_legacy_clients_only(
    decide: Any,
) -> None:
    assert clients_text(decide(STICKY)) == "legacy; a server of this SDK release also answers modern clients"
    assert clients_text(decide({**STICKY, "sdk": "mcp-1"})) == "legacy"


def test_a_warning_describes_only_the_timeouts_that_are_not_known(decide: Any) -> None:
    asked = {"environment.proxy.kind": "other", "environment.proxy.total_timeout_s": 900, "workload.longest_call_s": 60}
    warned = {warning.id: warning.message for warning in decide({**SEVERAL, **asked}).warnings}[
        "proxy-timeouts-not-known"
    ]
    assert "An idle timeout below" in warned
    assert "total timeout" not in warned


def test_nothing_is_lost_only_under_the_condition_of_a_warning(decide: Any) -> None:
    asked = {"needs.session_state": "required", "workload.state_by": "user", "environment.proxy.kind": "nginx"}
    said = " ".join(_lines(decide({"scale.instances": 3, "clients.protocol": "legacy", **asked})))
    assert "no required or preferred feature, if no user has two sessions at a time" in said
    shared = {**asked, "operations.shared_store": "redis"}
    said = " ".join(_lines(decide({"scale.instances": 3, "clients.protocol": "legacy", **shared})))
    assert "no required or preferred feature" in said
    assert "two sessions at a time" not in said


def test_each_condition_of_lost_features_belongs_to_a_warning(knowledge: Knowledge) -> None:
    names = [name.removeprefix("lost.none.") for name in knowledge.phrases if name.startswith("lost.none.")]
    assert names
    assert {rule.id for _, rule in knowledge.rules.values()} >= set(names)


PLAIN = {"yes", "no", "none", "preferred", "required", "one", "many", "true", "false", "unknown"}


def test_a_step_explains_each_value_that_no_reader_of_a_requirements_file_knows(advisor: Any) -> None:
    knowledge, space = advisor.knowledge, advisor.space
    names = {name for table in knowledge.tables.values() if table.role == "decision" for name in table.inputs}
    values = {(name, show(value)) for name in names - set(space.facts) for value in space.domains[name]}
    asked = {(name, value) for name, value in values if value not in PLAIN}
    assert ("tools.separable", "with-sampling") in asked
    assert {f"fact.{name}.{value}" for name, value in asked} <= set(knowledge.phrases)


def texts_of(module: Path) -> Iterator[str]:
    """Yield the texts in the code of a module that contain several words or start with a capital letter."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings]
    texts = [node.value for node in constants if isinstance(node.value, str)]
    yield from (text for text in texts if re.search(r"[A-Za-z]{2,}\s+[A-Za-z]|^\W*[A-Z][a-z]{2,}", text))


def test_the_words_of_a_decision_are_in_the_rules(knowledge: Knowledge) -> None:
    """A domain expert corrects the words of a screen in rules/, without Python."""
    modules = [path for path in REPORT.glob("*.py") if path.stem not in KNOWLEDGE_TABLES]
    modules = [path for path in modules if not path.stem.endswith("_document")]  # they describe the keys of JSON
    assert len(modules) > 15
    texts = [(path.name, text) for path in modules for text in texts_of(path) if text not in knowledge.phrases]
    assert [(name, text) for name, text in texts if not STYLE_OR_COMMAND.fullmatch(text)] == []
