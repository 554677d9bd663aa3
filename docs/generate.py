"""Write the reference pages of this folder from rules/: `python -m docs.generate` in the root of the repository.

tests/test_docs.py fails when a page does not say what the rules say.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from advisor.decision.advisor import Advisor, default_advisor
from advisor.engine.table import show
from advisor.knowledge.paths import templates_dir
from advisor.report.capability_matrix import Matrix
from advisor.report.rule_records import Catalogue, how_to_change, words
from advisor.report.rule_text import default_of, facts
from advisor.report.topology_table import markdown
from advisor.requirements.schema import meanings
from advisor.templating import environment
from docs.imports import with_diagram

FOLDER = Path(__file__).parent
HOW = "python -m docs.generate"
"""The command that writes the pages, as a failing test and the pages themselves name it."""


def pages(advisor: Advisor) -> dict[str, str]:
    """Every page: file name and content."""
    return {
        "facts.md": _render("facts.md.j2", advisor),
        "rules.md": _render("rules.md.j2", advisor),
        "capabilities.md": _capabilities(advisor),
        "topology.md": _topology(advisor),
    }


def _render(template: str, advisor: Advisor) -> str:
    made = environment(
        templates_dir(),
        words=words,
        facts=facts,
        shown=show,
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
        how=HOW,
    )


def _cell(text: Any) -> str:
    """Text for a cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def _capabilities(advisor: Advisor) -> str:
    head = (
        "# Capabilities\n\n"
        f"<!-- Written by `{HOW}` from rules/capabilities/. Change it there. -->\n\n"
        "What each SDK release does with each feature, per client era and flag pair: `works`, `dropped` (silently\n"
        "lost), `error`, `hang` or `unsupported` (not in that era). A cell holds for one process and no proxy; what a\n"
        "topology adds is in the table [delivery](rules.md#delivery). `mcp-advisor rules show ID` explains a source.\n"
    )
    matrix = Matrix(advisor.space)
    behaviours = (
        "## Besides the table\n\n"
        "What servers do with calls that are given up, with connections that break and with bare HTTP.\n"
        "`verify` holds it against what a kit does, as far as `rules/conduct.yaml` does not say that kits\n"
        "do something else.\n"
    )
    return f"{head}\n{matrix.markdown().rstrip()}\n\n{behaviours}\n{matrix.behaviours.markdown()}".rstrip("\n") + "\n"


def _topology(advisor: Advisor) -> str:
    head = (
        "# Topology\n\n"
        f"<!-- Written by `{HOW}` from rules/topology.yaml. Change it there. -->\n\n"
        "What ways of balancing do to sessions: three servers, 40 clients with three calls each in mixed order, and\n"
        "12 clients of the SDK for sampling and progress, all real. The rules of the table\n"
        "[affinity](rules.md#affinity) choose from it; `mcp-advisor topology measure` measures it again.\n"
        "`whole`: sessions (clients, where there are none) in which every request was answered.\n"
    )
    knowledge = advisor.knowledge
    page = "\n".join(markdown(list(knowledge.topology.values()), knowledge))
    return f"{head}\n{page}".rstrip("\n") + "\n"


def main() -> None:
    """Write every page."""
    for name, content in pages(default_advisor()).items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    architecture = FOLDER / "architecture.md"
    architecture.write_text(with_diagram(architecture.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
