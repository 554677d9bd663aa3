"""The content of requirements files, and the message of each mistake: file:line, key, value, allowed values."""

# ruff: noqa: RUF001 - characters that look like others are what is tested

from __future__ import annotations

import ipaddress
import json
import string
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.decision.advisor import Advisor
from advisor.errors import InputError
from advisor.knowledge import Knowledge
from advisor.knowledge.space import FactSpace
from advisor.requirements import Requirements, load_bytes, load_path
from advisor.requirements.reader import SourceDocument
from advisor.requirements.text import as_sent, is_host, is_origin
from advisor.requirements.validate import MAX_PROBLEMS, validate
from advisor.requirements.values import read_value

retried = pytest.mark.retried("Each example has a deadline of one second of wall-clock time.")


@pytest.fixture(scope="module")
def space(knowledge: Knowledge) -> FactSpace:
    return FactSpace(knowledge)


@pytest.fixture(scope="module")
def read(space: FactSpace) -> Callable[[str], Requirements]:
    return lambda text: load_bytes(text.encode(), "r.yaml", space)


@pytest.fixture(scope="module")
def refused(space: FactSpace) -> Callable[[str], list[str]]:
    """A function from the text of a bad file to the lines of its message."""

    def messages(text: str) -> list[str]:
        with pytest.raises(InputError) as caught:
            load_bytes(text.encode(), "r.yaml", space)
        assert len(str(caught.value).splitlines()) == len(caught.value.problems)
        return str(caught.value).splitlines()

    return messages


# --- what is accepted ---------------------------------------------------------------------------------------------

FULL = """
version: 1
service: customer-support
sdk: mcp==1.28.1
clients: {protocol: mixed, concurrent: 1200, keep_cookies: unknown, plain_http: false}
scale: {instances: {min: 2, max: 10}, workers: 1, affinity: available}
environment:
  platform: kubernetes
  proxy: {kind: nginx, version: "1.31", sse: true, idle_timeout_s: 60, replicas: 1}
  hosts: [MCP.Example.com, "mcp.example.com:8443", mcp.example.com]
  auth: none
needs: {progress: preferred}
tools:
  - {name: suggest_reply, needs: {sampling: required, progress: required, roots: none}, duration_s: 40}
  - {name: lookup_order, duration_s: 0.4}
  - list_orders
operations: {team_size: 3, can_operate_affinity: false, shared_store: redis}
preference: simplest
"""


def test_the_file_of_the_contract_is_accepted(read: Any) -> None:
    requirements = read(FULL)
    assert requirements["scale.instances"] == {"min": 2, "max": 10}
    assert requirements["environment.hosts"] == ["mcp.example.com", "mcp.example.com:8443"]
    assert requirements["environment.proxy.idle_timeout_s"] == 60
    assert [tool.name for tool in requirements.tools] == ["suggest_reply", "lookup_order", "list_orders"]
    assert requirements.tools[0].needs == {"sampling": "required", "progress": "required"}
    assert requirements.tools[1].duration_s == 0.4


def test_json_is_accepted(read: Any) -> None:
    assert read(json.dumps({"service": "a", "scale": {"instances": 3}}))["scale.instances"] == 3


def test_every_key_except_service_has_a_default(read: Any, space: FactSpace) -> None:
    requirements = read("service: a")
    assert set(requirements.values) == {name for name, fact in space.facts.items() if fact.type != "tools"}
    assert requirements.given == {"service"}
    assert "service" not in requirements.defaults
    assert requirements.defaults["scale.instances"] == 1


@pytest.mark.parametrize(
    "empty", ["scale:", "environment: {proxy: }", "needs: {}", "tools:", "tools: []", "clients: {apps: }"]
)
def test_an_empty_section_is_the_same_as_no_section(read: Any, empty: str) -> None:
    assert read(f"service: a\n{empty}").values == read("service: a").values


def test_the_needs_of_the_service_are_the_strongest_of_the_tools(read: Any) -> None:
    requirements = read(FULL)
    assert (requirements["needs.sampling"], requirements["needs.progress"]) == ("required", "required")
    assert requirements.inferred == {
        "needs.sampling": "the strongest need of any tool (required is stronger than preferred)",
        "workload.longest_call_s": "the longest duration_s of the tools",
    }
    assert requirements["workload.longest_call_s"] == 40


