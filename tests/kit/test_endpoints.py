"""A kit with tiers names each URL with its tools wherever a user could look for the URL of the service."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from advisor.cli.app import app
from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import InfeasibleError, kit_context
from advisor.kit.endpoints import client_notes, endpoints
from advisor.kit.parts.compose import FIRST_PORT
from advisor.kit.parts.server import server_tiers
from advisor.kit.render import render_kit
from advisor.requirements import load_path

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
TOOLS: list[dict[str, Any]] = [{"name": "ask", "needs": {"elicitation": "required"}}, {"name": "look"}, {"name": "see"}]
FACTS: dict[str, Any] = {
    "scale.instances": 3,
    "clients.protocol": "mixed",
    "operations.can_operate_affinity": False,
    "environment.hosts": ["tools.example.com"],
    "tools": TOOLS,
}
ADVICE = "sees only the tools of the URL that it connects to. Add both URLs to the configuration of a legacy client."


def plain(text: str) -> str:
    """The text without markup, comment signs and line breaks."""
    return re.sub(r"\s+", " ", re.sub(r"[<>`#]|^ *# ?", " ", text, flags=re.MULTILINE)).replace(" ,", ",")


def stated(text: str, url: str, tools: tuple[str, ...]) -> bool:
    """Whether the text names the URL, and the tools next to it."""
    listed = re.escape(", ".join(tools))
    words = r"(?:,? (?:legacy )?clients find (?:these tools|this tool)(?: here)?)?"
    after = rf"(?:^|[\s(]){re.escape(url)}\s?{words}:\s*{listed}"
    return re.search(after, plain(text), re.IGNORECASE) is not None


def tiered_decisions(advisor: Advisor, decide: Callable[..., Decision]) -> Mapping[str, Decision]:
    found = {path.stem: advisor.decide(load_path(path, advisor.space)) for path in EXAMPLES}
    for platform in ("kubernetes", "compose", "systemd"):
        for line in ("mcp-1", "mcp-2", "fastmcp-3", "fastmcp-4"):
            found[f"{platform} {line}"] = decide({**FACTS, "environment.platform": platform, "sdk": line})
    return {name: decision for name, decision in found.items() if decision.tiers}


def test_every_document_of_a_kit_with_tiers_names_each_url_with_its_tools(
    advisor: Advisor, decide: Callable[..., Decision]
) -> None:
    decisions = tiered_decisions(advisor, decide)
    assert "customer-service-agent" in decisions
    assert len(decisions) == 13
    for name, decision in decisions.items():
        kit = kit_context(decision)
        files = {file.path: file.content for file in render_kit(decision, "")}
        served = endpoints(kit, FIRST_PORT)
        assert [endpoint.tools for endpoint in served] == [tier.tools for tier in server_tiers(kit)]
        assert len({endpoint.url for endpoint in served}) == len(served)
        texts = {
            "README.md": (files["README.md"], "local"),
            "compose.yaml": (files["compose.yaml"], "local"),
            "DECISION.md": (files["DECISION.md"], "url"),
            "generate": ("\n".join(client_notes(kit, FIRST_PORT)), "url"),
        }
        if kit.platform == "systemd":
            texts["systemd/README.md"] = (files["systemd/README.md"], "local")
        for where, (text, place) in texts.items():
            for endpoint in served:
                assert stated(text, getattr(endpoint, place), endpoint.tools), (name, where, endpoint)
            assert ADVICE in plain(text), (name, where)
            assert (
                "A modern client needs only the first URL: it finds all tools there." in plain(text)
            ) == kit.serves_modern


def test_a_kit_without_tiers_has_one_url_and_no_advice(advisor: Advisor) -> None:
    for path in EXAMPLES:
        decision = advisor.decide(load_path(path, advisor.space))
        try:
            kit = kit_context(decision)
        except InfeasibleError:
            continue
        if not kit.tiered:
            assert (client_notes(kit, FIRST_PORT) == []) == (kit.unwritten is None)
            files = render_kit(decision, "")
            assert not any(ADVICE in plain(file.content) for file in files)


def test_generate_prints_the_urls_of_a_kit_with_tiers_when_it_changes_the_kit(tmp_path: Path) -> None:
    example = next(path for path in EXAMPLES if path.stem == "customer-service-agent")
    arguments = ["generate", str(example), "-o", str(tmp_path / "kit")]
    first = CliRunner().invoke(app, arguments)
    assert "https://support.example.com/stateful/mcp: suggest_reply." in first.output
    assert plain(first.output).count(ADVICE) == 1
    assert ADVICE not in plain(CliRunner().invoke(app, arguments).output)


@pytest.mark.parametrize("hosts", [[], ["tools.example.com:8443"], ["[2001:db8::1]"]])
def test_a_url_names_the_stated_host_or_only_the_path(decide: Callable[..., Decision], hosts: list[str]) -> None:
    kit = kit_context(decide({**FACTS, "environment.hosts": hosts}))
    base = f"https://{hosts[0]}" if hosts else ""
    assert [endpoint.url for endpoint in endpoints(kit, FIRST_PORT)] == [f"{base}/mcp", f"{base}/stateful/mcp"]
