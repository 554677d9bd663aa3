"""The reference pages that only the site has: one page for each rule, and the commands, sources, schemas and tables.

They are made when the site is built, so that the repository does not hold the same text twice.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from advisor.cli.schema_registry import DECLARATIONS, schema_of
from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import nested
from advisor.engine.rules import Rule, RuleTable
from advisor.engine.table import show
from advisor.knowledge import Knowledge
from advisor.knowledge.topology import BalancingStrategy
from advisor.knowledge.types import ERAS, FLAG_PAIRS, flag_key
from advisor.lab.process.extra import EXTRA
from advisor.report.capability_matrix import Matrix
from advisor.report.condition_wording import outcome
from advisor.report.rule_records import Catalogue
from advisor.report.rule_text import facts, table_only
from advisor.report.topology_table import markdown, page_columns
from advisor.templating import environment

FOLDER = Path(__file__).parent
WARNINGS = "finding"
"""The role of the table whose rules are warnings."""


def rule_page(rule: str) -> str:
    """The file of a rule's page, which decides its address."""
    return f"rules/{rule}.md"


def alias(rule: Rule) -> str:
    """The second identifier of a rule: a name for a code, a code for a name. "" where it has only one."""
    return rule.alias


def pages(advisor: Advisor) -> dict[str, str]:
    """The pages by the name of their file."""
    made = environment(
        FOLDER / "templates",
        facts=facts,
        shown=show,
        outcome=outcome,
        of_tables=table_only,
        cell=cell,
        alias=alias,
        yaml=_yaml,
        anchor=anchor,
    )
    catalogue = Catalogue(advisor.space, advisor.compiled)
    tables = list(advisor.knowledge.tables.values())
    common: dict[str, Any] = {"knowledge": advisor.knowledge, "space": advisor.space, "catalogue": catalogue}
    found = {
        "reference.md": made.get_template("reference.md.j2").render(common),
        "rules.md": made.get_template("rules.md.j2").render(common, tables=[t for t in tables if t.role != WARNINGS]),
        "warnings.md": made.get_template("warnings.md.j2").render(
            common, tables=[t for t in tables if t.role == WARNINGS]
        ),
        "sources.md": made.get_template("sources.md.j2").render(common),
        "commands.md": commands(),
        "capabilities.md": capabilities(advisor),
        "topology.md": topology(advisor),
        "findings.md": (FOLDER / "findings.md").read_text(encoding="utf-8"),
    }
    page = made.get_template("rule.md.j2")
    for table, rule in advisor.knowledge.rules.values():
        found[rule_page(rule.id)] = page.render(
            common, table=table, rule=rule, warning=table.role == WARNINGS, earlier=_earlier(catalogue, table, rule)
        )
    return found | schemas(advisor)


def navigation(advisor: Advisor) -> list[Any]:
    """The reference part of the navigation."""
    groups: dict[bool, list[Any]] = {False: [], True: []}
    for table in advisor.knowledge.tables.values():
        warns = table.role == WARNINGS
        rules: list[Any] = [
            {rule.id if warns else f"{rule.id}: {rule.title}": rule_page(rule.id)} for rule in table.rules
        ]
        groups[warns].append({table.title: rules})
    (warnings,) = groups[True]
    return [
        "reference.md",
        {"Requirements file": "facts.md"},
        {"Rules": ["rules.md", *groups[False]]},
        {"Warnings": ["warnings.md", *next(iter(warnings.values()))]},
        {"SDK features": "capabilities.md"},
        {"Load balancing": "topology.md"},
        {"Findings": "findings.md"},
        {"Commands": "commands.md"},
        {"Exit codes": "exit-codes.md"},
        {"JSON schemas": "schemas.md"},
        {"Sources": "sources.md"},
    ]


def anchors(advisor: Advisor) -> dict[str, str]:
    """For each anchor of docs/rules.md the page that has its text on the site."""
    knowledge = advisor.knowledge
    of_rules = {anchor(rule.id): rule_page(rule.id) for _, rule in knowledge.rules.values()}
    of_tables = {
        name: "warnings.md" if table.role == WARNINGS else f"rules.md#{name}"
        for name, table in knowledge.tables.items()
    }
    return of_rules | of_tables | {anchor(source): f"sources.md#{anchor(source)}" for source in knowledge.sources}


def anchor(heading: str) -> str:
    """The anchor of a heading that is an id."""
    return heading.replace(".", "").lower()


