"""No file of a deployment stops the audit, and very many parts do not make it slow."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pytest
from changed_text import PARTS, changed

from advisor.audits.request_paths import MOST_PATHS
from advisor.cli.audited_files import audited
from advisor.knowledge import Knowledge

LONGEST_S = 1.0
"""The seconds of CPU time. Other processes of a busy machine do not count."""
FEW, MANY = 60, 100_000
ADDED = ("\0", "\ufeff", "  ", "{{ .Values.x }}\n", "${X}\n", "mcp: &a [*a]\n", "}\n")


def check(count: int, folder: Path, knowledge: Knowledge, seed: int) -> None:
    draw = random.Random(seed)
    kinds = [kind for kind in knowledge.findings.values() if kind.about == "deployment"]
    examples = [files for kind in kinds for _, files in kind.examples]
    texts = [text for files in examples for text in files.values()]
    for number in range(count):
        place = folder / str(number)
        for name, text in draw.choice(examples).items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(changed(text, texts, draw, added=ADDED).encode("utf-8", errors="surrogatepass"))
        started = time.process_time()
        audited(place, [""], knowledge)
        assert time.process_time() - started < LONGEST_S, (seed, number)
        shutil.rmtree(place)


def test_changed_deployments_are_read_or_refused(tmp_path: Path, knowledge: Knowledge) -> None:
    check(FEW, tmp_path, knowledge, seed=1)


@pytest.mark.thorough
@pytest.mark.weekly
@pytest.mark.parametrize("seed", range(PARTS))
def test_a_hundred_thousand_changed_deployments_are_read_or_refused(
    seed: int, tmp_path: Path, knowledge: Knowledge
) -> None:
    check(MANY // PARTS, tmp_path, knowledge, seed)


def test_very_many_parts_are_joined_up_to_a_limit(tmp_path: Path, knowledge: Knowledge) -> None:
    number = 2_000
    pod = "template: {metadata: {labels: {app: mcp}}, spec: {containers: [{name: a, image: mcp}]}}"
    manifests = "".join(
        f"---\n{{apiVersion: v1, kind: Service, metadata: {{name: mcp-{index}}}, spec: {{selector: {{app: mcp}}}}}}\n"
        f"---\n{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: mcp-{index}}}, spec: {{{pod}}}}}\n"
        for index in range(number)
    )
    (tmp_path / "kubernetes.yaml").write_text(manifests)
    routes = "".join(f"location /mcp/{index} {{ proxy_pass http://mcp-{index}; }}\n" for index in range(number))
    (tmp_path / "nginx.conf").write_text(f"server {{\n{routes}}}\n")
    found = audited(tmp_path, [""], knowledge)
    assert len(found.paths) == MOST_PATHS
    assert f"only {MOST_PATHS:,} paths to MCP servers were judged" in [why for _, why in found.not_examined]
