"""The command `ask`: it runs the questionnaire, saves the answers and prints the recommendation."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from advisor.cli.epilog import epilog
from advisor.console import output as standard_output
from advisor.console.canvas import Screen
from advisor.decision.advisor import Advisor, default_advisor
from advisor.errors import Exit, UsageError
from advisor.questionnaire.conversation import converse, save_answers
from advisor.questionnaire.interview import Interview
from advisor.questionnaire.relevance import Relevance
from advisor.questionnaire.saved_answers import load_stated
from advisor.questionnaire.terminal import say
from advisor.report.first_screen import first_screen
from advisor.requirements import load_path

EPILOG = epilog(
    "ask",
    "ask --answers draft.yaml -o requirements.yaml",
    exit_codes={
        0: "a recommendation was printed",
        2: "an answer is invalid or missing, or a file cannot be used",
        3: "no configuration keeps every required feature",
        130: "interrupted; the answers so far are saved",
    },
)


def ask(
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers",
            metavar="FILE",
            help="A requirements file with answers, complete or not. The command skips the questions that FILE "
            "answers. By default, every question is open.",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The requirements file that stores the answers.")
    ] = Path("requirements.yaml"),
) -> int:
    """Answer questions about a deployment; get a recommendation.

    The command skips each question that cannot change the recommendation. After the last question, it saves the
    answers as a requirements file and prints the recommendation. After an interruption, run the same command again to
    resume.

    Without a terminal, the command asks no question. It saves the answers from --answers, which must then be complete.
    """
    advisor = default_advisor()
    interview = Interview(advisor, Relevance(advisor), load_stated(answers, advisor.space) if answers else {})
    if not output.absolute().parent.is_dir():
        raise UsageError(
            f"{output}: the folder {output.parent} does not exist. Create it, or name another file with -o."
        )
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
    """Print the recommendation for the saved file, and the command that prints it again; return the exit code."""
    decision = advisor.decide(load_path(path, advisor.space))
    screen = Screen(standard_output.width(), standard_output.wants_colour(), standard_output.is_unicode())
    standard_output.emit(first_screen(decision, screen))
    say()
    say(advisor.knowledge.phrases["ask.saved"].format(file=path))
    standard_output.say(f"  mcp-advisor recommend {shlex.quote(os.fspath(path))}")
    return Exit.OK if decision.feasible else Exit.CONTRADICTION
