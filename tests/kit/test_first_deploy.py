"""A person who knows nothing about the kit gets from its README to a first tool call."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import test_server_run
import yaml
from kubernetes_kits import CASES, build, raw, written
from manifest_checks import check
from proxy_kits import EXAMPLES
from sdk_lines import SDK_LINES
from test_server_run import running, write

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import InfeasibleError, kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import kubernetes
from advisor.kit.parts.documents import readme
from advisor.kit.render import render_kit
from advisor.requirements import load_path

python, kit = test_server_run.python, test_server_run.kit  # fixtures


def block(text: str, title: str) -> str:
    """The commands of a section of the README."""
    found = re.search(rf"^## {title}\n.*?^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def commands(text: str) -> list[list[str]]:
    """The words of each command, without comments."""
    lines = text.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def secret_keys(manifests: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Name and key of each secret that a container needs."""

    def walk(node: Any) -> Iterator[tuple[str, str]]:
        if isinstance(node, dict):
            if "secretKeyRef" in node:
                yield node["secretKeyRef"]["name"], node["secretKeyRef"]["key"]
            for value in node.values():
                yield from walk(value)
        elif isinstance(node, list):
            for value in node:
                yield from walk(value)

    return set(walk(manifests))


@pytest.mark.parametrize("case", CASES)
def test_the_commands_of_the_first_deployment_name_what_the_manifests_contain(
    advisor: Advisor, tmp_path: Path, case: str
) -> None:
    made = replace(CASES[case](advisor), platform="kubernetes")
    folder = written(made, tmp_path)
    manifests = raw(folder)
    all_of = build(made, manifests)
    text = block(readme(made), "First deployment")
    run = commands(text)
    namespace = kubernetes.fit(made).namespace
    assert all(words[1:3] == ["-n", namespace] for words in run if words[0] == "kubectl" and words[1].startswith("-"))
    image = yaml.safe_load((folder / "kubernetes/kustomization.yaml").read_text())["images"][0]
    assert [words[-2:] for words in run if words[:2] == ["docker", "build"]] == [
        [f"{image['newName']}:{image['newTag']}", "server"]
    ]
    waited = {words[5] for words in run if "rollout" in words}
    assert waited == {f"{workload['kind'].lower()}/{workload['metadata']['name']}" for workload in all_of.workloads}
    created = {
        (words[6], word.partition("=")[2].partition("=")[0])
        for words in run
        if "secret" in words
        for word in words
        if word.startswith("--from-literal=")
    }
    assert created == secret_keys(manifests)
    policies = "".join(path.read_text() for path in (folder / "kubernetes").glob("network-policy.yaml"))
    labels = set(re.findall(r"matchLabels: \{(mcp-[a-z]+): allowed\}", policies))
    assert {words[-1].partition("=")[0] for words in run if "label" in words} == labels
    (forward,) = (words for words in run if "port-forward" in words)
    service = all_of.find("Service", forward[4].removeprefix("service/"))
    assert service
    assert int(forward[5].partition(":")[2]) in {port["port"] for port in service["spec"]["ports"]}
    assert forward[5].startswith("8080:")
    order = [text.index(step) for step in ("docker push", "namespace.yaml", "mcp-metrics", "apply -k", "rollout")]
    assert order == sorted(order)


@pytest.mark.parametrize("case", CASES)
def test_an_example_of_a_route_is_valid_and_not_deployed(advisor: Advisor, tmp_path: Path, case: str) -> None:
    made = CASES[case](advisor)
    folder = written(made, tmp_path)
    listed = yaml.safe_load((folder / "kubernetes/kustomization.yaml").read_text())["resources"]
    example = folder / "kubernetes/httproute.example.yaml"
    mechanisms = [mechanism.done_by for tier in made.tiers if (mechanism := made.mechanism(tier))]
    breaks = {"kubernetes-service", "platform-balancer"} & set(mechanisms)
    fronted = {"ingress.yaml", "load-balancer.yaml"} & set(listed)
    assert example.exists() == ("httproute.yaml" not in listed and not breaks and not fronted)
    assert example.name not in listed
    text = readme(replace(made, platform="kubernetes"))
    assert ("httproute" in text) == (example.exists() or "httproute.yaml" in listed)
    if example.exists():
        manifests = [*raw(folder), yaml.safe_load(example.read_text())]
        assert check(build(made, manifests)) == []
        manifests[-1]["spec"]["rules"][0]["backendRefs"][0]["name"] = "another"
        assert check(build(made, manifests)), "the check can fail"


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_decision_page_separates_what_the_kit_does_from_what_is_left(advisor: Advisor, example: Path) -> None:
    try:
        files = {file.path: file.content for file in render_kit(advisor.decide(load_path(example, advisor.space)), "")}
    except InfeasibleError:
        return
    page = files["DECISION.md"]
    done, left = re.findall(r"^[-*] \*\*(?:Done by this kit|Left to you):\*\* (.*)\.$", page, re.MULTILINE)
    facts = yaml.safe_load(example.read_text()).get("environment", {})
    checked = facts.get("auth") in ("bearer", "oauth-proxy")
    local = facts.get("platform") == "local"
    assert ("check of access tokens" in done) == checked
    assert ("answers every client" in left) == (not checked and not local)
    assert ("TLS, because" in left) == (facts.get("platform", "kubernetes") not in ("local", "serverless"))
    assert ("network policies" in done) == any(name.startswith("kubernetes/") for name in files)
    assert ("a Redis with" in left) == ("  redis:" in files.get("compose.yaml", "") and "network policies" in done)
    shown = [line for line in page.partition("<!-- mcp-advisor-document")[0].splitlines() if line.strip()]
    assert len(shown) <= 60  # a reader sees neither the comment at the end nor empty lines
    assert len(files["README.md"].splitlines()) <= 64


