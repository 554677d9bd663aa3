"""Subjects of documents, made from the examples, and hostile texts for them."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.decision.kit_support import no_kit
from advisor.decision.model import Decision
from advisor.decision.options import Comparer
from advisor.requirements import load_path
from advisor.sections.versions import versions_of
from advisor.team_documents.subject import Subject

_FOLDER = Path(__file__).parents[2] / "examples"
EXAMPLES = sorted([*_FOLDER.glob("*.yaml"), *(_FOLDER / "field").glob("*.yaml")])

MANY_TOOLS: list[dict[str, Any]] = [
    {
        "name": f"tool_with_a_long_name_{number}",
        "duration_s": 40,
        "needs": {"sampling": "preferred", "progress": "preferred"},
    }
    for number in range(40)
]


def subject_of(path: Path, advisor: Advisor, comparer: Comparer, **more: Any) -> Subject:
    """A subject about a requirements file. `searched` says how many facts the comparison changes together."""
    return subject_about(advisor.decide(load_path(path, advisor.space)), comparer, **more)


def subject_about(decision: Decision, comparer: Comparer, **more: Any) -> Subject:
    """A subject about a decision."""
    compared = comparer.compare(decision, searched=more.pop("searched", 1))
    fields = {
        "date": "2026-11-29",
        "command": "mcp-advisor document F -o P",
        "check": "mcp-advisor document F --check P",
    }
    return Subject(compared, versions_of(decision), **{**fields, **more})


def has_runbook(decision: Decision) -> bool:
    """Whether there is a runbook for a decision."""
    return decision.feasible and not no_kit(decision) and decision.requirements["environment.platform"] != "local"


_PIECES = (
    *"#-*+>|`~_[]()<>&!\\\"'{}$:;,.%@=?/",
    *("\n", "\r\n", "\t", "\0", "\x1b[31m", "\x85", "\u2028", "\u202e", "\ud800", "\U0001f600", "é", "中"),
    *("---", "-->", "<!--", "```", "~~~", "***", "1.", "1)", "===", "| a |", "|---|", "null", "true", "2026-11-29"),
    *("<script>alert(1)</script>", "&lt;", "&#x3c;", "[a](http://b)", "![a](b)", "http://a.b", "www.a.b", "a@b.c"),
    *("${7*7}", "{{ 7 }}", "{% if %}", "status: x", "superseded by 9", "a b", "x", " "),
)


def hostile(chance: random.Random) -> str:
    """A text that no document expects."""
    return "".join(chance.choices(_PIECES, k=chance.randint(1, 6)))


def renamed(decision: Decision, chance: random.Random) -> Decision:
    """The decision with a hostile name for each tool, as if a file could have such names."""
    names = {tool.name: f"t{number}{hostile(chance)}" for number, tool in enumerate(decision.requirements.tools)}
    tools = tuple(tool._replace(name=names[tool.name]) for tool in decision.requirements.tools)
    tiers = tuple(tier._replace(tools=tuple(names[name] for name in tier.tools)) for tier in decision.tiers)
    return decision._replace(tiers=tiers, requirements=replace(decision.requirements, tools=tools))
