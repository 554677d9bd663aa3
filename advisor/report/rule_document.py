"""The JSON documents that `rules list`, `rules show` and `rules check` print with `--format json`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, TypedDict

from advisor.documents import Count, Hundredths, Rounded
from advisor.engine.rules import Value
from advisor.knowledge.catalogue import Source
from advisor.knowledge.features import Advice, FeatureCall
from advisor.knowledge.types import Raw
from advisor.knowledge.vocabulary import FeatureOutcome
from advisor.report.finding_record import FaultRecord

EntryKind: TypeAlias = Literal["rule", "table", "fact", "derived", "feature", "source", "word"]


class TableHead(TypedDict):
    """A decision table."""

    id: str
    title: str
    question: str
    hit_policy: Literal["first", "unique", "collect"]


class RuleTitle(TypedDict):
    """A rule of the list."""

    id: str
    alias: str
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
        condition: A value, or an operator with its values.
        words: The condition as the part of a sentence that follows the fact.
    """

    fact: str
    condition: Any
    words: str


class PositionInTable(TableHead):
    """The table of a rule, and the position of the rule in the table."""

    position: Annotated[int, {"minimum": 1}]
    rules: Count


class EarlierRule(TypedDict):
    """An earlier rule that can decide instead."""

    id: str
    title: str
    when: list[Condition]


class RuleOutcome(TypedDict):
    """A rule of a table, with its conditions and its outcome."""

    id: str
    title: str
    when: list[Condition]
    then: dict[str, Value]


class Entry(TypedDict):
    """An entry of the rule catalogue, version 1."""

    schema: Literal["mcp-advisor/knowledge/1"]
    kind: EntryKind
    id: str
    title: str


class RuleEntry(Entry):
    """A rule.

    Attributes:
        alias: The name of a rule whose id is a code, or the code of a warning. It finds the rule too.
        former: Earlier ids of a warning. They find the rule too.
        fix: How to fix the problem. Only warnings have a fix.
        preempted_by: Earlier rules that can apply to the same requirements and then decide.
        examples: Requirements with the rule (hit) and without it (miss).
    """

    alias: str
    former: list[str]
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
        inputs: The facts that the rules of the table use.
        outputs: What the table decides, with the possible values of each output.
    """

    question: str
    hit_policy: Literal["first", "unique", "collect"]
    inputs: list[str]
    outputs: dict[str, list[Value]]
    rules: list[RuleOutcome]


class ChangeEffort(TypedDict):
    """How to change a fact.

    Attributes:
        effort: From 1 (little) to 5 (much).
    """

    effort: Count
    how: str


class FactEntry(Entry):
    """A key of the requirements file.

    Attributes:
        values: The allowed values and their meanings. Empty for numbers, names and lists.
        bins: The value ranges that the rules compare.
        change: How to change the fact. Null if it cannot be changed.
        read_by: The rules that use the fact.
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
    """A derived fact, computed from other facts.

    Attributes:
        read_by: The rules that use the fact.
    """

    values: list[Value]
    read_by: list[str]


class GuideRecord(TypedDict):
    """What published guides say about a feature with these flags."""

    when: dict[str, bool]
    outcome: FeatureOutcome
    says: str
    sources: list[Source]


class FeatureEntry(Entry):
    """A feature of the protocol.

    Attributes:
        calls: The calls that use the feature, with what each call needs.
        instead: Alternatives to the feature.
        documented: What published guides say.
    """

    question: str | None
    why: str | None
    help: str | None
    calls: list[FeatureCall]
    instead: list[Advice]
    documented: list[GuideRecord]


class SourceEntry(Entry):
    """A source of a statement.

    Attributes:
        cited_by: The rules that cite the source.
    """

    type: str
    ref: str
    date: str
    says: str
    cited_by: list[str]


class MeaningRecord(TypedDict):
    """A meaning of a word.

    Attributes:
        kind: What the word is, such as a deployment pattern or a value of a fact.
        see: Titles of related rules or facts by their ids.
    """

    kind: str
    means: str
    see: dict[str, str]


class WordEntry(Entry):
    """A word of an answer: a pattern, a mechanism, an outcome, an exit code, a value of a fact, or a term."""

    meanings: list[MeaningRecord]


AnyEntry: TypeAlias = RuleEntry | TableEntry | FactEntry | DerivedEntry | FeatureEntry | SourceEntry | WordEntry


class ProofDocument(TypedDict):
    """The proof of the rules for all combinations of facts, version 1.

    Attributes:
        combinations: The number of combinations of facts.
        power_of_ten: The number of combinations as a power of ten. Null if the combinations were not checked.
        facts: The number of facts that the deciding tables use.
        classes: The number of classes at the end. The rules treat all combinations of a class alike.
        peak: The largest number of classes at any time.
        rules: The number of rules in the deciding tables.
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
