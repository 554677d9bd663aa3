"""Runs the questionnaire on a terminal: it resumes an interrupted run, asks the questions and saves the answers."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

from advisor.decision.advisor import Advisor
from advisor.errors import InputError, InterruptedByUserError, UsageError
from advisor.files import reason, write_atomically
from advisor.questionnaire.interview import Interview
from advisor.questionnaire.interviewer import Interviewer
from advisor.questionnaire.numbered_prompts import NumberedPrompts
from advisor.questionnaire.question_forms import Option
from advisor.questionnaire.saved_answers import load_stated, part, partial_path, save, to_yaml
from advisor.questionnaire.terminal import Terminal, say


def converse(advisor: Advisor, interview: Interview, output: Path) -> Path:
    """Ask the questions on the terminal and save the answers.

    Args:
        advisor: makes the decisions.
        interview: the questions and the known answers.
        output: the file for the answers.

    Returns:
        The saved file: `output`, or another file that the user chose.

    Raises:
        InterruptedByUserError: the user or a signal stopped the questionnaire. The answers so far are saved.
        UsageError: the file cannot be written.
    """
    words = advisor.knowledge.phrases
    partial = partial_path(output)
    terminal = _terminal(words)
    interviewer = Interviewer(advisor, terminal, interview)
    with _signals_interrupt():
        try:
            say(words["ask.intro"].replace("Esc", terminal.back_key))
            say()
            _offer_to_resume(advisor, interviewer, interview, partial)
            interviewer.run()
            chosen = _choose_file(interviewer, output, words)
            save_answers(advisor, interview, chosen)
        except KeyboardInterrupt:
            raise InterruptedByUserError(_save_partial(advisor, interview, partial)) from None
    partial.unlink(missing_ok=True)
    return chosen


def save_answers(advisor: Advisor, interview: Interview, path: Path) -> None:
    """Save the answers as a requirements file.

    Raises:
        UsageError: the file cannot be written.
    """
    text = to_yaml(interview.values, advisor.space, advisor.knowledge.phrases["ask.file-head"])
    try:
        save(path, text, interview.requirements, advisor.space)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {reason(error)}. Name another file with -o.") from None


def _terminal(words: Mapping[str, str]) -> Terminal:
    """Return prompts with arrow keys, or numbered prompts for a simple terminal."""
    if os.environ.get("TERM", "").lower() in ("", "dumb", "unknown") and os.name != "nt":
        return NumberedPrompts(words)
    from advisor.questionnaire.drawn_prompts import DrawnPrompts  # imports a large library, so only if needed

    return DrawnPrompts(words)


def _offer_to_resume(advisor: Advisor, interviewer: Interviewer, interview: Interview, partial: Path) -> None:
    if not partial.exists():
        return
    words = advisor.knowledge.phrases
    try:
        stated = load_stated(partial, advisor.space)
    except InputError as error:
        say(words["ask.resume.unusable"].format(file=partial, problem=error))
        return
    options = [Option(name, words[f"ask.resume.{name}"], words[f"ask.resume.{name}.means"]) for name in ("yes", "no")]
    if interviewer.choose(words["ask.resume"].format(file=partial), options) == "yes":
        new = {name: value for name, value in stated.items() if name not in interview.fixed}
        fixed, answers = part(new, interview.questions)
        interview.resume({**fixed, **interview.fixed}, answers)
        interviewer.tell()


def _choose_file(interviewer: Interviewer, output: Path, words: Mapping[str, str]) -> Path:
    """Return the file for the answers. If `output` exists, ask whether to overwrite it or to use another file."""
    while output.exists():
        options = [Option(name, words[f"ask.exists.{name}"]) for name in ("overwrite", "other")]
        if interviewer.choose(words["ask.exists"].format(file=output), options) == "overwrite":
            break
        name = interviewer.text(words["ask.exists.name"])
        if name and Path(name).absolute().parent.is_dir() and not Path(name).is_dir():
            output = Path(name)
        elif name:
            say(words["ask.exists.not-there"].format(file=name), "  ")
    return output


def _save_partial(advisor: Advisor, interview: Interview, partial: Path) -> str:
    """Save the answers so far and return the message for the user."""
    words = advisor.knowledge.phrases
    values = interview.everything
    if not values:
        return words["ask.interrupted.nothing"]
    try:
        write_atomically(partial, to_yaml(values, advisor.space, words["ask.partial-head"]))
    except OSError as error:
        return f"Interrupted. The answers are not saved, because {partial} cannot be written: {reason(error)}."
    return words["ask.interrupted"].format(file=partial)


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Within this context, SIGTERM and SIGHUP have the effect of Ctrl-C: the answers so far are saved."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
