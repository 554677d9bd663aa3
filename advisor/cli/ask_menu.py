"""The menu at the end of `ask`: it writes the kit or a document, tries a remedy, or shows all."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

from advisor.cli.generate import generate
from advisor.console import output as standard_output
from advisor.console.canvas import Screen
from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.errors import AdvisorError, Exit, InterruptedByUserError
from advisor.files import reason, write_atomically
from advisor.questionnaire import review
from advisor.questionnaire.conversation import interruptible, save_answers
from advisor.questionnaire.forms import Option
from advisor.questionnaire.interview import Interview
from advisor.questionnaire.interviewer import Interviewer
from advisor.questionnaire.remedies import remedied
from advisor.questionnaire.saved_answers import load_stated
from advisor.questionnaire.terminal import PressedKey, say
from advisor.report import decision_wording
from advisor.report.decision_markdown import decision_markdown
from advisor.report.decision_text import detailed_text
from advisor.report.detail import Detail
from advisor.report.first_screen import first_screen
from advisor.requirements import load_path

_KIT = "kit"
_DOCUMENT = "decision.md"
_MENU_LINES = 8  # an empty line, the verdict, the question and at most five options


def show_recommendation(advisor: Advisor, path: Path, menu: int = 0) -> Decision:
    """Print the recommendation for a saved file, with room for the lines of a menu below; return the decision."""
    decision = advisor.decide(load_path(path, advisor.space))
    standard_output.emit(first_screen(decision, _screen(), menu))
    return decision


def tell_saved(advisor: Advisor, path: Path) -> None:
    """Name the saved file, and the command that prints its recommendation again."""
    say()
    say(advisor.knowledge.phrases["ask.saved"].format(file=path))
    standard_output.say(f"  mcp-advisor recommend {shlex.quote(os.fspath(path))}")


def ask_what_next(advisor: Advisor, interviewer: Interviewer, interview: Interview, path: Path) -> int:
    """Show the recommendation, then the menu until the user is done. Return the exit code of the last decision.

    Raises:
        InterruptedByUserError: the user or a signal ended the menu.
    """
    words = advisor.knowledge.phrases
    with interruptible(lambda: words["ask.menu.interrupted"].format(file=path)):
        decision = show_recommendation(advisor, path, _MENU_LINES)
        _tell_likely_causes(advisor, interview)
        say()
        while (chosen := _choose(advisor, interviewer, decision, path)) in _ACTIONS:
            decision = _ACTIONS[chosen](advisor, interviewer, interview, path, decision)
    tell_saved(advisor, path)
    return Exit.OK if decision.feasible else Exit.CONTRADICTION


def _choose(advisor: Advisor, interviewer: Interviewer, decision: Decision, path: Path) -> Any:
    words = advisor.knowledge.phrases
    names = ["kit", "document", "all", "done"]
    if not decision.feasible:
        names = [*(["remedy"] if _remedies(decision) else []), "document", "all", "done"]
    means = {name: words[f"ask.menu.{name}.means"].format(file=path) for name in names}
    options = [Option(name, words[f"ask.menu.{name}"], means[name]) for name in names]
    verdict = words["ask.menu.verdict"].format(verdict=review.in_words(decision.core, words))
    return interviewer.choose(words["ask.menu"], options, verdict)


def _tell_likely_causes(advisor: Advisor, interview: Interview) -> None:
    if interview.breaks:
        say()
        say(advisor.knowledge.phrases["ask.breaks.likely"])
        for name in interview.breaks:
            symptom = advisor.knowledge.symptoms[name]
            say(f"{symptom.text}: {symptom.likely}", "  ")


# --- the actions ----------------------------------------------------------------------------------------------------


def _write_kit(
    advisor: Advisor, interviewer: Interviewer, _interview: Interview, path: Path, decision: Decision
) -> Decision:
    folder = interviewer.text(advisor.knowledge.phrases["ask.menu.folder"], _KIT)
    if folder is not None:
        try:
            generate(os.fspath(path), folder)
        except InterruptedByUserError:
            raise
        except AdvisorError as error:
            say(str(error), "  ")
    return decision


def _write_document(
    advisor: Advisor, interviewer: Interviewer, _interview: Interview, _path: Path, decision: Decision
) -> Decision:
    words = advisor.knowledge.phrases
    name = interviewer.text(words["ask.menu.page"], _DOCUMENT)
    if name is None:
        return decision
    page = Path(name)
    if page.exists():
        say(words["ask.menu.page.exists"].format(file=page), "  ")
        return decision
    try:
        write_atomically(page, decision_markdown(decision, None))
    except OSError as error:
        say(words["ask.menu.page.not-written"].format(file=page, reason=reason(error)), "  ")
    else:
        say(words["ask.menu.page.written"].format(file=page), "  ")
    return decision


def _show_all(
    _advisor: Advisor, _interviewer: Interviewer, _interview: Interview, _path: Path, decision: Decision
) -> Decision:
    standard_output.emit(detailed_text(decision, _screen(), Detail(full=True, sections=[]), None))
    return decision


def _try_remedy(
    advisor: Advisor, interviewer: Interviewer, interview: Interview, path: Path, decision: Decision
) -> Decision:
    options = [
        Option(str(number), decision_wording.change_text(decision, way), way.core.pattern, way.how)
        for number, way in enumerate(_remedies(decision))
    ]
    chosen = interviewer.choose(advisor.knowledge.phrases["ask.menu.which"], options)
    if chosen is PressedKey.BACK:
        return decision
    change = _remedies(decision)[int(chosen)].change
    stated = load_stated(path, advisor.space)
    interview.resume(remedied(stated, decision.requirements, change, advisor.knowledge.facts), {})
    save_answers(advisor, interview, path)
    return show_recommendation(advisor, path, _MENU_LINES)


_ACTIONS: dict[Any, Any] = {"kit": _write_kit, "document": _write_document, "all": _show_all, "remedy": _try_remedy}


def _remedies(decision: Decision) -> list[Any]:
    return [way for way in decision.alternatives if way.change]


def _screen() -> Screen:
    return Screen(standard_output.width(), standard_output.wants_colour(), standard_output.is_unicode())
