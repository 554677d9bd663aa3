"""Makes the commented requirements file of `mcp-advisor init` from the facts."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass, field
from typing import Any

from advisor.knowledge.facts import Fact
from advisor.knowledge.paths import templates_dir
from advisor.knowledge.space import FactSpace
from advisor.requirements.schema import meanings
from advisor.requirements.validate import VERSION
from advisor.templating import environment

SERVICE = "my-service"
"""The name of the service in a new file. The user replaces it."""

_WIDTH = 80


@dataclass(frozen=True, slots=True)
class TemplateKey:
    """One key of the file.

    Attributes:
        name: the key without its sections.
        indent: the number of spaces before the key.
        fact: the fact that the key sets.
        meanings: from each allowed value to its meaning, for a closed set of values.
        active: whether the file sets the key; otherwise the key is a comment.
        value: the default in YAML notation.
    """

    name: str
    indent: int
    fact: Fact
    meanings: dict[str, str]
    active: bool
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """The file or a mapping in it, with keys and sections in order."""

    name: str
    indent: int
    entries: list[TemplateKey | Section] = field(default_factory=list)

    @property
    def keys(self) -> list[TemplateKey]:
        """The keys directly in this section."""
        return [entry for entry in self.entries if isinstance(entry, TemplateKey)]


def starter(space: FactSpace) -> str:
    """Return a requirements file with every key, its default, its allowed values and its meaning.

    The file sets only the keys that every user must check. All other keys are comments. So their values can follow from
    tools and client applications, and the decision lists the defaults that it uses.
    """
    template = environment(templates_dir(), comment=comment).get_template("requirements.yaml.j2")
    return template.render(root=outline(space), levels=space.knowledge.facts["needs"].values, version=VERSION)


def outline(space: FactSpace) -> Section:
    """Return the keys of the file in sections. Keys are in the order of the facts within their section."""
    root = Section("", 0)
    for name in _ordered(space):
        fact = space.facts[name]
        *path, key = name.split(".")
        here = root
        for depth, part in enumerate(path):
            known = next((entry for entry in here.entries if isinstance(entry, Section) and entry.name == part), None)
            if known is None:
                known = Section(part, 2 * depth)
                here.entries.append(known)
            here = known
        active = fact.ask == "always"
        here.entries.append(TemplateKey(key, 2 * len(path), fact, meanings(fact, space), active, _value(fact)))
    return root


def _ordered(space: FactSpace) -> list[str]:
    """Return the facts in the order of rules/facts.yaml. The facts of the features replace `needs`."""
    needs = [name for name, fact in space.facts.items() if fact.type == "need"]
    return [fact for name in space.knowledge.facts for fact in (needs if name == "needs" else [name])]


def comment(words: str, indent: int, hang: int = 0) -> str:
    """Return text as wrapped comment lines of a YAML file. `hang` is the extra indent of the lines after the first."""
    start = " " * indent + "# "
    wrapped = textwrap.wrap(
        words, _WIDTH, initial_indent=start, subsequent_indent=start + " " * hang, break_on_hyphens=False
    )
    return "\n".join(wrapped)


def _value(fact: Fact) -> str:
    value: Any = SERVICE if fact.required else fact.default
    # JSON is YAML. A text needs no quotes, because every text default is a plain word.
    return value if isinstance(value, str) else json.dumps(value)
