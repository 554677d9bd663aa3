"""The files in the top folder of a kit: the requirements, the decision (for scripts and for people) and the README."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from advisor.decision.model import Decision
from advisor.documents import document
from advisor.kit.endpoints import TierUrl, endpoints
from advisor.kit.expected_failures import failure_records, shares_handles
from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts import kubernetes
from advisor.kit.parts.compose import proxy_names, server_names, try_ports
from advisor.kit.parts.duties import duty_values
from advisor.kit.parts.server import server_tools
from advisor.kit.templating import render
from advisor.kit.upstreams import PROXY_PORT
from advisor.knowledge.revision import current_revision
from advisor.knowledge.space import SERVER_PORT
from advisor.report.decision_document import DecisionDocument, ExpectedFailureRecord
from advisor.report.decision_json import decision_dict
from advisor.report.markdown_table import table, without_gaps
from advisor.report.serialization import json_text
from advisor.requirements.hops import stated_hops
from advisor.sections.content import context_rows, setting_rows
from advisor.sections.fingerprint import fingerprint, with_fingerprint
from advisor.sections.origin import Origin
from advisor.sections.rendering import WORDS
from advisor.sections.versions import versions_of

WARNINGS_SHOWN = 5
"""DECISION.md shows this many warnings, the most severe first. decision.json has all warnings."""

KIT_PAGE = "kit"
"""The form in the fingerprint of DECISION.md."""

_WRITE_AGAIN = "mcp-advisor generate requirements.yaml -o ."
_CHECK = "mcp-advisor document requirements.yaml --check DECISION.md"
"""The commands of DECISION.md, for a shell in the folder of the kit."""

_HEADS = ("Setting", "Value")
_FLAGS = re.compile(r"\| (Flags|Tier )")


def files(kit: KitContext, decision: Decision, requirements_text: str) -> list[KitFile]:
    """Render the files in the top folder of the kit.

    Args:
        kit: the kit.
        decision: the decision that the kit deploys.
        requirements_text: the requirements file, which the kit contains unchanged.
    """
    env = [] if kit.plain else [KitFile(".env.example", render("documents/env.example.j2", kit=kit))]
    return [
        KitFile("requirements.yaml", requirements_text),
        KitFile("decision.json", json_text(decision_document(kit, decision))),
        KitFile("DECISION.md", _page(kit, decision)),
        KitFile("README.md", readme(kit)),
        *env,
        KitFile(".gitignore", render("documents/gitignore.j2", kit=kit)),
    ]


def decision_document(kit: KitContext, decision: Decision) -> DecisionDocument:
    """Return the kit's decision.json: the decision, and the expected behaviour for clients when something fails."""
    failures = failure_records(kit)
    return document(DecisionDocument, decision_dict(decision), expected_failures=failures)


def stated_lines(kit: KitContext, decision: Decision) -> list[str]:
    """Return the lines of DECISION.md that state the decision: flags, losses, and the behaviour when something fails.

    The reasons are not included, because their wording can change from one version to the next.
    """
    values = _values(kit, decision)
    flags = [line for line in table(_HEADS, values["rows"]).splitlines() if _FLAGS.match(line)]
    parts = ("losses",) if kit.plain else ("losses", "failures")
    text = "".join(render(f"documents/{part}.md.j2", **values) for part in parts)
    return [*flags, *(line for line in text.splitlines() if line.strip("|- "))]


def _page(kit: KitContext, decision: Decision) -> str:
    versions = versions_of(decision, current_revision())
    origin = Origin(versions, _WRITE_AGAIN, _CHECK)
    text = without_gaps(render("documents/DECISION.md.j2", **_values(kit, decision), origin=origin))
    # The page has no date, because the same requirements give the same kit.
    return with_fingerprint(text, fingerprint(KIT_PAGE, decision, versions, ""))


def _values(kit: KitContext, decision: Decision) -> dict[str, Any]:
    served = endpoints(kit, try_ports(kit)[0])
    urls = render("documents/urls.md.j2", kit=kit, endpoints=served).strip()
    return {
        **WORDS,
        "kit": kit,
        "decision": decision,
        "rows": [
            *setting_rows(decision),
            *context_rows(decision),
            *([("Clients connect to", urls)] if kit.tiered else []),
        ],
        "handles": shares_handles(kit),
        "streams": _streams(kit, decision),
        "warnings_shown": WARNINGS_SHOWN,
        "failures": failure_rows(failure_records(kit)),
        "second_proxy": _second_proxy(kit, decision),
        "proxy_update": kubernetes.proxy_update(kit),
        **duty_values(kit),
    }


