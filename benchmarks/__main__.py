"""All benchmarks: start-up, decisions per second, many files, the proof, kits, documents, sessions, scans, audits."""

import dataclasses
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import base_domains, check
from advisor.decision.core import CORE_FACTS
from advisor.engine.fold import fold
from advisor.knowledge import Knowledge, load
from advisor.report.decision_json import decision_dict
from advisor.requirements.reader import SourceDocument
from advisor.requirements.validate import validate
from benchmarks import zen
from benchmarks.audit import audited
from benchmarks.documents import documents
from benchmarks.hop import hop
from benchmarks.kit import kit
from benchmarks.kit_lines import lines
from benchmarks.requirements import draw
from benchmarks.scan import scanned
from benchmarks.server import generated
from benchmarks.side_by_side import pairs, processes

EXAMPLE = "examples/customer-service-agent.yaml"


def main() -> None:
    """Print every figure, or only the figures named on the command line."""
    wanted = sys.argv[1:] or list(FIGURES)
    for name in wanted:
        print(f"\n{name}")
        FIGURES[name]()


def startup() -> None:
    """`recommend FILE` as a process, with the start of Python."""
    imports = [sys.executable, "-c", "import typer, pydantic, yaml"]
    program = str(Path(sys.executable).with_name("mcp-advisor"))
    copier = str(Path(sys.executable).with_name("copier"))
    for form in ("json", "text"):
        ours = [program, "recommend", EXAMPLE, "--format", form]
        print(f"  recommend --format {form}, bare imports:     {processes(ours, imports)}   (aim: 1.3)")
        print(f"  recommend --format {form}, copier --version: {processes(ours, [copier, '--version'])}   (aim: 0.5)")
    print(f"  --version, bare imports:  {processes([program, '--version'], imports)}")
    print(f"  --help, bare imports:     {processes([program, '--help'], imports)}")


def decisions() -> None:
    """From a parsed mapping to a full decision, as a dictionary ready for JSON."""
    advisor = Advisor(load())
    mappings = draw(advisor, 5000)

    def whole(mapping: dict[str, object]) -> None:
        decision_dict(advisor.decide(validate(SourceDocument("x", mapping, {}), advisor.space)))

    for label, chosen in (("first time", mappings), ("again", mappings), ("one over and over", mappings[:1] * 5000)):
        started = time.perf_counter()
        for mapping in chosen:
            whole(mapping)
        print(f"  {label}: {len(chosen) / (time.perf_counter() - started):,.0f} decisions/s   (aim: 5,000)")


def tables() -> None:
    """One decision table, in our engine and in zen-engine, over the same rows. The results must agree."""
    import zen as engine

    advisor = Advisor(load())
    table = advisor.tables["session"]
    dice = random.Random(1)
    rows = [{name: dice.choice(table.domains[name]) for name in table.inputs} for _ in range(2000)]
    contexts = [{zen.name(name): value for name, value in row.items()} for row in rows]
    decision = engine.ZenEngine().create_decision(zen.document(table))
    for row, context in zip(rows, contexts, strict=True):
        ours = {zen.name(name): value for name, value in table.evaluate(row).outputs.items()}
        assert decision.evaluate(context)["result"] == ours, row

    def fresh() -> None:  # without the cache, as if every row were new
        for row in rows:
            table._hit(table.match(table.row(row)))

    print(f"  2,000 rows without our memo: {pairs(fresh, lambda: [decision.evaluate(c) for c in contexts], 7)}")
    print(f"  2,000 rows with it:          {pairs(lambda: [table.evaluate(r) for r in rows], fresh, 7)}")


def files() -> None:
    """`recommend` on a folder of 1,000 files, against a single file."""
    advisor = Advisor(load())
    program = str(Path(sys.executable).with_name("mcp-advisor"))
    with tempfile.TemporaryDirectory() as folder:
        for number, mapping in enumerate(draw(advisor, 1000)):
            Path(folder, f"{number}.json").write_text(json.dumps(mapping), encoding="utf-8")
        for form in ("json", "text"):
            command = [program, "recommend", folder, "--format", form]
            started = time.perf_counter()
            line = processes(command, [program, "recommend", EXAMPLE, "--format", form], runs=5)
            rate = 1000 * 6 / (time.perf_counter() - started)
            print(f"  1,000 files, one file (--format {form}): {line}; at least {rate:,.0f} files/s   (aim: 500)")


def proof() -> None:
    """The time of `rules check`, and how the time grows with the number of rules and facts."""
    knowledge = load()
    _prove("all facts, all rules", knowledge)
    for times in (2, 4):
        _prove(f"{times} times the affinity rules", _more_rules(knowledge, times))


def growth() -> None:
    """One fold of the fact space, with more and more facts open. Each other fact has a single value."""
    advisor = Advisor(load())
    steps, domains = advisor.network.steps(CORE_FACTS), base_domains(advisor)
    facts = sorted({name for step in steps for name in step.reads} & set(advisor.network.base))
    random.Random(3).shuffle(facts)
    for count in (10, 15, 20, 25, len(facts)):
        held = {name: domains[name][:1] for name in facts[count:]}
        started = time.perf_counter()
        folded = fold(steps, {**domains, **held}, ("pattern",))
        combinations = sum(verdict.count for verdict in folded.classes.values())
        seconds = time.perf_counter() - started
        print(f"  {count} facts open: {combinations:.2e} combinations, {folded.peak:,} classes, {seconds:.2f} s")


def _more_rules(knowledge: Knowledge, times: int) -> Knowledge:
    """Split rules of the affinity table by a fact that they do not read: more rules with the same decisions."""
    table = knowledge.tables["affinity"]
    kinds = list(knowledge.proxies)
    rules = []
    for rule in table.rules:
        for part in range(times):
            chosen = kinds[part::times]
            split = "environment.proxy.kind" not in rule.when
            when: dict[str, Any] = {**rule.when, "environment.proxy.kind": {"in": chosen}} if split else rule.when
            rules.append(rule._replace(id=f"{rule.id}.{part}", when=when))
            if not split:
                break
    return dataclasses.replace(knowledge, tables={**knowledge.tables, "affinity": table._replace(rules=rules)})


def _prove(label: str, knowledge: Knowledge) -> None:
    report = check(Advisor(knowledge))
    print(
        f"  {label}: {report.combinations:.2e} combinations of {report.facts} facts, {report.rules} rules, "
        f"at most {report.peak:,} classes at a time, {report.seconds:.1f} s"
    )


FIGURES = {
    "documents": documents,
    "startup": startup,
    "decisions": decisions,
    "tables": tables,
    "files": files,
    "proof": proof,
    "growth": growth,
    "kit": kit,
    "lines": lines,
    "hop": hop,
    "server": generated,
    "scan": scanned,
    "audit": audited,
}

if __name__ == "__main__":
    main()
