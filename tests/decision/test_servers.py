"""Servers without the two Python flags: the deprecated transport HTTP+SSE, and servers in other languages."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from advisor.console.canvas import Screen
from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.errors import Exit, InputError, UsageError
from advisor.kit.render import render_kit
from advisor.knowledge import Knowledge
from advisor.report.batch_text import batch_text
from advisor.report.decision_json import decision_dict
from advisor.report.decision_text import decision_text
from advisor.report.overview import Result
from advisor.requirements import load_bytes
from advisor.team_documents.decision import written_decision

SSE = {"transport": "sse", "sdk": "fastmcp==2.5.2", "clients.protocol": "legacy"}
OTHER = {"sdk": "other", "scale.instances": {"min": 2, "max": 10}}
LANGUAGES = ["csharp", "typescript", "go", "rust", "java", "kotlin", "unknown"]
FLAGS = re.compile(r"stateless_http|json_response|generated|flag", re.IGNORECASE)


def codes(decision: Decision) -> set[str]:
    return {warning.id for warning in decision.warnings}


def said(decision: Decision) -> list[str]:
    """The sentences of a decision, without ids, keys of the file and sources."""
    screen = Screen(80, False, True)
    document = decision_dict(decision)
    keys = ("path", "warnings", "features", "switches", "assumption", "modes", "tiers")
    texts = [json.dumps({key: document.get(key) for key in keys})]
    texts += [decision_text(decision, screen), written_decision(decision)]
    return [re.sub(r'"sources": \[[^]]*\]|## Sources.*', "", text, flags=re.DOTALL) for text in texts]


# --- the deprecated transport -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "way", "pattern"),
    [
        ({"scale.workers": 3}, {"scale.workers": 1}, "single-instance"),
        ({"scale.instances": 3}, {"scale.instances": 1}, "single-instance"),
        ({"scale.workers": 3}, {"transport": "streamable-http"}, "stateless-fleet"),
        ({"scale.instances": 3, "scale.workers": 2}, {"transport": "streamable-http"}, "stateless-fleet"),
        ({"environment.platform": "serverless"}, {"transport": "streamable-http"}, "stateless-fleet"),
        ({"environment.proxy.sse": False}, {"transport": "streamable-http"}, "single-instance"),
        ({"needs.resumability": "required", "sdk": "mcp-1"}, {"transport": "streamable-http"}, "single-instance"),
        ({"clients.protocol": "modern", "sdk": "mcp-2"}, {"transport": "streamable-http"}, "single-instance"),
    ],
)
def test_the_old_transport_needs_one_process_or_a_newer_transport(
    decide: Any, facts: Any, way: dict[str, Any], pattern: str
) -> None:
    decision = decide(SSE | facts)
    assert decision.core.pattern == "contradiction"
    (found,) = [other for other in decision.alternatives if way.items() <= other.change.items()]
    assert found.core.pattern == pattern
    assert decide(SSE | facts | found.change).core == found.core
    is_old = "transport" in way and "sdk" not in facts
    assert ("sdk" in found.change, "Upgrade to fastmcp==2.1" in found.how) == (is_old, is_old)


@pytest.mark.parametrize(
    ("facts", "mechanism"),
    [
        ({"environment.proxy.kind": "alb", "clients.keep_cookies": True}, "platform-cookie"),
        ({"environment.proxy.kind": "haproxy", "clients.keep_cookies": True}, "platform-cookie"),
        ({"environment.proxy.version": "1.31", "clients.keep_cookies": True}, "nginx-sticky-cookie"),
        ({"clients.addresses": "stable"}, "nginx-ip-hash"),
        ({"environment.proxy.kind": "nginx-ingress", "clients.addresses": "stable"}, "nginx-ip-hash"),
        ({"environment.proxy.kind": "envoy", "clients.keep_cookies": True}, "platform-cookie"),
        ({"environment.proxy.kind": "haproxy", "clients.addresses": "stable"}, "platform-client-address"),
        ({"environment.proxy.kind": "envoy", "clients.addresses": "stable"}, "platform-client-address"),
        ({"environment.proxy.kind": "istio", "clients.addresses": "stable"}, "platform-client-address"),
        ({"environment.proxy.kind": "aws-nlb", "clients.addresses": "stable"}, "platform-client-address"),
        (
            {"environment.proxy.kind": "aws-nlb", "scale.affinity": "available", "clients.keep_cookies": True},
            "nginx-sticky-cookie",
        ),
        (
            {"environment.platform": "kubernetes", "environment.proxy.kind": "none", "clients.addresses": "stable"},
            "kubernetes-client-ip",
        ),
    ],
)
def test_the_old_transport_works_with_affinity_by_cookie_or_address(decide: Any, facts: Any, mechanism: str) -> None:
    several = SSE | {"environment.platform": "systemd", "scale.instances": 3, "needs.sampling": "required"}
    decision = decide(several | facts)
    assert (decision.core.pattern, decision.core.mechanism) == ("sticky-fleet", mechanism)
    assert "Settings of HAProxy: ." not in str(decision.warnings)
    assert decide(several | facts | {"scale.workers": 2}).core.pattern == "contradiction"
    without = decide(several | facts | {"clients.keep_cookies": "unknown", "clients.addresses": "unknown"})
    assert without.core.pattern == "contradiction"
    changes = {name for other in without.counterfactuals for name in other.change}
    assert facts.keys() & {"clients.keep_cookies", "clients.addresses"} <= changes


def test_the_old_transport_in_one_process(decide: Any) -> None:
    decision = decide(SSE | {"needs.sampling": "required", "needs.progress": "required"})
    assert (decision.core.pattern, decision.kind, decision.capacity) == ("single-instance", "http+sse", None)
    assert {cell.outcome for row in decision.needed for era, cell in row.cells if era == "legacy"} == {"works"}
    assert {cell.status for row in decision.needed for era, cell in row.cells if era == "legacy"} == {"assumed"}
    assert "transport-is-deprecated" in codes(decision)
    assert not decision.alternatives


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"scale.workers": 3, "current.stateless_http": True, "current.json_response": True},
        {"current.stateless_http": True, "current.json_response": True, "clients.plain_http": True},
        {"environment.proxy.idle_timeout_s": 5, "workload.longest_call_s": 60, "clients.concurrent": 50_000},
        {"scale.instances": 3, "needs.sampling": "required", "environment.auth": "oauth-proxy"},
        {"needs.progress": "required", "needs.resumability": "preferred", "clients.protocol": "mixed"},
    ],
)
def test_the_old_transport_shows_no_flags(decide: Any, facts: Any) -> None:
    decision = decide(SSE | facts)
    document = decision_dict(decision)
    assert not document.keys() & {"flags", "modes", "code"}
    shown = [
        re.sub(r"transport: streamable-http.*?Lost features|transport: streamable-http.*", "", text, flags=re.DOTALL)
        if not decision.feasible
        else text
        for text in said(decision)[:1]
    ]
    assert not [text for text in shown if FLAGS.search(text)]
    for text in said(decision)[1:]:
        other = ("Result", "transport: streamable-http")
        lines = [line for line in text.splitlines() if FLAGS.search(line) and not any(word in line for word in other)]
        assert not lines or not decision.feasible, lines


def test_a_stream_that_is_cut_ends_the_session(decide: Any) -> None:
    found = codes(decide(SSE | {"sdk": "mcp-2", "environment.proxy.idle_timeout_s": 10}))
    assert "old-transport-cut-before-ping" in found
    assert not {code for code in found if code.startswith("idle-timeout")}


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"scale.workers": 4}, "old-transport-today"),
        ({"scale.instances": 3}, "old-transport-today"),
        ({}, "new-transport-new-url"),
    ],
)
def test_a_running_server_with_the_old_transport(decide: Any, facts: Any, code: str) -> None:
    decision = decide({"current.transport": "sse", **facts})
    assert decision.feasible
    assert {found for found in codes(decision) if "transport" in found} == {code}


@pytest.mark.parametrize("sdk", ["fastmcp==2.5.2", "mcp==1.2.0"])
def test_an_old_release_is_accepted_with_the_old_transport_only(sdk: str, advisor: Advisor) -> None:
    file = f"service: a\nsdk: {sdk}\n".encode()
    with pytest.raises(InputError, match="is not a known SDK"):
        load_bytes(file, "r", advisor.space)
    assert advisor.decide(load_bytes(file + b"transport: sse\n", "r", advisor.space)).feasible
    with pytest.raises(InputError, match="is not a known SDK"):
        load_bytes(b"service: a\ntransport: sse\nsdk: mcp==9.0.0\n", "r", advisor.space)


def test_no_change_to_the_old_transport_is_suggested(decide: Any) -> None:
    for facts in ({}, {"scale.instances": 3}, {"scale.instances": 3, "needs.resumability": "required"}):
        decision = decide(facts)
        changes = [*decision.counterfactuals, *decision.alternatives]
        assert not [other for other in changes if "transport" in other.change]


# --- other languages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sdk", "language"),
    [
        ("csharp", "csharp"),
        ("dotnet", "csharp"),
        ("C#", "csharp"),
        ("typescript", "typescript"),
        ("typescript-sdk==1.2", "typescript"),
        ("node", "typescript"),
        ("go", "go"),
        ("java", "java"),
        ("kotlin", "kotlin"),
        ("rust", "rust"),
        ("rmcp", "rust"),
        ("php", "unknown"),
    ],
)
def test_an_sdk_that_is_not_python_says_how_to_state_it(sdk: str, language: str, advisor: Advisor) -> None:
    with pytest.raises(InputError) as caught:
        load_bytes(f"service: a\nsdk: '{sdk}'\n".encode(), "r.yaml", advisor.space)
    text = str(caught.value)
    assert text.startswith("r.yaml:2: sdk: ")
    assert "Python only" in text
    assert "fastmcp-4" in text
    assert all(other in text for other in LANGUAGES[:-1])
    assert f"`sdk: other` and `language: {language}`" in text
    assert caught.value.code == Exit.USAGE


def test_a_language_needs_the_sdk_other(advisor: Advisor) -> None:
    with pytest.raises(InputError, match=r"r:2: language: this key needs sdk: other"):
        load_bytes(b"service: a\nlanguage: csharp\n", "r", advisor.space)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("facts", "pattern"),
    [
        ({}, "stateless-fleet"),
        ({"scale.instances": 1}, "single-instance"),
        ({"clients.protocol": "legacy", "needs.elicitation": "required"}, "sticky-fleet"),
        (
            {
                "clients.protocol": "legacy",
                "scale.affinity": "unavailable",
                "tools": [{"name": "ask", "needs": {"elicitation": "required"}}, {"name": "get"}],
            },
            "tiered",
        ),
        (
            {"clients.protocol": "legacy", "scale.affinity": "unavailable", "needs.elicitation": "required"},
            "contradiction",
        ),
        (
            {"workload.longest_call_s": 1, "current.stateless_http": False, "current.json_response": True},
            "stateless-fleet",
        ),
        ({"environment.auth": "oauth-proxy", "scale.workers": 4, "clients.concurrent": 90_000}, "stateless-fleet"),
    ],
)
def test_another_language_gets_pattern_and_path_with_its_own_settings(
    decide: Any, language: str, facts: Any, pattern: str, knowledge: Knowledge
) -> None:
    decision = decide(OTHER | {"language": language} | facts)
    assert decision.core.pattern == pattern
    outputs = said(decision)
    texts = [
        re.sub(r"current\.stateless_http|json_response( of StreamableHttp|: true|\s+in|\s+of)", "", text)
        for text in outputs
    ]
    assert not [found for text in texts for found in FLAGS.findall(text)]
    assert not re.search(r"uvicorn|fastmcp|FastMCP|MCPServer|Resolve\(|ctx\.", " ".join(outputs))
    assert {cell.status for row in decision.features for _, cell in row.cells} <= {"assumed", "derived"}
    document = decision_dict(decision)
    assert not document.keys() & {"flags", "code"}
    own = knowledge.languages[language]
    settings = [switch.how for switch in (*decision.settings, *(s for tier in decision.tiers for s in tier.settings))]
    if pattern == "tiered":
        assert own.stateless in settings
        assert own.sessions in settings
    elif decision.feasible:
        assert settings[0] == (own.stateless if decision.core.flags.stateless_http else own.sessions)
        assert document["modes"]["sessions"] is not decision.core.flags.stateless_http
        assert "is not measured" in decision.assumption
    assert "is not measured" in re.sub(r"\s+", " ", outputs[1])


@pytest.mark.parametrize(
    ("facts", "code", "quiet"),
    [
        ({"language": "csharp"}, "data-protection-keys-per-process", {"scale.instances": 1}),
        (
            {"language": "go", "scale.instances": 1, "clients.protocol": "mixed", "needs.elicitation": "required"},
            "sessions-refuse-modern-clients",
            {"language": "csharp"},
        ),
        (
            {"language": "java", "needs.progress": "preferred", "scale.affinity": "unavailable"},
            "java-stateless-answers-json",
            {"language": "go"},
        ),
        (
            {"language": "java", "scale.instances": 1, "needs.elicitation": "required"},
            "other-sessions-never-end",
            {"language": "rust"},
        ),
        ({"language": "kotlin"}, "kotlin-helpers-answer-json", {"language": "java"}),
        ({"language": "rust"}, "rust-refuses-host-names", {"language": "go"}),
        ({"environment.auth": "oauth-proxy"}, "other-servers-share-login-state", {"environment.auth": "bearer"}),
    ],
)
def test_warnings_about_other_sdks(decide: Any, facts: Any, code: str, quiet: Any) -> None:
    assert code in codes(decide(OTHER | facts))
    assert code not in codes(decide(OTHER | facts | quiet))


def test_a_language_without_the_modern_era_does_not_serve_modern_clients(decide: Any) -> None:
    facts = OTHER | {"clients.protocol": "modern"}
    patterns = {language: decide(facts | {"language": language}).core.pattern for language in LANGUAGES}
    assert {language for language, pattern in patterns.items() if pattern == "contradiction"} == {"java", "kotlin"}


def test_no_change_of_the_language_is_suggested(decide: Any) -> None:
    for facts in (OTHER | {"clients.protocol": "modern", "language": "java"}, OTHER):
        decision = decide(facts)
        assert not [c for c in (*decision.counterfactuals, *decision.alternatives) if "sdk" in c.change]
    python = decide({"scale.instances": 3, "needs.elicitation": "required", "scale.affinity": "unavailable"})
    assert not [c for c in (*python.counterfactuals, *python.alternatives) if c.change.get("sdk") == "other"]


@pytest.mark.parametrize("facts", [SSE, OTHER | {"language": "go"}])
def test_a_table_of_several_files_shows_no_flags(decide: Any, knowledge: Knowledge, facts: Any) -> None:
    results = [Result(name, decide(facts | {"service": name})) for name in ("a", "b")]
    shown = batch_text(results, Screen(80, False, True), knowledge.phrases)
    assert not FLAGS.findall(shown.replace("Flags", "", 1))


# --- kits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "way"),
    [(SSE, "Set transport to streamable-http"), (OTHER, "`recommend` shows the settings for your SDK")],
)
def test_no_kit_without_python_flags(decide: Any, facts: Any, way: str) -> None:
    with pytest.raises(UsageError, match="is generated") as caught:
        render_kit(decide(facts), "")
    assert caught.value.code == Exit.USAGE
    assert way in str(caught.value)


ONE = OTHER | {"scale.instances": 1, "clients.protocol": "legacy"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_clients_without_a_handshake_get_a_server_without_sessions(decide: Any, language: str) -> None:
    """A server with sessions refuses their calls, whatever its language is. A needed feature keeps the sessions."""
    plain = ONE | {"language": language, "clients.plain_http": True}
    for facts in ({}, {"environment.platform": "local"}):
        assert decide(plain | facts).core.flags.stateless_http
    kept = decide(plain | {"needs.elicitation": "required"})
    assert not kept.core.flags.stateless_http
    assert "plain-clients-need-a-handshake" in codes(kept)


def test_an_sdk_without_an_idle_timeout_drops_sessions_in_one_process(decide: Any, knowledge: Knowledge) -> None:
    for language, entry in knowledge.languages.items():
        stateless = decide(ONE | {"language": language}).core.flags.stateless_http
        assert stateless is (entry.expiry == "never"), language
        assert not decide(ONE | {"language": language, "environment.platform": "local"}).core.flags.stateless_http
    assert {name for name, entry in knowledge.languages.items() if entry.expiry == "never"} == {
        "go",
        "java",
        "kotlin",
        "typescript",
    }


def test_a_java_server_without_sessions_loses_what_a_stream_carries(decide: Any) -> None:
    java = {"language": "java", "needs.progress": "required"}
    assert not decide(ONE | java).core.flags.stateless_http
    assert (
        decide(OTHER | java | {"clients.protocol": "legacy", "environment.proxy.kind": "haproxy"}).core.mechanism
        != "none"
    )
    stuck = OTHER | java | {"clients.protocol": "legacy", "scale.affinity": "unavailable"}
    assert decide(stuck).core.pattern == "contradiction"
    assert decide(stuck | {"language": "go"}).core.pattern == "stateless-fleet"


def test_python_servers_with_plain_clients_on_a_local_machine(decide: Any) -> None:
    local = {"scale.instances": 1, "environment.platform": "local", "clients.protocol": "legacy"}
    assert decide(local).core.flags == (False, False)
    plain = decide(local | {"clients.plain_http": True, "workload.longest_call_s": 1})
    assert plain.core.flags == (True, True)
    assert not {"plain-clients-need-a-handshake", "plain-clients-get-406"} & codes(plain)


@pytest.mark.parametrize(
    ("need", "stateless"), [("none", True), ("unknown", True), ("preferred", False), ("required", False)]
)
def test_a_needed_feature_keeps_sessions_that_never_end_by_default(decide: Any, need: str, stateless: bool) -> None:
    # A preferred feature is needed, and SessionTimeout removes the risk. A doubt alone never leads to sessions.
    decision = decide(
        OTHER | {"language": "go", "clients.protocol": "legacy", "scale.instances": 1, "needs.elicitation": need}
    )
    assert decision.core.flags.stateless_http == stateless
    assert any(warning.id == "go-sessions-never-end" for warning in decision.warnings) != stateless
    assert any("set SessionTimeout" in switch.how for switch in decision.settings) != stateless
