"""The commented requirements file that `mcp-advisor init` starts a user with, derived from the facts."""

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
"""The name that stands in the file until its author sets another."""

_WIDTH = 80


@dataclass(frozen=True, slots=True)
class TemplateKey:
    """One key of the file.

    Attributes:
        name: as written, without the sections that it stands in.
        indent: spaces before it.
        fact: what it states.
        meanings: the allowed values and what each means, where the domain is closed.
        active: whether it stands in the file as a key, not as a comment.
        value: its default, as YAML writes it.
    """

    name: str
    indent: int
    fact: Fact
    meanings: dict[str, str]
    active: bool
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping of the file, or the whole file: keys and sections, in order."""

    name: str
    indent: int
    entries: list[TemplateKey | Section] = field(default_factory=list)

    @property
    def keys(self) -> list[TemplateKey]:
        """The keys directly in it."""
        return [entry for entry in self.entries if isinstance(entry, TemplateKey)]


def starter(space: FactSpace) -> str:
    """A requirements file with every key, its default, its allowed values and its meaning.

    Only the keys that every user should look at are set; the others are comments, so that the decision still names
    the defaults it relied on, and so that tools and client applications may fill them in.
    """
    template = environment(templates_dir(), comment=comment).get_template("requirements.yaml.j2")
    return template.render(root=outline(space), levels=space.knowledge.facts["needs"].values, version=VERSION)


def outline(space: FactSpace) -> Section:
    """The keys of the file in sections, in the order of the facts; keys of a section stand together."""
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
    """The facts as rules/facts.yaml has them, with the single needs where `needs` stands."""
    needs = [name for name, fact in space.facts.items() if fact.type == "need"]
    return [fact for name in space.knowledge.facts for fact in (needs if name == "needs" else [name])]


def comment(words: str, indent: int, hang: int = 0) -> str:
    """Words as comment lines of a YAML file, wrapped; `hang` indents the lines after the first."""
    start = " " * indent + "# "
    wrapped = textwrap.wrap(
        words, _WIDTH, initial_indent=start, subsequent_indent=start + " " * hang, break_on_hyphens=False
    )
    return "\n".join(wrapped)


def _value(fact: Fact) -> str:
    value: Any = SERVICE if fact.required else fact.default
    # JSON is YAML; a plain word is easier to read than a quoted word, and every word here is of the domain.
    return value if isinstance(value, str) else json.dumps(value)
