"""What stands at the top of a kit: the requirements, the decision for scripts and for people, what to run first."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.expected_failures import promised
from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts.compose import try_ports
from advisor.kit.templating import environment, render
from advisor.report import decision_markdown, decision_wording
from advisor.report.decision_json import decision_dict
from advisor.report.serialization import json_text

WARNINGS_SHOWN = 5
"""The most severe ones stand on the page; decision.json has all."""


def files(kit: KitContext, decision: Decision, advisor: Advisor, requirements_text: str) -> list[KitFile]:
    """The files at the top.

    Args:
        kit: the kit.
        decision: what it deploys.
        advisor: who decided it, for the wording.
        requirements_text: the requirements file, which goes into the kit as it is.
    """
    return [
        KitFile("requirements.yaml", requirements_text),
        KitFile("decision.json", json_text(decision_dict(decision, advisor))),
        KitFile("DECISION.md", _page(kit, decision, advisor)),
        KitFile("README.md", _readme(kit)),
        KitFile(".env.example", render("documents/env.example.j2", kit=kit)),
        KitFile(".gitignore", render("documents/gitignore.j2", kit=kit)),
    ]


def _page(kit: KitContext, decision: Decision, advisor: Advisor) -> str:
    environment().filters.update(
        prose=decision_markdown.prose, cell=decision_markdown.cell, code_cell=decision_markdown.code_cell
    )
    needed = [row for row in decision_wording.needed(decision) if row.feature != "plain"]
    return render(
        "documents/DECISION.md.j2",
        kit=kit,
        decision=decision,
        pattern_phrase=advisor.knowledge.phrases[f"pattern.{decision.core.pattern}"],
        instances=decision_wording.instances_text(decision),
        sdk=decision_wording.sdk_text(decision, advisor),
        sdk_release=advisor.space.releases[decision.facts["sdk"]].exact,
        clients=decision_wording.clients_text(decision),
        losses=[
            (row, decision_wording.lost_for(row, advisor) or "replaced by this decision")
            for row in needed
            if row.lost or row.substituted
        ],
        kept=[row.title for row in needed if not row.lost and not row.substituted],
        warnings_shown=WARNINGS_SHOWN,
        failures=_failures(kit, advisor),
    )


@dataclass(frozen=True, slots=True)
class Failure:
    """A row of the table of failures.

    Attributes:
        event: what happens.
        tiers: whose clients see the same of it.
        clients: era → what they see, in words; what both see alike is said once.
    """

    event: str
    tiers: list[str]
    clients: dict[str, str]


def _failures(kit: KitContext, advisor: Advisor) -> list[Failure]:
    """What clients see when something fails, event by event."""
    said: dict[tuple[str, str], dict[str, str]] = {}
    for one in promised(kit, advisor.knowledge):
        alike = one.clients in said.get((one.event.title, one.tier.name), {}).values()
        said.setdefault((one.event.title, one.tier.name), {})[one.era] = "The same." if alike else one.clients
    rows: list[Failure] = []
    for event, tier in sorted(said, key=lambda key: [title for title, _ in said].index(key[0])):
        if rows and (rows[-1].event, rows[-1].clients) == (event, said[event, tier]):
            rows[-1].tiers.append(tier)
        else:
            rows.append(Failure(event, [tier], said[event, tier]))
    return rows


def _readme(kit: KitContext) -> str:
    ports = try_ports(kit)
    text = render(
        "documents/steps.j2",
        kit=kit,
        secrets=kit.needs_sealing_keys or kit.direct_llm,
        try_url=f"http://localhost:{ports[0]}{kit.tiers[0].path}",
        many_ports=len(ports) > 1,
    )
    steps = [line for line in text.splitlines() if line.strip()]
    return render("documents/README.md.j2", kit=kit, steps=steps)
