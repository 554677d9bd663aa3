"""The rule catalogue in words: a record as headed sections of lines, laid out for a width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from advisor.engine.table import show
from advisor.report.rule_records import Record

_LONGEST_HEAD = 30

Section: TypeAlias = tuple[str, list[str]]
"""A heading and its lines. A line keeps its own indentation when it is wrapped; a tab in it ends a hanging head."""


def listing_sections(record: Record) -> list[Section]:
    """The list for people: one section per table."""
    sections = []
    for table in record["tables"]:
        rules = [rule for rule in record["rules"] if rule["table"] == table["id"]]
        heading = f"{table['id']}: {table['question']} ({table['hit_policy']})"
        widest = max(len(rule["id"]) for rule in rules)
        sections.append((heading, [_hanging(f"{rule['id']:{widest}}", rule["title"]) for rule in rules]))
    return sections


def sheet(record: Record) -> list[Section]:
    """A record for people: the first section is its name and what it is, the others follow."""
    makers = {"rule": _rule_sheet, "table": _table_sheet, "feature": _feature_sheet, "source": _source_sheet}
    return [one for one in makers.get(record["kind"], _fact_sheet)(record) if one[1]]


def _rule_sheet(record: Record) -> Iterator[Section]:
    table = record["table"]
    place = f"Rule {table['position']} of {table['rules']} in the table {table['id']}, hit policy {table['hit_policy']}"
    yield f"{record['id']}  {record['title']}", [f"{place}.", f"{table['question']}"]
    yield "When", [f"{one['fact']} {one['words']}" for one in record["when"]] or ["whatever the facts are"]
    yield "Then", [f"{name}: {show(value)}" for name, value in record["then"].items()]
    yield "Because", [record["because"]]
    yield "Fix", [record["fix"]] if record["fix"] else []
    earlier = record["preempted_by"]
    widest = max((len(one["id"]) for one in earlier), default=0)
    yield (
        "Unless one of these fires first",
        [_hanging(f"{one['id']:{widest}}", _sentence(one["when"])) for one in earlier],
    )
    yield "Sources", _source_lines(record["sources"])
    names = {"hit": "Fires for:        ", "miss": "Does not fire for:"}
    yield "Examples", [_hanging(names[kind], facts(example)) for kind, example in record["examples"].items()]


def _table_sheet(record: Record) -> Iterator[Section]:
    yield f"{record['id']}  {record['title']}", [record["question"], f"Hit policy {record['hit_policy']}."]
    yield "Reads", [", ".join(record["inputs"])]
    yield "Says", [f"{name}: {', '.join(map(show, values))}" for name, values in record["outputs"].items()]
    for rule in record["rules"]:
        outcome = ", ".join(f"{name}: {show(value)}" for name, value in rule["then"].items())
        yield f"{rule['id']}  {rule['title']}", [f"When {_sentence(rule['when'])}", f"Then {outcome}"]


def _fact_sheet(record: Record) -> Iterator[Section]:
    kind = f"A fact of the requirements file, {record['type']}" if record["kind"] == "fact" else "A fact worked out"
    default = "" if record.get("required") or record["kind"] != "fact" else f", default {default_of(record['default'])}"
    required = ", required" if record.get("required") else ""
    yield f"{record['id']}  {record['title']}", [f"{kind}{required}{default}."]
    yield "Why", [record["why"]] if record.get("why") else []
    yield "Help", [record["help"]] if record.get("help") else []
    values = record["values"]
    if isinstance(values, Mapping):
        widest = max(map(len, values), default=0)
        yield "Values", [_hanging(f"{value:{widest}}", means) for value, means in values.items()]
    else:
        yield "Values", [", ".join(map(show, values))]
    yield "Rules tell apart", [", ".join(record["bins"])] if record.get("bins") else []
    change = record.get("change")
    yield "To change it", [f"{change['how']} (effort {change['effort']} of 5)"] if change else []
    yield "Read by", [", ".join(record["read_by"])] if record["read_by"] else []


def _feature_sheet(record: Record) -> Iterator[Section]:
    yield f"{record['id']}  {record['title']}", ["A feature of the protocol.", *filter(None, [record["question"]])]
    yield "Why", [record["why"]] if record["why"] else []
    yield "Calls", [_hanging(call["call"], _carried(call)) for call in record["calls"]]
    yield "Without it", [one["text"] for one in record["instead"]]
    yield "What guides say", [_hanging(facts(one["when"]), one["says"]) for one in record["documented"]]


def _source_sheet(record: Record) -> Iterator[Section]:
    yield f"{record['id']}  {record['title']}", [f"A source: {record['type']}, {record['date']}.", record["ref"]]
    yield "Says", [record["says"]]
    yield "Cited by", [", ".join(record["cited_by"])] if record["cited_by"] else []


def proof_sections(record: Record) -> list[Section]:
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
        return [*sections, ("Every combination has exactly one outcome or an explicit contradiction", _HOLDS)]
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
    return sections


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


def layout(sections: Sequence[Section], width: int) -> Iterator[tuple[bool, str]]:
    """Sections as (whether it is a heading, line), wrapped to `width` columns; addresses are never broken."""
    for number, (heading, lines) in enumerate(sections):
        if number:
            yield False, ""
        yield from ((True, part) for part in _wrap(heading, "", "  ", width))
        for line in lines:
            head, hanging, tail = line.partition("\t")
            inner = " " * (2 + len(line) - len(line.lstrip(" ")))
            whole = f"{head}  {tail}" if hanging else head
            # What hangs stands under its tail, unless the head is so long that little would be left beside it.
            more = inner + " " * (len(whole) - len(tail) if len(head) <= _LONGEST_HEAD else 4) if hanging else inner
            yield from ((False, part) for part in _wrap(whole.lstrip(" "), inner, more, width))


def _wrap(text: str, first: str, more: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=more, break_long_words=False, break_on_hyphens=False
    )


def facts(values: Mapping[str, Any]) -> str:
    """Facts on one line, as YAML's flow style writes them."""
    return ", ".join(f"{name}: {_flow(value)}" for name, value in values.items()) or "whatever the facts are"


def default_of(value: Any) -> str:
    """A default in words: nothing for an empty one."""
    return "nothing" if value in (None, []) else _flow(value)


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return show(value)


def _sentence(conditions: Sequence[Record]) -> str:
    return " and ".join(f"{one['fact']} {one['words']}" for one in conditions) or "whatever the facts are"


def _hanging(head: str, tail: str) -> str:
    """A line whose continuation is indented further; the tab marks where the head ends."""
    return f"{head}\t{tail}"


def _source_lines(sources: Sequence[Record]) -> list[str]:
    parts = ((f"{one['title']} ({one['id']})", f"  {one['ref']}", f"  {one['says']}") for one in sources)
    return [line for part in parts for line in part]


def _carried(call: Mapping[str, Any]) -> str:
    carried = [f"{era}: {call[era]['scope']}, {call[era]['channel']}" for era in ("legacy", "modern") if call[era]]
    return "; ".join(carried)
