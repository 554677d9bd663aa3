"""The rule catalogue as plain records: rules, tables, facts, features, sources and words, and the proof of the rules.

`--format json` prints a record; `rule_text` makes the text for a terminal from a record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from math import log10
from typing import TYPE_CHECKING, Any

from advisor.documents import document
from advisor.engine.rules import Rule, RuleTable
from advisor.engine.table import DecisionTable
from advisor.errors import Exit, UsageError
from advisor.knowledge import Knowledge
from advisor.knowledge.catalogue import Source
from advisor.knowledge.facts import Fact
from advisor.knowledge.space import FactSpace
from advisor.report.answer_words import AnswerWord, answer_words, plain
from advisor.report.condition_wording import in_words, quoted_words, sentence, words
from advisor.report.finding_record import FaultRecord, finding_record
from advisor.report.rule_document import (
    AnyEntry,
    Condition,
    DerivedEntry,
    EarlierRule,
    EntryKind,
    FactEntry,
    FeatureEntry,
    GuideRecord,
    MeaningRecord,
    PositionInTable,
    ProofDocument,
    RuleEntry,
    RuleOutcome,
    RulesDocument,
    RuleTitle,
    SourceEntry,
    TableEntry,
    TableHead,
    WordEntry,
)
from advisor.requirements.schema import meanings
from advisor.requirements.text import nearest

if TYPE_CHECKING:
    from advisor.decision.checks.proof import Report

_HELP = "`mcp-advisor rules list` shows the rules."


def listing(knowledge: Knowledge, table: str | None) -> RulesDocument:
    """Every rule, or the rules of one table.

    Raises:
        UsageError: the table does not exist.
    """
    if table is not None and table not in knowledge.tables:
        raise UsageError(unknown("table", table, knowledge.tables, f"Tables: {', '.join(knowledge.tables)}."))
    tables = [found for name, found in knowledge.tables.items() if table in (None, name)]
    rules = [document(RuleTitle, rule, table=found.table) for found in tables for rule in found.rules]
    return document(RulesDocument, tables=[document(TableHead, found, id=found.table) for found in tables], rules=rules)


class Catalogue:
    """Every entry that `rules show` can print."""

    def __init__(
        self, space: FactSpace, tables: Mapping[str, DecisionTable], commands: Mapping[str, str] | None = None
    ) -> None:
        """A catalogue of the knowledge of `space`.

        Args:
            space: the known facts.
            tables: the compiled tables of the knowledge by id.
            commands: the summary of each command of the program, by its name.
        """
        self._knowledge = space.knowledge
        self._space = space
        self._compiled = tables
        self._words = answer_words(space, commands or {})

    def find(self, name: str) -> AnyEntry:
        """The record of the rule, table, fact, feature or source with this id, or of the word, in upper or lower case.

        Raises:
            UsageError: the id does not exist; the message contains the nearest spelling.
        """
        found = self._exactly.get(name.lower()) or self._loosely.get(plain(name)) or self._release_word(name)
        if found is None:
            allowed = f"Exit codes: {', '.join(str(code.value) for code in Exit)}." if name.isdecimal() else _HELP
            names = () if name.isdecimal() else self.names()
            raise UsageError(unknown("rule, fact, feature, source or word", name, names, allowed))
        kind, entry = found
        makers: dict[EntryKind, Callable[[str], AnyEntry]] = {
            "rule": self._rule,
            "table": self._table,
            "fact": self._fact,
            "derived": self._derived,
            "feature": self._feature,
            "source": self._source,
            "word": self._word,
        }
        return makers[kind](entry)

    @cached_property
    def _exactly(self) -> dict[str, tuple[EntryKind, str]]:
        """The kind and the id of each entry, by its id, alias or word in lower case."""
        known: dict[str, tuple[EntryKind, str]] = {
            entry.lower(): (kind, entry) for kind, ids in self.ids().items() for entry in reversed(ids)
        }
        for _, rule in self._knowledge.rules.values():
            known |= dict.fromkeys(map(str.lower, rule.other_ids), ("rule", rule.id))
        for word in self._words:
            known.setdefault(word, ("word", word))
        return known

    @cached_property
    def _loosely(self) -> dict[str, tuple[EntryKind, str]]:
        """The same entries, by their names in the form that `plain` returns."""
        return {plain(word): found for word, found in reversed(self._exactly.items())}

    def _release_word(self, name: str) -> tuple[EntryKind, str] | None:
        """Make a word of an SDK release, such as `mcp==1.30.0`. There are too many releases for a list."""
        release = self._space.known_release(name)
        if release is None:
            return None
        phrases = self._knowledge.phrases
        means = phrases["word.release.means"].format(release=release.id)
        self._words[plain(name)] = [AnswerWord(name, phrases["word.release"], means)]
        return "word", plain(name)

    def names(self) -> list[str]:
        """Every name that `find` knows: the ids, the aliases of the rules, and the words of an answer."""
        others = (name for _, rule in self._knowledge.rules.values() for name in rule.other_ids)
        words = (word.word for found in self._words.values() for word in found)
        return [*(entry for ids in self.ids().values() for entry in ids), *others, *dict.fromkeys(words)]

    def ids(self) -> dict[EntryKind, list[str]]:
        """The ids by kind. An id has one kind only."""
        knowledge = self._knowledge
        return {
            "rule": list(knowledge.rules),
            "table": list(knowledge.tables),
            "fact": list(self._space.facts),
            "derived": [derived.id for derived in knowledge.derived],
            "feature": list(knowledge.features),
            "source": list(knowledge.sources),
        }

    def _rule(self, name: str) -> RuleEntry:
        table, rule = self._knowledge.rules[name]
        place = table.rules.index(rule)
        earlier = [document(EarlierRule, other, when=_conditions(other)) for other in self.preempting(table, place)]
        return document(
            RuleEntry,
            rule,
            kind="rule",
            table=document(PositionInTable, table, id=table.table, position=place + 1, rules=len(table.rules)),
            when=_conditions(rule),
            preempted_by=earlier,
            sources=self._sources(rule.sources),
        )

    def says(self, fact: str, condition: Any, pattern: str = "") -> str:
        """A condition, or an outcome of a rule with this pattern, as a sentence without its full stop."""
        return sentence(self._knowledge.phrases, fact, condition, pattern)

    def compared(self, fact: str, condition: Any) -> str:
        """What follows the name of the fact in a condition: ``is `many` ``. Empty for the range of a number.

        A requirements file states the number, so the name of the range would look like a value to write there.
        """
        declared = self._space.facts.get(fact)
        return "" if declared and declared.bins else f" {quoted_words(condition)}"

    def in_words(self, text: str, brackets: str = "<>") -> str:
        """The text of a warning, with words in brackets instead of each placeholder."""
        return in_words(text, self._knowledge.phrases, brackets)

    @property
    def terms(self) -> dict[str, str]:
        """The terms that rules use, with their meanings."""
        start = "term is "
        return {name[len(start) :]: text for name, text in self._knowledge.phrases.items() if name.startswith(start)}

    def term(self, name: str) -> str:
        """Return the meaning of a word of the glossary, or "" if the glossary does not have the word."""
        found = self._words.get(plain(name), [])
        kind = self._knowledge.phrases["word.term"]
        return next((word.means for word in found if word.kind == kind), "")

    def preempting(self, table: RuleTable, position: int) -> list[Rule]:
        """The earlier rules of a `first` table that can apply to the same facts as the rule at `position`."""
        if table.hit_policy != "first":
            return []
        compiled = self._compiled[table.table]
        return [
            rule
            for earlier, rule in enumerate(table.rules[:position])
            if all(any(mask >> earlier & mask >> position & 1 for mask in of.values()) for of in compiled.masks)
        ]

    def _table(self, name: str) -> TableEntry:
        table = self._knowledge.tables[name]
        rules = [document(RuleOutcome, rule, when=_conditions(rule)) for rule in table.rules]
        return document(TableEntry, table, kind="table", id=name, rules=rules)

    def _fact(self, name: str) -> FactEntry:
        fact = self._space.facts[name]
        return document(
            FactEntry,
            fact,
            kind="fact",
            title=fact.question,
            values=meanings(fact, self._space),
            bins=[each.bin for each in fact.bins],
            change={"effort": fact.change.effort, "how": how_to_change(fact)} if fact.change else None,
            read_by=self.readers(name),
        )

    def _derived(self, name: str) -> DerivedEntry:
        derived = next(fact for fact in self._knowledge.derived if fact.id == name)
        values = self._space.domains[name]
        return document(
            DerivedEntry, derived, kind="derived", title=derived.means, values=values, read_by=self.readers(name)
        )

    def readers(self, fact: str) -> list[str]:
        """The ids of the rules that have a condition on a fact, in order."""
        return [rule.id for _, rule in self._knowledge.rules.values() if fact in rule.when]

    def _feature(self, name: str) -> FeatureEntry:
        feature = self._knowledge.features[name]
        documented = [
            document(GuideRecord, claim, sources=self._sources(claim.sources)) for claim in feature.documented
        ]
        return document(FeatureEntry, feature, kind="feature", documented=documented)

    def _source(self, name: str) -> SourceEntry:
        source = self._knowledge.sources[name]
        cited = [rule.id for _, rule in self._knowledge.rules.values() if name in rule.sources]
        return document(SourceEntry, source, kind="source", type=source.kind, cited_by=cited)

    def _word(self, name: str) -> WordEntry:
        found = self._words[name]
        records = [document(MeaningRecord, word) for word in found]
        return document(WordEntry, kind="word", id=found[0].word, title=found[0].kind, meanings=records)

    def _sources(self, ids: Sequence[str]) -> list[Source]:
        # `rules check` reports sources that do not exist. `rules show` must work without them.
        return [self._knowledge.sources[name] for name in ids if name in self._knowledge.sources]


def how_to_change(fact: Fact) -> str:
    """How to change a fact to any other value, in one sentence; `<new value>` is a placeholder for the value."""
    feature = fact.id.removeprefix("needs.")
    how = fact.change.how if fact.change else ""
    return how.format(value="`<new value>`", feature=feature, instead="").strip()


def proof_record(report: Report) -> ProofDocument:
    """The record of a proof. Examples contain the values that rules compare, such as `many`, not raw values."""
    power = log10(report.combinations) if report.combinations else None
    faults = [finding_record(FaultRecord, fault) for fault in report.faults]
    return document(ProofDocument, report, ok=not report.faults, power_of_ten=power, faults=faults)


def _conditions(rule: Rule) -> list[Condition]:
    return [{"fact": name, "condition": condition, "words": words(condition)} for name, condition in rule.when.items()]


def unknown(what: str, name: str, known: Iterable[str], allowed: str) -> str:
    """The message for an unknown name, with the nearest spelling and the allowed names."""
    return " ".join(part for part in (f"There is no {what} {name!r:.80}.", nearest(name, known), allowed) if part)
