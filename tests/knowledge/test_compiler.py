"""Mistakes in the files under rules/: each is one message that names file, section and entry."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from advisor.errors import KnowledgeError
from advisor.knowledge.compiler import compile_rules
from advisor.knowledge.paths import rules_dir
from advisor.knowledge.shapes import SHAPES


def test_every_section_of_the_rules_has_entries() -> None:
    knowledge = compile_rules(rules_dir())
    assert {field.name for field in fields(knowledge)} == set(SHAPES)
    assert all(getattr(knowledge, section) for section in SHAPES)


def test_the_words_for_all_flag_pairs_are_written_out() -> None:
    for package in compile_rules(rules_dir()).capabilities:
        for cell in package.cells:
            for outcomes in (cell.legacy, cell.modern):
                assert list(outcomes) == ["stateful+sse", "stateful+json", "stateless+sse", "stateless+json"]


def test_a_missing_key_names_table_and_rule(broken: Callable[..., str]) -> None:
    message = broken(
        "tables/40-session.yaml", '    title: "One process: sessions, because nothing here speaks against them"\n', ""
    )
    assert re.match(r"rules/tables/40-session\.yaml:\d+: tables\[0\] \(session, SES-100\), rules\.", message)
    assert ".title: " in message


def test_an_unknown_key_names_its_entry(broken: Callable[..., str]) -> None:
    message = broken("facts.yaml", "  - id: sdk\n", "  - id: sdk\n    defualt: mcp-1\n")
    assert re.match(r"rules/facts\.yaml:\d+: facts\[1\] \(sdk\), defualt: (Extra inputs|Unexpected keyword)", message)


def test_a_value_outside_of_a_closed_list_names_its_entry(broken: Callable[..., str]) -> None:
    message = broken("tables/40-session.yaml", "hit_policy: first", "hit_policy: any")
    assert message == (
        "rules/tables/40-session.yaml:4: tables[0] (session), hit_policy: "
        "Input should be 'first', 'unique' or 'collect' ('any')"
    )


def test_a_release_that_is_written_as_a_number_is_refused(broken: Callable[..., str]) -> None:
    message = broken("facts.yaml", 'below: "1.29.6"', "below: 1.29")
    assert re.match(r"rules/facts\.yaml:\d+: facts\[", message)
    assert "(environment.proxy.version), bins.0.below: Input should be a valid string (1.29)" in message


def test_an_unknown_outcome_names_the_call(broken: Callable[..., str]) -> None:
    message = broken("capabilities/mcp.yaml", "legacy: works", "legacy: wroks")
    assert re.match(
        r"rules/capabilities/mcp\.yaml:\d+: capabilities\[0\] \(mcp, tools/call\), cells\.0\.legacy\.stateful\+sse: ",
        message,
    )
    assert "('wroks')" in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    releases: {", "    release: {", "capabilities.cells[0] (tools/call) lacks 'releases'"),
        (
            "    legacy: works",
            "    legacy: {stateful+sse: works}",
            "capabilities.cells[0] (tools/call) lacks 'stateful+json'",
        ),
        (
            "    legacy: works",
            "    legacy: 3",
            "capabilities.cells[0] (tools/call) does not have the form of the other entries",
        ),
        (', from: "', ', start: "', "capabilities.lines[0] (mcp-1) lacks 'from'"),
        ("lines:\n", "lines:\n  - mcp-0\n", "capabilities.lines[0] does not have the form of the other entries"),
    ],
)
def test_an_incomplete_short_form_is_refused(broken: Callable[..., str], old: str, new: str, message: str) -> None:
    assert broken("capabilities/mcp.yaml", old, new) == f"rules/capabilities/mcp.yaml: {message}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "wrong: 0 of 120",
            "wrong: 130 of 120",
            "wrong: Write a count and a total, for example 118 of 120 ('130 of 120')",
        ),
        ("wrong: 0 of 120", "wrong: 0.9", "wrong: Write a count and a total, for example 118 of 120 (0.9)"),
        ("progress: 48 of 48", "progress: all", "progress: Write a count and a total, for example 118 of 120 ('all')"),
        ("{whole: ", "{hole: 1 of 2, whole: ", "hole: Unexpected keyword argument ({'count': 1, 'of': 2})"),
        ("at_once: ", "at-once: ", "window.at_once: Field required"),
        ("keeps: never", "keeps: seldom", "keeps: Input should be 'always', 'one-proxy',"),
        ("proxies: 2", "proxies: 3", "under.proxies: Input should be 1 or 2 (3)"),
    ],
)
def test_a_mistake_in_the_topology_table_is_named_with_its_line(
    broken: Callable[..., str], old: str, new: str, message: str
) -> None:
    text = (rules_dir() / "topology.yaml").read_text(encoding="utf-8")
    begin = text.index("\ntopology:\n")
    line = text[: text.index(old, begin)].count("\n") + 1
    rest = text[begin:]
    said = broken("topology.yaml", rest, rest.replace(old, new, 1))
    assert said.startswith(f"rules/topology.yaml:{line}: topology[")
    assert message in said


def test_an_unknown_section_is_named(broken: Callable[..., str]) -> None:
    message = broken("proxies.yaml", "proxies:", "proxys:")
    assert message == f"rules/proxies.yaml: unknown section 'proxys'. Sections: {', '.join(SHAPES)}"


def test_a_section_that_is_not_a_list_is_refused(broken: Callable[..., str]) -> None:
    assert (
        broken("proxies.yaml", "proxies:\n", "proxies: none\nsources:\n") == "rules/proxies.yaml: proxies is not a list"
    )


@pytest.mark.parametrize(
    ("new", "part"),
    [
        ("proxies: [\nproxies:", "rules/proxies.yaml: "),
        ("x: 2026-13-01\nproxies:", "rules/proxies.yaml: month must be in 1..12"),
        ("[" * 5000 + "\nproxies:", "rules/proxies.yaml: "),
        ("proxies: []\nproxies:", "rules/proxies.yaml: the key 'proxies' is duplicate"),
    ],
    ids=["yaml", "date", "depth", "twins"],
)
def test_a_file_that_is_not_yaml_is_refused(broken: Callable[..., str], new: str, part: str) -> None:
    message = broken("proxies.yaml", "proxies:", new)
    assert message.startswith(part)
    assert "\n" not in message


def test_a_duplicate_condition_is_refused(broken: Callable[..., str]) -> None:
    message = broken("tables/40-session.yaml", "when: {processes: one}", "when: {processes: one, processes: many}")
    assert message.startswith("rules/tables/40-session.yaml: the key 'processes' is duplicate")


def test_a_file_that_is_not_a_mapping_is_refused(broken: Callable[..., str]) -> None:
    assert broken("proxies.yaml", "proxies:", "- proxies:") == "rules/proxies.yaml: not a mapping"


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("tables/50-framing.yaml", "- id: FRA-010", "- id: SES-100", "rules/: rules: duplicate ids: SES-100"),
        ("facts.yaml", "  - id: call.idle", "  - id: sdk", "rules/: facts: duplicate ids: sdk"),
        ("tables/50-framing.yaml", "table: framing", "table: session", "rules/: tables: duplicate ids: session"),
    ],
)
def test_two_entries_with_one_name_are_refused(
    broken: Callable[..., str], name: str, old: str, new: str, message: str
) -> None:
    assert broken(name, old, new) == message


def test_a_folder_without_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="rules/: there are no facts"):
        compile_rules(tmp_path)


def test_bytes_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"facts: \xff")
    with pytest.raises(KnowledgeError, match=r"rules/x\.yaml: "):
        compile_rules(tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("when: {route.bufering: true}", "'route.bufering' is not an observation"),
        ("when: {workload.buffering: true}", "'workload.buffering' is not an observation"),
        ("when: {route.buffering: 3}", "route.buffering: 3 is not a value of this observation"),
        ("when: {upstream.sticky: glue}", "upstream.sticky: 'glue' is not a value of this observation"),
        ("when: {upstream.sticky: {in: [none, glue]}}", "in: ['none', 'glue'] does not fit this observation"),
        ("when: {upstream.sticky: {not_in: none}}", "not_in: 'none' does not fit this observation"),
        ("when: {upstream.sticky: {like: none}}", "a condition is a value or has some of the keys in, not, not_in"),
        ("when: {upstream.sticky: {below: 3}}", "below: 3 does not fit this observation"),
        ("when: {route.idle_timeout: {above: true}}", "above: True does not fit this observation"),
        ("when: {route.idle_timeout: {above: server.pong}}", "above: 'server.pong' does not fit this observation"),
        ("when: {route.retries_on: {has: luck}}", "has: 'luck' does not fit this observation"),
        ("when: {upstream.sticky: {matches: '('}}", "matches: '(' does not fit this observation"),
        ("when: {route.retries_on: {has: [error, luck]}}", "has: ['error', 'luck'] does not fit this observation"),
        ("when: {route.retries_on: {stated: 1}}", "stated: 1 does not fit this observation"),
        ("subject: route", "`when` is missing"),
    ],
)
def test_a_condition_of_a_finding_that_can_never_hold_is_refused(
    given: str, message: str, broken: Callable[..., str]
) -> None:
    line = "    confidence: certain\n"
    found = broken("findings/server-code.yaml", line, f"{line}    {given}\n")
    assert found.startswith("rules/: findings (flags-in-wrong-place)")
    assert message in found


@pytest.mark.parametrize(
    "cases",
    ["[{level: high, when: {server.in_code: true}}]", "[{level: high}, {level: low}]"],
)
def test_only_the_last_severity_has_no_conditions(cases: str, broken: Callable[..., str]) -> None:
    found = broken("findings/server-code.yaml", "    severity: high\n", f"    severity: {cases}\n")
    assert found == "rules/: findings (flags-in-wrong-place), severity: only the last severity has no `when`"


def test_a_default_has_a_value_of_its_observation(broken: Callable[..., str]) -> None:
    found = broken("observations.yaml", "observation: balance, value: round-robin", "observation: balance, value: luck")
    assert found == "rules/: defaults (nginx): 'balance' has no value 'luck'"