def test_a_longest_call_above_those_of_the_tools_is_kept(read: Any) -> None:
    text = "service: a\nworkload: {longest_call_s: 90}\ntools: [{name: x, duration_s: 40}]"
    assert read(text)["workload.longest_call_s"] == 90


def test_a_version_that_yaml_takes_for_a_number_keeps_its_zero(read: Any) -> None:
    assert read("service: a\nenvironment: {proxy: {version: 1.30}}")["environment.proxy.version"] == "1.30"
    assert read("service: a\nenvironment: {proxy: {version: 2}}")["environment.proxy.version"] == "2"


def test_a_partial_file_needs_no_service(space: FactSpace) -> None:
    assert load_bytes(b"scale: {instances: 3}", "r.yaml", space, partial=True)["scale.instances"] == 3


# --- known client applications ------------------------------------------------------------------------------------


def client(knowledge: Knowledge, **wanted: Any) -> str:
    """The id of a known client with these properties."""
    return next(c.id for c in knowledge.clients.values() if all(getattr(c, k) == v for k, v in wanted.items()))


def test_a_named_client_sets_era_and_cookies(read: Any, knowledge: Knowledge) -> None:
    app = client(knowledge, protocol="legacy", keep_cookies=True)
    requirements = read(f"service: a\nclients: {{apps: {app}}}")
    assert (requirements["clients.protocol"], requirements["clients.keep_cookies"]) == ("legacy", True)
    named = knowledge.clients[app]
    assert requirements.inferred["clients.protocol"] == (
        f"as of {named.as_of}, {named.name} speaks protocol 2025-11-25 or older"
    )
    assert requirements.inferred["clients.keep_cookies"] == f"as of {named.as_of}, {named.name} keeps cookies"
    assert "clients.protocol" not in requirements.defaults


def test_what_the_file_states_wins_over_what_clients_imply(read: Any, knowledge: Knowledge) -> None:
    app = client(knowledge, protocol="legacy")
    requirements = read(f"service: a\nclients: {{apps: [{app}], protocol: modern}}")
    assert requirements["clients.protocol"] == "modern"
    assert "clients.protocol" not in requirements.inferred


@pytest.mark.parametrize(
    ("first", "second", "protocol", "cookies"),
    [
        ({"protocol": "legacy", "keep_cookies": True}, {"protocol": "modern", "keep_cookies": True}, "mixed", True),
        ({"protocol": "legacy", "keep_cookies": True}, {"keep_cookies": False, "protocol": "modern"}, "mixed", False),
        ({"protocol": "legacy", "keep_cookies": True}, {"protocol": "unknown", "keep_cookies": True}, "unknown", True),
    ],
)
def test_several_clients_are_taken_together(
    read: Any, knowledge: Knowledge, first: Any, second: Any, protocol: str, cookies: Any
) -> None:
    """Eras add up, one unknown era makes the era of the service unknown, and one client without cookies is enough."""
    apps = [client(knowledge, **first), client(knowledge, **second)]
    requirements = read(f"service: a\nclients: {{apps: {json.dumps(apps)}}}")
    assert (requirements["clients.protocol"], requirements["clients.keep_cookies"]) == (protocol, cookies)


# --- unknown keys -------------------------------------------------------------------------------------------------

