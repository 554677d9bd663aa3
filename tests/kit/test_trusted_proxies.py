"""Whose X-Forwarded headers kits trust, and that a user can set every setting that a server reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from advisor.kit.render import render_kit

PROXIES = ("nginx", "haproxy", "envoy", "caddy", "traefik")
PRIVATE = ("10.0.0.0", "192.168.0.0", "fc00::", "100.64.0.0")
PLATFORMS = ("systemd", "compose", "kubernetes", "serverless")
BASE = {"scale.instances": 2, "scale.affinity": "available", "environment.hosts": ["mcp.example.com"]}

Kit = dict[str, str]


@pytest.fixture
def kit(decide: Callable[..., Any]) -> Callable[..., Kit]:
    """A function from dotted keys to the files of a kit."""
    return lambda **facts: {file.path: file.content for file in render_kit(decide({**BASE, **facts}), "")}


def behind(outer: str, proxy: str) -> dict[str, Any]:
    """The facts of a kit with a proxy of its own behind another proxy."""
    return {"environment.hops": [{"kind": outer}, {"kind": proxy}]}


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("platform", ["systemd", "compose"])
def test_only_the_machine_is_trusted_until_the_user_names_the_hop(
    kit: Callable[..., Kit], proxy: str, platform: str
) -> None:
    files = kit(**behind("alb", proxy), **{"environment.platform": platform, "clients.protocol": "legacy"})
    texts = {path: text for path, text in files.items() if path.startswith(("proxy/", "server/"))}
    assert [path for path in texts if path.startswith("proxy/")]
    found = [(path, address) for path, text in texts.items() for address in PRIVATE if address in text]
    assert found == []
    assert "127.0.0.0" in "".join(text for path, text in texts.items() if path.startswith("proxy/"))
    [left] = [line for line in files["DECISION.md"].splitlines() if "Left to you:" in line]
    assert re.search(r"the addresses of AWS Application Load Balancer in `proxy/[\w.]+`", left, re.IGNORECASE), left
    assert "until then" in left


def test_kubernetes_trusts_the_networks_of_a_known_hop(kit: Callable[..., Kit]) -> None:
    files = kit(**behind("alb", "nginx"), **{"environment.platform": "kubernetes", "clients.protocol": "legacy"})
    assert "10.0.0.0/16 1;" in files["proxy/nginx.conf"], "as in network-policy.yaml"
    assert "10.0.0.0/8" not in files["proxy/nginx.conf"]


@pytest.mark.parametrize("proxy", [*PROXIES, ""])
@pytest.mark.parametrize("platform", ["systemd", "compose"])
def test_the_readme_says_where_to_name_the_hop(kit: Callable[..., Kit], proxy: str, platform: str) -> None:
    hops = behind("alb", proxy) if proxy else {"environment.hops": [{"kind": "alb"}]}
    files = kit(**hops, **{"environment.platform": platform, "clients.protocol": "legacy"})
    text = files["systemd/README.md" if platform == "systemd" else "README.md"]
    [place] = re.findall(r"write its addresses into (`proxy/[\w.]+`|`FORWARDED_ALLOW_IPS` in `[\w/.-]+`)", text)
    assert place.startswith("`proxy/") == bool(proxy)
    assert not proxy or place.strip("`") in files


@pytest.mark.parametrize("proxy", ["nginx", "haproxy", "envoy", ""])
@pytest.mark.parametrize("outer", ["alb", "aws-nlb"])
def test_the_steps_for_a_load_balancer_name_each_place_of_its_networks(
    kit: Callable[..., Kit], outer: str, proxy: str
) -> None:
    hops = behind(outer, proxy) if proxy else {"environment.hops": [{"kind": outer}]}
    files = kit(**hops, **{"environment.platform": "kubernetes", "clients.protocol": "modern"})
    assert "Replace 10.0.0.0/16 in `kubernetes/network-policy.yaml`" in files["README.md"]
    step = re.search(r"Write the same networks into (`[^`]+`)", files["README.md"])
    trusting = {path for path, text in files.items() if path.startswith(("proxy/", "server/")) and "10.0.0.0" in text}
    if outer == "aws-nlb":  # it sends no headers, so only servers behind a proxy of the kit trust a network
        assert step is None
        assert {path for path in trusting if path.startswith("proxy/") or not proxy} == set()
    else:
        assert step
        assert step[1].strip("`") in ({path for path in trusting if proxy} or {"FORWARDED_ALLOW_IPS"})


@pytest.mark.parametrize("platform", ["kubernetes", "serverless"])
def test_a_kit_that_trusts_private_networks_says_so(kit: Callable[..., Kit], platform: str) -> None:
    files = kit(**{"environment.platform": platform, "environment.proxy.kind": "nginx"})
    if "10.0.0.0/8" in files["server/runtime/settings.py"]:
        assert "each program with a private address can forge the address" in files["DECISION.md"]
        assert "FORWARDED_ALLOW_IPS" in files["DECISION.md"]


NEEDS = {
    "clients.protocol": "mixed",
    "needs.elicitation": "preferred",
    "environment.origins": ["https://app.example.com"],
}
CASES: dict[str, dict[str, Any]] = {
    "bearer": {"environment.auth": "bearer", **NEEDS},
    "oauth": {"environment.auth": "oauth-proxy", "sdk": "fastmcp-4", **NEEDS},
    "shared": {
        "environment.auth": "bearer",
        **NEEDS,
        "scale.affinity": "unavailable",
        "operations.shared_store": "redis",
    },
}
# OpenTelemetry documents the others of its variables. These two have effect only in one place, which sets them.
ELSEWHERE = {"MCP_DRAIN_FILE": "systemd", "PORT": "serverless"}
READ = re.compile(r'"(MCP_[A-Z_]+|FORWARDED_ALLOW_IPS|PORT)"')


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_variable_of_the_server_is_passed_or_documented(
    kit: Callable[..., Kit], platform: str, case: str
) -> None:
    files = kit(**CASES[case], **{"environment.platform": platform})
    runtime = "".join(text for path, text in files.items() if path.startswith("server/") and path.endswith(".py"))
    read = {name for name in READ.findall(runtime) if ELSEWHERE.get(name, platform) == platform}
    assert len(read) > 12
    folders = ("compose.yaml",) if platform == "compose" else (f"{platform}/",)
    passed = "".join(text for path, text in files.items() if path.startswith(folders))
    if platform == "systemd":  # the unit reads the copy of this file
        assert "EnvironmentFile=" in passed
        passed += files[".env.example"]
    image = files["server/Dockerfile"]
    missing = {name for name in read if not re.search(rf"\b{name}\b", passed + image)}
    assert missing <= ({"MCP_PORT"} if platform == "serverless" else set())
    stated = set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", files[".env.example"], re.MULTILINE))
    compose = files["compose.yaml"]
    assert {name for name in stated if f"${{{name}" not in compose} <= (
        {"MCP_REDIS_URL"} if platform == "systemd" else set()
    )
