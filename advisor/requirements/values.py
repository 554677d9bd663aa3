"""Validates the value of a fact by the type of the fact."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from advisor.errors import InputError
from advisor.findings import input_problem
from advisor.knowledge.facts import Fact
from advisor.knowledge.releases import in_words
from advisor.knowledge.servers import OTHER
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.knowledge.versions import parse
from advisor.requirements import text

MAX_LIST = 500
MAX_SECONDS = 7 * 24 * 3600
MAX_INSTANCES = 10_000
_RANGE = "{min: 2, max: 10}"
_TYPED_RANGE = "2-10"
_INSTANCES = "Allowed: an integer from 1 to {most}, or a range such as {range}."
_SCALE_TO_ZERO = "If the platform scales to zero, start the range with 1 and set environment.platform to serverless."


_LONG = 100
# A package, an operator, numbers with dots, and all that follows, such as b1 of a pre-release.
_RELEASE = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)(\s*[=~<>!@]=?=?\s*|\s+)[vV]?([0-9]{1,6}(?:\.[0-9]{1,6}){0,3})(.*)")
_PRE_RELEASE = re.compile(r"[._-]?(?:a|b|c|rc|alpha|beta|pre|preview|dev)[._-]?[0-9]*", re.IGNORECASE)


class Refusal(NamedTuple):
    """A fault of a value.

    Attributes:
        message: the fault, with the invalid value.
        hint: the allowed values or the nearest spelling, or "".
        entry: the place of the invalid entry in a list, such as (0,); () for the value itself.
        typed: the hint for a value in the notation of the prompts, if it differs from `hint`; else "".
    """

    message: str
    hint: str = ""
    entry: tuple[int, ...] = ()
    typed: str = ""

    def hint_for(self, *, typed: bool) -> str:
        """Return the hint for a value of a file, or for a value in the notation of the prompts."""
        return (typed and self.typed) or self.hint


class ValueRefusedError(Exception):
    """The fact does not allow the value. `refusals` has every fault, at least one."""

    def __init__(self, *refusals: Refusal) -> None:
        """Args: refusals: the faults of the value."""
        super().__init__(*refusals)
        self.refusals = refusals


def _refused(message: str, hint: str = "") -> ValueRefusedError:
    return ValueRefusedError(Refusal(message, hint))


def _read_choice(fact: Fact, value: Any, space: FactSpace) -> Any:
    allowed = space.choices(fact)
    if value is None and "none" in allowed:
        return "none"
    if isinstance(value, str) and value in allowed:
        return value
    hint = text.nearest(value, allowed, space.also(fact)) if isinstance(value, str) else ""
    if value in (False, "no") and "none" in allowed:  # YAML reads `shared_store: no` as false
        hint = "Did you mean 'none'?"
    if value in (True, "yes", "true") and "required" in allowed:  # YAML reads `sampling: yes` as true
        hint = "Did you mean 'required'?"
    raise _refused(f"{text.quote(value)} is not allowed.", f"Allowed: {', '.join(allowed)}. {hint}".strip())


def _read_flag(fact: Fact, value: Any, space: FactSpace) -> Any:
    if isinstance(value, bool) or (fact.unknown and value == UNKNOWN):
        return value
    allowed = "true, false, unknown" if fact.unknown else "true, false"
    hint = text.nearest(value, allowed.split(", ")) if isinstance(value, str) else ""
    raise _refused(f"{text.quote(value)} is not allowed.", f"Allowed: {allowed}. {hint}".strip())


def _read_integer(fact: Fact, value: Any, space: FactSpace) -> Any:
    if value is None and fact.default is None:
        return None
    low, high = fact.minimum or 1, fact.maximum or 1_000_000_000
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise _refused(f"{text.quote(value)} is not allowed.", f"Allowed: an integer from {low} to {high}.")


def _read_instances(fact: Fact, value: Any, space: FactSpace) -> Any:
    if not isinstance(value, dict):
        if not _is_count(value):
            raise ValueRefusedError(_no_instances(f"{text.quote(value)} is not allowed."))
        return value
    if set(value) != {"min", "max"}:
        raise ValueRefusedError(_no_instances(f"{text.quote(dict(value))} is not a range."))
    faults = []
    for end, count in value.items():
        if not _is_count(count):
            is_zero = end == "min" and count == 0 and type(count) is int
            more = f" {_SCALE_TO_ZERO}" if is_zero else ""
            faults.append(_no_instances(f"{end}: {text.quote(count)} is not allowed.", more))
    if faults:
        raise ValueRefusedError(*faults)
    if value["min"] > value["max"]:
        raise _refused(f"min {value['min']} is greater than max {value['max']}.", "Swap the two numbers.")
    return {"min": value["min"], "max": value["max"]}


def _no_instances(message: str, more: str = "") -> Refusal:
    hint, typed = (_INSTANCES.format(most=MAX_INSTANCES, range=range_) + more for range_ in (_RANGE, _TYPED_RANGE))
    return Refusal(message, hint, typed=typed)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_INSTANCES


def _read_seconds(fact: Fact, value: Any, space: FactSpace) -> Any:
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= MAX_SECONDS:
        return value if isinstance(value, int) else float(value)
    raise _refused(
        f"{text.quote(value)} is not allowed.", f"Allowed: a number of seconds, more than 0 and at most {MAX_SECONDS}."
    )


def _read_version(fact: Fact, value: Any, space: FactSpace) -> Any:
    if value is None:
        return None
    # YAML reads `version: 1.30` as a number. The reader stores its notation.
    written = getattr(value, "source", None) or (str(value) if not isinstance(value, bool) else "")
    if isinstance(value, (str, int, float)) and parse(written) is not None:
        return written
    raise _refused(f"{text.quote(value)} is not a version.", "Allowed: numbers and dots, such as 1.31 or 1.30.4.")


def _read_release(fact: Fact, value: Any, space: FactSpace) -> Any:
    if isinstance(value, str) and space.known_release(value) is not None:
        return value
    language = _language(value, space)
    if language:
        example = f"`sdk: {OTHER}` and `language: {language}`"
        raise _refused(
            f"{text.quote(value)} is not a Python SDK.",
            space.knowledge.phrases["sdk.language"].format(
                lines=", ".join(_lines(space)), languages=", ".join(_languages(space)), example=example
            ),
        )
    ranges = space.measured.values()
    lines = [*_lines(space), OTHER]
    measured = in_words(ranges)
    older = space.release(value) if isinstance(value, str) else None
    if older is not None:
        oldest = f"{older.package}=={older.start}"
        raise _refused(
            f"{text.quote(value)} is not a known SDK.", space.knowledge.phrases["sdk.too-old"].format(oldest=oldest)
        )
    hint = _almost_release(value, space)
    if not hint and isinstance(value, str) and "==" not in value:
        hint = text.nearest(value, lines)
    allowed = f"Allowed: {', '.join(lines)}, or a release such as mcp==1.28.1 in a measured range ({measured})."
    raise _refused(f"{text.quote(value)} is not a known SDK.", f"{hint} {allowed}".strip())


def _almost_release(value: Any, space: FactSpace) -> str:
    """Return a hint for a text that names a release in another way than `package==numbers`; else ""."""
    match = _RELEASE.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= _LONG else None
    if match is None:
        return ""
    package, operator, number, rest = match[1].lower(), match[2].strip(), match[3], match[4].strip()
    packages = list(dict.fromkeys(release.package for release in space.measured.values()))
    phrase = ""
    if _PRE_RELEASE.match(rest):
        phrase = "sdk.pre-release"
    elif rest or operator != "==" or "==v" in value.lower():
        phrase = "sdk.one-release"
    elif package in packages:
        return ""
    known = [f"{name}=={number}" for name in packages if space.known_release(f"{name}=={number}")]
    reason = space.knowledge.phrases[phrase] if phrase else ""
    return f"{reason} {text.nearest(f'{package}=={number}', known)}".strip()


def _lines(space: FactSpace) -> list[str]:
    return list(dict.fromkeys(release.line.id for release in space.measured.values()))


def _languages(space: FactSpace) -> list[str]:
    return [language.id for language in space.knowledge.languages.values() if language.id != UNKNOWN]


def _language(value: Any, space: FactSpace) -> str:
    """Return the language that the value of `sdk` names instead of an SDK line; "" if it names none."""
    if not isinstance(value, str):
        return ""
    name = value.lower().partition("==")[0].strip()
    for language in space.knowledge.languages.values():
        names = (language.id, *language.also) if language.id != UNKNOWN else language.also
        if name in names or name.removesuffix("-sdk") in names:
            return language.id
    return ""


def _read_name(fact: Fact, value: Any, space: FactSpace) -> Any:
    if isinstance(value, str) and text.is_label(value):
        return value
    written = value[:200].lower() if isinstance(value, str) else ""
    suggestion = "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in written).split())[:63].strip("-")
    hint = f" Did you mean {suggestion!r}?" if suggestion else ""
    if isinstance(value, (int, float)):  # YAML does not read true, 7 and 1.30 as text
        hint = " To make the value text, quote the value."
    raise _refused(f"{text.quote(value)} is not a DNS label.", f"Allowed: {text.LABEL_RULE}.{hint}")


def _read_hosts(fact: Fact, value: Any, space: FactSpace) -> Any:
    return _read_names(value, text.is_host, "a host name", text.HOST_RULE)


def _read_origins(fact: Fact, value: Any, space: FactSpace) -> Any:
    return _read_names(value, text.is_origin, "an origin", text.ORIGIN_RULE)


def _read_names(value: Any, is_allowed: Callable[[str], bool], kind: str, rule: str) -> list[str]:
    """Validate each entry of a list. Return the entries as clients send them, each of them once."""
    names = _read_list(value)
    faults = {
        index: Refusal(f"{text.quote(name)} is not {kind}.", f"Allowed: {rule}.")
        for index, name in enumerate(names)
        if not isinstance(name, str) or not is_allowed(name)
    }
    _refuse(value, faults)
    return list(dict.fromkeys(text.as_sent(name) for name in names))


def _read_path(fact: Fact, value: Any, space: FactSpace) -> Any:
    if isinstance(value, str) and text.is_path(value):
        return value
    raise _refused(f"{text.quote(value)} is not a path.", f"Allowed: {text.PATH_RULE}.")


def _read_apps(fact: Fact, value: Any, space: FactSpace) -> Any:
    apps = _read_list(value)
    known = list(space.knowledge.clients)
    faults: dict[int, Refusal] = {}
    for index, app in enumerate(apps):
        if app not in known:
            hint = text.nearest(app, known, space.also(fact)) if isinstance(app, str) else ""
            # The list of all applications is long, so only the first fault has it.
            allowed = "" if faults else f"Allowed: {', '.join(known)}."
            message = f"{text.quote(app)} is not a known client application."
            faults[index] = Refusal(message, f"{hint} {allowed}".strip())
    _refuse(value, faults)
    return list(dict.fromkeys(apps))


def _refuse(value: Any, faults: dict[int, Refusal]) -> None:
    """Refuse a list, or a single value, with a fault for each invalid entry, by its index."""
    if faults:
        entries = [fault._replace(entry=(index,)) for index, fault in faults.items()]
        raise ValueRefusedError(*(entries if isinstance(value, list) else faults.values()))


def _read_list(value: Any) -> list[Any]:
    if value is None:
        return []
    entries = value if isinstance(value, list) else [value]
    if len(entries) > MAX_LIST:
        raise _refused(f"{len(entries)} entries are too many.", f"Allowed: at most {MAX_LIST}.")
    return entries


READERS: dict[str, Callable[[Fact, Any, FactSpace], Any]] = {
    "choice": _read_choice,
    "need": _read_choice,
    "flag": _read_flag,
    "integer": _read_integer,
    "instances": _read_instances,
    "seconds": _read_seconds,
    "version": _read_version,
    "release": _read_release,
    "name": _read_name,
    "hosts": _read_hosts,
    "origins": _read_origins,
    "path": _read_path,
    "apps": _read_apps,
}


def read_value(name: str, value: Any, space: FactSpace, *, typed: bool = False) -> Any:
    """Validate a value of the fact `name` and return it in its normal form.

    Args:
        name: the id of the fact.
        value: the value, as in a file.
        space: the known facts.
        typed: whether a message about the value shows the notation of the prompts.

    Raises:
        InputError: the value is not allowed. The error has each fault of the value, without a line.
    """
    fact = space.facts[name]
    try:
        return READERS[fact.type](fact, value, space)
    except ValueRefusedError as refused:
        found = [input_problem(fault.message, fault.hint_for(typed=typed)) for fault in refused.refusals]
        raise InputError(name, found) from None
