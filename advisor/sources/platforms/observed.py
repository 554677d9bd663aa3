"""Turns texts of configuration files into observations: numbers, durations, sizes, and variables of templates."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from advisor.deployment.model import Observation, Observations, Plain
from advisor.sources.proxies.wording import seconds, size

if TYPE_CHECKING:
    from advisor.findings import Location
    from advisor.knowledge.observations import ObservationKind
    from advisor.knowledge.platforms import StatedValue
    from advisor.sources.platforms.marked import YamlNode

_CPU = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(m?)", re.ASCII)
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)(?:(:?[-?+])([^}]*))?\}?")
_TRUE = ("true", "yes", "on", "enabled", "1")
_FALSE = ("false", "no", "off", "disabled", "0")


def observation(value: Plain | None, location: Location) -> Observation | None:
    """Return an observation; None if the text has no value of this type."""
    return None if value is None else Observation(value, location)


def stated(**found: Observation | None) -> Observations:
    """Return the observations that exist, by name."""
    return {name: value for name, value in found.items() if value is not None}


def from_text(text: str, location: Location) -> Observation:
    """Return a text. A variable such as `${WORKERS:-4}` is dynamic, with its default or else its own text as value."""
    variable = _VARIABLE.fullmatch(text.strip())
    if variable is None:
        return Observation(text, location, is_dynamic=bool(_VARIABLE.search(text)))
    default = variable[3] if (variable[2] or "").endswith("-") else None
    return Observation(default if default is not None else text.strip(), location, is_dynamic=True)


def from_node(node: YamlNode, kind: str, unit: str = "s") -> Observation | None:
    """Return the observation of a scalar; None if there is no scalar of this type.

    Args:
        node: the scalar.
        kind: the type as in rules/observations.yaml, or `cpu` for a number of CPUs.
        unit: the unit of a number without a unit.
    """
    if not node:
        return None
    return _typed_text(node.text, node.location, kind, unit)


def _typed_text(text: str, location: Location, kind: str, unit: str) -> Observation | None:
    read = from_text(text, location)
    value = typed(str(read.value), kind, unit)
    if value is None:
        return Observation(read.value, location, is_dynamic=True) if read.is_dynamic else None
    return read._replace(value=value)


def typed(text: str, kind: str, unit: str = "s") -> Plain | None:
    """Return the value of a text; None if the text has no value of this type. The arguments are as in `from_node`."""
    text = text.strip()
    if kind == "seconds":
        return seconds(text.replace(" ", ""), unit)
    if kind == "bytes":
        return size(text)
    if kind == "cpu":
        cpus = _CPU.fullmatch(text)
        return seconds(cpus[1], "ms" if cpus[2] else "s") if cpus else None
    if kind == "number":
        return int(text) if re.fullmatch(r"-?\d{1,15}", text, re.ASCII) else None
    if kind == "yes-no":
        return True if text.lower() in _TRUE else False if text.lower() in _FALSE else None
    return text or None


def from_rule(
    rule: StatedValue, texts: tuple[str, ...], location: Location, kinds: dict[str, ObservationKind]
) -> Observation | None:
    """Return what a setting states; None if it states nothing.

    Args:
        rule: the entry of rules/platforms.yaml.
        texts: the text of the setting, or the texts of its list; () for a mapping.
        location: the line of the setting.
        kinds: the names of observations.
    """
    kind = kinds[rule.observation].type
    if kind == "words":
        words = [word for text in texts for word in re.split(r"[\s,]+", text) if word]
        if rule.observation != "methods":
            words = [word.lower() for word in words]
        found = dict.fromkeys(value for word in words for value in _word(rule, word).split())
        return observation(tuple(found) or None, location)
    text = texts[0].strip() if texts else ""
    if rule.words:  # their patterns also match variables of the program, such as `$http_mcp_session_id`
        word = _word(rule, text)
        return observation(typed(word, kind, rule.unit) if word else None, location)
    return _typed_text(text, location, kind, rule.unit)


def _word(rule: StatedValue, text: str) -> str:
    """Return the value for a stated text: the text itself without words, or "" if no word is like the text."""
    if not rule.words:
        return text
    return next((value for word, value in rule.words.items() if fnmatchcase(text.lower(), word.lower())), "")
