"""The questionnaire as a user meets it: a real process in a pseudo-terminal, its screen read back."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml
from terminal import CTRL_B, CTRL_C, DOWN, ENTER, ESCAPE, LEFT, UP, Terminal

from advisor.decision.advisor import Advisor

pytestmark = pytest.mark.retried(
    "A text must be on the screen within 30 s, and a program must answer each key before the next one."
)

Start: TypeAlias = Callable[..., Terminal]

SERVICE = "What is the service called?"
SDK = "Which SDK, in which release, runs the server?"
INSTANCES = "How many instances of the server run?"
PLATFORM = "Where does the server run?"
HOSTS = "Under which host names do clients reach the server?"
REQUIRED = "Which features must work? (required)"
PREFERRED = "Which other features are useful but not essential? (preferred)"
UNSURE = "About which other features are you not sure?"
PLAIN = "Do curl-like clients call the endpoint"
WORKERS = "How many server processes share the port of one instance"
SSE = "Does every proxy between client and server pass"
LONGEST = "How many seconds does the slowest tool call take?"
REVIEW = "Are these answers correct?"

# One instance and no needs: every default is accepted, whatever the capability data say.
SHORT_RUN = [SDK, INSTANCES, PLATFORM, HOSTS, REQUIRED, PREFERRED, UNSURE]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Terminal] = []

    def start_(*arguments: str, **options: Any) -> Terminal:
        terminal = Terminal("ask", *arguments, cwd=tmp_path, **options)
        started.append(terminal)
        return terminal

    yield start_
    for terminal in started:
        terminal.child.close(force=True)


def to_review(terminal: Terminal) -> None:
    """Accept the default of every question until the review."""
    terminal.see("(", gone="")
    while True:
        text = terminal.see("Esc back)")
        if f"? {REVIEW}" in text:
            return
        title = text[text.rindex("\n? ") + 1 :].splitlines()[0].split(" (")[0].removeprefix("? ").strip()
        terminal.answer(title, ENTER)


def test_a_complete_interview_writes_a_file_that_decides(start: Start, tmp_path: Path) -> None:
    terminal = start()
    terminal.answer(SERVICE, "customer-support", ENTER)
    terminal.see("Recommendation so far: single-instance, stateless_http=False, json_response=False")
    for title in SHORT_RUN:
        terminal.answer(title, ENTER)
    to_review(terminal)
    terminal.see("customer-support", "Skipped questions", "AFF-010", "Assumed values")
    terminal.send(ENTER)
    terminal.see("mcp-advisor recommend requirements.yaml")
    assert terminal.end() == 0
    terminal.see("Lost", "Assumed", "Why", "mcp-advisor generate requirements.yaml -o kit")
    saved = yaml.safe_load((tmp_path / "requirements.yaml").read_text())
    assert saved["version"] == 1
    assert saved["service"] == "customer-support"
    assert set(saved) == {"version", "service", "sdk", "clients", "scale", "environment", "needs"}
    assert not (tmp_path / "requirements.partial.yaml").exists()


def test_back_works_in_every_kind_of_prompt(start: Start) -> None:
    terminal = start()
    terminal.answer(SERVICE, "svc", ENTER)
    terminal.see(f"? {SDK}")
    terminal.send(ESCAPE)  # from a list
    terminal.see(f"? {SERVICE}")
    terminal.answer(SERVICE, ENTER)  # its answer is kept
    terminal.answer(SDK, UP, ENTER)
    terminal.see(f"? {INSTANCES}")
    terminal.send(CTRL_B)  # from a line of text
    terminal.see(f"? {SDK}", "> mcp-1")
    terminal.answer(SDK, ENTER)
    for title in (INSTANCES, PLATFORM, HOSTS, REQUIRED):
        terminal.answer(title, ENTER)
    terminal.see(f"? {PREFERRED}")
    terminal.send(LEFT)  # from the second list to the first
    terminal.see(f"? {REQUIRED}")
    terminal.send(LEFT)
    terminal.see(f"? {HOSTS}")
    terminal.answer(HOSTS, "mcp.example.com", ENTER)
    terminal.see(f"? {REQUIRED}")


def test_the_first_question_has_nothing_before_it(start: Start) -> None:
    terminal = start()
    terminal.see(f"? {SERVICE}")
    terminal.send(ESCAPE)
    terminal.answer(SERVICE, "svc", ENTER)


def test_a_question_mark_explains_and_asks_again(start: Start) -> None:
    terminal = start()
    terminal.see(f"? {SERVICE}")
    terminal.send("?")
    terminal.see("A DNS label of lower-case letters", "Why this matters: The generated files", f"? {SERVICE}")
    terminal.answer(SERVICE, "svc", ENTER)
    terminal.see(f"? {SDK}")
    terminal.send("?")
    terminal.see("Why this matters: The flags stateless_http", f"? {SDK}")
    terminal.answer(SDK, ENTER)
    for title in (INSTANCES, PLATFORM, HOSTS):
        terminal.answer(title, ENTER)
    terminal.see(f"? {REQUIRED}")
    terminal.send("?")
    terminal.see("Mark the features without which the service", f"? {REQUIRED}")


def test_a_wrong_value_is_refused_with_what_is_allowed(start: Start) -> None:
    terminal = start()
    terminal.answer(SERVICE, "svc", ENTER)
    terminal.answer(SDK, ENTER)
    terminal.see(f"? {INSTANCES}")
    terminal.send("10-2", ENTER)
    terminal.see("min 10 is greater than max 2. Swap the two numbers.", f"? {INSTANCES}")
    terminal.send("\x15", "2-x", ENTER)  # Ctrl-U empties the line
    terminal.see("'2-x' is not allowed. Allowed: an integer from 1 to 10000, or a range such", f"? {INSTANCES}")
    terminal.send("\x15", "2-10", ENTER)
    terminal.see(f"? {PLATFORM}", f"{INSTANCES} 2-10")


def test_an_edit_asks_only_the_questions_that_it_opens(start: Start, tmp_path: Path) -> None:
    terminal = start()
    terminal.answer(SERVICE, "svc", ENTER)
    to_review(terminal)
    terminal.send(DOWN, ENTER)
    terminal.answer("Which answer do you want to edit?", DOWN, DOWN, ENTER)
    terminal.answer(INSTANCES, "3", ENTER)
    terminal.see("? Which protocol era do the clients speak?")
    to_review(terminal)
    terminal.send(ENTER)
    assert terminal.end() == 0
    saved = yaml.safe_load((tmp_path / "requirements.yaml").read_text())
    assert saved["scale"]["instances"] == 3
    assert saved["clients"]["protocol"] == "unknown"
    assert saved["service"] == "svc"


def test_start_over_forgets_the_answers(start: Start) -> None:
    terminal = start()
    terminal.answer(SERVICE, "svc", ENTER)
    to_review(terminal)
    terminal.send(DOWN, DOWN, ENTER)
    terminal.see(f"? {SERVICE}")
    terminal.send(ENTER)
    terminal.see("This question has no default.")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("at", [SDK, INSTANCES])
def test_a_signal_saves_the_answers_so_far(start: Start, tmp_path: Path, number: signal.Signals, at: str) -> None:
    terminal = start()
    terminal.answer(SERVICE, "svc", ENTER)
    if at == INSTANCES:
        terminal.answer(SDK, ENTER)
    terminal.see(f"? {at}")
    terminal.kill(number)
    assert terminal.end() == 128 + number
    assert yaml.safe_load((tmp_path / "requirements.partial.yaml").read_text())["service"] == "svc"
    assert [path.name for path in tmp_path.iterdir()] == ["requirements.partial.yaml"]


def test_ctrl_c_saves_and_the_next_run_resumes(start: Start, tmp_path: Path) -> None:
    terminal = start("-o", "mine.yaml")
    terminal.answer(SERVICE, "svc", ENTER)
    terminal.answer(SDK, ENTER)
    terminal.answer(INSTANCES, "3", ENTER)
    terminal.see(f"? {PLATFORM}")
    terminal.send(CTRL_C)
    assert terminal.end() == 130
    assert "mine.partial.yaml" in terminal.raw
    again = start("-o", "mine.yaml")
    again.see("Resume that run?", "> resume")
    again.send(ENTER)
    again.see(f"{SERVICE} svc", f"{INSTANCES} 3", f"? {PLATFORM}")
    to_review(again)
    again.send(ENTER)
    assert again.end() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.yaml"]


def test_a_run_can_start_over_instead_of_resuming(start: Start, tmp_path: Path) -> None:
    (tmp_path / "requirements.partial.yaml").write_text("version: 1\nservice: old\n")
    terminal = start()
    terminal.see("Resume that run?")
    terminal.send(DOWN, ENTER)
    terminal.see(f"? {SERVICE}")


def test_answers_that_cannot_be_used_are_left_alone(start: Start, tmp_path: Path) -> None:
    partial = tmp_path / "requirements.partial.yaml"
    partial.write_text("service: [\n")
    terminal = start()
    terminal.see("cannot be used and stays unchanged", f"? {SERVICE}")
    terminal.send(CTRL_C)
    assert terminal.end() == 130
    assert "There was no answer to save" in terminal.raw
    assert partial.read_text() == "service: [\n"


def test_answers_from_a_file_are_not_asked(start: Start, tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(
        "service: svc\nsdk: mcp-2\nscale: {instances: 1, workers: 1}\nclients: {concurrent: 900}\n"
    )
    terminal = start("--answers", "known.yaml")
    terminal.see(f"? {PLATFORM}")
    assert SERVICE not in terminal.text
    to_review(terminal)
    terminal.see("(from the answers file)", "clients.concurrent 900")
    assert WORKERS not in terminal.text
    terminal.send(ENTER)
    assert terminal.end() == 0
    assert yaml.safe_load((tmp_path / "requirements.yaml").read_text())["clients"] == {
        "concurrent": 900,
        "plain_http": False,
    }


def test_an_existing_file_stays_if_the_user_names_another(start: Start, tmp_path: Path) -> None:
    (tmp_path / "requirements.yaml").write_text("service: precious\n")
    terminal = start()
    terminal.see("requirements.yaml already exists.", "> edit the file")
    terminal.send(DOWN, DOWN, ENTER)
    terminal.answer("Name of the file", "new.yaml", ENTER)
    terminal.answer(SERVICE, "svc", ENTER)
    to_review(terminal)
    terminal.send(ENTER)
    assert terminal.end() == 0
    assert (tmp_path / "requirements.yaml").read_text() == "service: precious\n"
    assert "service: svc" in (tmp_path / "new.yaml").read_text()


@pytest.mark.parametrize("named", [True, False])
def test_an_existing_file_is_edited(start: Start, tmp_path: Path, named: bool) -> None:
    """The answers of the file are not asked again."""
    (tmp_path / "requirements.yaml").write_text("service: precious\nsdk: mcp-1\nscale: {instances: 1}\n")
    terminal = start("requirements.yaml") if named else start()
    if not named:
        terminal.see("> edit the file")
        terminal.send(ENTER)
    terminal.see(f"? {PLATFORM}")
    assert f"? {SERVICE}" not in terminal.text
    to_review(terminal)
    terminal.see("precious")
    terminal.send(ENTER)
    assert terminal.end() == 0
    saved = yaml.safe_load((tmp_path / "requirements.yaml").read_text())
    assert (saved["service"], saved["sdk"]) == ("precious", "mcp-1")
    assert [path.name for path in tmp_path.iterdir()] == ["requirements.yaml"]


def test_each_answer_is_saved_immediately(start: Start, tmp_path: Path) -> None:
    """Nothing is lost, whatever ends the program."""
    terminal = start()
    partial = tmp_path / "requirements.partial.yaml"
    terminal.answer(SERVICE, "svc", ENTER)
    terminal.see(f"? {SDK}")
    assert yaml.safe_load(partial.read_text())["service"] == "svc"
    terminal.answer(SDK, ENTER)
    terminal.see(f"? {INSTANCES}")
    assert yaml.safe_load(partial.read_text())["sdk"]
    terminal.kill(signal.SIGKILL)
    terminal.end()
    again = start()
    again.see("Resume that run?", "> resume")
    again.send(ENTER)
    again.see(f"{SERVICE} svc", f"? {INSTANCES}")


def test_a_closed_terminal_leaves_the_answers(start: Start, tmp_path: Path) -> None:
    terminal = start()
    terminal.answer(SERVICE, "svc", ENTER)
    terminal.see(f"? {SDK}")
    terminal.child.close(force=False)
    assert yaml.safe_load((tmp_path / "requirements.partial.yaml").read_text())["service"] == "svc"


def test_a_contradiction_is_saved_and_ends_with_3(start: Start, tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text("sdk: mcp-1\nclients: {protocol: modern}\n")
    terminal = start("--answers", "known.yaml")
    terminal.answer(SERVICE, "svc", ENTER)
    terminal.see("Recommendation so far: no configuration keeps every required feature")
    to_review(terminal)
    terminal.send(ENTER)
    assert terminal.end() == 3
    assert (tmp_path / "requirements.yaml").exists()
    assert "mcp-advisor recommend requirements.yaml" in terminal.raw


def test_nothing_is_cut_off_at_80_columns_and_24_rows(start: Start, tmp_path: Path, advisor: Advisor) -> None:
    (tmp_path / "known.yaml").write_text(
        "service: svc\nsdk: mcp-1\nscale: {instances: 3, workers: 1, affinity: unknown}\n"
        "environment: {platform: kubernetes, hosts: []}\nclients: {protocol: legacy, plain_http: false}\n"
        "preference: simplest\noperations: {can_operate_affinity: true}\nneeds: {sampling: required}\n"
    )
    terminal = start("--answers", "known.yaml", rows=24)
    terminal.answer(REQUIRED, ENTER)
    terminal.answer(PREFERRED, ENTER)
    terminal.answer(UNSURE, ENTER)
    terminal.see("? Which proxy or load balancer is directly in front of the servers?", "> nginx")
    terminal.send(*[DOWN] * (len(advisor.space.domains["environment.proxy.kind"]) - 1))  # to the last value
    terminal.see("> none", "Esc back)")
    assert "Recommendation so far: sticky-fleet, stateless_http=False, json_response=False," in terminal.flat


def colours(raw: str) -> set[str]:
    """The colour codes among the styles that were sent."""
    codes = re.findall(r"\x1b\[([0-9;]*)m", raw)
    return {
        code
        for sequence in codes
        for code in sequence.split(";")
        if code.isdigit() and int(code) in {*range(30, 39), *range(40, 49)}
    }


@pytest.mark.parametrize("no_color", ["1", ""])
def test_no_color_means_no_colour(start: Start, no_color: str) -> None:
    terminal = start(NO_COLOR=no_color)
    terminal.answer(SERVICE, "svc", ENTER)
    to_review(terminal)
    terminal.send(ENTER)
    assert terminal.end() == 0
    assert bool(colours(terminal.raw)) is not bool(no_color)


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_draw_gets_numbered_lines(start: Start, tmp_path: Path, term: str) -> None:
    terminal = start(TERM=term)
    terminal.see(SERVICE)
    terminal.send("?\n")
    terminal.see("Why this matters: The generated files")
    terminal.send("svc\n")
    terminal.see("5. mcp-2: the newest measured release")
    terminal.send("<\n")
    terminal.see(f"{SERVICE} (Enter accepts svc")
    terminal.send("\n")
    terminal.see("5. mcp-2: the newest measured release")
    terminal.send("99\n")
    terminal.see("99 is not in the list")
    terminal.send("mcp-2\n")
    terminal.see(INSTANCES)
    terminal.send("\n", "\n", "\n", "4\n", "-\n", "-\n")
    terminal.see(f"{REQUIRED} progress", PLAIN)
    terminal.send("\n")
    terminal.see(WORKERS)
    terminal.send("\n", "\n")
    terminal.see(REVIEW)
    terminal.send("1\n")
    assert terminal.end() == 0
    assert yaml.safe_load((tmp_path / "requirements.yaml").read_text())["needs"]["progress"] == "required"
    assert "\x1b[?" not in terminal.raw


def test_without_a_command_a_terminal_gets_the_questionnaire(tmp_path: Path) -> None:
    terminal = Terminal(cwd=tmp_path)
    terminal.see(f"? {SERVICE}")
    terminal.send(CTRL_C)
    assert terminal.end() == 130
