"""A decision as a page of HTML: a single file that needs no other file and no script.

The words are in templates/documents/decision.html.j2, and the look is in page.css. The template engine
escapes each value.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from advisor.decision.kit_support import no_kit
from advisor.decision.model import Decision
from advisor.kit.bytecode_cache import TemplateBytecodeCache
from advisor.knowledge.paths import templates_dir
from advisor.knowledge.types import ERAS
from advisor.report import change_wording, comparison_wording, decision_wording, feature_wording
from advisor.sentences import inside, listed
from advisor.team_documents.adr import facts_of, failing_text, title
from advisor.team_documents.decision_path import path_nodes
from advisor.team_documents.one_page import settings
from advisor.team_documents.pictures import WIDTH, sequences, topology
from advisor.team_documents.subject import Subject
from advisor.templating import environment

_CODE_SPAN = re.compile(r"`([^`\n]+)`")
_FORBIDDEN = re.compile(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""Characters that a page cannot contain, and white space that would look like other white space."""


class Task(NamedTuple):
    """A setting that the team changes.

    Attributes:
        key: the key of the requirements file with the value of today.
        today: this value.
        decided: the value of the decision.
        done: whether both values are equal.
    """

    key: str
    today: str
    decided: str
    done: bool


def html_page(subject: Subject) -> str:
    """Return the page without its fingerprint."""
    decision = subject.decision
    return render_html(
        "decision.html.j2",
        subject=subject,
        decision=decision,
        comparison=subject.comparison,
        title=title(decision),
        settings=settings(decision),
        nodes=path_nodes(decision),
        pictures=[topology(decision), *sequences(decision)] if decision.feasible else [],
        width=WIDTH,
        tasks=tasks(decision),
        eras=ERAS,
        wording=decision_wording,
        changes=change_wording,
        features=feature_wording,
        options=comparison_wording,
        facts=facts_of,
        failing=failing_text,
        listed=listed,
        no_kit=no_kit,
    )


def render_html(template: str, **values: Any) -> str:
    """Render a page, or a part of it, of templates/documents/ with the filters that all pages share."""
    made = environment(templates_dir() / "documents", TemplateBytecodeCache(), rich=rich, inside=inside, linked=linked)
    return cleaned(made.get_template(template).render(**values))


def cleaned(page: str) -> str:
    """Return a page without blank lines, and without characters that a page cannot contain."""
    text = _FORBIDDEN.sub(" ", page)
    return re.sub(r"\n(?:[^\S\n]*\n)+", "\n", text).strip("\n") + "\n"


def rich(text: object) -> Markup:
    """Return a text of the program as HTML. Its code spans are elements, and all other characters are escaped."""
    return _rich(str(text))


@lru_cache(maxsize=8192)  # The pages of a fleet share most texts.
def _rich(text: str) -> Markup:
    escaped = escape(" ".join(text.split()))
    return Markup(_CODE_SPAN.sub(r"<code>\1</code>", escaped))  # noqa: S704 (escaped, and without a backtick)


def linked(reference: str) -> Markup:
    """Return a reference, as a link if it is a web address."""
    if re.fullmatch(r"https?://[^\s<>\"']+", reference):
        return Markup('<a href="{0}">{0}</a>').format(reference)
    return rich(reference)


def tasks(decision: Decision) -> list[Task]:
    """Return the settings of today that the requirements state, next to the decision."""
    if not decision.feasible or decision.tiers or decision.kind != "python":
        return []
    stated = decision.requirements.stated
    found = []
    for flag, value in decision.core.flags._asdict().items():
        today = stated.get(f"current.{flag}")
        if isinstance(today, bool):
            found.append(Task(flag, str(today), str(value), today is value))
    return found
