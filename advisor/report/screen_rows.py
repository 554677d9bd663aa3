"""The rows of the first screen that can become shorter: lists of features, and what a decision assumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from advisor.decision.model import Decision
from advisor.report import decision_wording
from advisor.report.line_fitting import cut, first_names, joined, whole_sentences
from advisor.report.release_wording import release_texts
from advisor.sentences import counted

_DEFAULTS = 32
"""The least columns for the default values that share a line with another text."""


class ScreenStep(NamedTuple):
    """How much of its parts the answer shows.

    Attributes:
        gaps: whether empty lines stand between the parts.
        why: lines of the reason; at least its first sentence is shown.
        brief: whether a text is cut after its first line.
        most: the largest number of rows of a list; None for all rows.
        tight: whether default values share the line of the text before them.
    """

    gaps: bool
    why: int
    brief: bool = False
    most: int | None = None
    tight: bool = False


WHOLE = (
    ScreenStep(gaps=True, why=2),
    ScreenStep(gaps=False, why=2),
    ScreenStep(gaps=False, why=1, brief=True),
)
"""The steps that show all rows."""
TIGHT = ScreenStep(gaps=False, why=1, brief=True, tight=True)
"""The step that shows all rows except some default values."""
STEPS = (*WHOLE, TIGHT, *(TIGHT._replace(most=most) for most in range(5, 0, -1)))
"""The steps in which a long answer becomes shorter."""


def shown_rows(
    texts: Sequence[str], width: int, step: ScreenStep, section: str, phrases: Mapping[str, str]
) -> list[str]:
    """Return the texts that a step shows, in a brief step the sentences that fit in a line, and how many are hidden."""
    # A single hidden row would take as much room as the line about it.
    most = len(texts) if step.most is None or len(texts) <= step.most + 1 else step.most
    hidden = len(texts) - most
    shown = [whole_sentences(text, width) if step.brief else text for text in texts[:most]]
    return [*shown, *([phrases["screen.hidden"].format(number=hidden, section=section)] if hidden else [])]


def assumption_rows(decision: Decision, width: int, step: ScreenStep) -> list[str]:
    """Return what the decision assumes: unused features, features of an unmeasured server or release, and defaults.

    The last step has a single line.
    """
    phrases = decision.phrases
    if step is STEPS[-1]:
        line = assumption_line(decision, width)
        return [line] if line else []
    unused = [row.feature for row in decision.assumed_unused]
    texts = [counted(phrases, "screen.unused", len(unused), names=", ".join(unused))] if unused else []
    if unused and step.brief:
        brief, room = phrases["screen.unused.brief"], width if step.most is not None else len(texts[0])
        texts = [first_names(unused, room, phrases["screen.hidden"], "features", brief)]
    if decision.assumption:
        more = phrases["screen.more"].format(section="assumptions")
        said = whole_sentences(decision.assumption, width)
        said = cut(said, width - len(more) - 1) if step.most is not None else said
        texts.append(said if said == decision.assumption else f"{said} {more}")
    elif not_measured := _not_measured(decision):
        texts.append(not_measured)
    defaults = _defaults(decision)
    releases = release_texts(decision, brief=True)
    if defaults:
        shared = texts[-1:] if step.tight else releases[:1]
        room = width - len(shared[0]) - 2 if shared and step.brief else width
        room = room if room >= _DEFAULTS else width  # Both texts share a line if some names still fit.
        texts.append(first_names(defaults, room, phrases["screen.hidden"], section="assumptions"))
    texts += shown_rows(releases if not step.brief else releases[:1], width, step, "assumptions", phrases)
    return joined(texts, width) if step.brief else texts


def assumption_line(decision: Decision, width: int) -> str:
    """Return what a decision assumes in a line: the first assumptions, and how many are hidden; "" without any.

    Unused features come last, because no unused feature causes a contradiction or decides the pattern.
    """
    phrases = decision.phrases
    texts = [text for text in (decision.assumption, _not_measured(decision)) if text]
    texts += [*_defaults(decision), *release_texts(decision, brief=True)]
    texts += [phrases["screen.unused.brief"].format(names=row.feature) for row in decision.assumed_unused]
    more = phrases["screen.hidden"]
    room = width - len(more.format(number=len(texts), section="assumptions")) - 1
    texts.sort(key=lambda text: len(text) > room)  # a text that is too long for the line hides no other text
    return first_names(texts, width, more, section="assumptions") if texts else ""


def _not_measured(decision: Decision) -> str:
    """Return a text about a release that was not measured, or "" for another release."""
    if decision.facts["sdk.measured"] != "no":
        return ""
    used = f"{decision.release.package} {decision.release.newest}"
    return decision.phrases["screen.not-measured"].format(version=decision.requirements["sdk"], used=used)


def _defaults(decision: Decision) -> list[str]:
    """Return the assumed values, without those of features."""
    values = decision_wording.assumed(decision)
    return [f"{name}: {value}" for name, value in values if not name.startswith("needs.")]
