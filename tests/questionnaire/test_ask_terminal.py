"""The questionnaire as a user meets it: a real process in a pseudo-terminal, its screen read back."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml
from terminal import CTRL_B, CTRL_C, CTRL_D, DOWN, ENTER, ESCAPE, LEFT, QUESTIONS, ROOT, SPACE, UP, Terminal

from advisor.decision.advisor import Advisor

pytestmark = pytest.mark.retried(
    "A text must be on the screen within 30 s, and a program must answer each key before the next one."
)

Start: TypeAlias = Callable[..., Terminal]

SERVICE = "What is the service called?"
CURRENT = "Is the server in use today?"
SDK = "Which line of the server code imports the SDK?"
RELEASE = "Which release of mcp is installed (`pip show mcp` prints it)?"
APPS = "Which applications connect to the server?"
INSTANCES = "How many instances of the server run?"
PLATFORM = "Where does the server run?"
HOSTS = "Under which URL or host names do clients reach the server?"
NEEDS = "Which features do the tools use?"
WORKERS = "How many server processes share the port of one instance"
SSE = "Does every proxy between client and server pass"
LONGEST = "How many seconds does the slowest tool call take?"
REVIEW = "These are your answers."
MENU = "What next?"
STUCK = "The answers to the open questions can change this."
PROXY = "Which proxy or load balancer is directly in front of the servers?"

# One instance and no needs: every default is accepted, whatever the capability data say.
SHORT_RUN = [CURRENT, SDK, RELEASE, APPS, INSTANCES, PLATFORM, HOSTS, NEEDS]


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
    to_question(terminal, REVIEW)


def to_question(terminal: Terminal, wanted: str) -> None:
    """Accept the default of every question until the wanted question."""
    for _ in range(QUESTIONS):
        text = terminal.see("Esc back)")
        if f"? {wanted}" in text:
            return
        title = text[text.rindex("\n? ") + 1 :].splitlines()[0].split(" (")[0].removeprefix("? ").strip()
        terminal.answer(title, ENTER)
    raise AssertionError(f"no question {wanted!r}:\n{terminal.text}")


def leave(terminal: Terminal) -> int:
    """Accept the answers, and leave the menu. Return the exit code."""
    terminal.send(ENTER)
    terminal.answer(MENU, UP, ENTER)  # the last option
    return terminal.end()


def test_a_complete_interview_writes_a_file_that_decides(start: Start, tmp_path: Path) -> None:
    terminal = start()
    terminal.answer(SERVICE, "customer-support", ENTER)
    for title in SHORT_RUN:
        terminal.see(f"? {title}")
        assert "Recommendation so far" not in terminal.text
        terminal.answer(title, ENTER)
    terminal.see("Recommendation so far: one instance with sessions (single-instance)")
    to_review(terminal)
    terminal.see("customer-support", "skipped", "assumed")
    assert "AFF-010" not in terminal.text
    terminal.send(UP, UP, ENTER)
    terminal.see("Skipped questions", "AFF-010", "Assumed values", f"? {REVIEW}")
    terminal.send(ENTER)
    terminal.see("Lost", "Assumed", "Why", "> write the kit", f"? {MENU}")
    terminal.answer(MENU, UP, ENTER)
    terminal.see("mcp-advisor recommend requirements.yaml")
    assert terminal.end() == 0
    saved = yaml.safe_load((tmp_path / "requirements.yaml").read_text())
    assert saved["version"] == 1
    assert saved["service"] == "customer-support"
    assert set(saved) == {
        "version",
        "service",
        "sdk",
        "clients",
        "scale",
        "environment",
        "needs",
        "current",
        "workload",
    }
    assert not (tmp_path / "requirements.partial.yaml").exists()


def test_back_works_in_every_kind_of_prompt(start: Start) -> None:
    terminal = start()
    terminal.answer(SERVICE, "svc", ENTER)
    terminal.see(f"? {CURRENT}")
    terminal.send(ESCAPE)  # from a list
    terminal.see(f"? {SERVICE}")
    terminal.answer(SERVICE, ENTER)  # its answer is kept
    terminal.answer(CURRENT, ENTER)
    terminal.answer(SDK, UP, ENTER)
    terminal.see(f"? {RELEASE}")
    terminal.send(LEFT)  # from the second list to the first
    terminal.see("> from mcp.server.fastmcp import FastMCP")  # the earlier reply is marked
    terminal.answer(SDK, ENTER)
    terminal.answer(RELEASE, ENTER)
    terminal.answer(APPS, ENTER)
    terminal.see(f"? {INSTANCES}")
    terminal.send(CTRL_B)  # from a line of text
    terminal.see(f"? {APPS}")
    terminal.send(LEFT)  # from a list with marks
    terminal.see(f"? {SDK}", "> from mcp.server.fastmcp import FastMCP")
    for title in (SDK, RELEASE, INSTANCES, PLATFORM, HOSTS):
        terminal.answer(title, ENTER)
    terminal.see(f"? {NEEDS}")
    terminal.send(LEFT)  # from the list of needs
    terminal.see(f"? {HOSTS}")
    terminal.answer(HOSTS, "mcp.example.com", ENTER)
    terminal.see(f"? {NEEDS}")


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
    terminal.answer(CURRENT, ENTER)
    terminal.see(f"? {SDK}")
    terminal.send("?")
    terminal.see("Why this matters: stateless_http=True turns sessions off", f"? {SDK}")
    for title in SHORT_RUN[1:-1]:
        terminal.answer(title, ENTER)
    terminal.see(f"? {NEEDS}")
    terminal.send("?")
    terminal.see("required: the service does not work without it.", f"? {NEEDS}")


def test_a_wrong_value_is_refused_with_what_is_allowed(start: Start) -> None:
    terminal = start()
    terminal.answer(SERVICE, "svc", ENTER)
    for title in SHORT_RUN[:4]:
        terminal.answer(title, ENTER)
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
    terminal.send(*[DOWN] * 5, ENTER)
    terminal.answer(INSTANCES, "3", ENTER)
    terminal.see("? Which protocol era do the clients speak?")
    to_review(terminal)
    assert leave(terminal) == 0
    saved = yaml.safe_load((tmp_path / "requirements.yaml").read_text())
    assert saved["scale"]["instances"] == 3
    assert saved["clients"]["protocol"] == "unknown"
    assert saved["service"] == "svc"


@pytest.mark.thorough
def test_start_over_forgets_the_answers(start: Start) -> None:
    terminal = start()
    terminal.answer(SERVICE, "svc", ENTER)
    to_review(terminal)
    terminal.send(UP, ENTER)
    terminal.see(f"? {SERVICE}")
    terminal.send(ENTER)
    terminal.see("This question has no default.")


@pytest.mark.parametrize(
    ("number", "at"), [(signal.SIGTERM, CURRENT), (signal.SIGINT, INSTANCES), (signal.SIGHUP, INSTANCES)]
)
def test_a_signal_saves_the_answers_so_far(start: Start, tmp_path: Path, number: signal.Signals, at: str) -> None:
    terminal = start()
    terminal.answer(SERVICE, "svc", ENTER)
    for title in SHORT_RUN[: SHORT_RUN.index(at)]:
        terminal.answer(title, ENTER)
    terminal.see(f"? {at}")
    terminal.kill(number)
    assert terminal.end() == 128 + number
    assert yaml.safe_load((tmp_path / "requirements.partial.yaml").read_text())["service"] == "svc"
    assert [path.name for path in tmp_path.iterdir()] == ["requirements.partial.yaml"]


@pytest.mark.thorough
def test_ctrl_c_saves_and_the_next_run_resumes(start: Start, tmp_path: Path) -> None:
    terminal = start("-o", "mine.yaml")
    terminal.answer(SERVICE, "svc", ENTER)
    for title in SHORT_RUN[:4]:
        terminal.answer(title, ENTER)
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
    assert leave(again) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.yaml"]


def test_a_run_can_start_over_instead_of_resuming(start: Start, tmp_path: Path) -> None:
    (tmp_path / "requirements.partial.yaml").write_text("version: 1\nservice: old\n")
    terminal = start()
    terminal.see("Resume that run?")
    terminal.send(CTRL_B)  # not an answer
    terminal.see("Resume that run?")
    terminal.send(DOWN, ENTER)
    terminal.see("are now in requirements.partial.yaml.bak.", f"? {SERVICE}")
    assert (tmp_path / "requirements.partial.yaml.bak").read_text() == "version: 1\nservice: old\n"


def test_answers_that_cannot_be_used_are_kept(start: Start, tmp_path: Path) -> None:
    partial = tmp_path / "requirements.partial.yaml"
    partial.write_text("service: [\n")
    terminal = start()
    terminal.see("requirements.partial.yaml cannot be used", f"? {SERVICE}")
    terminal.answer(SERVICE, "svc", ENTER)
    terminal.see("? Is the server")
    terminal.send(CTRL_C)
    assert terminal.end() == 130
    assert yaml.safe_load(partial.read_text())["service"] == "svc"
    assert (tmp_path / "requirements.partial.yaml.bak").read_text() == "service: [\n"


def test_a_resumed_run_asks_before_it_replaces_a_file(start: Start, tmp_path: Path) -> None:
    (tmp_path / "requirements.partial.yaml").write_text("version: 1\nservice: newer\n")
    (tmp_path / "requirements.yaml").write_text("# mine\nservice: old\n")
    terminal = start()
    terminal.see("Resume that run?")
    terminal.send(ENTER)
    terminal.see("requirements.yaml already exists.", "> replace the file")
    terminal.send(DOWN, ENTER)
    terminal.see("? Name of the file")
    terminal.send("other.yaml", ENTER)
    terminal.see("? ")
    terminal.send(CTRL_C)
    assert terminal.end() == 130
    assert yaml.safe_load((tmp_path / "other.partial.yaml").read_text())["service"] == "newer"
    assert (tmp_path / "requirements.yaml").read_text() == "# mine\nservice: old\n"
    assert not (tmp_path / "requirements.partial.yaml").exists()


def test_a_resumed_run_asks_nothing_about_a_file_that_it_replaces(start: Start, tmp_path: Path) -> None:
    """The user agreed to replace the file, and then interrupted the run."""
    mine = tmp_path / "mine.yaml"
    mine.write_text("version: 1\nservice: svc\n")
    terminal = start("-o", "mine.yaml")
    terminal.answer("mine.yaml already exists.", DOWN, ENTER)  # replace it
    terminal.answer(SERVICE, "new", ENTER)
    terminal.see(f"? {CURRENT}")
    terminal.send(CTRL_C)
    assert terminal.end() == 130
    again = start("-o", "mine.yaml")
    again.answer("mine.partial.yaml has the answers of an interrupted run.", ENTER)
    again.see(f"{SERVICE} new", f"? {CURRENT}")
    assert "already exists" not in again.raw
    again.send(CTRL_C)
    assert again.end() == 130
    mine.write_text("version: 1\nservice: other\n")
    changed = start("-o", "mine.yaml")
    changed.answer("mine.partial.yaml has the answers of an interrupted run.", ENTER)
    changed.see("mine.yaml already exists.")


def test_a_filter_without_a_match_says_so_and_selects_nothing(start: Start, tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text("service: svc\nenvironment: {platform: systemd}\nscale: {instances: 1}\n")
    terminal = start("--answers", "known.yaml", rows=24)
    for _ in range(QUESTIONS):
        if f"? {PROXY}" in terminal.see("Esc back)"):
            break
        asked = [line for line in terminal.text.splitlines() if line.startswith("? ")]
        terminal.answer(asked[-1].removeprefix("? ").split(" (")[0].strip(), ENTER)
    terminal.send("traefq")
    terminal.see("nothing matches 'traefq'; Backspace removes the last letter")
    terminal.send(ENTER, "\x7f")  # Enter selects nothing
    terminal.see("> traefik", gone="nothing matches")
    terminal.answer(PROXY, ENTER)
    terminal.see(f"{PROXY} traefik")


def test_no_application_means_that_the_clients_are_not_known(start: Start) -> None:
    terminal = start("--set", "service=svc", "--set", "sdk=mcp-2")
    terminal.answer(CURRENT, ENTER)
    terminal.answer(APPS, ENTER)
    terminal.see(f"{APPS} not known", "The decision then assumes that they support every feature.")


def test_a_contradiction_has_a_reason_and_leads_to_the_remedies(start: Start, tmp_path: Path) -> None:
    given = ["service=svc", "sdk=mcp-2", "clients.apps=cursor", "scale.instances=3"]
    terminal = start(*(part for setting in given for part in ("--set", setting)), rows=24)
    for title in (CURRENT, PLATFORM, HOSTS):
        terminal.answer(title, ENTER)
    terminal.answer(NEEDS, SPACE, ENTER)
    terminal.see("No configuration works so far: Sampling (no client supports it)", f"? {STUCK}")
    terminal.send(ESCAPE)
    terminal.answer(NEEDS, ENTER)
    terminal.answer(STUCK, DOWN, ENTER)
    terminal.see(f"? {REVIEW}", "answer the open questions")
    terminal.send(UP, UP, UP, ENTER)
    terminal.see("? Do curl-like clients", "No configuration works so far: Sampling")
    to_review(terminal)
    terminal.send(ENTER)
    terminal.see("contradiction", "> try a remedy")
    terminal.answer(MENU, ENTER)
    terminal.see("? Which remedy?", "> Let the server call a language model directly")


def test_keys_that_are_typed_during_a_decision_answer_no_question(start: Start, tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(
        "service: svc\nsdk: mcp-2\nscale: {instances: 1, workers: 1}\nclients: {apps: []}\n"
        "environment: {platform: systemd, hosts: [], proxy: {kind: none}}\nneeds: {progress: required}\n"
        "current: {stateless_http: unknown, json_response: unknown}\n"
    )
    terminal = start("--answers", "known.yaml")
    to_review(terminal)
    terminal.send(f"{ENTER}{ENTER}{DOWN}{ENTER}")  # the first key accepts; the others come together with this key
    terminal.see(f"? {MENU}", "> write the kit")
    assert "Deciding ..." in terminal.raw
    terminal.send(UP, ENTER)  # the last option
    assert terminal.end() == 0
    assert not (tmp_path / "kit").exists()
    assert not (tmp_path / "decision.md").exists()


@pytest.mark.thorough
def test_the_comments_of_an_edited_file_are_kept_in_a_copy(start: Start, tmp_path: Path) -> None:
    mine = (
        "# OPS-123: do not change\nservice: svc\nsdk: mcp-2\nscale: {instances: 2}\nneeds: {sampling: required}\n"
        "clients: {apps: [], protocol: legacy}\ncurrent: {stateless_http: unknown, json_response: unknown}\n"
    )
    (tmp_path / "prod.yaml").write_text(mine)
    terminal = start("prod.yaml")
    to_review(terminal)
    terminal.see("svc (file)", "sampling")
    terminal.send(DOWN, ENTER)
    terminal.answer(SERVICE, "\x15", "other", ENTER)
    terminal.see("These are your answers.")
    assert "other (file)" not in terminal.text
    leave(terminal)
    assert "prod.yaml.bak" in terminal.raw
    assert (tmp_path / "prod.yaml.bak").read_text() == mine
    again = start("prod.yaml")
    to_review(again)
    leave(again)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["prod.yaml", "prod.yaml.bak"]


def test_answers_from_a_file_are_not_asked(start: Start, tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(
        "service: svc\nsdk: mcp-2\nscale: {instances: 1, workers: 1}\nclients: {apps: [], concurrent: 900}\n"
        "current: {stateless_http: unknown, json_response: unknown}\n"
    )
    terminal = start("--answers", "known.yaml")
    terminal.see(f"? {PLATFORM}")
    assert SERVICE not in terminal.text
    to_review(terminal)
    terminal.see("svc (file)")
    assert f"? {WORKERS}" not in terminal.raw
    assert leave(terminal) == 0
    assert yaml.safe_load((tmp_path / "requirements.yaml").read_text())["clients"] == {
        "apps": [],
        "concurrent": 900,
        "plain_http": False,
    }


@pytest.mark.parametrize("arguments", [("-o", "/dev/full"), ("/dev/full",), ("-o", "pipe")])
def test_a_target_that_cannot_keep_answers_is_refused_before_the_first_question(
    start: Start, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    terminal = start(*arguments)
    assert terminal.end() == 2
    assert f"{arguments[-1]} is a device or a pipe, which cannot keep answers. Name a file with -o." in terminal.flat
    assert "?" not in terminal.text


def test_an_existing_file_that_cannot_be_used_is_offered_once(start: Start, tmp_path: Path) -> None:
    (tmp_path / "requirements.yaml").write_text("service: [\n")
    terminal = start()
    terminal.see("> edit the file")
    terminal.send(ENTER)
    terminal.see("requirements.yaml cannot be used", "> replace the file", gone="edit the file")
    assert (tmp_path / "requirements.yaml").read_text() == "service: [\n"


@pytest.mark.thorough
def test_an_existing_file_stays_if_the_user_names_another(start: Start, tmp_path: Path) -> None:
    (tmp_path / "requirements.yaml").write_text("service: precious\n")
    terminal = start()
    terminal.see("requirements.yaml already exists.", "> edit the file")
    terminal.send(DOWN, DOWN, ENTER)
    terminal.answer("Name of the file", "new.yaml", ENTER)
    terminal.answer(SERVICE, "svc", ENTER)
    to_review(terminal)
    assert leave(terminal) == 0
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
    terminal.see(f"? {CURRENT}")
    assert f"? {SERVICE}" not in terminal.text
    to_review(terminal)
    terminal.see("precious")
    assert leave(terminal) == 0
    saved = yaml.safe_load((tmp_path / "requirements.yaml").read_text())
    assert (saved["service"], saved["sdk"]) == ("precious", "mcp-1")
    assert [path.name for path in tmp_path.iterdir()] == ["requirements.yaml"]


@pytest.mark.parametrize("named", [True, False])
def test_the_features_of_an_edited_file_are_marked_in_the_list(start: Start, tmp_path: Path, named: bool) -> None:
    file = tmp_path / "requirements.yaml"
    file.write_text(
        "service: svc\nsdk: mcp-1\nscale: {instances: 3}\nneeds: {elicitation: preferred, progress: preferred}\n"
    )
    terminal = start("requirements.yaml") if named else start()
    if not named:
        terminal.see("> edit the file")
        terminal.send(ENTER)
    terminal.see("4 answers come from requirements.yaml; you can change each in the review.")
    to_question(terminal, NEEDS)
    text = terminal.see("useful elicitation", "useful progress")
    assert re.search(r"- +sampling", text)
    terminal.send(DOWN, SPACE, ENTER)  # `not sure` instead of `useful`
    to_review(terminal)
    assert leave(terminal) == 0
    needs = yaml.safe_load(file.read_text())["needs"]
    assert (needs["elicitation"], needs["progress"], needs["sampling"]) == ("unknown", "preferred", "none")


def test_each_stated_answer_can_be_changed_in_the_review(start: Start, tmp_path: Path) -> None:
    """The prompt of each answer of the file is reached from the review, and has this answer as its default."""
    (tmp_path / "prod.yaml").write_bytes((tmp_path / all_answered(tmp_path)).read_bytes())
    before = yaml.safe_load((tmp_path / "prod.yaml").read_text())
    terminal = start("prod.yaml", rows=40)
    terminal.see("answers come from prod.yaml; you can change each in the review.", f"? {REVIEW}")
    terminal.see("accept the answers", "show skipped")
    lines = terminal.text.splitlines()
    first, last = (next(i for i, line in enumerate(lines) if text in line) for text in ("accept the", "show skipped"))
    told = re.search(r"(\d+) answers come from", terminal.flat)
    assert told is not None
    assert last - first - 1 == int(told[1]) > 10
    for number in range(int(told[1])):
        terminal.see(f"? {REVIEW}")
        terminal.send(*[DOWN] * (number + 1), ENTER)
        terminal.see("Esc back)", gone=f"? {REVIEW}")
        terminal.send(ESCAPE)
        terminal.see(f"? {REVIEW}")
    terminal.send(DOWN, ENTER)
    terminal.answer(SERVICE, "\x15", "other", ENTER)
    terminal.see(f"? {REVIEW}")
    assert leave(terminal) in (0, 3)
    after = yaml.safe_load((tmp_path / "prod.yaml").read_text())
    assert after["service"] == "other"
    assert {**after, "service": before["service"]}.items() >= {key: before[key] for key in ("sdk", "tools")}.items()


def test_each_answer_is_saved_immediately(start: Start, tmp_path: Path) -> None:
    """Nothing is lost, whatever ends the program."""
    terminal = start()
    partial = tmp_path / "requirements.partial.yaml"
    terminal.answer(SERVICE, "svc", ENTER)
    terminal.see(f"? {CURRENT}")
    assert yaml.safe_load(partial.read_text())["service"] == "svc"
    for title in SHORT_RUN[:4]:
        terminal.answer(title, ENTER)
    terminal.see(f"? {INSTANCES}")
    assert yaml.safe_load(partial.read_text())["sdk"]
    terminal.kill(signal.SIGKILL)
    terminal.end()
    again = start()
    again.see("Resume that run?", "> resume")
    again.send(ENTER)
    again.see(f"{SERVICE} svc", f"? {INSTANCES}")


@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_a_closed_terminal_leaves_the_answers(start: Start, tmp_path: Path, term: str) -> None:
    terminal = start(TERM=term)
    terminal.see(SERVICE, "back)")
    terminal.send("svc", ENTER if term != "dumb" else "\n")
    terminal.see(CURRENT, "back)")
    assert terminal.hang_up() == 129
    assert yaml.safe_load((tmp_path / "requirements.partial.yaml").read_text())["service"] == "svc"


def test_answers_that_have_no_room_next_to_the_target_are_kept_elsewhere(start: Start, tmp_path: Path) -> None:
    (tmp_path / "requirements.partial.yaml").mkdir()  # no file can replace a folder
    (tmp_path / "temporary").mkdir()
    temporary = {"TMPDIR": str(tmp_path / "temporary")}
    terminal = start(**temporary)
    terminal.answer(SERVICE, "svc", ENTER)
    terminal.see(
        "requirements.partial.yaml cannot be written: is a directory. The answers so far are in", f"? {CURRENT}"
    )
    terminal.answer(CURRENT, ENTER)
    terminal.see(f"? {SDK}")
    assert terminal.text.count("cannot be written") == 1, "the next answer has the same problem"
    assert terminal.hang_up() == 129
    (kept,) = (tmp_path / "temporary").glob("mcp-advisor-*/*-requirements.partial.yaml")
    assert kept.parent.stat().st_mode & 0o077 == 0, "the folder is private"
    assert yaml.safe_load(kept.read_text())["service"] == "svc"
    again = start(**temporary)
    again.see("Resume that run?", "> resume")
    again.send(ENTER)
    again.see(f"{SERVICE} svc", f"? {SDK}")
    (tmp_path / "requirements.partial.yaml").rmdir()  # now there is room
    again.answer(SDK, ENTER)
    again.answer(RELEASE, ENTER)
    again.see(f"? {APPS}")
    assert yaml.safe_load((tmp_path / "requirements.partial.yaml").read_text())["service"] == "svc"
    assert not kept.exists(), "older answers are deleted"


def test_answers_that_cannot_be_saved_are_printed_as_a_file(start: Start, tmp_path: Path) -> None:
    (tmp_path / "requirements.partial.yaml").mkdir()
    host = f"{'a' * 60}.{'b' * 60}.example.com"
    (tmp_path / "known.yaml").write_text(f"environment: {{hosts: [{host}]}}\n")
    terminal = start("--answers", "known.yaml", TMPDIR=str(tmp_path / "none"))
    terminal.answer(SERVICE, "svc", ENTER)
    terminal.see(
        "The answers cannot be saved: is a directory.", "If the terminal closes, they are lost.", f"? {CURRENT}"
    )
    terminal.send(CTRL_C)
    assert terminal.end() == 130
    assert "run the same command again" not in terminal.raw
    assert "mcp-advisor ask --answers FILE" in terminal.flat
    printed = terminal.raw[terminal.raw.rindex("  # ") :].replace("\r\n", "\n")
    assert [line[:4] for line in printed.splitlines()[:2]] == ["  # ", "  ve"]
    assert yaml.safe_load(printed)["environment"]["hosts"] == [host]
    assert yaml.safe_load(printed)["service"] == "svc"


@pytest.mark.thorough
def test_a_contradiction_is_saved_and_ends_with_3(start: Start, tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text("sdk: mcp-1\nclients: {protocol: modern}\n")
    terminal = start("--answers", "known.yaml")
    terminal.answer(SERVICE, "svc", ENTER)
    to_review(terminal)
    terminal.see("No configuration works so far: the SDK release does not serve modern clients")
    assert leave(terminal) == 3
    assert (tmp_path / "requirements.yaml").exists()
    assert "mcp-advisor recommend requirements.yaml" in terminal.raw


def test_nothing_is_cut_off_at_80_columns_and_24_rows(start: Start, tmp_path: Path, advisor: Advisor) -> None:
    (tmp_path / "known.yaml").write_text(
        "service: svc\nsdk: mcp-1\nscale: {instances: 3, workers: 1, affinity: unknown}\n"
        "current: {stateless_http: unknown, json_response: unknown}\n"
        "environment: {platform: kubernetes, hosts: []}\nclients: {apps: [], protocol: legacy, plain_http: false}\n"
        "preference: simplest\noperations: {can_operate_affinity: true}\nneeds: {sampling: required}\n"
    )
    terminal = start("--answers", "known.yaml", rows=24)
    terminal.answer(NEEDS, ENTER)
    terminal.see("? Which proxy or load balancer is directly in front of the servers?", "> nginx")
    terminal.send(UP, UP, UP)  # over "other" and "none", the first values, to the last
    proxies = advisor.knowledge.proxies.values()
    last = [proxy for proxy in proxies if not proxy.possible_on("kubernetes")][-1]
    terminal.see(f"> {last.id} {last.name}", "Esc back)")
    assert "Recommendation so far: several instances with session affinity (sticky-fleet)" in terminal.flat
    terminal.send("traef")  # letters filter the list
    terminal.see("> traefik", gone="> cloudflare-workers")
    terminal.answer("Which proxy or load balancer is directly in front of the servers?", ENTER)
    terminal.see("in front of the servers? traefik")


def all_answered(tmp_path: Path) -> str:
    """A file that answers every question which a run for it asks."""
    text = (ROOT / "examples/customer-service-agent.yaml").read_text().replace("clients: {", "clients: {apps: [], ")
    (tmp_path / "known.yaml").write_text(f"{text}current: {{stateless_http: unknown, json_response: unknown}}\n")
    return "known.yaml"


@pytest.mark.parametrize("columns", [80, 60])
def test_the_review_fits_the_screen_and_each_answer_can_be_edited(start: Start, tmp_path: Path, columns: int) -> None:
    terminal = start("--answers", all_answered(tmp_path), rows=24, columns=columns)
    terminal.see(REVIEW, "accept the answers", "start over")
    assert "entries" not in terminal.flat
    terminal.send(UP, UP, UP)
    terminal.see("> Are tool results")
    assert "accept the answers" in terminal.flat, "the list does not scroll"
    terminal.send(ENTER)
    terminal.see("? Are tool results large or slow to produce (reports, help articles)?")
    terminal.send(DOWN, ENTER)
    terminal.see("(reports, help articles)? no")


def test_a_review_with_room_shows_the_complete_text_of_a_cut_line(start: Start, tmp_path: Path) -> None:
    terminal = start("--answers", all_answered(tmp_path), rows=40)
    terminal.see(f"? {REVIEW}")
    terminal.send(*[DOWN] * 3)
    terminal.see(f"{RELEASE} mcp==")


def test_a_review_with_more_answers_than_lines_is_a_list_that_scrolls(start: Start, tmp_path: Path) -> None:
    terminal = start("--answers", all_answered(tmp_path), rows=16)
    terminal.see("entries: arrow keys scroll")
    terminal.send("which tools")
    terminal.see("> Which tools", gone="accept the answers")


@pytest.mark.parametrize("columns", [60, 80])
def test_a_list_says_how_many_entries_it_has_without_a_broken_word(start: Start, tmp_path: Path, columns: int) -> None:
    (tmp_path / "known.yaml").write_text(
        "service: svc\nsdk: mcp-2\nclients: {protocol: legacy, plain_http: false}\n"
        "current: {stateless_http: unknown, json_response: unknown}\nscale: {instances: 3, workers: 1}\n"
        "environment: {platform: kubernetes, hosts: []}\nneeds: {sampling: required}\n"
    )
    terminal = start("--answers", "known.yaml", rows=24, columns=columns)
    terminal.see(f"? {APPS}", "entries: arrow keys scroll; Space selects, Enter confirms; ? help, Esc back)")
    terminal.send(ENTER)
    terminal.see(f"? {NEEDS}")
    terminal.send(ENTER)
    terminal.see("directly in front of the servers?", "letters filter; Enter; ? help, Esc back)")


def colours(raw: str) -> set[str]:
    """The colour codes among the styles that were sent."""
    codes = re.findall(r"\x1b\[([0-9;]*)m", raw)
    return {
        code
        for sequence in codes
        for code in sequence.split(";")
        if code.isdigit() and int(code) in {*range(30, 39), *range(40, 49)}
    }


def test_help_keeps_the_marks_and_the_current_line(start: Start, tmp_path: Path) -> None:
    (tmp_path / "svc.yaml").write_text("version: 1\nservice: svc\nsdk: mcp-2\nscale: {instances: 3}\n")
    terminal = start("svc.yaml")
    terminal.answer(CURRENT, ENTER)
    terminal.see(f"? {APPS}")
    terminal.send(SPACE, DOWN, DOWN, SPACE)
    terminal.send_for_more("?", "Why this matters")
    terminal.answer(APPS, SPACE, ENTER)  # removes the mark of the current line
    for title in (PLATFORM, HOSTS):
        terminal.answer(title, ENTER)
    terminal.see(f"? {NEEDS}")
    terminal.send(DOWN, SPACE)
    terminal.send_for_more("?", "Why this matters")
    terminal.answer(NEEDS, SPACE, ENTER)  # changes the level of the current line again
    terminal.see("Recommendation so far")
    saved = yaml.safe_load((tmp_path / "svc.partial.yaml").read_text())
    assert len(saved["clients"]["apps"]) == 1
    levels = list(saved["needs"].values())
    assert (levels.count("required"), levels.count("preferred"), levels[1]) == (0, 1, "preferred")


@pytest.mark.thorough
@pytest.mark.parametrize("no_color", ["1", ""])
def test_no_color_means_no_colour(start: Start, no_color: str) -> None:
    terminal = start(NO_COLOR=no_color)
    terminal.answer(SERVICE, "svc", ENTER)
    to_review(terminal)
    assert leave(terminal) == 0
    assert bool(colours(terminal.raw)) is not bool(no_color)


@pytest.mark.thorough
@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_draw_gets_numbered_lines(start: Start, tmp_path: Path, term: str) -> None:
    terminal = start(TERM=term)
    terminal.see(SERVICE)
    terminal.send("?\n")
    terminal.see("Why this matters: The generated files")
    terminal.send("svc\n")
    terminal.see("1. no: a new server")
    terminal.send("<\n")
    terminal.see(f"{SERVICE} (Enter accepts svc")
    terminal.send("\n")
    terminal.see("1. no: a new server")
    terminal.send("99\n")
    terminal.see("99 is not in the list")
    terminal.send("no\n")
    terminal.see("2. from mcp.server.mcpserver import MCPServer: mcp 2")
    terminal.send("2\n", "\n", "-\n")
    terminal.see(INSTANCES)
    terminal.send("\n", "\n", "\n")
    terminal.see("4. progress: ctx.report_progress")
    terminal.send("4, 1=maybe\n")
    terminal.see("maybe is not a level")
    terminal.send("4, roots=useful, 2=unsure\n")
    terminal.see(f"{NEEDS} elicitation not sure, roots useful, progress required")
    terminal.see("Which protocol era do the clients speak?", "Enter accepts unknown; ? help, < back) >")
    for _ in range(QUESTIONS):
        if REVIEW in terminal.flat:
            break
        terminal.send_for_more("\n", "> ")
    terminal.see(REVIEW)
    terminal.send("1\n")
    terminal.see(MENU)
    terminal.send("done\n")
    assert terminal.end() == 0
    needs = yaml.safe_load((tmp_path / "requirements.yaml").read_text())["needs"]
    assert {name: level for name, level in needs.items() if level != "none"} == {
        "progress": "required",
        "roots": "preferred",
        "elicitation": "unknown",
    }
    assert "\x1b[?" not in terminal.raw


@pytest.mark.parametrize("typed", ["", "sv"])
def test_ctrl_d_leaves_numbered_prompts_also_after_text(start: Start, typed: str) -> None:
    terminal = start(TERM="dumb")
    terminal.see(SERVICE, "back) >")
    terminal.send(*typed, CTRL_D)
    assert terminal.end() == 130
    assert "Interrupted" in terminal.raw


def test_without_a_command_a_terminal_gets_the_questionnaire(tmp_path: Path) -> None:
    terminal = Terminal(cwd=tmp_path)
    terminal.see(f"? {SERVICE}")
    terminal.send(CTRL_C)
    assert terminal.end() == 130
