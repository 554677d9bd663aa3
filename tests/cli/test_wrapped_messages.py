"""Messages on a terminal are wrapped at words, and a command to copy has a line of its own."""

from __future__ import annotations

import pytest

from advisor.console.output import wrapped
from advisor.decision.advisor import Advisor
from advisor.errors import UsageError
from advisor.questionnaire.settings import read_settings


def test_a_long_message_is_wrapped_at_words() -> None:
    text = "prod.yaml already exists. To edit it, name it as the file to complete, or name another file with --output."
    lines = wrapped(text, 40).splitlines()
    assert len(lines) > 1
    assert all(len(line) <= 40 for line in lines)
    assert " ".join(lines) == text


def test_a_command_at_the_end_of_a_sentence_has_a_line_of_its_own() -> None:
    command = "mcp-advisor ask -o " + "a-long-folder/" * 5 + "new.yaml"
    text = f"new.yaml does not exist. To save new answers in this file, run `{command}`. Then read the answer."
    *prose, shown, last = wrapped(text, 60).splitlines()
    assert shown == f"  {command}"
    assert last == "Then read the answer."
    assert all(len(line) <= 60 for line in prose)


def test_a_command_inside_a_sentence_is_never_split() -> None:
    text = "A requirements file has the key `service`; `mcp-advisor init --full` prints an example of such a file."
    for columns in range(30, 90):
        assert "`mcp-advisor init --full`" in wrapped(text, columns)


def test_short_lines_and_lines_of_a_log_stay_as_they_are() -> None:
    text = "It failed.\n    " + "log " * 40 + "\nLog: x\n  mcp-advisor recommend '" + "a folder/" * 20 + "x.yaml'"
    assert wrapped(text, 80) == text


@pytest.mark.parametrize("columns", [60, 80])
def test_a_message_about_a_setting_fits(advisor: Advisor, columns: int) -> None:
    with pytest.raises(UsageError) as raised:
        read_settings(["environment.platform=k9s", "servce=x"], advisor.space)
    assert all(len(line) <= columns for line in wrapped(str(raised.value), columns).splitlines())