TOP = (
    "version, service, sdk, mcp_release, language, runtime, transport, clients, scale, environment, workload, tools, "
    "operations, preference, current, needs"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("servce: b", "r.yaml:2: servce: unknown key. Did you mean 'service'?"),
        ("scale:\n  instnaces: 3", "r.yaml:3: scale.instnaces: unknown key. Did you mean 'instances'?"),
        ("Scale: {instances: 3}", "r.yaml:2: Scale: unknown key. Did you mean 'scale'?"),
        ("scale: {zzz: 3}", "r.yaml:2: scale.zzz: unknown key. Allowed here: instances, workers, affinity."),
        ("zzz: 3", f"r.yaml:2: zzz: unknown key. Allowed here: {TOP}."),
        ("environment: {proxy: {knd: nginx}}", "r.yaml:2: environment.proxy.knd: unknown key. Did you mean 'kind'?"),
        ("needs: {smpling: required}", "r.yaml:2: needs.smpling: unknown key. Did you mean 'sampling'?"),
        ("tools:\n  - {name: x, neds: {}}", "r.yaml:3: tools[0].neds: unknown key. Did you mean 'needs'?"),
        (
            "tools: [{name: x, needs: {smpling: required}}]",
            "r.yaml:2: tools[0].needs.smpling: unknown feature. Did you mean 'sampling'?",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_its_nearest_spelling(refused: Any, text: str, message: str) -> None:
    (found,) = refused(f"service: a\n{text}")
    assert found.startswith(message)
    assert "Allowed here: " in found


# --- wrong values -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 2", "version: 2 is not a known version. Allowed: 1."),
        ("version: '1'", "version: '1' is not a known version. Allowed: 1."),
        ("version: 1.30", "version: 1.30 is not a known version. Allowed: 1."),
        ("version: 1.0", "version: 1.0 is not a known version. Allowed: 1."),
        ("version: true", "version: true is not a known version. Allowed: 1."),
        ("version:", "version: null is not a known version. Allowed: 1."),
        ("scale: 3", "scale: 3 is not a mapping. Allowed keys: instances, workers, affinity."),
        ("scale: [1]", "scale: [1] is not a mapping. Allowed keys: instances, workers, affinity."),
        (
            "scale: {affinity: availble}",
            "scale.affinity: 'availble' is not allowed. Allowed: available, unavailable, unknown. "
            "Did you mean 'available'?",
        ),
        ("scale: {affinity: }", "scale.affinity: null is not allowed. Allowed: available, unavailable, unknown."),
        ("scale: {affinity: yes}", "scale.affinity: true is not allowed. Allowed: available, unavailable, unknown."),
        (
            "operations: {shared_store: no}",
            "operations.shared_store: false is not allowed. Allowed: redis, none. Did you mean 'none'?",
        ),
        (
            "needs: {sampling: yes}",
            "needs.sampling: true is not allowed. Allowed: none, preferred, required, unknown. "
            "Did you mean 'required'?",
        ),
        (
            "needs: {sampling: requierd}",
            "needs.sampling: 'requierd' is not allowed. Allowed: none, preferred, required, unknown. "
            "Did you mean 'required'?",
        ),
        (
            "clients: {keep_cookies: maybe}",
            "clients.keep_cookies: 'maybe' is not allowed. Allowed: true, false, unknown.",
        ),
        ("clients: {keep_cookies: 1}", "clients.keep_cookies: 1 is not allowed. Allowed: true, false, unknown."),
        ("clients: {plain_http: unknown}", "clients.plain_http: 'unknown' is not allowed. Allowed: true, false."),
        (
            "clients: {concurrent: 12.5}",
            "clients.concurrent: 12.5 is not allowed. Allowed: an integer from 1 to 1000000000.",
        ),
        (
            "clients: {concurrent: true}",
            "clients.concurrent: true is not allowed. Allowed: an integer from 1 to 1000000000.",
        ),
        ("scale: {workers: 0}", "scale.workers: 0 is not allowed. Allowed: an integer from 1 to 1024."),
        (
            "scale: {instances: 0}",
            "scale.instances: 0 is not allowed. "
            "Allowed: an integer from 1 to 10000, or a range such as {min: 2, max: 10}.",
        ),
        (
            "scale: {instances: 3.0}",
            "scale.instances: 3.0 is not allowed. "
            "Allowed: an integer from 1 to 10000, or a range such as {min: 2, max: 10}.",
        ),
        ("scale: {instances: {min: 5, max: 2}}", "scale.instances: min 5 is greater than max 2. Swap the two numbers."),
        (
            "scale: {instances: {min: 5, max: many}}",
            "scale.instances: max: 'many' is not allowed. "
            "Allowed: an integer from 1 to 10000, or a range such as {min: 2, max: 10}.",
        ),
        (
            "workload: {longest_call_s: -1}",
            "workload.longest_call_s: -1 is not allowed. Allowed: a number of seconds, more than 0 and at most 604800.",
        ),
        (
            "workload: {longest_call_s: .inf}",
            "workload.longest_call_s: '.inf' is not allowed. "
            "Allowed: a number of seconds, more than 0 and at most 604800.",
        ),
        (
            "workload: {longest_call_s: 40s}",
            "workload.longest_call_s: '40s' is not allowed. "
            "Allowed: a number of seconds, more than 0 and at most 604800.",
        ),
        (
            "environment: {proxy: {version: 1.3x}}",
            "environment.proxy.version: '1.3x' is not a version. Allowed: numbers and dots, such as 1.31 or 1.30.4.",
        ),
        (
            "environment: {proxy: {version: １.31}}",
            "environment.proxy.version: '１.31' is not a version. Allowed: numbers and dots, such as 1.31 or 1.30.4.",
        ),
        (
            "environment: {hosts: ['*.example.com']}",
            "environment.hosts[0]: '*.example.com' is not a host name. Allowed: a host name such as mcp.example.com or "
            "an IPv6 address such as [2001:db8::1], with an optional :port.",
        ),
        *(
            (
                f"environment: {{origins: ['{wrong}']}}",
                f"environment.origins[0]: '{wrong}' is not an origin. Allowed: an origin such as "
                "https://app.example.com, with an optional :port and without a path.",
            )
            for wrong in ("https://app.example.com/", "*", "null", "https://*.example.com", "app.example.com")
        ),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(refused: Any, text: str, message: str) -> None:
    assert refused(f"service: a\n{text}") == [f"r.yaml:2: {message}"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "sdk: mcp-9",
            [
                "r.yaml:2: sdk: 'mcp-9' is not a known SDK. Did you mean 'mcp-",
                "Allowed: ",
                "mcp-1, mcp-2",
                "mcp==1.28.1",
            ],
        ),
        (
            "sdk: fastmcp==2.5.2",
            ["sdk: 'fastmcp==2.5.2' is not a known SDK. This release is older", "`transport: sse`"],
        ),
        ("sdk: mcp==2.4.0b1", ["is a pre-release", "Did you mean 'mcp==2.4.0'?", "Allowed: "]),
        ("sdk: fastmcp==4.0.0rc2", ["is a pre-release", "Did you mean 'fastmcp==4.0.0'?"]),
        ("sdk: mcp==2.4.0.dev3", ["is a pre-release", "Did you mean 'mcp==2.4.0'?"]),
        ("sdk: mcp==99.0a1", ["is a pre-release", "in a measured range ("]),
        ("sdk: mcp>=1.28,<2", ["one final release", "Did you mean 'mcp==1.28'?"]),
        ("sdk: mcp==1.28.x", ["one final release", "Did you mean 'mcp==1.28'?"]),
        ("sdk: mcp 1.28.1", ["one final release", "Did you mean 'mcp==1.28.1'?"]),
        ("sdk: mcp==v1.28.1", ["'mcp==v1.28.1' is not a known SDK", "Did you mean 'mcp==1.28.1'?"]),
        ("sdk: fastmpc==2.14.0", ["Did you mean 'fastmcp==2.14.0'?"]),
        ("sdk: mcp==99.0", ["sdk: 'mcp==99.0' is not a known SDK. Allowed:", "in a measured range ("]),
        ("sdk: mcp==１.29.0", ["'mcp==１.29.0' is not a known SDK"]),
        ("sdk: mcp", ["'mcp' is not a known SDK"]),
        (
            "environment: {proxy: {kind: ngnix}}",
            ["environment.proxy.kind: 'ngnix'", "Allowed: nginx, ", "Did you mean 'nginx'?"],
        ),
        (
            "clients: {apps: [cursr]}",
            ["clients.apps[0]: 'cursr' is not a known client application. Did you mean 'cursor'? Allowed: "],
        ),
        (
            "clients: {apps: [{cursor: 1}]}",
            ["clients.apps[0]: {'cursor': 1} is not a known client application. Allowed: "],
        ),
    ],
)
def test_the_error_for_a_wrong_name_lists_the_known_names(refused: Any, text: str, parts: list[str]) -> None:
    (message,) = refused(f"service: a\n{text}")
    assert [part for part in parts if part not in message] == []


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("service: My Server!", "'My Server!' is not a DNS label. Allowed: {rule}. Did you mean 'my-server'?"),
        ("service: a.b", "'a.b' is not a DNS label. Allowed: {rule}. Did you mean 'a-b'?"),
        ("service: 7", "7 is not a DNS label. Allowed: {rule}. To make the value text, quote the value."),
        ("service: on", "true is not a DNS label. Allowed: {rule}. To make the value text, quote the value."),
        ("service:", "null is not a DNS label. Allowed: {rule}."),
        ("service: [a]", "['a'] is not a DNS label. Allowed: {rule}."),
        ("service: ''", "'' is not a DNS label. Allowed: {rule}."),
        ("service: '…'", "'…' is not a DNS label. Allowed: {rule}."),
    ],
)
def test_a_wrong_service_name_gets_an_allowed_name(refused: Any, text: str, hint: str) -> None:
    rule = "1 to 63 lower-case letters, digits and hyphens, without a hyphen at the start or end"
    assert refused(text) == [f"r.yaml:1: service: {hint.format(rule=rule)}"]


