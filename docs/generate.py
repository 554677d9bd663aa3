"""Write the reference pages and pictures of this folder. Run `python -m docs.generate` in the root of the repository.

tests/test_docs.py fails if a page or a picture differs from what this command writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import yaml

from advisor.audits.server_code import worded_fix
from advisor.decision.advisor import Advisor, default_advisor
from advisor.engine.table import show
from advisor.knowledge.finding_kinds import FindingKind, FindingSubject
from advisor.knowledge.paths import templates_dir
from advisor.report.capability_matrix import Matrix
from advisor.report.condition_wording import outcome
from advisor.report.rule_records import Catalogue, how_to_change
from advisor.report.rule_text import default_of, facts, table_only
from advisor.report.topology_table import markdown, page_columns
from advisor.requirements.schema import meanings
from advisor.templating import environment
from docs import pictures, screen
from docs.imports import with_diagram

FOLDER = Path(__file__).parent
_REPORTED = {"code": "this code", "deployment": "this deployment", "endpoint": "an endpoint with these observations"}
HOW = "python -m docs.generate"
"""The command that writes the pages. The pages and the message of a failing test name it."""


def pages(advisor: Advisor) -> dict[str, str]:
    """Every page: file name and content."""
    return {
        "facts.md": _render("facts.md.j2", advisor),
        "rules.md": _render("rules.md.j2", advisor),
        "capabilities.md": _capabilities(advisor),
        "topology.md": _topology(advisor),
        "findings.md": _render("findings.md.j2", advisor).rstrip("\n") + "\n",
    }


def _render(template: str, advisor: Advisor) -> str:
    made = environment(
        templates_dir(),
        facts=facts,
        shown=show,
        outcome=outcome,
        of_tables=table_only,
        assumed=default_of,
        cell=_cell,
        how_to_change=how_to_change,
    )
    catalogue = Catalogue(advisor.space, advisor.compiled)
    return made.get_template(template).render(
        knowledge=advisor.knowledge,
        space=advisor.space,
        catalogue=catalogue,
        values_of=lambda fact: meanings(fact, advisor.space),
        fix_of=lambda kind: worded_fix(kind, advisor.knowledge),
        families=_families(advisor.knowledge.findings.values()),
        files_of=_files,
        language_of=_language,
        what_of=lambda kind: _REPORTED[kind.about],
        how=HOW,
    )


def _families(kinds: Iterable[FindingKind]) -> list[tuple[str, list[FindingKind]]]:
    """The findings of each subject, in the order in which requests pass the parts of a deployment."""
    every = list(kinds)
    found = [(subject, [kind for kind in every if kind.subject == subject]) for subject in get_args(FindingSubject)]
    return [(subject, of_subject) for subject, of_subject in found if of_subject]


def _files(kind: FindingKind, which: str) -> list[tuple[str, str]]:
    """The files of an example of a finding. The observations of an endpoint are one file."""
    examples = [example for name, example in kind.examples if name == which]
    if kind.about == "endpoint":
        return [("observations.yaml", yaml.safe_dump(example, sort_keys=False)) for example in examples]
    return [file for files in examples for file in files.items()]


def _language(name: str) -> str:
    """The language of a block of code for a file."""
    ending = name.rpartition(".")[2]
    return {"py": "python", "yml": "yaml", "conf": "nginx", "tf": "hcl"}.get(ending, ending if "." in name else "text")


def _cell(text: Any) -> str:
    """Text for a cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def _capabilities(advisor: Advisor) -> str:
    head = (
        "# Capabilities\n\n"
        f"<!-- Written by `{HOW}` from rules/capabilities/. Change it there. -->\n\n"
        "Feature support by SDK release, protocol era and flag pair. Legacy clients use protocol 2025-11-25 and\n"
        "older. Modern clients use protocol 2026-07-28.\n\n"
        "Each table has one row for each call. A call is an API that server code uses for the feature. The other\n"
        "columns are the four flag pairs: `stateless_http=False` (stateful) or `True` (stateless), and\n"
        "`json_response=False` (SSE) or `True` (JSON). A cell has one of these values:\n\n"
        "- `works`: The feature works.\n"
        "- `dropped`: The message or the state is lost, without an error.\n"
        "- `error`: The call fails with an error.\n"
        "- `hang`: The call does not return within 5 seconds.\n"
        "- `unsupported`: The SDK or the protocol era does not have this call.\n\n"
        "The measurements use one server process without a proxy. The rules for\n"
        "[delivery](rules.md#delivery) describe the effect of several instances. `mcp-advisor rules show ID` explains\n"
        "a source.\n"
    )
    matrix = Matrix(advisor.space)
    behaviours = (
        "## Other behaviours\n\n"
        "Results that are not about a feature. In each table, `flags` are the flag pairs with this result. `verify`\n"
        "compares a kit with these results, except for the behaviours that `rules/conduct.yaml` defines for kits.\n"
        "The tests:\n\n"
        "- `client of both eras`: A client that supports both protocol eras connects. The result is its protocol.\n"
        "- `cancellation`: The client cancels a running call.\n"
        "- `disconnect`: The connection of the client breaks during a call.\n"
        "- `log messages without a log level`: A tool logs, and the request of the modern client has no log level.\n"
        "- `GET`, `DELETE`: The client sends this HTTP request in its session, if the server keeps sessions.\n"
        "- `GET without a session`: The client sends GET without a session ID.\n"
        "- `call without initialize`: The client sends a call without a session ID.\n"
        "- `unknown session`: The client sends a call with a session ID that the server did not create.\n"
        "- `Accept: …`: The client sends a call with this Accept header only.\n"
        "- `foreign Host`, `foreign Origin`: The client sends a call with a Host or Origin header of another site.\n"
    )
    return f"{head}\n{matrix.markdown().rstrip()}\n\n{behaviours}\n{matrix.behaviours.markdown()}".rstrip("\n") + "\n"


def _topology(advisor: Advisor) -> str:
    knowledge = advisor.knowledge
    meanings_of_columns = "".join(f"- `{head}`: {meaning}\n" for head, meaning in page_columns(knowledge.phrases))
    head = (
        "# Topology\n\n"
        f"<!-- Written by `{HOW}` from rules/topology.yaml. Change it there. -->\n\n"
        "This page shows what each load-balancing strategy does to sessions.\n"
        f"{knowledge.phrases['topology.setup']}\n"
        f"{knowledge.phrases['topology.eras']}\n"
        f"{knowledge.phrases['topology.names']}\n"
        "The rules for [session affinity](rules.md#affinity) choose a strategy for your requirements.\n"
        "`mcp-advisor topology measure` repeats the measurements.\n\n"
        f"The columns of each table:\n\n{meanings_of_columns}\n"
        f"{knowledge.phrases['topology.failed']}\n"
    )
    page = "\n".join(markdown(list(knowledge.topology.values()), knowledge))
    return f"{head}\n{page}".rstrip("\n") + "\n"


def main() -> None:
    """Write every page and every picture."""
    for name, content in pages(default_advisor()).items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    for name, content in pictures.pictures().items():
        (pictures.FOLDER / name).write_text(content, encoding="utf-8")
    screen.FILE.write_text(screen.picture(screen.output()), encoding="utf-8")
    architecture = FOLDER / "architecture.md"
    architecture.write_text(with_diagram(architecture.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
