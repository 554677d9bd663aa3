"""Runs the questionnaire on a terminal: it resumes an interrupted run, asks the questions and saves the answers."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.errors import AdvisorError, EnvironmentLacksError, Exit, InputError, InterruptedByUserError, UsageError
from advisor.files import NO_SPACE, reason, spare_path, write_atomically
from advisor.questionnaire import review
from advisor.questionnaire.forms import Option
from advisor.questionnaire.interview import Interview
from advisor.questionnaire.interviewer import Interviewer
from advisor.questionnaire.numbered_prompts import NumberedPrompts
from advisor.questionnaire.partial_answers import PartialAnswers
from advisor.questionnaire.questions import Answer
from advisor.questionnaire.saved_answers import (
    begun_comment,
    has_own_comments,
    is_replaced,
    load_begun,
    load_stated,
    part,
    partial_path,
    replaces,
    save,
    to_yaml,
)
from advisor.questionnaire.terminal import PressedKey, Terminal, say


def converse(
    advisor: Advisor,
    interviewer: Interviewer,
    interview: Interview,
    output: Path,
    settings: Answer,
    *,
    edit: bool = False,
    origins: Sequence[str] = (),
) -> Path:
    """Ask the questions on the terminal and save the answers.

    The reply to each prompt is also saved immediately, in a file of its own.

    Args:
        advisor: makes the decisions.
        interviewer: asks the questions on the terminal.
        interview: the questions and the known answers.
        output: the file for the answers.
        settings: the facts of `--set`, which `interview` has already. An interrupted run does not replace them.
        edit: whether `interview` has the answers of `output`, which the new answers replace.
        origins: the files or folders that gave answers.

    Returns:
        The saved file: `output`, or another file that the user chose.

    Raises:
        InterruptedByUserError: the user or a signal stopped the questionnaire, or the terminal was closed. The answers
            so far are saved.
        UsageError: the file cannot be written.
    """
    words = advisor.knowledge.phrases
    partial = PartialAnswers(output)

    def interrupted() -> str:
        # Before the user resumes, the file has answers that the interview does not have.
        if there := partial.found():
            return words["ask.interrupted"].format(file=there)
        return _save_partial(advisor, interview, partial, "")

    with interruptible(interrupted):
        say(words["ask.intro"])
        say(words["ask.intro.time"].format(back=interviewer.back_key))
        say(review.known(interview, origins, words))
        old = partial.found()
        old = old if old and _offer_to_resume(advisor, interviewer, interview, old, settings) else None
        owned = old is not None and output.exists() and is_replaced(output, old)
        if output.exists() and not (edit or owned):
            output = _choose_file(advisor, interviewer, interview, output, resumed=old is not None)
            if old and partial_path(output) != partial.usual:
                PartialAnswers(output).take(old)
    return ask_open(advisor, interviewer, interview, output)


def ask_open(advisor: Advisor, interviewer: Interviewer, interview: Interview, output: Path) -> Path:
    """Ask the open questions, show the review, and save the answers in `output`, or in another file.

    The reply to each prompt is also saved immediately, in a file of its own: see `partial_path`.

    Returns:
        The saved file: `output`, or another file that the user chose because `output` cannot be written.

    Raises:
        InterruptedByUserError: the user or a signal stopped the questionnaire, or the terminal was closed. The answers
            so far are saved.
        UsageError: the file cannot be written.
    """
    partial, own = PartialAnswers(output), replaces(output)
    told: set[str] = set()

    def save_now() -> str:
        return _save_partial(advisor, interview, partial, own)

    def recorded() -> None:
        problem = _saving_problem(advisor, interview, partial, own)
        if problem and problem not in told:  # most problems are the same after the next answer
            say(problem, "  ")
            told.add(problem)

    interview.recorded = recorded
    with interruptible(save_now):
        interviewer.run()
        output = save_or_ask(advisor, interviewer, interview, output)
    partial.remove()
    return output


def save_or_ask(advisor: Advisor, interviewer: Interviewer, interview: Interview, output: Path) -> Path:
    """Save the answers in `output`. If it cannot be written, ask for another file. Return the saved file.

    Raises:
        AdvisorError: no file can be written, and the user names no other file. The message has the answers.
    """
    words = advisor.knowledge.phrases
    while True:
        try:
            _save(advisor, interview, output)
        except OSError as error:
            say(words["ask.save.failed"].format(file=output, reason=reason(error)), "  ")
            other = None
            while other is None:
                name = interviewer.text(words["ask.save.name"].format(back=interviewer.back_key))
                if not name:
                    raise _not_saved(advisor, interview, output, error) from None
                other = _new_file(name, words)
            output = other
        else:
            return output


def _new_file(name: str, words: Mapping[str, str]) -> Path | None:
    """Return a typed path, or None after a message if no new file can have this path."""
    path = Path(name).expanduser()
    if path.is_dir() or not path.absolute().parent.is_dir():
        say(words["ask.exists.not-there"].format(file=name), "  ")
    elif path.exists():
        say(words["ask.exists.there"].format(file=name), "  ")
    else:
        return path
    return None


def check_target(output: Path) -> None:
    """Find out before the first question whether the answers can be saved.

    Raises:
        UsageError: the file or its folder cannot be written.
    """
    folder = output.absolute().parent
    if not folder.is_dir():
        raise UsageError(
            f"{output}: the folder {output.parent} does not exist. Create it, or name another file with -o."
        )
    if output.is_dir():
        raise UsageError(f"{output} is a folder. Name a file with -o.")
    if output.exists() and not output.is_file():
        raise UsageError(f"{output} is a device or a pipe, which cannot keep answers. Name a file with -o.")
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".mcp-advisor-"):
            pass
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {reason(error)}. Name another file with -o.") from None


def save_answers(advisor: Advisor, interview: Interview, path: Path) -> None:
    """Save the answers as a requirements file.

    The program cannot keep the comments of an existing file. It keeps a copy of the file instead.

    Raises:
        AdvisorError: the file cannot be written. The message has the answers.
    """
    try:
        _save(advisor, interview, path)
    except OSError as error:
        raise _not_saved(advisor, interview, path, error) from None


def _save(advisor: Advisor, interview: Interview, path: Path) -> None:
    """Save the answers like `save_answers`.

    Raises:
        OSError: the file cannot be written.
    """
    words = advisor.knowledge.phrases
    if path.exists() and has_own_comments(path, words["ask.file-head"]):
        spare = spare_path(path)
        write_atomically(spare, path.read_bytes())
        say(words["ask.kept"].format(file=path, copy=spare), "  ")
    text = to_yaml(interview.values, advisor.space, words["ask.file-head"])
    save(path, text, interview.requirements, advisor.space)


def _not_saved(advisor: Advisor, interview: Interview, path: Path, error: OSError) -> AdvisorError:
    """Return the error for answers that no file has. Its exit code says if the disk is full."""
    words = advisor.knowledge.phrases
    answers = _to_copy(to_yaml(interview.values, advisor.space, words["ask.file-head"]))
    kind = EnvironmentLacksError if error.errno in NO_SPACE else UsageError
    return kind(words["ask.not-saved"].format(file=path, reason=reason(error), answers=answers))


def _to_copy(text: str) -> str:
    """Return a requirements file as indented lines, which are never wrapped. With the indent, it is the same file."""
    return textwrap.indent(text, "  ")


def open_terminal(words: Mapping[str, str]) -> Terminal:
    """Return prompts with arrow keys, or numbered prompts for a simple terminal."""
    if os.environ.get("TERM", "").lower() in ("", "dumb", "unknown") and os.name != "nt":
        return NumberedPrompts(words)
    from advisor.questionnaire.drawn_prompts import DrawnPrompts  # imports a large library, so only if needed

    return DrawnPrompts(words)


def _offer_to_resume(
    advisor: Advisor, interviewer: Interviewer, interview: Interview, partial: Path, settings: Answer
) -> bool:
    """Offer to continue the run whose answers are in `partial`. Return whether the user resumes it.

    The file of a run that the user does not resume gets another name, so that the new answers do not replace it.
    """
    words = advisor.knowledge.phrases
    options = [Option(name, words[f"ask.resume.{name}"], words[f"ask.resume.{name}.means"]) for name in ("yes", "no")]
    chosen: Any = "no"
    stated = _usable(advisor, partial)
    if stated is not None:
        chosen = PressedKey.BACK
        while chosen is PressedKey.BACK:
            chosen = interviewer.choose(words["ask.resume"].format(file=partial), options)
    if stated is None or chosen == "no":
        say(words["ask.resume.kept"].format(file=partial.rename(spare_path(partial))), "  ")
        return False
    # The run can have edited values of the file. Values of this command are newer than the run.
    edited = {name: stated.get(name, value) for name, value in interview.fixed.items()}
    fixed = {**edited, **settings}
    new = {name: value for name, value in stated.items() if name not in fixed}
    incomplete, answers = part(new, interview.questions)
    before = interview.fixed
    interview.resume({**incomplete, **fixed}, answers, load_begun(partial))
    interview.note_changes(before)
    interviewer.tell()
    return True


def _usable(advisor: Advisor, path: Path) -> Answer | None:
    """Return the facts in a file, or None after a message if the file cannot be used."""
    try:
        return load_stated(path, advisor.space)
    except InputError as error:
        say(advisor.knowledge.phrases["ask.resume.unusable"].format(file=path, problem=error))
        return None


def _choose_file(
    advisor: Advisor, interviewer: Interviewer, interview: Interview, output: Path, *, resumed: bool
) -> Path:
    """Ask what to do with the existing file `output`. Return the file for the answers.

    A resumed run already has answers, so it does not offer to take those of the file. A file that cannot be used is not
    offered a second time.
    """
    words = advisor.knowledge.phrases
    editable = not resumed
    while output.exists():
        names = ("edit", "overwrite", "other") if editable else ("overwrite", "other")
        options = [Option(name, words[f"ask.exists.{name}"], words[f"ask.exists.{name}.means"]) for name in names]
        chosen = interviewer.choose(words["ask.exists"].format(file=output), options)
        if chosen == "overwrite":
            break
        if chosen == "edit":
            stated = _usable(advisor, output)
            if stated is not None:
                interview.resume({**stated, **interview.fixed}, {})
                say(review.known(interview, [str(output)], words))
                break
            editable = False
        if chosen == "other":
            name = interviewer.text(words["ask.exists.name"])
            path = Path(name or "").expanduser()
            if name and path.absolute().parent.is_dir() and not path.is_dir():
                output = path
            elif name:
                say(words["ask.exists.not-there"].format(file=name), "  ")
    return output


def _save_partial(advisor: Advisor, interview: Interview, partial: PartialAnswers, own: str) -> str:
    """Save the answers so far, with the comment `own`, and return the message for the user."""
    words = advisor.knowledge.phrases
    if not (interview.everything or interview.begun):
        return words["ask.interrupted.nothing"]
    try:
        saved = partial.write(_partial_text(advisor, interview, own))
    except OSError as error:
        text = to_yaml(interview.everything, advisor.space, words["ask.file-head"])
        return words["ask.interrupted.not-saved"].format(reason=reason(error), answers=_to_copy(text))
    return words["ask.interrupted"].format(file=saved.file)


def _partial_text(advisor: Advisor, interview: Interview, own: str) -> str:
    head = advisor.knowledge.phrases["ask.partial-head"]
    return own + begun_comment(interview.begun) + to_yaml(interview.everything, advisor.space, head)


def _saving_problem(advisor: Advisor, interview: Interview, partial: PartialAnswers, own: str) -> str:
    """Save the answers so far. Return a message if they are not in the usual place, else ""."""
    words = advisor.knowledge.phrases
    try:
        saved = partial.write(_partial_text(advisor, interview, own))
    except OSError as error:
        return words["ask.partial.not-saved"].format(reason=reason(error))
    return (
        ""
        if saved.file == partial.usual
        else words["ask.partial.elsewhere"].format(**saved._asdict(), usual=partial.usual)
    )


@contextlib.contextmanager
def interruptible(message: Callable[[], str]) -> Iterator[None]:
    """Within this context, Ctrl-C, Ctrl-D, SIGTERM, SIGHUP and a closed terminal raise an error for the user.

    Args:
        message: saves the answers and returns the message of the error.

    Raises:
        InterruptedByUserError: with the exit code of the signal.
    """
    with _signals_interrupt() as interruption:
        try:
            yield
        except (KeyboardInterrupt, EOFError):
            raise interruption.error(message()) from None
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            interruption.code = Exit.HUNG_UP  # the terminal was closed
            raise interruption.error(message()) from None


class _Interruption:
    """The signal that ended the questionnaire.

    Attributes:
        code: the exit code of the program.
    """

    code = Exit.INTERRUPTED

    def end(self, number: int, _frame: object) -> None:
        """Handle a signal: the effect is that of Ctrl-C, but the exit code is that of the signal.

        If the terminal is closed, the next prompt fails with EIO. A second error could then meet the handling of EIO.
        """
        self.code = Exit(128 + number)
        if self.code != Exit.HUNG_UP or sys.stdin.isatty():
            signal.raise_signal(signal.SIGINT)

    def error(self, message: str) -> InterruptedByUserError:
        """Return the error for the user."""
        return InterruptedByUserError(message, self.code)


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[_Interruption]:
    """Within this context, SIGTERM and SIGHUP have the effect of Ctrl-C: the answers so far are saved."""
    interruption = _Interruption()
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, interruption.end) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
