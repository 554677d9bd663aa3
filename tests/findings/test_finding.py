"""One finding as text and as JSON."""

import pytest

from advisor.errors import InputError
from advisor.findings import Finding, Fix, Location, input_problem

FULL = Finding(
    "session-id-hash",
    "The session id is hashed.",
    "medium",
    "likely",
    title="Sessions are spread by a hash",
    why="Clients lose their sessions when an instance is added.",
    fix=Fix("Use a learned table.", "--- a\n+++ b\n", safe=True),
    locations=(Location("nginx.conf", 12), Location("server.py", 40, "run")),
    sources=("measured-topology",),
    url="https://example.com/session-id-hash",
)


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (
            input_problem("unknown key.", "Did you mean 'scale'?", key="scal", line=3),
            "f.yaml:3: scal: unknown key. Did",
        ),
        (input_problem("it is empty."), "f.yaml: it is empty."),
        (FULL, "nginx.conf:12: The session id is hashed. Use a learned table."),
        (Finding("gap", "no rule covers these facts", locations=(Location(key="eras"),)), "f.yaml: eras: no rule"),
    ],
)
def test_the_text_has_every_known_part(finding: Finding, text: str) -> None:
    assert finding.text("f.yaml").startswith(text)


def test_without_a_place_the_text_is_the_message() -> None:
    assert Finding("gap", "no rule").text() == "no rule"


def test_an_error_has_one_line_for_each_problem() -> None:
    error = InputError("f.yaml", [input_problem("bad.", key="a", line=1), input_problem("worse.", "Stop.")])
    assert str(error) == "f.yaml:1: a: bad.\nf.yaml: worse. Stop."
    assert [problem.line for problem in error.problems] == [1, None]


def test_json_follows_the_contract() -> None:
    assert FULL.as_dict() == {
        "id": "session-id-hash",
        "severity": "medium",
        "confidence": "likely",
        "message": "The session id is hashed.",
        "why": "Clients lose their sessions when an instance is added.",
        "fix": {"text": "Use a learned table.", "patch": "--- a\n+++ b\n", "safe": True},
        "locations": [
            {"path": "nginx.conf", "line": 12, "key": None},
            {"path": "server.py", "line": 40, "key": "run"},
        ],
        "sources": ["measured-topology"],
        "url": "https://example.com/session-id-hash",
    }


def test_a_finding_without_options_is_high_and_certain_and_has_no_fix() -> None:
    small = Finding("dead", "it fits no case").as_dict()
    assert (small["severity"], small["confidence"], small["fix"], small["locations"]) == ("high", "certain", None, [])
