"""The menu at the end of `ask`: it writes the kit or a document, tries a remedy, or shows all."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from advisor.console import output as standard_output
from advisor.console.canvas import Screen
from advisor.console.progress import busy
from advisor.decision.advisor import Advisor
from advisor.decision.change_steps import fix_titles
from advisor.decision.kit_support import no_kit
from advisor.decision.model import Alternative, Decision
from advisor.errors import AdvisorError, Exit, InterruptedByUserError
from advisor.files import reason
from advisor.questionnaire import review
from advisor.questionnaire.conversation import ask_open, interruptible, save_or_ask
from advisor.questionnaire.forms import Option
from advisor.questionnaire.interview import Interview
from advisor.questionnaire.interviewer import Interviewer
from advisor.questionnaire.remedies import remedied
from advisor.questionnaire.saved_answers import load_stated
from advisor.questionnaire.terminal import PressedKey, say
from advisor.report.decision_text import detailed_text
from advisor.report.detail import Detail
from advisor.report.first_screen import RECORDS, first_screen
from advisor.requirements import load_path

_KIT = "kit"
MENU_LINES = 8
"""Lines of the menu: an empty line, the verdict, the question and at most five options."""


def show_recommendation(advisor: Advisor, path: Path, menu: int = 0) -> Decision:
    """Print the recommendation for a saved file, with room for the lines of a menu below; return the decision."""
    with busy(advisor.knowledge.phrases["ask.deciding"]):
        decision = advisor.decide(load_path(path, advisor.space))
        shown = first_screen(decision, Screen.of_output(), menu)
    standard_output.emit(shown)
    return decision


def tell_saved(advisor: Advisor, path: Path, kit: str = "") -> None:
    """Name the saved file, the command that prints its recommendation again, and the command that verifies the kit."""
    words = advisor.knowledge.phrases
    say()
    say(words["ask.saved"].format(file=path))
    standard_output.say(f"  mcp-advisor recommend {shlex.quote(os.fspath(path))}")
    if kit:
        say(words["ask.saved.kit"])
        standard_output.say(f"  mcp-advisor verify {shlex.quote(kit)}")


def ask_what_next(advisor: Advisor, interviewer: Interviewer, interview: Interview, path: Path) -> int:
    """Show the recommendation, then the menu until the user is done. Return the exit code of the last decision.

    Raises:
        InterruptedByUserError: the user or a signal ended the menu.
    """
    words = advisor.knowledge.phrases
    with interruptible(lambda: words["ask.menu.interrupted"].format(file=path)):
        # The causes stand above the answer, so that the answer and the menu are on the screen together.
        _tell_likely_causes(advisor, interview)
        decision = show_recommendation(advisor, path, MENU_LINES)
        say()
        menu = _Menu(advisor, interviewer, interview, path, decision)
        menu.run()
    tell_saved(advisor, menu.path, menu.kit)
    return Exit.OK if menu.decision.feasible else Exit.CONTRADICTION


def _tell_likely_causes(advisor: Advisor, interview: Interview) -> None:
    if interview.breaks:
        say(advisor.knowledge.phrases["ask.breaks.likely"])
        for name in interview.breaks:
            symptom = advisor.knowledge.symptoms[name]
            say(f"{symptom.text}: {symptom.likely}", "  ")
        say()


class _Menu:
    """The menu.

    Attributes:
        decision: the decision that the menu acts on. A remedy makes a new decision.
        path: the saved file.
        kit: the folder of the last kit that the menu wrote; "" without such a kit.
    """

    def __init__(
        self, advisor: Advisor, interviewer: Interviewer, interview: Interview, path: Path, decision: Decision
    ) -> None:
        self.decision = decision
        self.kit = ""
        self._advisor = advisor
        self._words = advisor.knowledge.phrases
        self._interviewer = interviewer
        self._interview = interview
        self.path = path

    def run(self) -> None:
        """Act until the user is done or goes back."""
        actions = {
            "kit": self._write_kit,
            "remedy": self._try_remedy,
            "change": self._change_answer,
            "document": self._write_document,
            "all": self._show_all,
        }
        while action := actions.get(self._choose()):
            action()

    @property
    def _remedies(self) -> list[Alternative]:
        return [way for way in self.decision.alternatives if way.change]

    def _choose(self) -> Any:
        first = ["remedy"] if self._remedies else []
        if self.decision.feasible:
            first = [] if no_kit(self.decision) else ["kit"]
        names = [*first, "change", "document", "all", "done"]
        means = {name: self._words[f"ask.menu.{name}.means"].format(file=self.path) for name in names}
        options = [Option(name, self._words[f"ask.menu.{name}"], means[name]) for name in names]
        decided = review.in_words(self.decision.core, self.decision.means)
        verdict = self._words["ask.menu.verdict"].format(verdict=decided)
        self._interviewer.forget_typed()  # the menu follows work that takes seconds
        return self._interviewer.choose(self._words["ask.menu"], options, verdict)

    def _write_kit(self) -> None:
        from advisor.cli.generate import generate  # imports the templates, which the questions do not need

        folder = self._interviewer.text(self._words["ask.menu.folder"], _KIT)
        kit = os.fspath(Path(folder or "").expanduser())
        if folder is not None and self._succeeds(generate, kit):
            self.kit = kit

    def _write_document(self) -> None:
        from advisor.cli.document import document  # imports the templates, which the questions do not need

        page = self._interviewer.text(self._words["ask.menu.page"], RECORDS)
        if page is not None:
            folder = "/" if page.endswith("/") else ""  # a path has no such end
            self._succeeds(document, f"{Path(page).expanduser()}{folder}")

    def _succeeds(self, command: Callable[[str, str], int], output: str) -> bool:
        """Run a command for the saved file. Tell the user an error, and return whether there was none."""
        try:
            command(os.fspath(self.path), output)
        except InterruptedByUserError:
            raise
        except AdvisorError as error:
            say(str(error), "  ")
            return False
        except OSError as error:
            say(self._words["ask.menu.page.not-written"].format(file=output, reason=reason(error)), "  ")
            return False
        return True

    def _change_answer(self) -> None:
        self.path = ask_open(self._advisor, self._interviewer, self._interview, self.path)
        self.decision = show_recommendation(self._advisor, self.path, MENU_LINES)

    def _show_all(self) -> None:
        standard_output.emit(detailed_text(self.decision, Screen.of_output(), Detail(full=True, sections=[]), None))

    def _try_remedy(self) -> None:
        remedies = self._remedies
        titles = fix_titles([way.titles for way in remedies], self._words)
        options = [
            Option(str(number), title, self._words[f"screen.pattern.{way.core.pattern}"], way.how)
            for number, (way, title) in enumerate(zip(remedies, titles, strict=True))
        ]
        chosen = self._interviewer.choose(self._words["ask.menu.which"], options)
        if chosen is PressedKey.BACK:
            return
        stated = load_stated(self.path, self._advisor.space)
        facts = self._advisor.knowledge.facts
        changed = remedied(stated, self.decision.requirements, remedies[int(chosen)].change, facts)
        with busy(self._words["ask.deciding"]):
            self._interview.revise(changed)
        self._interviewer.forget_typed()
        held = self._interview.everything
        self._interviewer.remedy = {name: held.get(name) for name in remedies[int(chosen)].change}
        if self._interview.current is None:
            self.path = save_or_ask(self._advisor, self._interviewer, self._interview, self.path)
        else:
            say(self._words["ask.menu.remedy.opens"], "  ")
            self.path = ask_open(self._advisor, self._interviewer, self._interview, self.path)
        self.decision = show_recommendation(self._advisor, self.path, MENU_LINES)
