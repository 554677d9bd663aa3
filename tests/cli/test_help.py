"""The help of the program, and the imports of its commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer import Context
from typer.main import get_command

from advisor.cli import schema, verify
from advisor.cli.app import app
from advisor.cli.lazy_group import LazyGroup, load_command
from advisor.decision.advisor import Advisor

ROOT = Path(__file__).parents[2]
_command = get_command(app)
assert isinstance(_command, LazyGroup)
PROGRAM = _command


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


def test_the_help_of_verify_lists_every_fault(advisor: Advisor) -> None:
    faults = re.findall(r"^  (\S+)", verify.EPILOG.partition("Faults:")[2].partition("\n\n")[0], re.MULTILINE)
    assert faults == [event.id for event in advisor.knowledge.events]


def test_the_help_of_schema_lists_every_document() -> None:
    lines = schema.EPILOG.partition("Documents:\n")[2].splitlines()
    assert {line.split()[0] for line in lines} == {name.value for name in schema.DocumentName}


def test_a_command_imports_no_other_command() -> None:
    script = (
        "import sys\nfrom advisor.cli import main\n"
        "try:\n    main(['rules', 'list'])\nexcept SystemExit:\n    print(*sorted(sys.modules), file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    commands = {f"advisor.cli.{name}" for name in PROGRAM.commands}
    assert commands & set(done.stderr.split()) == {"advisor.cli.rules"}
