"""The documents of the rule catalogue as lines for a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from advisor.console.lines import ReportLine
from advisor.engine.table import show
from advisor.report.condition_wording import outcome
from advisor.report.rule_records import Catalogue
from advisor.sentences import amount

RuleData: TypeAlias = Mapping[str, Any]
"""A document of `rule_document`, or an object in it."""

_Section: TypeAlias = tuple[str, list[str]]
"""A heading and its lines; a tab in a line ends its head."""

_SOURCE_WIDTH = 450
"""How many characters of a source `rules show` prints for a rule; the first sentence is always complete."""

TABLE_NAMES = frozenset(
    {
        *("addressable", "affinity.candidate", "channel", "clients.reached", "era", "era.legacy", "era.modern"),
        *("outcome", "owner", "processes", "scope", "session", "sessions.single", "severity", "sse", "store"),
        "substitute",
    }
)
"""Names of values that only the tables use. Nothing explains these names to users, so sentences stand without them."""

_POLICIES = {
    "first": "the first rule that applies decides",
    "unique": "exactly one rule applies",
    "collect": "every rule that applies is reported",
}
_ORDERS = {
    "first": "The rules of this table are checked from top to bottom, whatever their numbers are. The first rule that "
    "applies decides.",
    "unique": "For every set of requirements, exactly one rule of this table applies.",
    "collect": "Every rule of this table that applies is reported.",
}
_FAULTS = {
    "gap": "uncovered case",
    "overlap": "overlapping rules",
    "dead": "entry without effect",
    "shadowed": "entry hidden by earlier entries",
    "lost": "required feature lost",
    "impossible": "decision that is not possible",
    "untrue": "contradiction that is not true",
    "mechanism": "mechanism that does not work",
    "tier": "tier without a decision of its kind",
    "monotone": "decision that becomes worse without a reason",
    "example": "wrong example",
    "source": "missing source",
    "unread": "unused fact",
    "data": "contradicting data",
}


def listing_lines(record: RuleData) -> Iterator[ReportLine]:
    """The list of the rules, table by table."""
    sections = []
    for table in record["tables"]:
        rules = [rule for rule in record["rules"] if rule["table"] == table["id"]]
        heading = f"{table['id']}: {table['question']} ({_POLICIES[table['hit_policy']]})"
        widest = max(len(rule["id"]) for rule in rules)
        sections.append((heading, [f"{rule['id']:{widest}}\t{rule['title']}" for rule in rules]))
    return _lines(sections)


def entry_lines(record: RuleData, catalogue: Catalogue) -> Iterator[ReportLine]:
    """An entry of the catalogue: its id and title, then a section for each of its properties that is not empty.

    Args:
        record: the entry.
        catalogue: makes sentences of conditions and outcomes, and explains terms and placeholders.
    """
    if record["kind"] == "rule":
        record = {
            **record,
            "because": catalogue.in_words(record["because"]),
            "fix": record["fix"] and catalogue.in_words(record["fix"]),
        }
    makers: dict[str, Callable[[RuleData, Catalogue], Iterator[_Section]]] = {
        "rule": _rule_sheet,
        "table": _table_sheet,
        "feature": _feature_sheet,
        "source": _source_sheet,
        "word": _word_sheet,
    }
    sections = [section for section in makers.get(record["kind"], _fact_sheet)(record, catalogue) if section[1]]
    return _lines([*sections, *_terms(sections, catalogue.terms)])


def _terms(sections: Iterable[_Section], terms: Mapping[str, str]) -> list[_Section]:
    """A section that explains the terms that other sections use."""
    text = " ".join(line for heading, lines in sections if heading != "Sources" for line in (heading, *lines)).lower()
    used = [
        meaning
        for term, meaning in terms.items()
        if term.lower() in text and meaning.partition(": ")[2].lower() not in text
    ]
    return [("Terms", used)] if used else []


def _lines(sections: Iterable[_Section]) -> Iterator[ReportLine]:
    for number, (heading, lines) in enumerate(sections):
        if number:
            yield ReportLine("plain", "")
        yield ReportLine("heading", heading)
        yield from (ReportLine("plain", f"  {line}") for line in lines)


_MISS = 'For the requirements under "Does not apply to", at least one of the conditions above is not true.'
_MISS_OR_EARLIER = (
    'For the requirements under "Does not apply to", a condition is not true, or an earlier rule decides (see Order).'
)


def _rule_sheet(record: RuleData, catalogue: Catalogue) -> Iterator[_Section]:
    table = record["table"]
    yield (
        f"{record['id']}  {record['title']}",
        [
            f"Rule of the table `{table['id']}`, which answers the question: {table['question']}",
            f"Other id of this rule: {record['alias']}.",
            *(f"Earlier id of this rule: {name}." for name in record["former"]),
        ],
    )
    yield (
        "What the rule decides",
        [f"-\t{_decided(name, value, catalogue, record['then'])}" for name, value in outcome(record["then"]).items()],
    )
    earlier = record["preempted_by"]
    conditions = [f"-\t{_said(condition, catalogue)}" for condition in record["when"]]
    if earlier:
        conditions.append("-\tNo earlier rule applies (see Order)")
    yield (
        "When the rule applies",
        [*(["All of these conditions must hold:"] if len(conditions) > 1 else []), *(conditions or ["In all cases"])],
    )
    yield ("What happens" if record["fix"] else "Why"), _with_values_explained(record["because"])
    yield "To fix this", _with_values_explained(record["fix"], record["because"]) if record["fix"] else []
    names = {"hit": "Applies to:       ", "miss": "Does not apply to:"}
    yield (
        "Examples",
        [
            *(f"{names[kind]}\t{_example(example, catalogue)}" for kind, example in record["examples"].items()),
            _MISS_OR_EARLIER if earlier else _MISS,
        ],
    )
    yield "Sources", _source_lines(record["sources"])
    widest = max((len(rule["id"]) for rule in earlier), default=0)
    place = f"This is rule {table['position']} of {table['rules']} in the rule table `{table['id']}`."
    before = [_EARLIER] if earlier else []
    order = [f"{_ORDERS[table['hit_policy']]} {place}", *before]
    yield "Order", [*order, *(f"  {rule['id']:{widest}}\t{rule['title']}" for rule in earlier)]


_EARLIER = "Of the rules before this one, these can apply to the same requirements. The first one that applies decides:"
_IN_BRACKETS = (
    "A decision replaces the words in angle brackets by a value or by advice for the requirements of this decision."
)
_VALUE = re.compile(r"<[A-Za-z][^<>]*>")


def _with_values_explained(text: str, before: str = "") -> list[str]:
    """A text, after a line that explains its words in angle brackets, unless the text before it has this line."""
    explains = _VALUE.search(text) and not _VALUE.search(before)
    return [_IN_BRACKETS, text] if explains else [text]


def table_only(name: str) -> bool:
    """Whether only the tables use a name, so that no text explains the name."""
    return name in TABLE_NAMES


def _decided(name: str, value: Any, catalogue: Catalogue, outputs: RuleData) -> str:
    """One of the outputs of a rule as a sentence, with its name in parentheses if users know the name."""
    said = catalogue.says(name, value, outputs.get("pattern", ""))
    return said if table_only(name) else f"{said} ({name}: {show(value)})"


def _example(example: RuleData, catalogue: Catalogue) -> str:
    """The facts of an example, in words if users do not know their names."""
    if not TABLE_NAMES & example.keys():
        return facts(example)
    return ". ".join(catalogue.says(name, value) for name, value in example.items()) + "."


def _table_sheet(record: RuleData, catalogue: Catalogue) -> Iterator[_Section]:
    if means := catalogue.term(record["id"]):  # the word of a screen comes before the table with its name
        yield f"{record['id']}  Term", [means]
    yield f"{record['id']}  {record['title']}", [record["question"], _ORDERS[record["hit_policy"]]]
    known = [name for name in record["inputs"] if not table_only(name)]
    yield "Facts that the rules use", [", ".join(known)] if known else []
    for name, values in record["outputs"].items():
        yield f"What the table decides: {name}", _meanings(name, values, catalogue)
    for rule in record["rules"]:
        first, *others = [_said(condition, catalogue) for condition in rule["when"]] or ["in all cases"]
        decided = ", ".join(f"{name}: {show(value)}" for name, value in outcome(rule["then"]).items())
        conditions = [f"When:\t{first}", *(f"and: \t{other}" for other in others)]
        yield f"{rule['id']}  {rule['title']}", [*conditions, f"Then:\t{decided}"]


def _fact_sheet(record: RuleData, catalogue: Catalogue) -> Iterator[_Section]:
    yield f"{record['id']}  {record['title']}", [_kind_of_fact(record)]
    yield "Why it matters", [record["why"]] if record.get("why") else []
    yield "How to answer", [record["help"]] if record.get("help") else []
    values = record["values"]
    if isinstance(values, Mapping):
        widest = max(map(len, values), default=0)
        yield "Values", [f"{value:{widest}}\t{means}" for value, means in values.items()]
    else:
        yield "Values", _meanings(record["id"], values, catalogue)
    yield "Value ranges that the rules compare", [", ".join(record["bins"])] if record.get("bins") else []
    change = record.get("change")
    how = f"{change['how']} (effort: {change['effort']} of 5)" if change else ""
    explained = ["`<new value>` stands for the value that you want the key to have."] if "<new value>" in how else []
    yield "To change it", [*explained, how] if how else []
    yield "Rules that use this fact", [", ".join(record["read_by"])] if record["read_by"] else []


def _meanings(name: str, values: Sequence[Any], catalogue: Catalogue) -> list[str]:
    """The values of an output or a derived fact, each with its meaning if the values have a text of their own."""
    said = {show(value): catalogue.says(name, value) for value in values}
    bare = [text for value, text in said.items() if text == f"{name} is {value}"]
    same = [text for value, text in said.items() if text.endswith(f" {value}")]
    if bare or len(same) > 1:
        return [("; " if any("," in value for value in said) else ", ").join(said)]
    widest = max(map(len, said))
    return [f"{value:{widest}}\t{text}" for value, text in said.items()]


def _kind_of_fact(record: RuleData) -> str:
    if record["kind"] == "derived":
        return "Derived fact: mcp-advisor computes it from the requirements."
    default = "Required" if record["required"] else f"Default: {default_of(record['default'])}"
    return f"Key of the requirements file. Type: {record['type']}. {default}."


def _feature_sheet(record: RuleData, catalogue: Catalogue) -> Iterator[_Section]:
    yield f"{record['id']}  {record['title']}", ["Protocol feature.", *filter(None, [record["question"]])]
    yield "Why it matters", [record["why"]] if record["why"] else []
    yield (
        "Calls: who answers, and how the messages are sent",
        [line for call in record["calls"] for line in (call["call"], *_carried(call, catalogue))],
    )
    yield "Alternatives", [advice["text"] for advice in record["instead"]]
    yield (
        "What published guides say (measurements can differ)",
        [f"{facts(guide['when'])}\t{guide['says']}" for guide in record["documented"]],
    )


def _source_sheet(record: RuleData, catalogue: Catalogue) -> Iterator[_Section]:
    yield (
        f"{record['id']}  {record['title']}",
        [f"Source. Kind: {record['type']}. Date: {record['date']}.", record["ref"]],
    )
    yield "What the source says", [record["says"]]
    yield "Rules that cite this source", [", ".join(record["cited_by"])] if record["cited_by"] else []


def _word_sheet(record: RuleData, catalogue: Catalogue) -> Iterator[_Section]:
    del catalogue
    for number, meaning in enumerate(record["meanings"]):
        head = meaning["kind"] if number else f"{record['id']}  {meaning['kind']}"
        widest = max(map(len, meaning["see"]), default=0)
        see = [f"  {name:{widest}}\t{title}" for name, title in meaning["see"].items()]
        yield head, [meaning["means"], *(["See:", *see] if see else [])]


def proof_lines(record: RuleData) -> Iterator[ReportLine]:
    """The proof for people: what was checked, then the result or each fault with an example."""
    size = record["combinations"]
    checked = (
        [
            f"{size:,} combinations (10^{record['power_of_ten']:.1f}) of the values of {record['facts']} facts",
            f"{record['rules']} rules of the deciding tables",
            f"Combinations that the rules treat alike form a class: at most {record['peak']:,} classes at a time, "
            f"{record['classes']:,} at the end.",
        ]
        if size
        else [
            f"{record['rules']} rules of the deciding tables",
            "The combinations of facts were not checked, because a table has a gap or an overlap.",
        ]
    )
    sections = [("Checked", [*checked, f"The check took {record['seconds']:.1f} s."])]
    if record["ok"]:
        return _lines([*sections, ("Result: no faults", _HOLDS)])
    faults = record["faults"]
    sections.append((f"Result: {len(faults)} {'fault' if len(faults) == 1 else 'faults'}", []))
    for (kind, message, _), group in _grouped(faults).items():
        wheres = list(dict.fromkeys(fault["where"] for fault in group))
        example = group[0]["example"]
        shown = ["Example:", *(f"  {name}: {_flow(value)}" for name, value in example.items())] if example else []
        fault = f"{_FAULTS.get(kind, kind)} ({kind})"
        if len(wheres) == 1:
            sections.append((f"{wheres[0] or 'All tables'}: {fault}", [message, *shown]))
        else:
            sections.append(
                (f"{fault} in {amount(len(wheres), 'place')}", [message, *(f"  {where}" for where in wheres)])
            )
    return _lines(sections)


def _grouped(faults: Sequence[RuleData]) -> dict[tuple[str, str, str], list[RuleData]]:
    """The faults in groups: faults with the same message in several places form a group, unless they have examples."""
    groups: dict[tuple[str, str, str], list[RuleData]] = {}
    for fault in faults:
        alone = f"{fault['where']} {fault['example']}" if fault["example"] else ""
        groups.setdefault((fault["kind"], fault["message"], alone), []).append(fault)
    return groups


_HOLDS = [
    "Every combination has exactly one decision. If no configuration is possible, the decision says so.",
    "Every rule decides at least one combination.",
    "Except for contradictions, no decision loses a required feature of the clients. No decision loses plain calls.",
    "Every decision is possible with its facts, and so is each of its tiers and its session affinity.",
    "If a decision is a contradiction, no possible configuration keeps every required feature.",
    "A stronger need never makes a contradiction feasible. A preferred need, one more tool or one more capability "
    "never makes a feasible decision a contradiction.",
    "Every example is correct, every source exists, and every fact is used by a rule.",
]


def facts(values: Mapping[str, Any]) -> str:
    """Facts on a single line, in YAML's flow style."""
    return ", ".join(f"{name}: {_flow(value)}" for name, value in values.items()) or "all requirements"