NOT_IN_KITS = {".env", "RUNBOOK.md"}  # the user makes these files


def paths(text: str) -> set[str]:
    """The files and folders of the kit that a README names: links, and words with a slash or a known file name."""
    linked = set(re.findall(r"\]\(([^)#:]+)\)", text))
    words = [word for code in re.findall(r"`([^`\n]+)`", text) for word in code.split()]
    words += [word for part in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) for word in part.split()]
    known = re.compile(
        r"(?:\./)?(?:(?:server|proxy|kubernetes|systemd|monitoring|tests)/[\w.@/-]*|[\w.-]+\.(?:yaml|md|json)|\.env\S*)"
    )
    return linked | {
        word.removeprefix("./") for word in (word.rstrip(".,;:") for word in words) if known.fullmatch(word)
    }


@pytest.mark.parametrize("sessions", [True, False], ids=["sessions", "stateless"])
@pytest.mark.parametrize("platform", ["compose", "kubernetes", "systemd", "serverless"])
def test_every_readme_leads_from_the_kit_to_the_hop_in_front(
    advisor: Advisor, decide: Callable[..., Decision], platform: str, sessions: bool
) -> None:
    """For each proxy in front: each README names only files of the kit, and says where the hop sends requests."""
    checked = 0
    for kind, entry in advisor.knowledge.proxies.items():
        facts: dict[str, Any] = {"service": "demo", "environment.platform": platform, "environment.proxy.kind": kind}
        facts |= {"clients.protocol": "mixed", "scale.instances": 3, "scale.affinity": "available"}
        facts |= {"needs.elicitation": "required"} if sessions else {}
        try:
            files = {file.path: file.content for file in render_kit(decide(facts), "")}
            made = kit_context(decide(facts))
        except InfeasibleError:
            continue
        checked += 1
        texts = {path: text for path, text in files.items() if path.endswith("README.md")}
        for path, text in texts.items():
            assert "First tool call" in text or path != "README.md"
            for name in paths(text) - NOT_IN_KITS:
                found = [file for file in files if file == name.rstrip("/") or file.startswith(f"{name.rstrip('/')}/")]
                beside = [file for file in files if file == f"{path.rpartition('/')[0]}/{name}"]
                assert found or beside or "*" in name, (kind, path, name)
        if platform in ("compose", "systemd"):
            text = "".join(texts.values())
            ports = re.findall(r'ports: \["127[.]0[.]0[.]1:(\d+):', files["compose.yaml"])
            if made.outer_proxy and (platform == "compose" or made.proxy):
                assert f"Configure {entry.name} to end TLS" in text, kind
                assert all(
                    f"`http://127.0.0.1:{port}`" in text for port in ports[: None if platform == "compose" else 1]
                )
            elif made.proxy:
                assert "run a web server that ends TLS" in text, kind
            else:
                assert "web server" in text or "your own proxy" in text, kind
            named = set(re.findall(r"`http://([\w-]+):8\d+`", text)) - {"127", "localhost"}
            assert named <= set(yaml.safe_load(files["compose.yaml"])["services"]), kind
    assert checked >= 3


@pytest.mark.parametrize("line", SDK_LINES)
def test_the_page_names_only_streams_that_the_servers_open(
    advisor: Advisor, decide: Callable[..., Decision], line: str
) -> None:
    """A server of FastMCP 4 answers subscriptions/listen only with a handler, which the kit adds if a tool needs it."""
    for need in ("none", "preferred"):
        for stateful in (False, True):
            facts: dict[str, Any] = {
                "sdk": line,
                "needs.list_changed": need,
                "scale.instances": 1,
                "clients.protocol": "mixed",
            }
            decision = decide({**facts, **({"needs.elicitation": "required"} if stateful else {"scale.instances": 3})})
            page = next(file.content for file in render_kit(decision, "") if file.path == "DECISION.md")
            listens = line == "mcp-2" or (line == "fastmcp-4" and need != "none")
            said = re.search(r"Open streams \((.*?)\)", page)
            streams = said[1] if said else ""
            assert ("listen" in streams) == listens, (line, need, stateful)
            assert ("GET" in streams) == (not decision.core.flags.stateless_http)


@pytest.mark.programs
@pytest.mark.retried("The servers and their clients share the processors, and each request has a deadline.")
@pytest.mark.parametrize("line", SDK_LINES)
def test_the_commands_of_the_first_tool_call_work(
    kit: Callable[..., KitContext], python: Callable[[KitContext], Path], tmp_path: Path, line: str
) -> None:
    facts = {"sdk": line, "clients.protocol": "mixed"}
    ask = [{"name": "ask", "needs": {"elicitation": "required"}}]
    cases: dict[str, dict[str, Any]] = {
        "session": {"needs.elicitation": "required", "scale.instances": 1, "tools": [*ask, {"name": "look"}]},
        "stateless": {"scale.instances": 3},
        "only list": {"scale.instances": 1, "tools": ask},
    }
    for name, more in cases.items():
        made = kit(**facts, **more)
        text = block(readme(made), "First tool call")
        assert ("SESSION" in text) == made.tiers[0].keeps_sessions
        with running(python(made), write(made, tmp_path / name)) as server:
            port = server.url.rpartition(":")[2]
            script = text.replace("localhost:8080", f"localhost:{port}")
            done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
            (answer,) = (json.loads(line) for line in re.findall(r"\{.*\}", done.stdout))
            if name == "only list":
                assert [tool["name"] for tool in answer["result"]["tools"]] == ["ask"]
            else:
                assert answer["result"]["content"][0]["text"] == "hello"
