"""The README files of a kit say how to verify it, and what a restart does to the calls of clients."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import yaml
from kubernetes_kits import CASES
from proxy_kits import CADDY, ENVOY, LEARN, TABLE, TRAEFIK, Setup, stateless

from advisor.decision.advisor import Advisor
from advisor.decision.connections import forwarding_hops
from advisor.kit.model import KitContext
from advisor.kit.parts import documents, serverless, systemd
from advisor.kit.upstreams import production_addresses
from advisor.requirements import load_bytes

PLATFORMS = ("compose", "kubernetes", "local", "serverless", "systemd")


def readmes(kit: KitContext) -> dict[str, str]:
    """The README files of a kit by their paths."""
    more = {"systemd": systemd.files, "serverless": serverless.files}.get(kit.platform)
    files = more(kit) if more else []
    return {
        "README.md": documents.readme(kit),
        **{file.path: file.content for file in files if file.path.endswith("README.md")},
    }


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("case", CASES)
def test_every_readme_says_how_to_verify_the_kit(advisor: Advisor, case: str, platform: str) -> None:
    for path, text in readmes(replace(CASES[case](advisor), platform=platform)).items():
        assert "`mcp-advisor verify .`" in text, path


@pytest.mark.parametrize("case", CASES)
def test_systemd_offers_a_restart_without_interruption_only_for_several_instances(advisor: Advisor, case: str) -> None:
    kit = replace(CASES[case](advisor), platform="systemd")
    text = readmes(kit)["systemd/README.md"]
    counts = {tier.host: len(production_addresses(kit).servers[tier.name]) for tier in kit.tiers}
    several = max(counts.values()) > 1
    assert text.count("## Restart one instance") == several
    assert ("without interrupting calls" in text) == (several and (not kit.proxy or bool(kit.carried.take_out)))
    assert text.count("## Restart the only instance") == sum(count == 1 for count in counts.values())
    assert ("rotation" in text) == several
    units = {file.path: file.content for file in systemd.files(kit)}
    for tier in kit.tiers:
        assert ("A restart interrupts the service" in units[f"systemd/{tier.host}@.service"]) == (
            counts[tier.host] == 1
        )


@pytest.mark.parametrize("case", CASES)
def test_a_new_version_of_a_single_instance_is_called_an_interruption(advisor: Advisor, case: str) -> None:
    kit = replace(CASES[case](advisor), platform="compose")
    alone = not kit.tiered and kit.tiers[0].instances == 1
    assert ("replaces the only instance" in documents.readme(kit)) == alone
    kit = replace(kit, platform="kubernetes")
    replaced = any(tier.pattern == "single-instance" and not tier.stateless_http for tier in kit.tiers)
    assert ("replaces the only pod" in documents.readme(kit)) == replaced


@pytest.mark.parametrize("platform", ["compose", "kubernetes", "systemd"])
@pytest.mark.parametrize("setup", [LEARN, TABLE, CADDY, TRAEFIK, ENVOY], ids=str)
def test_a_front_that_the_readme_asks_for_can_be_stated(advisor: Advisor, setup: Setup, platform: str) -> None:
    """Without it, all clients behind this front share the limits of one address."""
    kit = replace(stateless(advisor, setup), platform=platform, outer_proxy="", front_hops=0)
    text = "".join(readmes(kit).values())
    assert "sees one address for all clients behind" in text
    assert (f"{kit.sizing.clients:,} clients with one address" in text) == (setup != CADDY)
    hops = yaml.safe_load(re.findall(r"`hops: (\[.*?\])`", text)[0])
    file = f"version: 1\nservice: demo\nenvironment: {{hops: {hops}}}\n"
    stated = advisor.decide(load_bytes(file.encode(), "requirements.yaml", advisor.space))
    assert forwarding_hops(stated.requirements, setup.proxy, advisor.knowledge) == 1
    assert "sees one address for all clients behind" not in "".join(
        readmes(replace(kit, outer_proxy=hops[0]["kind"], front_hops=1)).values()
    )
