"""Complete runs of `ask` on a terminal of 80 columns and 24 rows, and an interruption at every prompt."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest
import yaml
from terminal import CTRL_C, CTRL_D, DOWN, ENTER, ESCAPE, QUESTIONS, SPACE, UP, Terminal
from weekly import some_weekly

pytestmark = pytest.mark.retried(
    "A text must be on the screen within 30 s, and a program must answer each key before the next one."
)

Start: TypeAlias = Callable[..., Terminal]

REVIEW = "These are your answers."
MENU = "What next?"


class Prompt(NamedTuple):
    """A prompt of a run: its title, the keys of the answer, and the keys of the file that the answer completes."""

    title: str
    keys: tuple[str, ...]
    saved: Mapping[str, Any] | None = None


# A deployment in use, behind two proxies. Every kind of prompt is in this run.
RUN = [
    Prompt("What is the service called?", ("shop", ENTER), {"service": "shop"}),
    Prompt("Is the server in use today?", (DOWN, ENTER)),
    Prompt("What are the two flags set to today?", (DOWN, ENTER)),
    Prompt("What breaks today?", (SPACE, DOWN, SPACE, ENTER), {"current.stateless_http": False}),
    Prompt("Which line of the server code imports the SDK?", (UP, ENTER)),
    Prompt("Which release of mcp is installed (`pip show mcp` prints it)?", (DOWN, ENTER)),
    Prompt("Which release (`pip show mcp` prints it)?", ("1.28.1", ENTER), {"sdk": "mcp==1.28.1"}),
    Prompt("Which applications connect to the server?", (*[DOWN] * 5, SPACE, ENTER), {"clients.apps": ["cursor"]}),
    Prompt("How many instances of the server run?", ("3", ENTER), {"scale.instances": 3}),
    Prompt("Where does the server run?", (ENTER,), {"environment.platform": "kubernetes"}),
    Prompt(
        "Under which URL or host names do clients reach the server?",
        ("https://mcp.example.com/shop/mcp", ENTER),
        {"environment.hosts": ["mcp.example.com"], "environment.path": "/shop/mcp"},
    ),
    Prompt(
        "Which features do the tools use?",
        (DOWN, SPACE, DOWN, DOWN, SPACE, ENTER),
        {"needs.elicitation": "required", "needs.progress": "preferred"},
    ),
    Prompt("Do curl-like clients call the endpoint", (ENTER,), {"clients.plain_http": False}),
    Prompt("Which protocol era do the clients speak?", (UP, UP, UP, ENTER), {"clients.protocol": "legacy"}),
    Prompt("How many server processes share the port", (ENTER,), {"scale.workers": 1}),
    Prompt("Which proxy or load balancer is directly in front", (ENTER,)),
    Prompt("What is in front of that (nginx)?", (UP, ENTER)),
    Prompt("What is in front of that (", (ENTER,)),
]
FOLLOW_UPS = [2, 3, 5, 6, 16, 17]
"""The numbers of the prompts that follow another prompt of the same question."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Terminal] = []

    def start_(*arguments: str, **options: Any) -> Terminal:
        terminal = Terminal("ask", *arguments, cwd=tmp_path, **{"rows": 24, **options})
        started.append(terminal)
        return terminal

    yield start_
    for terminal in started:
        terminal.child.close(force=True)


