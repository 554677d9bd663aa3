"""The facts of the code as a partial requirements file, with the open questions as comments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from advisor.audits.stated_facts import CodeFacts
from advisor.knowledge.space import FactSpace
from advisor.requirements.template import comment

_TOOLS = "tools"


def scan_requirements(facts: CodeFacts, space: FactSpace, phrases: Mapping[str, str], path: str) -> str:
    """Return the requirements file as YAML.

    Args:
        facts: the facts of the code.
        space: the facts in the order of the file, with the questions.
        phrases: the words.
        path: the scanned folder or file.
    """
    data: dict[str, Any] = {"version": 1}
    for name in space.facts:
        if name == _TOOLS and facts.tools:
            data[_TOOLS] = list(facts.tools)
        elif name in facts.stated:
            *sections, key = name.split(".")
            branch = data
            for section in sections:
                branch = branch.setdefault(section, {})
            branch[key] = facts.stated[name]
    lines = [comment(phrases["scan.yaml.head"].format(path=path), 0)]
    lines.append(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100).rstrip())
    asked = [name for name, fact in space.facts.items() if fact.ask == "always" and fact.only_when is None]
    rest = [name for name in asked if name not in facts.stated and name not in facts.open]
    lines += ["", comment(phrases["scan.yaml.open"], 0)]
    lines += [comment(f"{name}: {why}", 0, 2) for name, why in facts.open.items()]
    lines += [comment(f"{name}: {space.facts[name].question}", 0, 2) for name in rest]
    return "\n".join(lines) + "\n"
