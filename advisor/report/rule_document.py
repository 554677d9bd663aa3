"""The rule catalogue as documents: what `rules list`, `rules show` and `rules check` print with `--format json`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, TypedDict

from advisor.documents import Count, Hundredths, Rounded
from advisor.engine.rules import Value
from advisor.knowledge.catalogue import Source
from advisor.knowledge.features import FeatureCall, Instead
from advisor.knowledge.types import Raw
from advisor.knowledge.vocabulary import Seen

Kind: TypeAlias = Literal["rule", "table", "fact", "derived", "feature", "source"]


class TableHead(TypedDict):
    """A decision table."""

    id: str
    title: str
    question: str
    hit_policy: Literal["first", "unique", "collect"]


class RuleTitle(TypedDict):
    """A rule of the list."""

    id: str
    table: str
    title: str


class RulesDocument(TypedDict):
    """The decision tables and their rules, version 1."""

    schema: Literal["mcp-advisor/rules/1"]
    tables: list[TableHead]
    rules: list[RuleTitle]


class Condition(TypedDict):
    """A condition of a rule.

    Attributes:
        condition: a value, or an operator with its values.
        words: the condition as the end of a sentence.
    """

    fact: str
    condition: Any
    words: str


class PositionInTable(TableHead):
    """The table of a rule, and the rule's place in it."""

    position: Annotated[int, {"minimum": 1}]
    rules: Count


class EarlierRule(TypedDict):
    """A rule that fires first where it holds."""

    id: str
    title: str
    when: list[Condition]


class RuleOutcome(TypedDict):
    """A rule of a table, and its outcome."""

    id: str
    title: str
    when: list[Condition]
    then: dict[str, Value]


class Entry(TypedDict):
    """Something that the rules declare, version 1."""

    schema: Literal["mcp-advisor/knowledge/1"]
    kind: Kind
    id: str
    title: str


class RuleEntry(Entry):
    """A rule.

    Attributes:
        fix: for a warning, what to do.
        preempted_by: earlier rules of the table that can hold together with this rule, and then fire first.
        examples: requirements for which it fires (hit) and for which it does not (miss).
    """

    table: PositionInTable
    when: list[Condition]
    then: dict[str, Value]
    because: str
    fix: str | None
    preempted_by: list[EarlierRule]
    sources: list[Source]
    examples: dict[Literal["hit", "miss"], dict[str, Raw]]


class TableEntry(Entry):
    """A decision table.

    Attributes:
        inputs: the facts that it reads.
        outputs: what it decides, and the values of each.
    """

    question: str
    hit_policy: Literal["first", "unique", "collect"]
    inputs: list[str]
    outputs: dict[str, list[Value]]
    rules: list[RuleOutcome]


class ChangeEffort(TypedDict):
    """What it takes to change a fact.

    Attributes:
        effort: from 1 to 5.
    """

    effort: Count
    how: str


class FactEntry(Entry):
    """A fact of the requirements file.

    Attributes:
        values: its values and what each means; empty for numbers, names and lists.
        bins: the values that rules tell apart.
        change: what it takes to change it; null where it cannot be changed.
        read_by: the rules that read it.
    """

    type: str
    default: Any
    required: bool
    why: str
    help: str
    values: dict[str, str]
    bins: list[str]
    change: ChangeEffort | None
    read_by: list[str]


class DerivedEntry(Entry):
    """A fact that follows from others.

    Attributes:
        read_by: the rules that read it.
    """

    values: list[Value]
    read_by: list[str]


class GuideRecord(TypedDict):
    """What published guides say that a feature does under some flags."""

    when: dict[str, bool]
    outcome: Seen
    says: str
    sources: list[Source]


class FeatureEntry(Entry):
    """A feature of the protocol.

    Attributes:
        calls: the ways of asking for it, and what each travels on.
        instead: what to do without it.
        documented: what published guides say.
    """

    question: str | None
    why: str | None
    help: str | None
    calls: list[FeatureCall]
    instead: list[Instead]
    documented: list[GuideRecord]


class SourceEntry(Entry):
    """What a statement rests on.

    Attributes:
        cited_by: the rules that cite it.
    """

    type: str
    ref: str
    date: str
    says: str
    cited_by: list[str]


AnyEntry: TypeAlias = RuleEntry | TableEntry | FactEntry | DerivedEntry | FeatureEntry | SourceEntry


class FaultRecord(TypedDict):
    """A fault of the rules.

    Attributes:
        where: the table, the rule or the fact.
        example: facts that show it, as the rules have them.
    """

    kind: str
    where: str
    message: str
    example: dict[str, Value]


class ProofDocument(TypedDict):
    """The proof of the rules over the whole fact space, version 1.

    Attributes:
        combinations: assignments of facts in the space.
        power_of_ten: the same as a power of ten; null where the space was not entered.
        facts: facts that the deciding tables depend on.
        classes: classes that the combinations fold into in the end.
        peak: the most classes at any time.
        rules: rules in the deciding tables.
    """

    schema: Literal["mcp-advisor/proof/1"]
    ok: bool
    combinations: Count
    power_of_ten: Annotated[float | None, Rounded(2)]
    facts: Count
    classes: Count
    peak: Count
    rules: Count
    seconds: Hundredths
    faults: list[FaultRecord]