def stated(path: Path) -> dict[str, Any]:
    """The keys of a requirements file with dots."""

    def flat(branch: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for key, value in branch.items():
            if isinstance(value, dict):
                yield from flat(value, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", value

    return dict(flat(yaml.safe_load(path.read_text()), ""))


def accept_defaults(terminal: Terminal, until: str) -> None:
    for _ in range(QUESTIONS):
        if f"? {until}" in terminal.see("Esc back)"):
            return
        assert f"? {MENU}" not in terminal.flat, "the questions ended"
        title = terminal.flat[terminal.flat.rindex("? ", 0, terminal.flat.rindex("; ? help")) + 2 :].split(" (")[0]
        terminal.answer(title[:40], ENTER)
    raise AssertionError(f"{until!r} is not among {QUESTIONS} questions:\n{terminal.text}")


def test_a_novice_accepts_what_is_marked_and_gets_a_kit_and_a_document(start: Start, tmp_path: Path) -> None:
    terminal = start()
    terminal.see("At the end, you can write a deployment kit.", "takes about five minutes")
    terminal.answer("What is the service called?", "Customer Support", ENTER)
    terminal.see("Did you mean 'customer-support'?", "? What is the service called?")
    terminal.send("\x15", "customer-support", ENTER)
    for title in (
        "Is the server in use today?",
        "Which line of the server code imports the SDK?",
        "Which release of mcp",
    ):
        terminal.answer(title, ENTER)
    terminal.see("Claude Desktop", "both eras", "modern era, or legacy with an older server")
    terminal.answer("Which applications connect", DOWN, SPACE, ENTER)
    terminal.answer("How many instances", ENTER)
    terminal.answer("Where does the server run?", ENTER)
    terminal.answer("Under which URL", ENTER)
    terminal.see("Without a host name, the server answers only requests for localhost.")
    terminal.see("Resolve(Elicit): asks the user a question during a call")
    terminal.answer("Which features", DOWN, SPACE, ENTER)
    accept_defaults(terminal, REVIEW)
    terminal.send(ENTER)
    # The answer and the menu are on the screen together.
    terminal.see("customer-support: single-instance, one instance with sessions", "stateless_http=", "> write the kit")
    terminal.answer(MENU, ENTER)
    terminal.answer("Folder of the kit", ENTER)
    terminal.see("read kit/README.md")
    terminal.answer(MENU, DOWN, DOWN, ENTER)
    terminal.answer("File or folder of the document", ENTER)
    terminal.see("Wrote adr/0001-")
    terminal.answer(MENU, UP, UP, ENTER)
    terminal.answer(MENU, UP, ENTER)
    assert terminal.end() == 0
    assert terminal.text.splitlines()[-1].strip() == "mcp-advisor verify kit"
    assert (tmp_path / "kit" / "server" / "server.py").exists()
    (record,) = (tmp_path / "adr").glob("0001-*.md")
    assert "stateless_http" in record.read_text()
    assert stated(tmp_path / "requirements.yaml")["clients.apps"] == ["claude-desktop"]


def test_a_target_that_becomes_unusable_can_be_another_file(start: Start, tmp_path: Path) -> None:
    terminal = start("--set", "service=svc", "--set", "scale.instances=1")
    accept_defaults(terminal, REVIEW)
    (tmp_path / "requirements.yaml").mkdir()  # no file can replace a folder
    (tmp_path / "other.yaml").write_text("mine\n")
    terminal.send(ENTER)
    terminal.see("requirements.yaml cannot be written: is a directory. The answers are not lost.")
    terminal.see("? Name of another file (Esc leaves and prints the answers)")
    terminal.send("other.yaml", ENTER)
    terminal.see("other.yaml already exists.")
    terminal.answer("Name of another file", "none/new.yaml", ENTER)
    terminal.see("none/new.yaml is a folder, or its parent folder does not exist.")
    terminal.answer("Name of another file", "new.yaml", ENTER)
    terminal.answer(MENU, UP, ENTER)
    assert terminal.end() == 0
    assert "mcp-advisor recommend new.yaml" in terminal.raw
    assert stated(tmp_path / "new.yaml")["service"] == "svc"
    assert (tmp_path / "other.yaml").read_text() == "mine\n"
    assert not list(tmp_path.glob("*.partial.yaml"))


def test_someone_without_another_file_gets_the_answers_to_copy(start: Start, tmp_path: Path) -> None:
    terminal = start("--set", "service=svc", "--set", "scale.instances=1")
    accept_defaults(terminal, REVIEW)
    (tmp_path / "requirements.yaml").mkdir()
    terminal.send(ENTER)
    terminal.answer("Name of another file", ESCAPE)
    assert terminal.end() == 2
    printed = terminal.raw[terminal.raw.rindex("  # ") :].replace("\r\n", "\n")
    assert yaml.safe_load(printed)["service"] == "svc"


def test_an_expert_describes_a_deployment_in_use(start: Start, tmp_path: Path) -> None:
    terminal = start("-o", "shop.yaml")
    for prompt in RUN:
        terminal.answer(prompt.title, *prompt.keys)
    assert "Can the load balancer send all requests" not in terminal.raw
    accept_defaults(terminal, REVIEW)
    # A long answer takes the room of its question, and begins with what matters.
    terminal.see("yes; stateless_http=False, json_response=False ...")
    terminal.see("mcp==1.28.1; from mcp.server.fastmcp import FastMCP", "nginx; cloudflare-workers")
    terminal.send(ENTER)
    # The causes come first, so that the complete answer and the menu are on the screen together.
    terminal.see("shop: sticky-fleet", "Flags", "? What next?")
    assert "Likely causes of what breaks today:" in terminal.raw
    terminal.answer(MENU, UP, ENTER)
    assert terminal.end() == 0
    saved = stated(tmp_path / "shop.yaml")
    for prompt in RUN:
        for name, value in (prompt.saved or {}).items():
            assert saved[name] == value
    kinds = [hop["kind"] for hop in saved["environment.hops"]]
    assert len(kinds) == 2
    assert kinds[-1] == "nginx"
    assert "# Breaks today: lost-sessions, late-progress" in (tmp_path / "shop.yaml").read_text()


def test_someone_who_goes_back_within_a_question_finds_each_reply_marked(start: Start) -> None:
    terminal = start()
    terminal.answer("What is the service called?", "shop", ENTER)
    terminal.answer("Is the server in use today?", DOWN, ENTER)
    terminal.answer("What are the two flags", UP, ENTER)
    terminal.see("? What breaks today?")
    assert interrupt(terminal, "sighup") == 129
    terminal = start()
    terminal.answer("requirements.partial.yaml has the answers of an interrupted run.", ENTER)
    for _ in range(2):
        terminal.see("? What breaks today?")
        terminal.send(ESCAPE)
        terminal.see("? What are the two flags", "> stateless_http=True, json_response=True")
        terminal.send(ESCAPE)
        terminal.see("? Is the server in use today?", "> yes")
        terminal.answer("Is the server in use today?", ENTER)
        terminal.see("? What are the two flags", "> stateless_http=True, json_response=True")
        terminal.answer("What are the two flags", ENTER)


@pytest.mark.thorough
def test_someone_goes_back_and_forth(start: Start, tmp_path: Path) -> None:
    terminal = start()
    for prompt in RUN[:4]:
        terminal.answer(prompt.title, *prompt.keys)
    terminal.see("? Which line of the server code")
    terminal.send(ESCAPE)
    terminal.see("? Is the server in use today?", "> yes")
    terminal.answer("Is the server in use today?", UP, ENTER)  # it is not
    terminal.answer("Which line of the server code", UP, ENTER)
    terminal.answer("Which release of mcp", DOWN, ENTER)
    terminal.see("? Which release (")
    terminal.send(ESCAPE)
    terminal.see("> another release")  # the earlier reply is marked
    terminal.answer("Which release of mcp", UP, ENTER)
    terminal.answer("Which applications", ENTER)
    terminal.answer("How many instances", "3", ENTER)
    terminal.see("? Where does the server run?")
    terminal.send(ESCAPE)
    terminal.answer("How many instances", "2", ENTER)
    terminal.answer("Where does the server run?", ENTER)
    accept_defaults(terminal, REVIEW)
    terminal.see("How many instances of the server run? 2")
    terminal.send(DOWN, DOWN, ENTER)
    terminal.see("? Is the server in use today?", "> no")
    terminal.send(ESCAPE)  # an edit that is not made
    terminal.see(f"? {REVIEW}")
    terminal.send(ENTER)
    terminal.answer(MENU, ESCAPE)
    assert terminal.end() == 0
    saved = stated(tmp_path / "requirements.yaml")
    assert (saved["sdk"], saved["scale.instances"], saved["current.stateless_http"]) == ("mcp-1", 2, "unknown")
    assert "Breaks today" not in (tmp_path / "requirements.yaml").read_text()


@pytest.mark.thorough
def test_a_release_without_a_kit_says_so_and_can_be_changed(start: Start, tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(
        "service: svc\nsdk: mcp==1.12.4\nclients: {apps: []}\nscale: {instances: 1, workers: 4}\n"
        "environment: {platform: systemd, hosts: []}\ncurrent: {stateless_http: unknown, json_response: unknown}\n"
    )
    terminal = start("--answers", "known.yaml")
    accept_defaults(terminal, REVIEW)
    terminal.send(ENTER)
    terminal.see("svc: stateless-fleet", "> change an answer")
    assert "write the kit" not in terminal.flat
    terminal.answer(MENU, ENTER)
    terminal.see(f"? {REVIEW}")
    terminal.send(DOWN, DOWN, DOWN, ENTER)
    terminal.answer("Which line of the server code", ENTER)
    terminal.answer("Which release of mcp", ENTER)
    terminal.see("? Which release (")
    terminal.send("\x15", "1.28", ENTER)
    terminal.see("1.28 is not a complete release.", "? Which release (")
    terminal.send("\x15", "1.28.1", ENTER)
    terminal.see(f"? {REVIEW}")
    terminal.send(ENTER)
    terminal.see("> write the kit")
    terminal.answer(MENU, UP, ENTER)
    assert terminal.end() == 0
    assert stated(tmp_path / "requirements.yaml")["sdk"] == "mcp==1.28.1"


def test_the_proxy_and_the_slowest_call_are_asked_where_a_kit_has_them(start: Start, tmp_path: Path) -> None:
    given = ["--set", "service=svc", "--set", "environment.platform=systemd", "--set", "scale.instances=1"]
    terminal = start(*given, rows=50)
    accept_defaults(terminal, REVIEW)
    assert re.search(r"Which proxy or load balancer( \w+)* ... nginx ", terminal.flat)
    assert re.search(r"How many seconds does the slowest( \w+)* ... not known", terminal.flat)


def test_a_remedy_edits_the_answer_and_decides_again(start: Start, tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(
        "service: svc\nsdk: mcp-1\nclients: {protocol: modern, apps: []}\nscale: {instances: 1}\n"
        "environment: {platform: kubernetes, hosts: []}\ncurrent: {stateless_http: unknown, json_response: unknown}\n"
    )
    terminal = start("--answers", "known.yaml")
    accept_defaults(terminal, REVIEW)
    terminal.send(ENTER)
    terminal.see("contradiction", "> try a remedy")
    terminal.send(ENTER)
    terminal.see("? Which remedy?", "> Install mcp==")
    terminal.answer("Which remedy?", ENTER)
    accept_defaults(terminal, REVIEW)
    terminal.send(ENTER)
    terminal.see("Recommendation: one instance with", "> write the kit")
    assert "Deciding ..." in terminal.raw, "the program says that it works"
    assert "Deciding" not in terminal.text, "and removes the text"
    terminal.send(CTRL_D)
    assert terminal.end() == 130
    assert "The answers are in requirements.yaml." in terminal.raw
    assert stated(tmp_path / "requirements.yaml")["sdk"].startswith("mcp==2.")


CONTRADICTION = (
    "service: svc\nsdk: mcp-1\nclients: {protocol: legacy, apps: [], keep_cookies: false, plain_http: false}\n"
    "scale: {instances: 3, affinity: unavailable}\nneeds: {sampling: required}\n"
    "environment: {platform: kubernetes, hosts: [], proxy: {kind: alb, sse: unknown}}\n"
    "current: {stateless_http: unknown, json_response: unknown}\n"
)


def test_the_echo_of_the_needs_has_the_levels_of_the_file(start: Start, tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(CONTRADICTION)
    terminal = start("--answers", "known.yaml")
    terminal.answer("Which features do the tools use?", ENTER)
    terminal.see("Which features do the tools use? sampling required")


@pytest.mark.thorough
def test_a_remedy_asks_the_questions_that_it_opens(start: Start, tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(CONTRADICTION.replace(", sse: unknown", ""))
    terminal = start("--answers", "known.yaml", rows=50)
    accept_defaults(terminal, REVIEW)
    terminal.send(ENTER)
    terminal.answer(MENU, ENTER)
    terminal.answer("Which remedy?", ENTER)  # affinity
    terminal.see("With this remedy, more questions can change the recommendation.")
    accept_defaults(terminal, REVIEW)
    assert "available (file)" not in terminal.flat, "the remedy changed this answer"
    assert "available" in terminal.flat
    assert "svc (file)" in terminal.flat
    assert interrupt(terminal, "ctrl-c") == 130
    held = stated(tmp_path / "requirements.partial.yaml")
    assert held["scale.affinity"] == "available"
    assert held.keys() - stated(tmp_path / "requirements.yaml").keys()
    again = start()
    again.answer("requirements.partial.yaml has the answers of an interrupted run.", ENTER)
    again.answer(REVIEW, ENTER)  # the file is that of the run, so no question asks what becomes of the file
    again.see("several instances with session affinity", "> write the kit")


# --- interruptions --------------------------------------------------------------------------------------------------

ENDINGS = {"ctrl-c": 130, "ctrl-d": 130, "sigterm": 143, "sighup": 129, "closed": 129}


def interrupt(terminal: Terminal, ending: str) -> int:
    if ending == "closed":
        return terminal.hang_up()
    if ending in ("ctrl-c", "ctrl-d"):
        terminal.send({"ctrl-c": CTRL_C, "ctrl-d": CTRL_D}[ending])
    else:
        terminal.kill({"sigterm": signal.SIGTERM, "sighup": signal.SIGHUP}[ending])
    return terminal.end()


def interrupted_at(start: Start, tmp_path: Path, before: int, number: int, ending: str) -> None:
    """Interrupt the run at a prompt: no reply to an earlier prompt is lost, and the next start goes on at this prompt.

    The run before was interrupted at the prompt `before`.
    """
    partial = tmp_path / "requirements.partial.yaml"
    terminal = start()
    if partial.exists():
        terminal.answer(f"{partial.name} has the answers of an interrupted run.", ENTER)
    for prompt in RUN[before:number]:
        terminal.answer(prompt.title, *prompt.keys)
    terminal.see(f"? {RUN[number].title}")
    assert interrupt(terminal, ending) == ENDINGS[ending], RUN[number].title
    held = stated(partial) if partial.exists() else {}
    for prompt in RUN[:number]:
        for name, value in (prompt.saved or {}).items():
            assert held[name] == value
    assert not (tmp_path / "requirements.yaml").exists()


@pytest.mark.parametrize("before", [0, 1])
def test_ctrl_d_leaves_also_if_text_is_typed(start: Start, before: int) -> None:
    terminal = start()
    for prompt in RUN[:before]:
        terminal.answer(prompt.title, *prompt.keys)
    terminal.see(f"? {RUN[before].title}")
    terminal.send("sv")
    if before == 0:
        terminal.see("sv", f"? {RUN[0].title}")
    terminal.send(CTRL_D)
    assert terminal.end() == 130


@pytest.mark.parametrize("ending", ["sighup", "closed", "sigterm"])
def test_an_interruption_between_the_prompts_of_a_question_loses_no_reply(
    start: Start, tmp_path: Path, ending: str
) -> None:
    before = 0
    for number in FOLLOW_UPS[list(ENDINGS).index(ending) % 3 :: 3]:
        interrupted_at(start, tmp_path, before, number, ending)
        before = number


def test_an_interruption_while_an_answer_is_edited_loses_no_reply(start: Start, tmp_path: Path) -> None:
    """The question has a complete answer, which the user changes."""
    (tmp_path / "known.yaml").write_text(CONTRADICTION.replace("sampling: required", "progress: required"))
    terminal = start("known.yaml")
    accept_defaults(terminal, REVIEW)
    terminal.send(DOWN, DOWN, ENTER)
    terminal.answer("Is the server in use today?", DOWN, ENTER)
    terminal.answer("What are the two flags", UP, ENTER)
    terminal.see("? What breaks today?")
    assert interrupt(terminal, "sighup") == 129
    again = start("known.yaml")
    again.answer("known.partial.yaml has the answers of an interrupted run.", ENTER)
    again.see("What are the two flags set to today? stateless_http=True, json_response=True", "? What breaks today?")
    again.send(ESCAPE)
    again.see("? What are the two flags set to today?")
    again.send(ESCAPE)
    again.see("? Is the server in use today?")


@pytest.mark.thorough
def test_an_interruption_loses_no_answer(start: Start, tmp_path: Path) -> None:
    """Each ending at a prompt of another kind: a text, a choice, a list, levels and again a choice."""
    before = 0
    for number, ending in zip((0, 1, 3, 11, 12), ENDINGS, strict=True):
        interrupted_at(start, tmp_path, before, number, ending)
        before = number


@pytest.mark.thorough
@pytest.mark.parametrize("part", some_weekly(range(5), always=(0, 1)))
def test_an_interruption_at_any_prompt_loses_no_answer(start: Start, tmp_path: Path, part: int) -> None:
    """Each prompt with two endings, and each ending at six prompts or more."""
    before = 0
    for number in range(len(RUN)):
        if (number + part) % 5 in (0, 2):
            interrupted_at(start, tmp_path, before, number, list(ENDINGS)[(2 * number + part) % 5])
            before = number