def test_a_missing_service_is_one_message(refused: Any, space: FactSpace) -> None:
    (message,) = refused("scale: {instances: 3}")
    assert message == f"r.yaml:1: service: the key 'service' is missing. {space.facts['service'].help}"


@pytest.mark.parametrize(
    ("text", "kind"), [("[]", "a list"), ("hello", "a text"), ("~", "empty"), ("7", "a single value")]
)
def test_a_file_that_is_not_a_mapping_is_refused(refused: Any, text: str, kind: str) -> None:
    assert refused(text) == [
        f"r.yaml:1: the file is {kind}, but a requirements file is a mapping of keys. "
        "To see a requirements file, run `mcp-advisor init`."
    ]


# --- tools --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ("{a: 1}", "tools: {'a': 1} is not a list of at most 500 tools. Write each tool as `- name: NAME`."),
        (
            "[3]",
            "tools[0]: 3 is not a tool. "
            "Allowed: a tool name, or a mapping with name and optionally needs and duration_s.",
        ),
        (
            "[{name: a b}]",
            "tools[0].name: 'a b' is not a tool name. "
            "Allowed: 1 to 64 letters, digits, _, . and -; the first character is a letter or _.",
        ),
        (
            "[{name: x, needs: sampling}]",
            "tools[0].needs: 'sampling' is not a mapping. For example: `needs: {sampling: required}`.",
        ),
        (
            "[{name: x, needs: {sampling: always}}]",
            "tools[0].needs.sampling: 'always' is not allowed. Allowed: none, preferred, required, unknown.",
        ),
        (
            "[{name: x, duration_s: 0}]",
            "tools[0].duration_s: 0 is not allowed. Allowed: a number of seconds, more than 0 and at most 604800.",
        ),
    ],
)
def test_a_wrong_tool_is_refused(refused: Any, tools: str, message: str) -> None:
    assert refused(f"service: a\ntools: {tools}") == [f"r.yaml:2: {message}"]


