"""The practices of good command-line tools (clig.dev, gh, copier, terraform), one test for each.

Most practices have more tests elsewhere. This file is the list, and each test runs the program.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from running import run_command, run_command_for_text
from terminal import CTRL_C, ENTER, ESCAPE, QUESTIONS, UP, Terminal

from advisor.decision.advisor import Advisor

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "customer-service-agent.yaml"
OTHER = ROOT / "examples" / "saas-b2b.yaml"
SERVICE, USED, SDK = (
    "What is the service called?",
    "Is the server in use today?",
    "Which line of the server code imports the SDK?",
)
REVIEW, MENU = "These are your answers. To change an answer, select it.", "What next?"
asks = pytest.mark.retried("A text must be on the screen within 30 s.")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """`mcp-advisor ask` in a terminal."""
    started = Terminal("ask", cwd=tmp_path)
    yield started
    started.child.close(force=True)


def to_review(terminal: Terminal) -> str:
    """Accept the default of each question, and return the review."""
    terminal.answer(SERVICE, "svc", ENTER)
    for _ in range(QUESTIONS):
        text = terminal.see("Esc back)")
        title = text[text.rindex("\n? ") + 3 :].splitlines()[0]
        if title.startswith(REVIEW):
            return text
        terminal.answer(title.split(" (")[0].strip(), ENTER)
    raise AssertionError(f"no review after {QUESTIONS} questions:\n{terminal.text}")


def test_01_every_question_has_an_option_and_a_key(advisor: Advisor, tmp_path: Path) -> None:
    asked = [fact.id for fact in advisor.space.facts.values() if fact.question]
    keys = {*re.findall(r"^ *#? ?(\w+):", run_command_for_text("init").stdout, re.MULTILINE)}
    assert asked
    assert [name for name in asked if name.split(".")[-1] not in keys] == []
    given = ["--set", "service=orders", "--set", "scale.instances=3", "--set", "needs.progress=required"]
    assert run_command_for_text("ask", "--defaults", *given, cwd=tmp_path).returncode == 0
    saved = yaml.safe_load((tmp_path / "requirements.yaml").read_text())
    assert (saved["scale"], saved["needs"]) == ({"instances": 3}, {"progress": "required"})


def test_02_without_a_terminal_nothing_is_asked_and_the_missing_keys_are_named(tmp_path: Path) -> None:
    done = run_command_for_text("ask", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "service" in done.stderr
    assert "--defaults" in done.stderr


def test_03_defaults_can_answer_everything(tmp_path: Path) -> None:
    assert run_command_for_text("ask", "--defaults", "--set", "service=quick", cwd=tmp_path).returncode == 0
    assert run_command_for_text("recommend", "requirements.yaml", cwd=tmp_path).returncode == 0


@asks
def test_04_defaults_are_shown_and_enter_accepts_them(terminal: Terminal, tmp_path: Path) -> None:
    terminal.answer(SERVICE, "svc", ENTER)
    assert "> no" in terminal.see(f"? {USED}")
    terminal.answer(USED, ENTER)
    terminal.see(f"{USED} no", f"? {SDK}")
    (tmp_path / "old.yaml").write_text("service: old\nscale: {instances: 3}\n")
    done = run_command_for_text("ask", "old.yaml", "--defaults", "--set", "service=new", cwd=tmp_path)
    assert done.returncode == 0
    saved = yaml.safe_load((tmp_path / "old.yaml").read_text())
    assert (saved["service"], saved["scale"]["instances"]) == ("new", 3), "earlier answers are the defaults"


def test_05_saved_answers_repeat_the_result_without_options(tmp_path: Path) -> None:
    given = ["--set", "service=again", "--set", "scale.instances=3", "--set", "needs.sampling=required"]
    first = run_command_for_text("ask", "--defaults", *given, cwd=tmp_path)
    replay = shlex.split(next(line for line in first.stderr.splitlines() if line.startswith("  mcp-advisor")))
    assert run_command_for_text(*replay[1:], cwd=tmp_path).stdout == first.stdout


@asks
def test_06_a_question_can_be_answered_again(terminal: Terminal) -> None:
    terminal.answer(SERVICE, "svc", ENTER)
    terminal.see(f"? {USED}")
    terminal.send(ESCAPE)
    terminal.see(f"? {SERVICE}")


@asks
def test_07_the_answers_are_reviewed_before_they_are_used(terminal: Terminal, tmp_path: Path) -> None:
    review = to_review(terminal)
    assert "svc" in review
    assert not (tmp_path / "requirements.yaml").exists()
    terminal.answer(REVIEW, ENTER)
    terminal.answer(MENU, UP, ENTER)  # the last option ends the program
    assert terminal.end() == 0
    assert (tmp_path / "requirements.yaml").exists()


@asks
def test_08_an_interruption_is_one_message_and_exit_code_130(terminal: Terminal, tmp_path: Path) -> None:
    terminal.answer(SERVICE, "svc", ENTER)
    terminal.see(f"? {USED}")
    terminal.send(CTRL_C)
    assert terminal.end() == 130
    assert "Traceback" not in terminal.text
    assert not (tmp_path / "requirements.yaml").exists()


@asks
def test_09_questions_that_cannot_change_the_result_are_skipped_with_a_reason(terminal: Terminal) -> None:
    to_review(terminal)
    assert re.search(r"\d+ skipped", terminal.see(" skipped,"))  # the last lines of the list
    terminal.answer(REVIEW, UP, UP, ENTER)
    terminal.see("Skipped questions", "AFF-")


@asks
def test_10_each_question_says_why_it_is_asked(terminal: Terminal) -> None:
    terminal.see(SERVICE)
    terminal.send("?")
    terminal.see("Why this matters: ")


def test_11_results_go_to_stdout_messages_to_stderr_and_json_has_a_schema(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("service: 7\n")
    done = run_command("recommend", EXAMPLE, tmp_path / "bad.yaml", "--format", "json")
    schema = json.loads(run_command("schema", "decisions").stdout)
    document = json.loads(done.stdout)
    assert list(Draft202012Validator(schema).iter_errors(document)) == []
    assert document["schema"].endswith("/1"), "a document names its version"
    assert b"service" in done.stderr


def test_12_one_page_lists_the_exit_codes_and_they_are_right(tmp_path: Path) -> None:
    listed = {line.split()[0] for line in run_command_for_text("help", "exit-codes").stdout.splitlines()}
    page = (ROOT / "docs" / "exit-codes.md").read_text()
    assert listed == {*re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    never = ROOT / "tests" / "report" / "requirements" / "contradiction.yaml"
    kit = tmp_path / "kit"
    got = [
        run_command("recommend", EXAMPLE).returncode,
        run_command("generate", EXAMPLE, "-o", kit, "--diff").returncode,
        run_command("recommend", tmp_path / "missing.yaml").returncode,
        run_command("recommend", never).returncode,
    ]
    assert got == [0, 1, 2, 3]
    assert {*map(str, got)} < listed


@pytest.mark.parametrize("setting", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_13_colour_only_on_a_terminal_that_wants_it(setting: dict[str, str]) -> None:
    given = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    environment = {**given, "TERM": "xterm", "PYTHONPATH": str(ROOT), **setting}
    command = [sys.executable, "-m", "advisor", "recommend", str(EXAMPLE)]
    parent, child = pty.openpty()
    subprocess.run(command, env=environment, stdout=child, stdin=subprocess.DEVNULL, timeout=60, check=True)
    os.close(child)
    shown = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:
            break
        shown += part
        if not part:
            break
    os.close(parent)
    assert (b"\x1b[" in shown) is not bool(setting)
    piped = run_command("recommend", EXAMPLE, stdin=b"", cwd=None, **{"TERM": "xterm", **setting})
    assert piped.returncode == 0
    assert b"\x1b" not in piped.stdout + piped.stderr


def test_14_typing_errors_get_the_line_and_the_nearest_name(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("service: svc\nenviroment:\n  platform: kubernetes\nsdk: mcp-22\n")
    said = run_command_for_text("recommend", wrong).stderr
    assert f"{wrong}:2: enviroment: unknown key. Did you mean 'environment'?" in said
    assert re.search(rf"{re.escape(str(wrong))}:4: sdk: .*Did you mean 'mcp-2'\?", said)


def test_15_a_dry_run_shows_the_changes_that_the_run_then_makes(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    assert run_command("generate", EXAMPLE, "-o", kit).returncode == 0
    shown = run_command_for_text("generate", OTHER, "-o", kit, "--diff")
    assert shown.returncode == 1
    changed = {*re.findall(r"^\+\+\+ b/(\S+)", shown.stdout, re.MULTILINE)}
    before = {path: path.read_bytes() for path in kit.rglob("*") if path.is_file()}
    assert run_command("generate", OTHER, "-o", kit).returncode == 0
    written = {
        path.relative_to(kit).as_posix()
        for path in kit.rglob("*")
        if path.is_file() and before.get(path) != path.read_bytes()
    }
    assert changed == written - {".mcp-advisor.lock"}


def test_16_a_second_run_changes_nothing_and_edits_are_merged(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    assert run_command("generate", EXAMPLE, "-o", kit).returncode == 0
    assert run_command("generate", EXAMPLE, "-o", kit, "--diff").returncode == 0
    tools = kit / "server" / "tools.py"
    tools.write_text(f"{tools.read_text()}\n# ours\n")
    assert run_command("generate", EXAMPLE, "-o", kit).returncode == 0
    assert tools.read_text().endswith("# ours\n")
    assert "Generated by mcp-advisor" in (kit / "README.md").read_text()
    lock = json.loads((kit / ".mcp-advisor.lock").read_text())
    assert {"version", "rules", "input"} < lock.keys()


def test_17_every_rule_is_listed_and_explained_offline() -> None:
    rules = json.loads(run_command("rules", "list", "--format", "json").stdout)["rules"]
    assert len(rules) > 100
    for rule in rules[:: len(rules) // 10]:
        assert rule["id"] in run_command_for_text("explain", rule["id"]).stdout


def test_18_output_can_be_filtered_and_an_accepted_warning_that_is_gone_fails(tmp_path: Path) -> None:
    present = [
        warning["id"] for warning in json.loads(run_command("recommend", EXAMPLE, "-f", "json").stdout)["warnings"]
    ]
    accepted = tmp_path / "accepted.txt"
    accepted.write_text("".join(f"{name}  # known\n" for name in present))
    assert run_command("recommend", EXAMPLE, "--fail-on", "low").returncode == 1
    done = run_command("recommend", EXAMPLE, "--fail-on", "low", "--accepted", accepted, "-f", "json")
    assert (done.returncode, json.loads(done.stdout)["warnings"]) == (0, [])
    accepted.write_text(f"{present[0]}\nno-such-warning\n")
    stale = run_command_for_text("recommend", EXAMPLE, "--accepted", accepted)
    assert stale.returncode == 1
    assert f"{accepted}:2: no decision has the warning 'no-such-warning'" in stale.stderr
    shown = run_command_for_text("recommend", EXAMPLE, "--show", "warnings").stdout
    assert shown.startswith("Warnings")
    assert "Next" not in shown


def test_19_the_result_names_the_command_that_repeats_it(tmp_path: Path) -> None:
    last = run_command_for_text("recommend", EXAMPLE).stdout.splitlines()[-1]
    assert run_command(*shlex.split(last)[1:], cwd=tmp_path).returncode == 0
    (record,) = (tmp_path / "adr").glob("0001-*.md")
    assert last.strip() in record.read_text()
    kit = tmp_path / "kit"
    run_command("generate", EXAMPLE, "-o", kit)
    assert (kit / "requirements.yaml").read_bytes() == EXAMPLE.read_bytes()


def test_20_completion_version_and_examples() -> None:
    assert run_command_for_text("--version").stdout == run_command_for_text("-V").stdout != ""
    assert "Examples:\n    mcp-advisor" in run_command_for_text("recommend", "--help").stdout
    settings = {"_MCP_ADVISOR_COMPLETE": "complete_bash", "COMP_WORDS": "mcp-advisor gen", "COMP_CWORD": "1"}
    script = [sys.executable, "-m", "advisor"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    done = subprocess.run(script, env=environment, capture_output=True, timeout=60, check=True)
    assert done.stdout.decode().split() == ["generate"]


@pytest.mark.programs
@pytest.mark.retried("A busy machine delays calls, and verify then observes other results than expected.")
def test_21_long_work_shows_named_steps_with_their_time_and_has_a_time_limit(tmp_path: Path) -> None:
    small = tmp_path / "small.yaml"
    small.write_text("service: small\nenvironment: {platform: local}\n")
    done = run_command_for_text("verify", small, "--sessions", "1")
    assert done.returncode == 0, done.stdout
    assert len(re.findall(r"^ +\d+\.\d s  \w", done.stderr, re.MULTILINE)) >= 3
    late = run_command_for_text("verify", small, "--timeout", "1")
    assert late.returncode == 1
    assert "1 s" in late.stderr


def test_22_reports_for_ci_are_markdown_and_annotations(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("service: svc\nscale: {instances: 0}\n")
    never = ROOT / "tests" / "report" / "requirements" / "contradiction.yaml"
    lines = run_command_for_text("recommend", EXAMPLE, tmp_path / "bad.yaml", never, "-f", "github").stdout.splitlines()
    assert all(re.match(r"::(error|warning|notice) file=[^:]+::\S", line) for line in lines)
    assert any(line.startswith(f"::error file={tmp_path}/bad.yaml,line=2::scale.instances: 0 is not") for line in lines)
    assert any(line.startswith(f"::error file={never},title=Not kept::") for line in lines)
    assert any("(shutdown-cuts-running-calls)::" in line for line in lines)
    assert run_command_for_text("recommend", EXAMPLE, "-f", "markdown").stdout.startswith("# ")


def test_23_each_success_names_the_next_steps(tmp_path: Path) -> None:
    shown = run_command_for_text("recommend", EXAMPLE).stdout
    following = shown.partition("\nNext (details: recommend --full")[2].splitlines()[1:]
    assert [shlex.split(line)[1] for line in following] == ["generate", "verify", "document"]
    assert "Next: read" in run_command_for_text("generate", EXAMPLE, "-o", tmp_path / "kit").stderr
    assert "mcp-advisor recommend" in run_command_for_text("init", "-o", tmp_path / "new.yaml").stderr
