"""`explain` knows every word of an answer, and `help` shows commands and exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import run_command

from advisor.decision.advisor import Advisor
from advisor.errors import Exit
from advisor.report.rule_records import Catalogue
from advisor.requirements import load_path

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "examples").glob("*.yaml"), *(ROOT / "examples" / "field").glob("*.yaml")])


def out(*arguments: str) -> str:
    return run_command(*arguments).stdout.decode()


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_word_of_an_answer_can_be_explained(advisor: Advisor, path: Path) -> None:
    decision = advisor.decide(load_path(path, advisor.space))
    catalogue = Catalogue(advisor.space, advisor.compiled)
    words = {decision.core.pattern, decision.core.mechanism}
    words |= {warning.id for warning in decision.warnings}
    words |= {row.feature for row in decision.features if row.feature != "plain"}
    words |= {step.rule.id for step in decision.path}
    words |= {name for step in decision.steps for name in step.facts if name in advisor.space.facts}
    words |= {
        cell.words for row in decision.features for _, cell in row.cells if cell.words in advisor.knowledge.phrases
    }
    words |= {name for way in decision.alternatives for name in way.change if name in advisor.space.facts}
    words |= {way.core.pattern for way in decision.alternatives}
    for word in sorted(words):
        assert catalogue.find(word)["id"].lower()


@pytest.mark.parametrize(
    ("word", "kind", "says"),
    [
        ("sticky-fleet", "Deployment pattern", "SES-300"),
        ("nginx-sticky-learn", "Mechanism of session affinity", "the proxy remembers the owner of each session"),
        ("hangs", "Outcome of a feature", "The call gets no result."),
        ("3", "Exit code of the program", "no configuration keeps every required feature"),
        ("Cloud-Run", "Value of environment.proxy.kind", "Google Cloud Run"),
        ("flag pair", "Term", "stateless_http and json_response"),
    ],
)
def test_words_have_their_meaning(word: str, kind: str, says: str) -> None:
    shown = " ".join(out("explain", word).split())
    assert kind in shown
    assert says in shown
    assert shown == " ".join(out("rules", "show", word).split())


def test_every_exit_code_is_explained(advisor: Advisor) -> None:
    catalogue = Catalogue(advisor.space, advisor.compiled)
    assert all(catalogue.find(f"exit code {code.value}")["kind"] == "word" for code in Exit)
    assert [int(line.split()[0]) for line in out("help", "exit-codes").splitlines()] == [code.value for code in Exit]


def test_the_list_of_exit_codes_fits_into_80_columns() -> None:
    assert all(len(line) <= 80 for line in out("help", "exit-codes").splitlines())


def test_an_entry_of_several_words_needs_no_quotes() -> None:
    for words in ("exit code 3", "flag pair", "no configuration works"):
        assert out("explain", *words.split()) == out("explain", words)
    done = run_command("explain", "exit", "code", "7")
    assert done.returncode == 2
    assert b"'exit code 7'" in done.stderr


def test_a_near_miss_names_the_word() -> None:
    done = run_command("explain", "stiky-fleet")
    assert done.returncode == 2
    assert b"Did you mean 'sticky-fleet'?" in done.stderr


def test_help_shows_the_help_of_a_command() -> None:
    assert out("help", "verify") == out("verify", "--help")
    assert out("help") == out("--help")
    done = run_command("help", "verfy")
    assert done.returncode == 2
    assert b"Did you mean 'verify'?" in done.stderr


def test_the_help_is_not_cut() -> None:
    assert "..." not in out("--help")
    assert out("-V") == out("--version")


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["recommend", "--format", "jsn", "x"], "Did you mean 'json'?"),
        (["recommend", "--show", "warning", "x"], "Did you mean 'warnings'?"),
        (["schema", "decisio"], "Did you mean 'decision'?"),
        (["recomend", "x"], "Did you mean 'recommend'?"),
        (["recommend", "--ful", "x"], "--full"),
    ],
)
def test_typing_errors_get_the_nearest_spelling(arguments: list[str], suggestion: str) -> None:
    done = run_command(*arguments)
    assert done.returncode == 2
    assert suggestion in done.stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "suggestions"),
    [
        (["recommend", "--show", "warning", "--show", "featurs", "x"], ["'warnings'", "'features'"]),
        (["generate", "--only", "prxy,kubernets", "-o", "kit", str(FILES[0])], ["'proxy'", "'kubernetes'"]),
        (
            ["ask", "--defaults", "--set", "a", "--set", "sdk=mcp2", "--set", "environment.platform=k8s"],
            ["--set 'a': write KEY=VALUE", "'mcp-2'", "'kubernetes'"],
        ),
    ],
)
def test_every_wrong_entry_is_reported(arguments: list[str], suggestions: list[str], tmp_path: Path) -> None:
    done = run_command(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert [said for said in suggestions if said in done.stderr.decode()] == suggestions
    assert list(tmp_path.iterdir()) == []
