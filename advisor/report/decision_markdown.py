"""A decision as a Markdown document that a team can keep in its repository: the same for the same input, no dates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision, FeatureRow
from advisor.engine.table import show
from advisor.knowledge.catalogue import Source
from advisor.knowledge.paths import templates_dir
from advisor.knowledge.types import ERAS
from advisor.report import decision_wording
from advisor.report.decision_json import snippet
from advisor.report.overview import Result, rows, summary

# Underscores inside words do not emphasise, so names such as stateless_http stay readable.
_SPECIAL = re.compile(r"[\\*<>\[\]`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_CODE_SPAN = re.compile(r"(`[^`\n]+`)")


def decision_markdown(decision: Decision, advisor: Advisor, *, explain: bool = False) -> str:
    """The whole document.

    Args:
        decision: what was decided.
        advisor: who decided it.
        explain: append every rule tried.
    """
    environment = _environment()
    environment.filters.update(_wording(decision, advisor))
    text = environment.get_template("decision.md.j2").render(_context(decision, advisor, explain=explain))
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


def batch_markdown(results: Sequence[Result], advisor: Advisor, *, explain: bool = False) -> str:
    """A table of all results, then the document of each decision."""
    folder, lines = rows(results)
    parts = ["# Deployment decisions", f"{summary(results)}{f', in {code(folder)}' if folder else ''}."]
    table = ["| File | Service | Pattern | Flags | Affinity | Lost | High warnings |", "|---|---|---|---|---|---|---|"]
    for one in lines:
        middle = one.error or one.affinity
        texts = [code_cell(one.file), one.service, one.pattern, one.flags, cell(middle), one.lost, one.warnings]
        table.append(f"| {' | '.join(texts)} |")
    parts.append("\n".join(table))
    parts += [decision_markdown(one.decision, advisor, explain=explain).strip("\n") for one in results if one.decision]
    return "\n\n".join(parts) + "\n"


def code(text: object) -> str:
    """Text as a code span, whatever is in it."""
    flat = " ".join(str(text).split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", flat)), default=0))
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}" if flat else ""


def code_cell(text: object) -> str:
    """Text as a code span inside a table."""
    return code(text).replace("|", "\\|")


def prose(text: object) -> str:
    """Text as it reads: its code spans stay, everything else that Markdown would act on is escaped."""
    flat = " ".join(str(text).split())
    parts = _CODE_SPAN.split(flat)
    return "".join(part if i % 2 else _SPECIAL.sub(r"\\\g<0>", part) for i, part in enumerate(parts))


def cell(text: object) -> str:
    """Prose inside a table."""
    return prose(text).replace("|", "\\|")


def link(ref: str) -> str:
    """A reference, as a link where it is an address."""
    return f"<{ref}>" if re.fullmatch(r"https?://[^\s<>]+", ref) else prose(ref)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates_dir()),
        undefined=StrictUndefined,
        autoescape=False,  # Markdown, not HTML: the filters below escape what is not ours
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(code=code, code_cell=code_cell, prose=prose, cell=cell, link=link, shown=show)
    return environment


def _wording(decision: Decision, advisor: Advisor) -> dict[str, Any]:
    """Filters that put parts of this decision into words."""

    def outcome(row: FeatureRow, era: str) -> str:
        one = dict(decision_wording.cells(row))[era]  # type: ignore[index]
        words = cell(decision_wording.outcome_text(one, advisor))
        return f"**{words}**" if row.need != "none" and one.named and one.outcome != "works" else words

    return {
        "outcome": outcome,
        "lost_for": lambda row: decision_wording.lost_for(row, advisor),
        "evidence": lambda row: decision_wording.evidence(row, advisor),
        "facts": lambda step: decision_wording.fact_texts(step, decision, advisor),
        "change": decision_wording.change_text,
        "flags": decision_wording.flags_text,
        "phrase": lambda name: advisor.knowledge.phrases[name],
    }


def _context(decision: Decision, advisor: Advisor, *, explain: bool) -> dict[str, Any]:
    shifts, more = decision_wording.shifts(decision)
    return {
        "decision": decision,
        "service": decision.requirements["service"],
        "pattern_phrase": advisor.knowledge.phrases[f"pattern.{decision.core.pattern}"],
        "codes": _codes(decision, advisor) if decision.feasible else [],
        "instances": decision_wording.instances_text(decision),
        "sdk": decision_wording.sdk_text(decision, advisor),
        "clients": decision_wording.clients_text(decision),
        "losses": decision_wording.losses(decision, advisor),
        "culprits": [] if decision.feasible else decision_wording.culprits(decision, advisor),
        "verdict": decision_wording.verdict(decision),
        "era_notes": {era: f" ({note})" if (note := decision_wording.era_note(decision, era)) else "" for era in ERAS},
        "needed": decision_wording.needed(decision),
        "unneeded": decision_wording.unneeded(decision),
        "disputed_elsewhere": [row.title for row in decision_wording.unneeded(decision) if row.documented],
        "shifts": shifts,
        "shifts_more": more,
        "inferred": decision_wording.inferred(decision),
        "assumed": decision_wording.assumed(decision),
        "trace": advisor.trace(decision) if explain else {},
        "sources": list(_sources(decision, advisor)),
    }


def _codes(decision: Decision, advisor: Advisor) -> list[dict[str, str]]:
    if not decision.tiers:
        return [{"comment": "", "text": snippet(decision.core, decision, advisor)}]
    return [
        {"comment": f"The {tier.name} tier", "text": snippet(tier.core, decision, advisor)} for tier in decision.tiers
    ]


def _sources(decision: Decision, advisor: Advisor) -> Iterable[Source]:
    """What the path, the warnings and the disputed rows cite, each once, in that order."""
    cited = [name for step in decision.path for name in step.rule.sources]
    cited += [name for warning in decision.warnings for name in warning.sources]
    for row in decision.features:
        if row.documented and row.need != "none":
            cited += [name for claim in advisor.knowledge.features[row.feature].documented for name in claim.sources]
    return (advisor.knowledge.sources[name] for name in dict.fromkeys(cited))
