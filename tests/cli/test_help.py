"""The help of the program, and the imports of its commands."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from running import run_command
from typer import BadParameter, Context
from typer.main import get_command

from advisor.cli import main, schema, verify
from advisor.cli.app import app
from advisor.cli.lazy_group import LazyGroup, load_command
from advisor.decision.advisor import Advisor
from advisor.errors import Exit
from advisor.lab.process.extra import EXTRA

ROOT = Path(__file__).parents[2]
_command = get_command(app)
assert isinstance(_command, LazyGroup)
PROGRAM = _command
Group: TypeAlias = Any  # a group or a command of typer, which has no public type for both


@pytest.mark.parametrize("name", PROGRAM.commands)
def test_the_summary_of_a_command_is_the_first_sentence_of_its_help(name: str) -> None:
    summary = PROGRAM.commands[name].help
    command = load_command(name, Context(PROGRAM))
    assert summary
    assert command.help
    assert command.help.split("\n\n")[0] == summary


def test_the_list_of_commands_shows_complete_summaries() -> None:
    assert {
        name: len(command.help or "") for name, command in PROGRAM.commands.items() if len(command.help or "") > 60
    } == {}


def _paths(command: Group, *names: str) -> Iterator[tuple[str, ...]]:
    """The names of all commands and subcommands."""
    for name in getattr(command, "commands", {}):
        yield (*names, name)
        if not names:
            yield from _paths(load_command(name, Context(PROGRAM)), name)


@pytest.mark.parametrize("path", [(), *_paths(PROGRAM)], ids=" ".join)
def test_help_fits_80_columns_and_has_an_example(path: tuple[str, ...]) -> None:
    done = run_command(*path, "--help", COLUMNS="80")
    shown = done.stdout.decode()
    assert done.returncode == 0
    # The path of the interpreter can be long, and a command to copy stays on one line.
    assert [line for line in shown.splitlines() if len(line) > 80 and line.strip() != EXTRA] == []
    assert re.search(r"^  Examples?:\n    mcp-advisor ", shown, re.MULTILINE)
    assert [line for line in shown.splitlines()[1:] if line.endswith("...")] == [], "the parser cut a text"


# COMMAND and its arguments, a required argument, or an optional one in a single pair of brackets.
_USAGE = (
    r"Usage: mcp-advisor( [a-z-]+)* \[OPTIONS\]( COMMAND \[ARGS\](\.\.\.)?| [A-Z]+(\|[A-Z]+)?(\.\.\.)?| \[[A-Z]+\])?"
)


@pytest.mark.parametrize("path", [(), *_paths(PROGRAM)], ids=" ".join)
def test_the_usage_line_has_the_usual_notation(path: tuple[str, ...]) -> None:
    shown = run_command(*path, "--help", COLUMNS="80").stdout.decode()
    assert re.fullmatch(_USAGE, shown.splitlines()[0])
    _, _, arguments = shown.partition("Arguments:\n")
    assert not re.search(r"^  [A-Z|]+ <", arguments, re.MULTILINE), "a Python type"


def test_the_help_and_the_list_of_exit_codes_have_the_same_words(advisor: Advisor) -> None:
    shown = " ".join(run_command("--help", COLUMNS="80").stdout.decode().split())
    listed = run_command("help", "exit-codes").stdout.decode().splitlines()
    assert [int(line.split()[0]) for line in listed] == [code.value for code in Exit]
    assert [line for line in listed if " ".join(line.split()) not in shown] == []


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["recomend"], "recommend"),
        (["rules", "shwo"], "show"),
        (["recommend", "--formt", "json", "-"], "--format"),
        (["recommend", "--format", "jsn", "-"], "json"),
        (["recommend", "--show", "warnigs", "-"], "warnings"),
        (["schema", "requirments"], "requirements"),
        (["explain", "SES-3OO"], "SES-300"),
        (["explain", "stick-fleet"], "sticky-fleet"),
        (["capabilities", "--sdk", "mcp-22"], "mcp-2"),
        (["capabilities", "--feature", "progres"], "progress"),
        (["rules", "list", "--table", "sesion"], "session"),
        (["generate", "-", "-o", "kit", "--only", "proxi"], "proxy"),
        (["verify", "-", "--proxy", "ngnix"], "nginx"),
        (["exercise", "--sdk", "mpc-2"], "mcp-2"),
        (["capabilities", "bisect", "--sdk", "fastmpc"], "fastmcp"),
        (["help", "verfy"], "verify"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_typing_error_gets_the_nearest_name(arguments: list[str], meant: str) -> None:
    done = run_command(*arguments)
    assert done.returncode == 2
    assert f"Did you mean {meant!r}?" in done.stderr.decode()


@pytest.mark.parametrize(
    ("option", "value"), [("--instances", "x"), ("--instances", "99"), ("--sessions", ""), ("--load", "-5")]
)
def test_a_number_that_is_not_allowed_is_named(option: str, value: str) -> None:
    with pytest.raises(BadParameter, match=f"{value!r} is not"):
        app(args=["verify", "kit", f"{option}={value}"], standalone_mode=False)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("explain sticky-f", ["sticky-fleet"]),
        ("explain shutdown-c", ["shutdown-cuts-running-calls"]),
        ("rules show SES-10", ["SES-100"]),
        ("rules list --table sess", ["session"]),
        ("capabilities --sdk mcp==1.28.", ["mcp==1.28.1"]),
        ("capabilities --sdk fastmcp-", ["fastmcp-2", "fastmcp-3", "fastmcp-4"]),
        ("capabilities --feature prog", ["progress"]),
        ("capabilities bisect --sdk fast", ["fastmcp"]),
        ("exercise --sdk mcp-", ["mcp-1", "mcp-2"]),
        ("topology measure --setup nginx-sticky-c", ["nginx-sticky-cookie"]),
        ("verify kit --event proxy", ["proxy-reloaded", "proxy-killed"]),
        ("verify kit --proxy ha", ["haproxy"]),
        ("generate a.yaml --only proxy,kub", ["proxy,kubernetes"]),
        ("recommend a.yaml --show warn", ["warnings"]),
        ("schema gen", ["generation", "generations"]),
        ("help exit", ["exit-codes"]),
        ("recommend examples/sa", []),  # the shell completes files
    ],
)
def test_the_shell_completes_names(typed: str, completed: list[str]) -> None:
    words = ["mcp-advisor", *typed.split()]
    done = run_command(
        _MCP_ADVISOR_COMPLETE="complete_bash", COMP_WORDS=" ".join(words), COMP_CWORD=str(len(words) - 1)
    )
    assert done.stdout.decode().split() == completed


def test_the_help_of_verify_explains_every_fault(advisor: Advisor) -> None:
    shown = verify.EPILOG.partition("Faults:")[2].partition("\n\n")[0]
    assert re.findall(r"^  (\S+)", shown, re.MULTILINE) == [event.id for event in advisor.knowledge.events]
    words = " ".join(shown.split())
    assert [event.id for event in advisor.knowledge.events if f"{event.id} {event.help}" not in words] == []


@pytest.mark.parametrize(
    "name", ["verify", "exercise", "topology measure", "capabilities measure", "capabilities bisect"]
)
def test_the_help_shows_the_command_that_installs_the_lab_here(name: str) -> None:
    shown = run_command(*name.split(), "--help").stdout.decode()
    assert f"\n    {EXTRA}\n" in shown


def test_the_help_of_schema_lists_every_document() -> None:
    lines = schema.EPILOG.partition("Documents:\n")[2].splitlines()
    assert {line.split()[0] for line in lines} == {*schema.DOCUMENTS}


def test_a_command_imports_no_other_command() -> None:
    script = (
        "import sys\nfrom advisor.cli import main\n"
        "try:\n    main(['rules', 'list'])\nexcept SystemExit:\n    print(*sorted(sys.modules), file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    commands = {f"advisor.cli.{name}" for name in PROGRAM.commands}
    assert commands & set(done.stderr.split()) == {"advisor.cli.rules"}


def _numbers(command: Group, *names: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The names of the commands with the options that take an integer."""
    for option in command.params:
        if getattr(option.type_descriptor, "annotation", None) is int and not option.count:
            yield names, option.opts[-1]


def test_an_option_for_numbers_says_in_our_words_what_it_allows(capsys: pytest.CaptureFixture[str]) -> None:
    found = 0
    for names in _paths(PROGRAM):
        command: Group = PROGRAM
        for name in names:
            command = load_command(name, Context(PROGRAM)) if command is PROGRAM else command.commands[name]
        for path, option in _numbers(command, *names):
            with pytest.raises(SystemExit) as ended:
                main([*path, option, "soon"])
            said = " ".join(capsys.readouterr().err.split())
            assert ended.value.code == Exit.USAGE
            assert re.search(
                r"'soon' is not allowed\. Allowed: an integer( from -?\d+ to \d+| not less than \d+|)\.", said
            )
            found += 1
    assert found > 3