def _streams(kit: KitContext, decision: Decision) -> list[str]:
    """Return the requests that open a stream which lasts longer than a call."""
    listens = kit.serves_modern and decision.facts["listen.streams"] != "none"
    gets = any(tier.keeps_sessions for tier in kit.tiers)
    return [*(["GET"] if gets else []), *(["`subscriptions/listen`"] if listens else [])]


class FailureRow(NamedTuple):
    """A row of the table of failures.

    Attributes:
        event: the title of the event.
        tiers: the tiers for which this row is the same.
        clients: protocol era → what clients notice, in words. A text that is equal for both eras appears only once.
    """

    event: str
    tiers: list[str | None]
    clients: dict[str, str]


def failure_rows(records: Sequence[ExpectedFailureRecord]) -> list[FailureRow]:
    """Build the rows of the table of failures from the array `expected_failures` in decision.json."""
    said: dict[tuple[str, str | None], dict[str, str]] = {}
    for record in records:
        seen = said.setdefault((record["title"], record["tier"]), {})
        seen[record["era"]] = "As for legacy clients." if record["clients"] in seen.values() else record["clients"]
    titles = list(dict.fromkeys(title for title, _ in said))
    rows: list[FailureRow] = []
    for event, tier in sorted(said, key=lambda key: titles.index(key[0])):
        if rows and (rows[-1].event, rows[-1].clients) == (event, said[event, tier]):
            rows[-1].tiers.append(tier)
        else:
            rows.append(FailureRow(event, [tier], said[event, tier]))
    return rows


def _keeps_table(kit: KitContext) -> bool:
    """Whether the memory of the kit's proxy holds the owners of sessions."""
    return any(mechanism.owner_in == "proxy-memory" for mechanism in kit.mechanisms)


def _second_proxy(kit: KitContext, decision: Decision) -> str:
    """Return how to run a second proxy; "" if there are several proxies, or if the kit does not run a proxy."""
    if not kit.proxy or kit.proxy_replicas > 1 or kit.platform == "local":
        return ""
    if kit.platform != "kubernetes":
        return "" if _keeps_table(kit) else kit.phrase("proxy-lost.machine")
    if not kubernetes.proxy_update(kit):
        return ""
    name = "proxy-lost.other-affinity" if _keeps_table(kit) else "proxy-lost.second"
    place = (
        "the last entry of `environment.hops`" if stated_hops(decision.requirements.values) else "`environment.proxy`"
    )
    return kit.phrase(name).format(proxy=kit.proxy, place=place)


def readme(kit: KitContext) -> str:
    """Render README.md: the steps, the first tool call and, on Kubernetes, the commands of the first deployment."""
    ports = try_ports(kit)
    served = endpoints(kit, ports[0])
    text = render(
        "documents/steps.j2",
        kit=kit,
        endpoints=served,
        many_ports=len(ports) > 1,
        addresses=[f"`http://127.0.0.1:{port}`" for port in ports],
        containers=_containers(kit),
    )
    steps = [line for line in text.splitlines() if line.strip()]
    return render(
        "documents/README.md.j2",
        kit=kit,
        steps=steps,
        call=_first_call(kit, served[0]),
        port=ports[0],
        deploy=kubernetes.first_deployment(kit) if kit.platform == "kubernetes" else None,
    )


def _containers(kit: KitContext) -> list[str]:
    """Return the addresses for a load balancer in the network of compose.yaml, as code."""
    if kit.proxy:
        return [f"`http://{name}:{PROXY_PORT}`" for name in proxy_names(kit)]
    return [f"`http://{name}:{SERVER_PORT}`" for name in server_names(kit)]


class FirstCall(NamedTuple):
    """The first tool call of a person who tries the kit.

    Attributes:
        url: the URL on the machine that runs compose.yaml.
        tool: a tool that curl can call, or "" if each tool needs a client that answers, or a language model.
        has_session: whether the call needs a session.
    """

    url: str
    tool: str
    has_session: bool


def _first_call(kit: KitContext, endpoint: TierUrl) -> FirstCall:
    plain = [tool.name for tool in server_tools(kit) if not tool.asks and not tool.uses_direct_llm]
    tool = next((name for name in plain if name in endpoint.tools), "")
    return FirstCall(endpoint.local, tool, kit.tiers[0].keeps_sessions)