def test_a_tool_without_a_name_gets_the_probable_key(refused: Any) -> None:
    unknown, missing = refused("service: a\ntools: [{nme: x}]")
    assert unknown.startswith("r.yaml:2: tools[0].nme: unknown key. Did you mean 'name'? Allowed here: ")
    assert missing.startswith("r.yaml:2: tools[0]: the key 'name' is missing. Allowed: 1 to 64 letters,")


def test_a_tool_listed_twice_names_both_lines(refused: Any) -> None:
    text = "service: a\ntools:\n  - name: x\n  - {name: y}\n  - x\n"
    assert refused(text) == ["r.yaml:5: tools[2]: the tool 'x' is listed twice. Its first entry is in line 3."]


def test_a_tool_cannot_need_a_feature_that_needs_forbid(refused: Any) -> None:
    text = "service: a\nneeds:\n  sampling: none\ntools:\n  - bad name\n  - {name: x, needs: {sampling: required}}\n"
    assert refused(text)[1] == (
        "r.yaml:6: tools[1].needs.sampling: the tool 'x' needs sampling (required), but needs.sampling in line 3 is "
        "none. Set needs.sampling to required, or remove the need of the tool."
    )


def test_data_without_lines_is_checked(space: FactSpace) -> None:
    """Answers and the examples of rules come without lines."""
    tools = [{"name": "x", "needs": {"sampling": "required"}}, "x"]
    with pytest.raises(InputError) as caught:
        validate(SourceDocument("answers", {"service": "a", "needs": {"sampling": "none"}, "tools": tools}, {}), space)
    assert str(caught.value).splitlines() == [
        "answers: tools[1]: the tool 'x' is listed twice.",
        "answers: tools[0].needs.sampling: the tool 'x' needs sampling (required), but needs.sampling is none. "
        "Set needs.sampling to required, or remove the need of the tool.",
    ]


