"""`compare`: the output formats, the exit codes and the errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from running import run_command

EXAMPLES = Path(__file__).parents[2] / "examples"
GOOD, INFEASIBLE = EXAMPLES / "customer-service-agent.yaml", EXAMPLES / "sampling-on-a-stateless-fleet.yaml"


def run(*arguments: Path | str, stdin: bytes = b"") -> tuple[int, str, str]:
    done = run_command("compare", *arguments, stdin=stdin)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_the_first_line_of_the_table_is_the_decision() -> None:
    code, out, err = run(GOOD)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "customer-service-agent: 6 options, the decision first"
    assert out.splitlines()[2].startswith("1  two tiers")


def test_a_contradiction_shows_the_nearest_option_and_exits_with_3() -> None:
    code, out, _ = run(INFEASIBLE, "--for", "product")
    assert code == 3
    assert "1  Users lose something that is required: help from the AI of the user." in out


def test_standard_input_is_compared() -> None:
    assert run("-", stdin=GOOD.read_bytes())[:2] == run(GOOD)[:2]


def test_json_and_yaml_are_the_same_document() -> None:
    code, out, _ = run(GOOD, "--format", "json")
    document = json.loads(out)
    assert (code, document["schema"], document["feasible"]) == (0, "mcp-advisor/comparison/1", True)
    assert [option["chosen"] for option in document["options"]].index(True) == 0
    assert yaml.safe_load(run(GOOD, "--format", "yaml")[1]) == document


def test_the_keys_of_a_change_are_edits_of_the_file() -> None:
    options = json.loads(run(GOOD, "--format", "json")[1])["options"]
    sticky = next(option for option in options if option["kind"] == "sticky-fleet")
    assert sticky["wins"]["change"] == {"operations.can_operate_affinity": True}
    assert sticky["loses"]["criterion"] == "possible"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.yaml"], "missing.yaml"),
        ([GOOD, "--for", "managers"], "engineering"),
        ([GOOD, "--format", "html"], "markdown"),
    ],
)
def test_an_error_names_the_argument_and_what_is_allowed(arguments: list[Path | str], said: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_an_invalid_file_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("service: a\nscale: {instancs: 3}\n")
    code, out, err = run(tmp_path / "wrong.yaml")
    assert (code, out) == (2, "")
    assert "wrong.yaml:2" in err
    assert "instances" in err
