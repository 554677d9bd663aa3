"""The documents of the rule catalogue as lines for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from advisor.console.lines import ReportLine
from advisor.engine.table import show

Record: TypeAlias = Mapping[str, Any]
"""A document of `rule_document`, or an object in it."""

_Section: TypeAlias = tuple[str, list[str]]
"""A heading and its lines; a tab in a line ends its head."""


def listing_lines(record: Record) -> Iterator[ReportLine]:
    """The list of the rules, table by table."""
    sections = []
    for table in record["tables"]:
        rules = [rule for rule in record["rules"] if rule["table"] == table["id"]]
        heading = f"{table['id']}: {table['question']} ({table['hit_policy']})"
        widest = max(len(rule["id"]) for rule in rules)
        sections.append((heading, [f"{rule['id']:{widest}}\t{rule['title']}" for rule in rules]))
    return _lines(sections)


def entry_lines(record: Record) -> Iterator[ReportLine]:
    """An entry of the catalogue: its name and what it is, and a section for each thing that is known of it."""
    makers: dict[str, Callable[[Record], Iterator[_Section]]] = {
        "rule": _rule_sheet,
        "table": _table_sheet,
        "feature": _feature_sheet,
        "source": _source_sheet,
    }
    return _lines([section for section in makers.get(record["kind"], _fact_sheet)(record) if section[1]])


def _lines(sections: Iterable[_Section]) -> Iterator[ReportLine]:
    for number, (heading, lines) in enumerate(sections):
        if number:
            yield ReportLine("plain", "")
        yield ReportLine("heading", heading)
        yield from (ReportLine("plain", f"  {line}") for line in lines)


def _rule_sheet(record: Record) -> Iterator[_Section]:
    table = record["table"]
    place = f"Rule {table['position']} of {table['rules']} in the table {table['id']}, hit policy {table['hit_policy']}"
    yield f"{record['id']}  {record['title']}", [f"{place}.", f"{table['question']}"]
    yield (
        "When",
        [f"{condition['fact']} {condition['words']}" for condition in record["when"]] or ["whatever the facts are"],
    )
    yield "Then", [f"{name}: {show(value)}" for name, value in record["then"].items()]
    yield "Because", [record["because"]]
    yield "Fix", [record["fix"]] if record["fix"] else []
    earlier = record["preempted_by"]
    widest = max((len(rule["id"]) for rule in earlier), default=0)
    yield (
        "Unless one of these fires first",
        [f"{rule['id']:{widest}}\t{_sentence(rule['when'])}" for rule in earlier],
    )
    yield "Sources", _source_lines(record["sources"])
    names = {"hit": "Fires for:        ", "miss": "Does not fire for:"}
    yield "Examples", [f"{names[kind]}\t{facts(example)}" for kind, example in record["examples"].items()]


def _table_sheet(record: Record) -> Iterator[_Section]:
    yield f"{record['id']}  {record['title']}", [record["question"], f"Hit policy {record['hit_policy']}."]
    yield "Reads", [", ".join(record["inputs"])]
    yield "Says", [f"{name}: {', '.join(map(show, values))}" for name, values in record["outputs"].items()]
    for rule in record["rules"]:
        outcome = ", ".join(f"{name}: {show(value)}" for name, value in rule["then"].items())
        yield f"{rule['id']}  {rule['title']}", [f"When {_sentence(rule['when'])}", f"Then {outcome}"]


def _fact_sheet(record: Record) -> Iterator[_Section]:
    kind = f"A fact of the requirements file, {record['type']}" if record["kind"] == "fact" else "A fact worked out"
    default = "" if record.get("required") or record["kind"] != "fact" else f", default {default_of(record['default'])}"
    required = ", required" if record.get("required") else ""
    yield f"{record['id']}  {record['title']}", [f"{kind}{required}{default}."]
    yield "Why", [record["why"]] if record.get("why") else []
    yield "Help", [record["help"]] if record.get("help") else []
    values = record["values"]
    if isinstance(values, Mapping):
        widest = max(map(len, values), default=0)
        yield "Values", [f"{value:{widest}}\t{means}" for value, means in values.items()]
    else:
        yield "Values", [", ".join(map(show, values))]
    yield "Rules tell apart", [", ".join(record["bins"])] if record.get("bins") else []
    change = record.get("change")
    yield "To change it", [f"{change['how']} (effort {change['effort']} of 5)"] if change else []
    yield "Read by", [", ".join(record["read_by"])] if record["read_by"] else []


def _feature_sheet(record: Record) -> Iterator[_Section]:
    yield f"{record['id']}  {record['title']}", ["A feature of the protocol.", *filter(None, [record["question"]])]
    yield "Why", [record["why"]] if record["why"] else []
    yield "Calls", [f"{call['call']}\t{_carried(call)}" for call in record["calls"]]
    yield "Without it", [advice["text"] for advice in record["instead"]]
    yield "What guides say", [f"{facts(guide['when'])}\t{guide['says']}" for guide in record["documented"]]


def _source_sheet(record: Record) -> Iterator[_Section]:
    yield f"{record['id']}  {record['title']}", [f"A source: {record['type']}, {record['date']}.", record["ref"]]
    yield "Says", [record["says"]]
    yield "Cited by", [", ".join(record["cited_by"])] if record["cited_by"] else []


def proof_lines(record: Record) -> Iterator[ReportLine]:
    """The proof for people: the space and what holds in it, or each fault with its counter-example."""
    size = record["combinations"]
    space = [
        f"{size:,} combinations (10^{record['power_of_ten']:.1f}) of {record['facts']} facts"
        if size
        else "not entered",
        f"folded into at most {record['peak']:,} classes at a time, {record['classes']:,} in the end" if size else "",
        f"{record['rules']} deciding rules, {record['seconds']:.1f} s",
    ]
    sections = [("Fact space", list(filter(None, space)))]
    if record["ok"]:
        return _lines([*sections, ("Every combination has exactly one outcome or an explicit contradiction", _HOLDS)])
    faults = record["faults"]
    sections.append((f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'}", []))
    for (kind, message, _), group in _grouped(faults).items():
        wheres = list(dict.fromkeys(fault["where"] for fault in group))
        example = group[0]["example"]
        shown = ["For example:", *(f"  {name}: {_flow(value)}" for name, value in example.items())] if example else []
        if len(wheres) == 1:
            sections.append((f"{kind}  {wheres[0]}".rstrip(), [message, *shown]))
        else:
            sections.append((f"{kind}  in {len(wheres)} places", [message, *(f"  {where}" for where in wheres)]))
    return _lines(sections)


def _grouped(faults: Sequence[Record]) -> dict[tuple[str, str, str], list[Record]]:
    """Faults that say the same of several places, together; each with an example stands alone."""
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for fault in faults:
        alone = f"{fault['where']} {fault['example']}" if fault["example"] else ""
        groups.setdefault((fault["kind"], fault["message"], alone), []).append(fault)
    return groups


_HOLDS = [
    "No rule is dead or shadowed.",
    "No feasible decision loses a required feature for an era that the requirements name.",
    "Every example does what it says, every source exists, and every fact is read by a rule.",
]


def facts(values: Mapping[str, Any]) -> str:
    """Facts on a single line, as YAML's flow style writes them."""
    return ", ".join(f"{name}: {_flow(value)}" for name, value in values.items()) or "whatever the facts are"


def default_of(value: Any) -> str:
    """A default in words: nothing for an empty default."""
    return "nothing" if value in (None, []) else _flow(value)


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return show(value)


def _conditions(conditions: Sequence[Record]) -> list[str]:
    return [f"{condition['fact']} {condition['words']}" for condition in conditions]


def _sentence(conditions: Sequence[Record]) -> str:
    return " and ".join(_conditions(conditions)) or "whatever the facts are"


def _source_lines(sources: Sequence[Record]) -> list[str]:
    parts = ((f"{source['title']} ({source['id']})", f"  {source['ref']}", f"  {source['says']}") for source in sources)
    return [line for part in parts for line in part]


def _carried(call: Record) -> str:
    carried = [f"{era}: {call[era]['scope']}, {call[era]['channel']}" for era in ("legacy", "modern") if call[era]]
    return "; ".join(carried)
