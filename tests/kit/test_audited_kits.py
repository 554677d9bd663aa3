"""Each kit has no finding about its deployment: of each proxy, mechanism, platform and front of Kubernetes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from covering import Coverer
from kubernetes_kits import CASES
from proxy_kits import HRW, IP_HASH, STICKY, Setup, stateless, sticky, tiered

from advisor.cli.audited_files import AuditedDeployment, audited
from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import nested
from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts import compose, kubernetes, monitoring, proxy, server, serverless, systemd
from advisor.kit.render import render_kit
from advisor.requirements import load_path

PLATFORMS: dict[str, Any] = {"kubernetes": kubernetes, "systemd": systemd, "serverless": serverless}
MAKES = {"sticky": sticky, "stateless": stateless, "tiered": tiered}
KITS = [
    (make, setup, platform)
    for make, setup, platform in itertools.product(
        MAKES, (*STICKY, HRW, IP_HASH), ("kubernetes", "compose", "systemd", "local")
    )
    if not (setup.proxy == "traefik" and platform == "kubernetes")  # there, Traefik is in front of the kit
]
CLIENTS = "version: 1\nservice: a\nclients: {keep_cookies: true, addresses: stable}\n"
"""What affinity by cookies and by addresses needs. `recommend` chooses them only with such a statement."""
OF_THE_USER = {"ingress-controller-is-retired"}
"""The findings about what the user has and states. A kit cannot change it."""


def found_in(files: list[KitFile], requirements: str, folder: Path, advisor: Advisor) -> AuditedDeployment:
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content, encoding="utf-8")
    stated = folder / "stated.yaml"
    stated.write_text(requirements, encoding="utf-8")
    return audited(folder, [""], advisor.knowledge, load_path(stated, advisor.space))


def check(found: AuditedDeployment, *, has_proxy: bool, advisor: Advisor) -> None:
    about_code = {kind.id for kind in advisor.knowledge.findings.values() if kind.subject == "code"}
    assert [each for each in found.findings if each.id not in about_code | OF_THE_USER] == []
    if has_proxy:
        assert any(path.proxy is not None for path in found.paths)


def files_of(kit: KitContext) -> list[KitFile]:
    parts = [server, proxy, compose, monitoring, *([PLATFORMS[kit.platform]] if kit.platform in PLATFORMS else [])]
    return [file for part in parts for file in part.files(kit)]


@pytest.mark.parametrize(("make", "setup", "platform"), KITS, ids=lambda value: str(value))
def test_no_kit_of_a_proxy_has_a_finding(
    make: str, setup: Setup, platform: str, tmp_path: Path, advisor: Advisor
) -> None:
    kit = replace(MAKES[make](advisor, setup), platform=platform)
    check(found_in(files_of(kit), CLIENTS, tmp_path, advisor), has_proxy=True, advisor=advisor)


@pytest.mark.parametrize("case", CASES)
def test_no_kit_for_kubernetes_has_a_finding(case: str, tmp_path: Path, advisor: Advisor) -> None:
    kit = replace(CASES[case](advisor), platform="kubernetes")
    check(found_in(files_of(kit), CLIENTS, tmp_path, advisor), has_proxy=bool(kit.proxy), advisor=advisor)


@pytest.mark.thorough
@pytest.mark.weekly
def test_no_kit_of_any_combination_has_a_finding(tmp_path: Path, advisor: Advisor) -> None:
    covering = Coverer(advisor).cover_combinations()
    for number, (case, decision) in enumerate(zip(covering.cases, covering.decisions, strict=True)):
        text = yaml.safe_dump(nested({"version": 1, "service": "orders", **case}))
        found = found_in(render_kit(decision, text), text, tmp_path / str(number), advisor)
        about_code = {kind.id for kind in advisor.knowledge.findings.values() if kind.subject == "code"}
        rest = [each for each in found.findings if each.id not in about_code | OF_THE_USER]
        assert rest == [], text
