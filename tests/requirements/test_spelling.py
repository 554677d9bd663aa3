"""A misspelt name gets the nearest allowed name, for every list of names in a requirements file."""

from __future__ import annotations

import pytest

from advisor.decision.advisor import Advisor
from advisor.errors import InputError
from advisor.knowledge.space import FactSpace
from advisor.requirements import load_bytes
from advisor.requirements.text import nearest

PROXY = "environment.proxy.kind"
PLATFORM = "environment.platform"
APPS = "clients.apps"
MISSPELT = [
    (PROXY, "aws-alb", "alb"),
    (PROXY, "ALB", "alb"),
    (PROXY, "elb", "alb"),
    (PROXY, "aws-elb", "alb"),
    (PROXY, "nlb", "aws-nlb"),
    (PROXY, "google-cloud-run", "cloud-run"),
    (PROXY, "cloudrun", "cloud-run"),
    (PROXY, "cloud_run", "cloud-run"),
    (PROXY, "azure-app-service", "app-service"),
    (PROXY, "app-gateway", "other"),
    (PROXY, "azure-application-gateway", "other"),
    (PROXY, "kong", "other"),
    (PROXY, "ngnix", "nginx"),
    (PROXY, "nginx-proxy", "nginx"),
    (PROXY, "nginx_ingress", "nginx-ingress"),
    (PROXY, "ingress", "ingress-nginx"),
    (PROXY, "AWS-API-Gateway", "api-gateway"),
    (PROXY, "ha-proxy", "haproxy"),
    (PROXY, "httpd", "apache"),
    (PROXY, "lambda", "lambda-url"),
    (PROXY, "traefic", "traefik"),
    (PLATFORM, "k8s", "kubernetes"),
    (PLATFORM, "kubernets", "kubernetes"),
    (PLATFORM, "docker-compose", "compose"),
    (PLATFORM, "google-cloud-run", "serverless"),
    (PLATFORM, "azure-app-service", "serverless"),
    (PLATFORM, "aws-lambda", "serverless"),
    (PLATFORM, "vm", "systemd"),
    ("transport", "streamable_http", "streamable-http"),
    ("transport", "streamablehttp", "streamable-http"),
    ("sdk", "fast-mcp", "fastmcp-4"),
    ("sdk", "fastmcp", "fastmcp-4"),
    ("sdk", "mcp_2", "mcp-2"),
    ("clients.protocol", "Legacy", "legacy"),
    (APPS, "claude_code", "claude-code"),
    (APPS, "vs-code", "vscode"),
    (APPS, "gemini", "gemini-cli"),
    ("operations.shared_store", "Redis", "redis"),
    ("preference", "full_features", "full-features"),
    ("environment.auth", "oauthproxy", "oauth-proxy"),
    ("needs.sampling", "requird", "required"),
    ("environment.function_adapter", "ASGI", "asgi"),
]


def problems(text: str, space: FactSpace) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_bytes(text.encode(), "x.yaml", space)
    return [problem.text() for problem in caught.value.problems]


@pytest.mark.parametrize(("key", "typed", "meant"), MISSPELT, ids=[f"{key}={typed}" for key, typed, _ in MISSPELT])
def test_a_misspelt_value_gets_the_nearest_value(key: str, typed: str, meant: str, advisor: Advisor) -> None:
    value = typed
    for part in reversed(key.split(".")):
        value = f"{{{part}: {value}}}"
    (said,) = [said for said in problems(f"service: x\n{value[1:-1]}\n", advisor.space) if typed in said]
    assert f"Did you mean {meant!r}?" in said


def test_every_other_name_stands_for_one_value_and_is_not_a_value(advisor: Advisor) -> None:
    for fact in advisor.space.facts.values():
        values = list(advisor.space.knowledge.clients) if fact.type == "apps" else None
        if values is None:
            values = advisor.space.choices(fact) if fact.type == "choice" else []
        for name, value in advisor.space.also(fact).items():
            assert value in values
            assert name not in values
            assert nearest(name, values, advisor.space.also(fact)) == f"Did you mean {value!r}?"