# --- all problems together ----------------------------------------------------------------------------------------


def test_every_problem_of_a_file_is_reported_in_the_order_of_its_lines(refused: Any) -> None:
    text = "sdk: mcp-9\nscale: {instances: 0, workrs: 1}\nneeds: {sampling: none}\n"
    text += "tools: [{name: x, needs: {sampling: preferred}}]\n"
    places = [line.split(": ")[:2] for line in refused(text)]
    assert places == [
        ["r.yaml:1", "sdk"],
        ["r.yaml:1", "service"],
        ["r.yaml:2", "scale.instances"],
        ["r.yaml:2", "scale.workrs"],
        ["r.yaml:4", "tools[0].needs.sampling"],
    ]


def test_only_the_first_of_many_problems_are_shown(refused: Any) -> None:
    messages = refused("service: a\n" + "".join(f"scal{number}: 1\n" for number in range(9000)))
    assert len(messages) == MAX_PROBLEMS + 1
    assert messages[0].startswith("r.yaml:2: scal0: unknown key. Did you mean 'scale'? Allowed here: ")
    assert messages[-1] == f"r.yaml: Not shown: {9000 - MAX_PROBLEMS:,} more problems."


def test_a_reader_error_is_one_message(refused: Any, space: FactSpace, tmp_path: Any) -> None:
    assert refused("a: 1\na: 2\n") == ["r.yaml:2: key 'a' is already on line 1 (column 1). Remove one of the two."]
    with pytest.raises(InputError) as caught:
        load_path(tmp_path, space)
    assert str(caught.value) == f"{tmp_path}: this is a directory, not a regular file. Name a requirements file."


def test_one_value_can_be_checked_alone(space: FactSpace) -> None:
    assert read_value("scale.instances", {"min": 1, "max": 2}, space) == {"min": 1, "max": 2}
    with pytest.raises(InputError, match=r"scale.workers: 'x' is not allowed. Allowed: an integer from 1 to 1024."):
        read_value("scale.workers", "x", space)


# --- hostile text -------------------------------------------------------------------------------------------------

HOSTILE = [
    "$(reboot)",
    "`id`",
    "a; rm -rf /",
    "a && b",
    "a|b",
    "a'b",
    'a"b',
    "a\nb",
    "a\\",
    "../../etc/passwd",
    "-rf",
    "a b",
    "a}",
    "server { listen 1; }",
    "$host",
    "a;",
    "{{ 7*7 }}",
    "{% raw %}",
    "a{{x}}",
    "a: b",
    "a #b",
    "&a",
    "*a",
    "!!x",
    "%s",
    "{0}",
    "a\tb",
    "a\u202eb",
    "аdmin",
    "ａ",
    "İ",
    "ß",
    "a\u0301",
    "😀",
    "a" * 300,
    "",
    " ",
    "a\u00a0b",
    "٣",
    "A\u2028B",
    "<script>",
    "a/b",
    "a?b",
    "a@b",
    "a:1:2",
    "a:99999",
    "a:0",
    "a:",
    ":80",
    "a..b",
    ".a",
    "a.",
    "-a",
    "a-",
    "a_b.c",
    "::1",
    "[::1",
    "[]",
    "[:]",
    "[1::2::3]",
    "[1:2:3:4:5:6:7]",
    "[1:2:3:4:5:6:7::8]",
    "[1:2:3:4:5:6:7:8:9]",
    "[::12345]",
    "[::g]",
    "[fe80::1%eth0]",
    "[::1]:0",
    "[::1].a",
    "a:８０",
]


