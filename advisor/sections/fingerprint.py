"""The fingerprint of a document: what the decision was when the document was written.

A document contains its fingerprint as a comment, so it stays when a person edits the text. The comparison with a new
decision says whether the document is out of date, and in what.
"""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from advisor.decision.core import Core
from advisor.decision.model import Decision
from advisor.documents import plain
from advisor.report.change_wording import flags_text, pattern_text, value_text
from advisor.report.decision_wording import affinity_text, instances_text
from advisor.sections.versions import Versions

SCHEMA = "mcp-advisor/team-document/1"

_START, _END = "<!-- mcp-advisor-document", "-->"
_COMMENT = re.compile(rf"^{_START}\n(?P<data>.*?)\n{_END}[^\S\n]*\n?", re.DOTALL | re.MULTILINE)
_FRONT_MATTER = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)

FingerprintPart: TypeAlias = Mapping[str, Any]

PARTS = ("facts", "decision", "features", "warnings")
"""The parts of a decision that are compared, in this order."""


class DecisionDifference(NamedTuple):
    """A difference between a document and the decision of today.

    Attributes:
        part: an entry of `PARTS`.
        name: the fact, the feature, the warning, or the part of the decision.
        before: the value in the document, in words; "" if the document does not have the name.
        now: the value of today, in words; "" if the name is gone.
    """

    part: str
    name: str
    before: str
    now: str

    def __str__(self) -> str:
        if not self.before:
            return f"{self.part}: {self.name} is new ({self.now})"
        if not self.now:
            return f"{self.part}: {self.name} is gone ({self.before})"
        return f"{self.part}: {self.name} changes from {self.before} to {self.now}"


class Fingerprint(NamedTuple):
    """What a document was made from.

    Attributes:
        form: the form of the document, such as `adr`.
        service: the name of the service.
        versions: the versions of the program and its knowledge.
        date: the day of the decision, as YYYY-MM-DD; "" in a document of an older version.
        parts: for each entry of `PARTS`, the names with their values in words.
        text: the digest of the generated text; "" before the text exists.
    """

    form: str
    service: str
    versions: Versions
    date: str
    parts: Mapping[str, FingerprintPart]
    text: str = ""

    def differences(self, now: "Fingerprint") -> list[DecisionDifference]:
        """Return in what the decision of `now` differs from the decision of this document."""
        found = []
        for part in PARTS:
            here, there = self.parts[part], now.parts[part]
            for name in dict.fromkeys((*here, *there)):
                before, after = here.get(name, ""), there.get(name, "")
                if before != after:
                    found.append(DecisionDifference(part, name, str(before), str(after)))
        return found

    def is_text_of(self, document: str) -> bool:
        """Return whether `document` has the generated text, apart from its front matter."""
        return self.text == _digest(document)


def fingerprint(form: str, decision: Decision, versions: Versions, date: str) -> Fingerprint:
    """Return the fingerprint of a document about a decision of a day, still without the digest of its text."""
    parts = {
        "facts": stated_facts(decision),
        "decision": _decision(decision),
        "features": _features(decision),
        "warnings": {warning.id: f"{warning.severity} severity" for warning in decision.warnings},
    }
    return Fingerprint(form, decision.requirements["service"], versions, date, parts)


def with_fingerprint(text: str, found: Fingerprint) -> str:
    """Return a document with its fingerprint as the last lines."""
    body = text.rstrip("\n") + "\n"
    data = {
        "schema": SCHEMA,
        "form": found.form,
        "service": found.service,
        **found.versions._asdict(),
        "date": found.date,
        "text": _digest(body),
        **{part: plain(found.parts[part]) for part in PARTS},
    }
    lines = ",\n".join(f"{json.dumps(name)}: {_safe(value)}" for name, value in data.items())
    return f"{body}\n{_START}\n{{{lines}}}\n{_END}\n"


def read_fingerprint(document: str) -> Fingerprint | None:
    """Return the first fingerprint of a document; None if the document has none, or if all are damaged."""
    return next(iter(read_fingerprints(document)), None)


def read_fingerprints(document: str) -> list[Fingerprint]:
    """Return the fingerprints of a document with several decisions, without those that are damaged."""
    found = [_read(match["data"]) for match in _COMMENT.finditer(_unix(document))]
    return [each for each in found if each is not None]


def _read(text: str) -> Fingerprint | None:
    try:
        data = json.loads(text)
        if data["schema"] != SCHEMA or not all(isinstance(data[part], dict) for part in PARTS):
            return None
        versions = Versions(*(str(data[name]) for name in Versions._fields))
        parts = {part: {name: str(value) for name, value in data[part].items()} for part in PARTS}
        date = str(data.get("date", ""))
        return Fingerprint(str(data["form"]), str(data["service"]), versions, date, parts, str(data["text"]))
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


def _safe(value: Any) -> str:
    """Return JSON that cannot end a comment."""
    text = json.dumps(value)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("--", "-\\u002d")


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n")


def _digest(document: str) -> str:
    """Return the digest of a text without front matter, fingerprint and white space at the ends of lines."""
    body = _COMMENT.sub("", _FRONT_MATTER.sub("", _unix(document), count=1))
    lines = "\n".join(line.rstrip() for line in body.strip().splitlines())
    return hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def stated_facts(decision: Decision) -> FingerprintPart:
    """Return the facts that the requirements state, with their values in words."""
    asked = decision.requirements
    facts = {name: _value(value) for name, value in asked.stated.items() if name != "tools"}
    for tool in asked.tools:
        needs = [f"{need} {feature}" for feature, need in tool.needs.items() if need != "none"]
        duration = [] if tool.duration_s is None else [f"{tool.duration_s:g} s"]
        facts[f"tools.{tool.name}"] = ", ".join([*needs, *duration]) or "no needs"
    return facts


def _value(value: Any) -> str:
    """Return a value of the requirements file in words. An entry of a list can have keys of its own."""
    if isinstance(value, Mapping) and set(value) != {"min", "max"}:
        return ", ".join(f"{name}: {_value(entry)}" for name, entry in value.items() if entry is not None)
    if isinstance(value, (list, tuple)):
        return "; ".join(map(_value, value)) or "none"
    return value_text(value)


def _decision(decision: Decision) -> FingerprintPart:
    if not decision.feasible:
        unmet = ", ".join(row.feature for row in decision.unmet)
        return {"pattern": "contradiction", "reason": decision.means, **({"not kept": unmet} if unmet else {})}
    core = decision.core
    parts = {
        "pattern": pattern_text(core, decision.phrases),
        "session affinity": affinity_text(decision),
        "instances": instances_text(decision),
        "substitute": core.substitute,
    }
    if decision.tiers:
        for tier in decision.tiers:
            texts = (_flags(tier.core, decision), f"tools {', '.join(tier.tools) or 'none'}")
            parts[f"{tier.name} tier"] = "; ".join(filter(None, texts))
    elif flags := _flags(core, decision):
        parts["flags"] = flags
    return parts


def _flags(core: Core, decision: Decision) -> str:
    return flags_text(core, decision.kind, decision.phrases)


def _features(decision: Decision) -> FingerprintPart:
    """Return the outcomes of the needed features for the clients of the requirements."""
    found = {}
    for row in decision.needed:
        need = "plain calls" if row.feature == "plain" else row.need
        found[row.feature] = f"{need} and replaced" if row.substituted else need
        for era, cell in row.cells:
            if cell.named:
                found[f"{row.feature} for {era} clients"] = cell.words
    return found
