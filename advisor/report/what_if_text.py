"""What another file or other facts change, as text for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from advisor.console.canvas import Canvas, Screen
from advisor.decision.model import Decision
from advisor.decision.what_if import OutcomeChange, Variant, WhatIf
from advisor.report.change_wording import value_text
from advisor.report.comparison_wording import feature_name, pair
from advisor.report.line_fitting import cut
from advisor.report.markdown import cell, code
from advisor.report.markdown_table import table
from advisor.report.screen_parts import LINES
from advisor.sentences import inside, listed

_INDENT = 2


def what_if_text(found: WhatIf, screen: Screen, *, full: bool = False) -> str:
    """Return the variants as text: the decision of each, then each cell that changes. Without `full`, one screen."""
    canvas, phrases = Canvas(screen), found.base.phrases
    blocks = [[*_lines(variant, found.base, full=full)] for variant in found.variants]
    canvas.line((phrases["what-if.base"].format(decision=deployment(found.base)), "bold"))
    room = len(blocks) if full else LINES - 2 - len(blocks)
    for variant, lines in zip(found.variants, blocks, strict=True):
        canvas.line((cut(_head(variant), canvas.width) if not full else _head(variant), "bold"))
        share = len(lines) if full else max(room // len(blocks), 1)
        shown = lines if len(lines) <= share else lines[: share - 1]
        for line in shown:
            if full:
                canvas.line(line, indent=_INDENT)
            else:
                canvas.code(f"{' ' * _INDENT}{cut(line, canvas.width - _INDENT)}", "")
        if len(shown) < len(lines):
            canvas.line((phrases["what-if.more"].format(number=len(lines) - len(shown)), "dim"), indent=_INDENT)
    if not full:
        canvas.line((phrases["what-if.legend"], "dim"))
    return canvas.text()


def what_if_markdown(found: WhatIf) -> str:
    """Return the variants as a Markdown document: a section for each, with a table of the changed cells."""
    phrases = found.base.phrases
    lines = [f"# {cell(phrases['what-if.title'].format(service=found.base.requirements['service']))}", ""]
    lines += [cell(phrases["what-if.base"].format(decision=deployment(found.base))) + ".", ""]
    for variant in found.variants:
        lines += [f"## {code(_head(variant))}", ""]
        lines += [f"- {cell(line)}" for line in (*_decided(variant, found.base), *_warned(variant, found.base))]
        if variant.cells:
            cells = [[*map(cell, _texts(change, phrases))] for change in sorted(variant.cells, key=_importance)]
            lines += ["", table(phrases["what-if.heads"].split(", "), cells)]
        lines.append("")
    return "\n".join(lines).strip("\n") + "\n"


def deployment(decision: Decision) -> str:
    """Return a decision in a few words: the pattern, the flag pairs and the session affinity."""
    core, phrases = decision.core, decision.phrases
    if not core.feasible:
        unmet = [inside(row.title) for row in decision.unmet]
        return phrases["what-if.contradiction"].format(features=listed(unmet)) if unmet else decision.means
    modes = " / ".join(pair(tier.core.flags) for tier in decision.tiers) or pair(core.flags)
    parts = [*([modes] if decision.kind != "http+sse" else []), *([core.mechanism] if core.mechanism != "none" else [])]
    name = phrases[f"screen.pattern.{core.pattern}"]
    return f"{name} ({', '.join(parts)})" if parts else name


def _head(variant: Variant) -> str:
    texts = (f"{fact}: {value_text(old)} -> {value_text(new)}" for fact, (old, new) in variant.facts.items())
    return ", ".join(texts) or variant.decision.phrases["what-if.no-fact"]


def _lines(variant: Variant, base: Decision, *, full: bool) -> Iterator[str]:
    yield from _decided(variant, base)
    for change in sorted(variant.cells, key=_importance):
        title, era, before, after = _texts(change, base.phrases, short=not full)
        yield f"{title}, {era}: {before} -> {after}"
    if not variant.cells:
        yield base.phrases["what-if.no-cell"]
    yield from _warned(variant, base)


def _decided(variant: Variant, base: Decision) -> Iterator[str]:
    phrase = "what-if.decision" if variant.differs(base) else "what-if.same"
    yield base.phrases[phrase].format(decision=deployment(variant.decision))


def _warned(variant: Variant, base: Decision) -> Iterator[str]:
    for name, ids in zip(("new", "gone"), variant.warnings, strict=True):
        if ids:
            yield base.phrases[f"what-if.warnings.{name}"].format(ids=", ".join(ids))


def _importance(change: OutcomeChange) -> tuple[bool, bool, bool]:
    """Return the rank of a change: the clients of the requirements first, then other outcomes, then needed features."""
    return not change.asked, change.before.outcome == change.after.outcome, change.row.need == "none"


def _texts(change: OutcomeChange, phrases: Mapping[str, str], *, short: bool = False) -> tuple[str, str, str, str]:
    """Return the feature, the clients, and the outcome before and after. Short outcomes are without conditions."""
    era = change.era if change.asked else phrases["what-if.unnamed"].format(era=change.era)
    words = [cell.words for cell in (change.before, change.after)]
    if short and change.before.outcome != change.after.outcome:
        works = phrases["outcome.works"]
        words = [works if cell.outcome == "works" else cell.words for cell in (change.before, change.after)]
    return feature_name(change.row), era, words[0], words[1]