@pytest.mark.parametrize("text", [*HOSTILE, "A", "a_b", "a.b"])
def test_a_service_name_cannot_contain_syntax(refused: Any, text: str) -> None:
    (message,) = refused(json.dumps({"service": text}, ensure_ascii=False).replace("\u2028", "\\u2028"))
    assert message.startswith("r.yaml:1: service: ")
    assert " is not a DNS label. Allowed: " in message
    assert message.isprintable()
    assert len(message) < 320


@pytest.mark.parametrize("text", HOSTILE)
def test_a_host_cannot_contain_syntax(refused: Any, text: str) -> None:
    (message,) = refused(json.dumps({"service": "a", "environment": {"hosts": ["ok", text]}}, ensure_ascii=False))
    assert " is not a host name. Allowed: " in message
    assert message.isprintable()


@pytest.mark.parametrize("text", [text for text in HOSTILE if text not in ("a-", "a.", "a..b", "a_b.c")])
def test_a_tool_name_cannot_contain_syntax(refused: Any, text: str) -> None:
    (message,) = refused(json.dumps({"service": "a", "tools": [{"name": text}]}, ensure_ascii=False))
    assert message.startswith("r.yaml:1: tools[0].name: ")
    assert " is not a tool name. Allowed: " in message
    assert message.isprintable()


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_a_hostile_key_is_shown_on_one_printable_line(refused: Any, text: str) -> None:
    (message,) = refused(json.dumps({"service": "a", text: 1}, ensure_ascii=False).replace("\u2028", "\\u2028"))
    assert message.startswith("r.yaml:1: ")
    assert "unknown key." in message
    assert message.isprintable()
    assert len(message) < 320


@pytest.mark.parametrize("where", ["sdk", "preference"])
@pytest.mark.parametrize("text", ["x\ny", "x\u202ey", "x" * 300])
def test_a_hostile_value_is_shown_short_and_printable(refused: Any, where: str, text: str) -> None:
    (message,) = refused(json.dumps({"service": "a", where: text}, ensure_ascii=False))
    assert message.isprintable()
    assert "x" * 61 not in message


@pytest.mark.parametrize(
    "text", ["mcp.example.com", "localhost", "10.0.0.1:8080", "a" * 63, "a.b:65535", "xn--bcher-kva.example"]
)
def test_ordinary_hosts_are_accepted(read: Any, text: str) -> None:
    assert read(json.dumps({"service": "a", "environment": {"hosts": text}}))["environment.hosts"] == [text]


@given(st.ip_addresses(v=6), st.booleans(), st.sampled_from(["", ":8443"]))
def test_each_form_of_an_ipv6_address_becomes_the_form_that_clients_send(
    address: ipaddress.IPv6Address, long: bool, port: str
) -> None:
    written = address.exploded.upper() if long else address.compressed
    sent = f"[{address.compressed}]{port}"
    assert is_host(f"[{written}]{port}")
    assert as_sent(f"[{written}]{port}") == sent
    assert is_origin(f"HTTPS://[{written}]{port}")
    assert as_sent(f"HTTPS://[{written}]{port}") == f"https://{sent}"


@given(st.text(alphabet="0aF:", max_size=12))
def test_an_ipv6_address_is_allowed_exactly_if_it_is_one(text: str) -> None:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        assert not is_host(f"[{text}]")
    else:
        assert is_host(f"[{text}]")


# --- anything at all ----------------------------------------------------------------------------------------------

