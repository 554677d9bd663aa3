"""One finding as text."""

import pytest

from advisor.errors import InputError
from advisor.findings import Finding, Fix, Location, input_problem

FULL = Finding(
    "session-id-hash",
    "The session id is hashed.",
    "medium",
    title="Sessions are spread by a hash",
    fix=Fix("Use a learned table."),
    locations=(Location("nginx.conf", 12), Location("server.py", 40, "run")),
    sources=("measured-topology",),
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


def test_a_finding_without_options_is_high_and_has_no_fix_and_no_place() -> None:
    small = Finding("dead", "it fits no case")
    assert (small.severity, small.fix, small.locations, small.key, small.line) == ("high", Fix(), (), "", None)
