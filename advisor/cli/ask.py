"""The command `ask`: it runs the questionnaire, saves the answers and prints the recommendation."""

from __future__ import annotations

import sys
from collections import ChainMap
from pathlib import Path
from typing import Annotated

import typer

from advisor.cli.ask_menu import ask_what_next, show_recommendation, tell_saved
from advisor.cli.epilog import epilog
from advisor.decision.advisor import Advisor, default_advisor
from advisor.errors import Exit, UsageError
from advisor.questionnaire.conversation import check_target, converse, open_terminal, save_answers
from advisor.questionnaire.interview import Interview
from advisor.questionnaire.interviewer import Interviewer
from advisor.questionnaire.relevance import Relevance
from advisor.questionnaire.saved_answers import load_stated
from advisor.questionnaire.settings import read_settings

EPILOG = epilog(
    "ask",
    "ask requirements.yaml",
    "ask --from-scan src/server",
    "ask --defaults --set service=orders --set scale.instances=3",
    exit_codes={
        0: "a recommendation was printed",
        2: "an answer is invalid or missing, or a file cannot be used",
        3: "no configuration keeps every required feature",
        4: "the disk is full; the output has the answers",
        130: "interrupted; the answers so far are saved (129 if the terminal was closed, 143 after SIGTERM)",
    },
)


def ask(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="A requirements file to complete or edit. The command skips the questions that FILE answers. You "
            "can change these answers in the review. The result is saved in FILE, or in the file of --output.",
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers",
            metavar="FILE",
            help="A requirements file with answers, complete or not. The command skips the questions that FILE "
            "answers, and does not save the result in FILE.",
        ),
    ] = None,
    from_scan: Annotated[
        str,
        typer.Option(
            "--from-scan",
            metavar="PATH",
            help="The folder of a Python server, or a Python file. The command reads its code as `scan` does, and "
            "skips the questions that the code answers.",
        ),
    ] = "",
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Set a key of the requirements file. The command then does not ask the question for this key. "
            "VALUE can be a range (2-5) or a list (a,b,c). Repeatable.",
        ),
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask no question. Every key that you do not set has its default.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The requirements file that stores the answers.  "
            "[default: the argument FILE; without FILE, requirements.yaml]",
        ),
    ] = None,
) -> int:
    """Answer questions about a deployment; get a recommendation.

    The command skips each question that cannot change the recommendation. It saves each answer immediately.
    Until the last question, all answers are in a temporary file in the folder of the requirements file:
    NAME.partial.yaml for NAME.yaml. After an interruption, run the same command again to resume. After the last
    question, the command saves the requirements file and prints the recommendation. A menu then offers to write the
    kit, to write the decision as a document, or to try a change of the requirements.

    Without a terminal, the command asks no question: use --defaults, with --set for the keys that you know.
    """
    advisor = default_advisor()
    target = output or file or Path("requirements.yaml")
    check_target(target)
    if file is not None and not file.exists():
        raise UsageError(advisor.knowledge.phrases["ask.no-such-file"].format(file=file))
    known = [load_stated(path, advisor.space) for path in (file, answers) if path is not None]
    if from_scan:
        from advisor.cli.scanned_code import stated_by_code  # not needed for the other questionnaires

        known.insert(0, stated_by_code(from_scan))
    settings = read_settings(set or [], advisor.space)
    stated = dict(ChainMap({}, *reversed(known)))
    interview = Interview(advisor, Relevance(advisor), {**stated, **settings})
    interview.note_changes(stated)
    edit = target == file
    origins = [str(origin) for origin in (file, answers, from_scan) if origin]
    if sys.stdin.isatty() and sys.stdout.isatty() and not defaults:
        interviewer = Interviewer(advisor, open_terminal(advisor.knowledge.phrases), interview)
        target = converse(advisor, interviewer, interview, target, settings, edit=edit, origins=origins)
        return ask_what_next(advisor, interviewer, interview, target)
    _save_unasked(advisor, interview, target, defaults=defaults, replace=edit)
    decision = show_recommendation(advisor, target)
    tell_saved(advisor, target)
    return Exit.OK if decision.feasible else Exit.CONTRADICTION


def _save_unasked(advisor: Advisor, interview: Interview, output: Path, *, defaults: bool, replace: bool) -> None:
    """Save the known answers without a question.

    Raises:
        UsageError: a key is missing, or `output` exists and is not the file to edit.
    """
    words = advisor.knowledge.phrases
    required = _required(advisor, interview)
    if required:
        phrase = words["ask.required" if defaults else "ask.no-terminal.required"]
        raise UsageError(phrase.format(keys=", ".join(required), example=required[0]))
    missing = [] if defaults else interview.missing()
    if missing:
        raise UsageError(words["ask.no-terminal"].format(keys=", ".join(missing)))
    if output.exists() and not replace:
        raise UsageError(words["ask.no-file"].format(file=output))
    save_answers(advisor, interview, output)


def _required(advisor: Advisor, interview: Interview) -> list[str]:
    """Return the required keys without a value."""
    return [name for name, fact in advisor.space.facts.items() if fact.required and name not in interview.values]
