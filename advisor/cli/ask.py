"""The command `ask`: the questionnaire, from the first question to the saved file and the recommendation."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from advisor.console import output as standard_output
from advisor.console.canvas import Screen
from advisor.decision.advisor import Advisor, default_advisor
from advisor.errors import Exit, UsageError
from advisor.questionnaire.conversation import converse, save_answers
from advisor.questionnaire.interview import Interview
from advisor.questionnaire.relevance import Relevance
from advisor.questionnaire.saved_answers import load_stated
from advisor.questionnaire.terminal import say
from advisor.report.decision_text import decision_text
from advisor.requirements import load_path


def ask(
    answers: Annotated[
        Path | None, typer.Option("--answers", metavar="FILE", help="Take answers from a (partial) requirements file.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to save the answers.")] = Path(
        "requirements.yaml"
    ),
) -> int:
    """Answer a few questions, save them as requirements.yaml and see the recommendation."""
    advisor = default_advisor()
    interview = Interview(advisor, Relevance(advisor), load_stated(answers, advisor.space) if answers else {})
    if not output.absolute().parent.is_dir():
        raise UsageError(f"{output}: the folder {output.parent} does not exist.")
    if sys.stdin.isatty() and sys.stdout.isatty():
        output = converse(advisor, interview, output)
    else:
        _save_without_terminal(advisor, interview, output)
    return _conclude(advisor, output)


def _save_without_terminal(advisor: Advisor, interview: Interview, output: Path) -> None:
    words = advisor.knowledge.phrases
    missing = interview.missing()
    if missing:
        raise UsageError(words["ask.no-terminal"].format(keys=", ".join(missing)))
    if output.exists():
        raise UsageError(words["ask.no-file"].format(file=output))
    save_answers(advisor, interview, output)


def _conclude(advisor: Advisor, path: Path) -> int:
    """Print the recommendation for the file that was saved, and how to get it again."""
    decision = advisor.decide(load_path(path, advisor.space))
    screen = Screen(standard_output.width(), standard_output.wants_colour(), standard_output.is_unicode())
    standard_output.emit(decision_text(decision, screen))
    say()
    say(advisor.knowledge.phrases["ask.saved"].format(file=path))
    standard_output.say(f"  mcp-advisor recommend {shlex.quote(os.fspath(path))}")
    return Exit.OK if decision.feasible else Exit.CONTRADICTION
