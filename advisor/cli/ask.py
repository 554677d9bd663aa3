"""The command `ask`: the questionnaire, from the first question to the saved file and the recommendation."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from advisor.errors import Exit, InputError, InterruptedByUserError, UsageError

if TYPE_CHECKING:
    from advisor.decision.advisor import Advisor
    from advisor.questionnaire.interview import Interview
    from advisor.questionnaire.session import Session

_DEFAULT = Path("requirements.yaml")


def ask(
    answers: Annotated[
        Path | None, typer.Option("--answers", metavar="FILE", help="Take answers from a (partial) requirements file.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to save the answers.")] = Path(
        _DEFAULT
    ),
) -> None:
    """Answer a few questions, save them as requirements.yaml and see the recommendation."""
    from advisor.decision.advisor import default_advisor
    from advisor.questionnaire.answers import load_stated
    from advisor.questionnaire.interview import Interview
    from advisor.questionnaire.relevance import Relevance

    advisor = default_advisor()
    fixed = load_stated(answers, advisor.space) if answers else {}
    walk = Interview(advisor, Relevance(advisor), fixed)
    if not output.absolute().parent.is_dir():
        raise UsageError(f"{output}: the folder {output.parent} does not exist.")
    if sys.stdin.isatty() and sys.stdout.isatty():
        output = _converse(advisor, walk, output)
    else:
        _without_terminal(advisor, walk, output)
    _conclude(advisor, output)


def _without_terminal(advisor: Advisor, walk: Interview, output: Path) -> None:
    words = advisor.knowledge.phrases
    missing = walk.missing()
    if missing:
        raise UsageError(words["ask.no-terminal"].format(keys=", ".join(missing)))
    if output.exists():
        raise UsageError(words["ask.no-file"].format(file=output))
    _save(advisor, walk, output)


def _converse(advisor: Advisor, walk: Interview, output: Path) -> Path:
    """Put the questions, and save the answers; returns where."""
    from advisor.questionnaire.answers import partial_path
    from advisor.questionnaire.asker import say
    from advisor.questionnaire.session import Session
    from advisor.questionnaire.terminals import asker

    words = advisor.knowledge.phrases
    partial = partial_path(output)
    session = Session(advisor, asker(words), walk)
    with _signals_interrupt():
        try:
            say(words["ask.intro"])
            say()
            _offer_to_resume(advisor, session, walk, partial)
            session.run()
            chosen = _where(session, output, words)
            _save(advisor, walk, chosen)
        except KeyboardInterrupt:
            raise InterruptedByUserError(_keep(advisor, walk, partial)) from None
    partial.unlink(missing_ok=True)
    return chosen


def _offer_to_resume(advisor: Advisor, session: Session, walk: Interview, partial: Path) -> None:
    from advisor.questionnaire.answers import load_stated, part
    from advisor.questionnaire.asker import say
    from advisor.questionnaire.forms import Option

    if not partial.exists():
        return
    words = advisor.knowledge.phrases
    try:
        stated = load_stated(partial, advisor.space)
    except InputError as error:
        say(words["ask.resume.unusable"].format(file=partial, problem=error))
        return
    options = [Option(name, words[f"ask.resume.{name}"], words[f"ask.resume.{name}.means"]) for name in ("yes", "no")]
    if session.choose(words["ask.resume"].format(file=partial), options) == "yes":
        fixed, answers = part({name: v for name, v in stated.items() if name not in walk.fixed}, walk.questions)
        walk.resume({**fixed, **walk.fixed}, answers)
        session.tell()


def _where(session: Session, output: Path, words: Any) -> Path:
    """Where to save: `output`, unless it exists and the user names another file."""
    from advisor.questionnaire.asker import say
    from advisor.questionnaire.forms import Option

    while output.exists():
        options = [Option(name, words[f"ask.exists.{name}"]) for name in ("overwrite", "other")]
        if session.choose(words["ask.exists"].format(file=output), options) == "overwrite":
            break
        name = session.text(words["ask.exists.name"])
        if name and Path(name).absolute().parent.is_dir() and not Path(name).is_dir():
            output = Path(name)
        elif name:
            say(words["ask.exists.not-there"].format(file=name), "  ")
    return output


def _save(advisor: Advisor, walk: Interview, path: Path) -> None:
    from advisor.questionnaire.answers import save, to_yaml

    text = to_yaml(walk.values, advisor.space, advisor.knowledge.phrases["ask.file-head"])
    try:
        save(path, text, walk.requirements, advisor.space)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}.") from None


def _keep(advisor: Advisor, walk: Interview, partial: Path) -> str:
    """Save the answers so far; what to tell the user."""
    from advisor.questionnaire.answers import to_yaml, write

    words = advisor.knowledge.phrases
    values = walk.everything
    if not values:
        return words["ask.interrupted.nothing"]
    try:
        write(partial, to_yaml(values, advisor.space, words["ask.partial-head"]))
    except OSError as error:
        return f"{partial} cannot be written: {(error.strerror or str(error)).lower()}."
    return words["ask.interrupted"].format(file=partial)


def _conclude(advisor: Advisor, path: Path) -> None:
    """Print the recommendation for the file that was saved, and how to get it again."""
    from advisor.console import output
    from advisor.console.canvas import Screen
    from advisor.questionnaire.asker import say
    from advisor.report.decision_text import decision_text
    from advisor.requirements import load_path

    decision = advisor.decide(load_path(path, advisor.space))
    screen = Screen(output.width(), output.wants_colour(), output.is_unicode())
    output.emit(decision_text(decision, advisor, screen))
    say()
    say(advisor.knowledge.phrases["ask.saved"].format(file=path))
    print(f"  mcp-advisor recommend {_quoted(path)}", file=sys.stderr)
    if not decision.feasible:
        raise typer.Exit(Exit.CONTRADICTION)


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(os.fspath(path))


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP end the conversation like Ctrl-C: the answers so far are saved."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {
        name: signal.signal(getattr(signal, name), lambda *_: signal.raise_signal(signal.SIGINT)) for name in names
    }
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