def default_of(value: Any) -> str:
    """A default value in words; "nothing" for an empty default."""
    return "nothing" if value in (None, []) else _flow(value)


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return show(value)


def _said(condition: RuleData, catalogue: Catalogue) -> str:
    """A condition as a sentence, with the fact in parentheses if users know the name of the fact."""
    name = f"{condition['fact']} {condition['words']}"
    text = catalogue.says(condition["fact"], condition["condition"])
    shown = f"`{condition['fact']}`{catalogue.compared(condition['fact'], condition['condition'])}"
    return text if text == name or table_only(condition["fact"]) else f"{text} ({shown})"


def _source_lines(sources: Sequence[RuleData]) -> list[str]:
    parts = ((f"{source['title']} ({source['id']})", f"  {source['ref']}", f"  {_start(source)}") for source in sources)
    return [line for part in parts for line in part]


def _start(source: RuleData) -> str:
    """The first sentences of what a source says, and where to read the others."""
    first, *others = re.split(r"(?<=\.) (?=[A-Z0-9])", source["says"])
    while others and len(first) + len(others[0]) < _SOURCE_WIDTH:
        first = f"{first} {others.pop(0)}"
    return f"{first} … (full text: `mcp-advisor rules show {source['id']}`)" if others else first


def _carried(call: RuleData, catalogue: Catalogue) -> Iterator[str]:
    for era in ("legacy", "modern"):
        if call[era]:
            scope, channel = (catalogue.says(f"call.{part}", call[era][part]) for part in ("scope", "channel"))
            yield f"  {era} clients:\t{scope}, {channel}"