words = st.sampled_from(
    [*string.ascii_lowercase[:3], "required", "none", "unknown", "mcp-2", "nginx", "1.30", "sampling", "x\ny"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 20_000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
    | st.text(max_size=5)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def nearly(space: FactSpace) -> st.SearchStrategy[Any]:
    """Documents whose keys are mostly right and whose values are mostly wrong."""

    def section(tree: Any) -> st.SearchStrategy[Any]:
        inner = {
            key: section(branch) if isinstance(branch, dict) else value(branch) | anything
            for key, branch in tree.items()
        }
        return st.fixed_dictionaries({}, optional=inner)

    def value(fact: Any) -> st.SearchStrategy[Any]:
        if fact.type == "tools":
            needs = st.dictionaries(
                st.sampled_from(["sampling", "progress", "oops"]), st.sampled_from(["required", "none", 1])
            )
            tool = st.fixed_dictionaries(
                {"name": st.sampled_from(["a", "b", "c d"])},
                optional={"needs": needs | anything, "duration_s": scalars},
            )
            return st.lists(tool | anything, max_size=4)
        if fact.type == "instances":
            return st.fixed_dictionaries({"min": st.integers(0, 3) | scalars, "max": st.integers(0, 3) | scalars})
        return st.sampled_from([value for value in space.domains[fact.id] if value != "any"] or ["a"])

    return section(space.tree)


def accepted_or_refused(data: Any, space: FactSpace) -> Requirements | None:
    """Requirements that can be decided, or an InputError whose every line is printable and names the file."""
    raw = json.dumps(data).encode()
    try:
        return load_bytes(raw, "r.yaml", space)
    except InputError as caught:
        error = caught
    lines = str(error).splitlines()
    assert all(line.startswith("r.yaml") and line.isprintable() for line in lines)
    assert len(lines) == len(error.problems)
    return None


@retried
@settings(deadline=timedelta(seconds=1), max_examples=200, suppress_health_check=list(HealthCheck))
@given(data=anything)
def test_any_document_is_accepted_or_refused(space: FactSpace, data: Any) -> None:
    accepted_or_refused(data, space)


@retried
@settings(deadline=timedelta(seconds=1), max_examples=200, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_nearly_right_documents_are_decided_or_refused(advisor: Advisor, nearly: Any, data: st.DataObject) -> None:
    requirements = accepted_or_refused({"service": "a", **data.draw(nearly)}, advisor.space)
    if requirements is not None:
        assert advisor.decide(requirements).requirements is requirements


@pytest.mark.no_cover  # the measurement takes longer than the limit allows
@pytest.mark.parametrize(
    "text",
    [
        "".join(f"scal{number}: 1\n" for number in range(9900)),
        "tools:\n- name: a\n  needs:\n" + "".join(f"    sampl{number}: 1\n" for number in range(9000)),
        f"service: {'x' * 900_000}",
        f"environment: {{hosts: [{'a-' * 400_000}]}}",
        f"environment: {{hosts: [{','.join(['a.' * 126 + '!'] * 499)}]}}",
        f"tools: [{','.join(['{name: a b, needs: {smpling: 1}, x: 1, duration_s: -1}'] * 500)}]",
        f"a: &a [{','.join(['x' * 50] * 39)}]\ntools: [{','.join(['*a'] * 480)}]",
    ],
    ids=["keys", "needs", "name", "host", "hosts", "tools", "aliases"],
)
def test_a_file_of_nothing_but_mistakes_is_refused_quickly(space: FactSpace, text: str) -> None:
    @settings(deadline=timedelta(seconds=10), max_examples=1)
    @given(st.just(text))
    def check(text: str) -> None:
        with pytest.raises(InputError) as caught:
            load_bytes(text.encode(), "r.yaml", space)
        assert len(str(caught.value)) < 60_000

    check()


@pytest.mark.parametrize(
    ("sdk", "release", "said"),
    [
        ("fastmcp==2.14.0", "1.23.0", "fastmcp 2.14.0 does not work with mcp 1.23.0. Allowed: mcp>=1.23.1,<2.0.0."),
        ("fastmcp==2.13.2", "1.21.1", "Allowed: mcp>=1.19.0,<2.0.0,!=1.21.1."),
        ("fastmcp==2.12.5", "1.30.0", "Allowed: mcp>=1.12.4,<1.17.0."),
        ("fastmcp-3", "2.3.0", "fastmcp 3.4.11 does not work with mcp 2.3.0. Allowed: mcp>=1.24.0,<2.0.0."),
        ("fastmcp==4.2.3", "2.2.0", "Allowed: mcp>=2.3.0,<3.0.0."),
        ("mcp-2", "2.3.0", "this key needs fastmcp as the SDK."),
        ("other", "2.3.0", "this key needs fastmcp as the SDK."),
    ],
)
def test_an_mcp_release_that_fastmcp_does_not_allow_is_refused(
    space: FactSpace, sdk: str, release: str, said: str
) -> None:
    with pytest.raises(InputError) as refused:
        load_bytes(f"service: a\nsdk: {sdk}\nmcp_release: {release}\n".encode(), "r.yaml", space)
    assert "r.yaml:3: mcp_release: " in str(refused.value)
    assert said in str(refused.value)
