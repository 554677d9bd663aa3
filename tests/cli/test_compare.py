"""`compare`: the output formats, the exit codes and the errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from running import run_command

from advisor.cli.completion import complete_fact

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


# --- another file, or other facts -----------------------------------------------------------------------------------

STICKY = EXAMPLES / "customer-service-agent-sticky.yaml"


def test_two_files_are_compared_cell_by_cell() -> None:
    code, out, err = run(GOOD, STICKY)
    assert (code, err) == (0, "")
    assert "operations.can_operate_affinity: false -> true" in out
    assert "  New decision: session affinity (stateful+sse, nginx-sticky-learn)" in out
    assert "  Elicitation, legacy: fails with an error -> works" in out


def test_each_combination_of_values_is_a_variant() -> None:
    _, out, _ = run(GOOD, "--with", "clients.protocol=modern,mixed", "--with", "sdk=mcp-1,mcp-2", "--format", "json")
    document = json.loads(out)
    assert document["schema"] == "mcp-advisor/what-if/1"
    assert [len(variant["facts"]) for variant in document["variants"]] == [2, 1, 2, 1]
    assert document["base"]["pattern"] == "tiered"


def test_a_list_is_one_value() -> None:
    _, out, _ = run(GOOD, "--with", "clients.apps=vscode,cursor", "--format", "json")
    assert [variant["facts"]["clients.apps"]["after"] for variant in json.loads(out)["variants"]] == [
        ["vscode", "cursor"]
    ]


@pytest.mark.parametrize(
    "arguments", [[STICKY], ["--with", "sdk=mcp-1,mcp==1.28.1", "--with", "clients.protocol=mixed,modern"]]
)
def test_the_first_screen_of_changes_has_at_most_23_lines(arguments: list[Path | str]) -> None:
    lines = run(GOOD, *arguments)[1].splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80


def test_every_change_is_in_the_complete_text_and_in_markdown() -> None:
    arguments = (GOOD, "--with", "sdk=mcp==1.28.1")
    document = json.loads(run(*arguments, "--format", "json")[1])
    text = " ".join(run(*arguments, "--full")[1].split())
    markdown = run(*arguments, "--format", "markdown")[1]
    (variant,) = document["variants"]
    assert variant["cells"]
    for cell in variant["cells"]:
        assert f"{cell['before']['words']} -> {cell['after']['words']}" in text
        assert cell["after"]["words"][:20] in markdown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--with", "clients.protocl=modern"], "clients.protocol"),
        (["--with", "clients.protocol=moden"], "Did you mean 'modern'?"),
        (["--with", "sdk"], "--with scale.instances=3"),
        (["--with", "environment.function_adapter=web"], "environment.platform: serverless"),
        ([STICKY, "--with", "sdk=mcp-1"], "not both"),
        ([STICKY, "--for", "product"], "one file"),
        ([STICKY, GOOD], "one or two files"),
        (["missing.yaml"], "missing.yaml"),
    ],
)
def test_a_wrong_change_is_refused(arguments: list[Path | str], said: str) -> None:
    code, out, err = run(GOOD, *arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_the_name_of_a_fact_and_its_last_value_are_completed() -> None:
    assert "clients.protocol=" in complete_fact("clients.pro")
    assert complete_fact("clients.protocol=legacy,mo") == ["clients.protocol=legacy,modern"]
    assert "sdk=mcp-1,mcp-2" in complete_fact("sdk=mcp-1,mcp-")
    assert complete_fact("no.fact=") == []