def cell(text: Any) -> str:
    """Text for a cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def _yaml(example: dict[str, Any]) -> str:
    """The requirements of an example, as a file has them: `clients.protocol: legacy` becomes two lines."""
    return (
        yaml.safe_dump(nested(example), sort_keys=False, width=80).strip() if example else "# every key has its default"
    )


def _earlier(catalogue: Catalogue, table: RuleTable, rule: Rule) -> list[Rule]:
    return catalogue.preempting(table, table.rules.index(rule))


def commands() -> str:
    """Each command with its help, as the program prints it."""
    names = ["", *_group("")]
    sections = [
        "# Commands",
        "Each section shows what `--help` prints. `mcp-advisor` without a command starts `ask` in a terminal.",
    ]
    for name in names:
        sections += [f"## mcp-advisor {name}".rstrip(), f"```text\n{_help(name)}\n```"]
    return "\n\n".join(sections) + "\n"


def _group(name: str) -> Iterator[str]:
    """The commands below a command, in the order of its help."""
    listed = _help(name).partition("\nCommands:\n")[2].partition("\n\n")[0].splitlines()
    for line in listed:
        if line.startswith("  ") and not line.startswith("   "):
            full = f"{name} {line.split()[0]}".strip()
            yield full
            yield from _group(full)


def _help(name: str) -> str:
    command = [sys.executable, "-m", "advisor", *name.split(), "--help"]
    done = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, encoding="utf-8", check=True)
    # The help names the interpreter that runs it. The page is for other machines.
    return done.stdout.rstrip().replace(EXTRA, "python3 -m pip install 'mcp-deploy-advisor[lab]'")


def schemas(advisor: Advisor) -> dict[str, str]:
    """The page about the JSON documents, and each schema as a file."""
    lines = [
        "# JSON schemas",
        "With `--format json` a command prints one JSON document. The key `schema` names the document and its\n"
        "version. A new release adds keys. It does not rename or remove a key without a new version.\n\n"
        "`mcp-advisor schema NAME` prints these schemas. They use JSON Schema, draft 2020-12.",
    ]
    found: dict[str, str] = {}
    for name in ["requirements", *DECLARATIONS]:
        schema = schema_of(name, advisor.space)
        found[f"schemas/{name}.json"] = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        lines += [
            f"## {name}",
            f"{_sentence(schema.get('title', ''))} [Download the schema](schemas/{name}.json).".strip(),
        ]
        if properties := schema.get("properties"):
            rows = [
                f"| `{key}` | {_type(value)} | {cell(value.get('description', ''))} |"
                for key, value in properties.items()
            ]
            lines.append("\n".join(["| key | type | meaning |", "|---|---|---|", *rows]))
    return found | {"schemas.md": "\n\n".join(lines) + "\n"}


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}." if text else ""


def _type(schema: dict[str, Any]) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("type", "")
    return ", ".join(kind) if isinstance(kind, list) else str(kind)


def capabilities(advisor: Advisor) -> str:
    """One table with a row for each release range, era and call, and below the table the evidence."""
    matrix = Matrix(advisor.space)
    head = ["SDK", "from", "before", "clients", "feature", "call", "stateful, SSE", "stateful, JSON", "stateless, SSE"]
    rows = [
        [block.release.package, block.release.start, block.release.before, era, found.feature, f"`{found.call}`"]
        + [getattr(found, era)[flag_key(*pair)] for pair in FLAG_PAIRS]
        for block in matrix.blocks
        for era in ERAS
        for found in block.cells
    ]
    page = [
        "# SDK features",
        "",
        "The table says what each SDK release does with each call, for each protocol era and flag pair.",
        "Clients are legacy (protocol 2025-11-25 and older) or modern (2026-07-28).",
        "*Stateful* means `stateless_http=False`, and *stateless* means `stateless_http=True`.",
        "*SSE* means `json_response=False`, and *JSON* means `json_response=True`.",
        "",
        "| result | meaning |",
        "|---|---|",
        "| works | The client gets what the server sends. |",
        "| dropped | The message is lost, and neither side gets an error. |",
        "| error | The call fails with an error. |",
        "| hang | The call gets no answer within the deadline of the measurement. |",
        "| unsupported | This release or this protocol era does not have the feature. |",
        "",
        "Each cell is a measurement with one server process and no proxy.",
        "The evidence for each cell is [below the table](#evidence).",
        "",
        *_sortable([*head, "stateless, JSON"], rows),
        "",
        "## Evidence",
        "",
        *_lower(matrix.markdown()),
        "",
        "## Other behaviour",
        "",
        "These tables show cancelled calls, broken connections and requests without an SDK client.",
        "",
        *_lower(matrix.behaviours.markdown()),
    ]
    return "\n".join(page).rstrip("\n") + "\n"


def topology(advisor: Advisor) -> str:
    """One table with a row for each strategy, condition, server and era, and below it the details of each strategy."""
    knowledge = advisor.knowledge
    strategies = list(knowledge.topology.values())
    explained = list(page_columns(knowledge.phrases))
    head = ["strategy", *(name for name, _ in explained)]
    page = [
        "# Load balancing",
        "",
        "The table shows what each load-balancing strategy does to sessions.",
        knowledge.phrases["topology.setup"],
        knowledge.phrases["topology.eras"],
        "",
        *(f"- `{name}`: {meaning}" for name, meaning in explained),
        "",
        *_sortable(head, [row for strategy in strategies for row in _rows(strategy, knowledge)]),
        "",
        "The sections below describe each strategy. `mcp-advisor topology measure` repeats the measurements.",
        knowledge.phrases["topology.failed"],
        "",
        *markdown(strategies, knowledge),
    ]
    return "\n".join(page).rstrip("\n") + "\n"


def _rows(strategy: BalancingStrategy, knowledge: Knowledge) -> Iterator[list[str]]:
    """The rows of the strategy's own table, with a link to its section in front."""
    for line in markdown([strategy], knowledge):
        if line.startswith("| ") and not line.startswith("| conditions"):
            yield [
                f"[{strategy.title}](#{anchor(strategy.id)})",
                *(each.strip() for each in line.strip("|").split("|")),
            ]


def _sortable(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    yield '<div class="sortable" markdown>\n'
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    yield from (f"| {' | '.join(cell(each) for each in row)} |" for row in rows)
    yield "\n</div>"


def _lower(text: str) -> Iterator[str]:
    """The lines with each heading one level lower."""
    yield from (f"#{line}" if line.startswith("#") else line for line in text.splitlines())