@pytest.mark.parametrize("typed", ["aws-alb", "google-cloud-run"])
def test_a_hop_gets_the_same_hint_as_the_proxy(typed: str, advisor: Advisor) -> None:
    (hop,) = [said for said in problems(f"environment: {{hops: [{{kind: {typed}}}]}}", advisor.space) if typed in said]
    (proxy,) = [said for said in problems(f"environment: {{proxy: {{kind: {typed}}}}}", advisor.space) if typed in said]
    assert proxy.partition("Did you mean")[2] in hop


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("replicas: 4", "replicas: unknown key. Did you mean 'scale.instances' or 'environment.proxy.replicas'?"),
        ("scale: {replicas: 4}", "scale.replicas: unknown key. Did you mean 'scale.instances'?"),
        ("load_balancer: nginx", "load_balancer: unknown key. Did you mean 'environment.proxy.kind'?"),
        ("needs: sampling", "needs: 'sampling' is not a mapping. Did you mean 'needs.sampling'?"),
        ("clients: legacy", "clients: 'legacy' is not a mapping. Did you mean 'clients.protocol'?"),
        ("environment: nginx", "environment: 'nginx' is not a mapping. Did you mean 'environment.proxy.kind'?"),
        (
            "clients: claude",
            "clients: 'claude' is not a mapping. The key 'clients.apps' has similar values. "
            "Did you mean 'claude-code', 'claude-desktop' or 'claude-ai'?",
        ),
    ],
)
def test_another_name_or_a_value_gets_the_key_and_what_is_allowed(typed: str, said: str, advisor: Advisor) -> None:
    (problem,) = problems(f"service: x\n{typed}\n", advisor.space)
    assert said in problem
    assert "Allowed" in problem


def test_no_other_name_of_a_key_is_a_key(advisor: Advisor) -> None:
    keys = {part for name in advisor.space.facts for part in name.split(".")}
    others = [name for fact in advisor.space.facts.values() for name in fact.also]
    assert others
    assert len(set(others)) == len(others)
    assert keys & set(others) == {"replicas"}  # `scale.replicas` means the instances


def test_a_name_with_several_meanings_gets_all_of_them(advisor: Advisor) -> None:
    (said,) = [said for said in problems("service: x\nclients: {apps: claude}\n", advisor.space) if "'claude'" in said]
    assert "Did you mean 'claude-code', 'claude-desktop' or 'claude-ai'?" in said


def test_a_list_with_several_faults_gets_all_of_them(advisor: Advisor) -> None:
    said = problems(
        """\
service: x
clients:
  apps:
    - claude_code
    - vscode
    - vs-code
    - foo
scale: {instances: {min: 0, max: 99999}}
environment:
  hosts: [a b, mcp.example.com, "c d"]
  origins: [x, "https://a.example", "ftp://y"]
  hops: [{kind: elb}, {kind: nginx, idle_timeout_s: 9, total_timeout_s: 9}]
  proxy: {idle_timeout_s: -1, version: true}
tools: ["a b", {name: a, needs: {sampling: yess, roots: nope}}, {name: a}, "c d"]
""",
        advisor.space,
    )
    keys = [text.split(": ")[1] for text in said]
    assert sorted(keys) == sorted(
        [
            *("clients.apps[0]", "clients.apps[2]", "clients.apps[3]"),
            *("scale.instances", "scale.instances"),
            *("environment.hosts[0]", "environment.hosts[2]", "environment.origins[0]", "environment.origins[2]"),
            *("environment.hops[0].kind", "environment.proxy.idle_timeout_s", "environment.proxy.version"),
            *("tools[0].name", "tools[1].needs.sampling", "tools[1].needs.roots", "tools[2]", "tools[3].name"),
        ]
    )
    assert [text.split(":")[0] for text in said if "apps[" in text] == ["4", "6", "7"]


def test_each_key_of_the_short_form_that_differs_is_reported(advisor: Advisor) -> None:
    said = problems(
        "service: x\nenvironment: {hops: [{kind: nginx, idle_timeout_s: 9, total_timeout_s: 9}], "
        "proxy: {kind: alb, idle_timeout_s: 8, total_timeout_s: 7}}\n",
        advisor.space,
    )
    differing = [text.split(": ")[1] for text in said if "differs from" in text]
    assert differing == [f"environment.proxy.{key}" for key in ("kind", "idle_timeout_s", "total_timeout_s")]
