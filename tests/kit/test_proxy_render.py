"""The proxy configuration as text: the real programs accept it, and they read user text unchanged."""

from __future__ import annotations

import difflib
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import crossplane
import pytest
import yaml
from host_names import HOSTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proxy_kits import (
    CADDY,
    ENVELOPE_122,
    ENVELOPE_HAPROXY,
    ENVOY,
    EXAMPLES,
    HRW,
    IP_HASH,
    LEARN,
    STICKY,
    TABLE,
    TRAEFIK,
    UNKNOWN,
    Setup,
    decided,
    stateless,
    sticky,
    tiered,
)
from proxy_rig import accepted, write

from advisor.decision.advisor import Advisor
from advisor.kit.context import InfeasibleError
from advisor.kit.model import KitContext
from advisor.kit.parts import proxy
from advisor.kit.sizing import sizing_for
from advisor.kit.upstreams import ProxyAddresses, production_addresses
from advisor.knowledge import Knowledge
from advisor.lab.process import programs
from advisor.requirements.text import is_host, is_origin, is_tool

pytestmark = pytest.mark.programs

SETUPS = (*STICKY, IP_HASH, HRW)
PLATFORMS = ("kubernetes", "compose", "systemd", "serverless", "local")
Maker: TypeAlias = Callable[[Advisor, Setup], KitContext]

MAKERS: tuple[Maker, ...] = (sticky, stateless, tiered)


def _text(kit: KitContext, name: str) -> str:
    return next(file.content for file in proxy.files(kit) if file.path == f"proxy/{name}")


def _local(kit: KitContext) -> ProxyAddresses:
    """The names and numbers of production, without files and addresses that exist only in production."""
    proxy_addresses = replace(production_addresses(kit), metrics="")  # the wheel of nginx lacks the module for metrics
    return replace(
        proxy_addresses,
        resolver="127.0.0.1" if proxy_addresses.resolver else "",
        listen="127.0.0.1:9",
        access_log="/dev/null",
    )


@pytest.mark.parametrize("auth", ["none", "bearer", "oauth-proxy", "unknown"])
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_the_real_proxy_accepts_its_configuration(
    advisor: Advisor, tmp_path: Path, setup: Setup, make: Maker, auth: str
) -> None:
    kit = replace(make(advisor, setup), auth=auth, proxy_replicas=2)
    write(tmp_path, proxy.files(kit))
    tiers = {tier.name: tuple(f"127.0.0.1:{9001 + n}" for n in range(tier.instances)) for tier in kit.tiers}
    write(
        tmp_path, proxy.address_files(kit, ProxyAddresses("127.0.0.1:9", tiers, peers=production_addresses(kit).peers))
    )
    accepted(kit, tmp_path, debian=setup.debian)


@pytest.mark.parametrize("platform", ["kubernetes", "compose", "systemd", "local"])
@pytest.mark.parametrize("setup", STICKY, ids=str)
def test_the_configuration_is_accepted_before_any_server_exists(
    advisor: Advisor, tmp_path: Path, setup: Setup, platform: str
) -> None:
    """If the proxy resolved names only at its start, it could not start before the last server exists."""
    kit = replace(sticky(advisor, setup), platform=platform)
    write(tmp_path, proxy.files(kit))
    write(tmp_path, proxy.address_files(kit, _local(kit)))
    in_image = platform in ("kubernetes", "compose")  # the image of the kit runs there, and not Debian's program
    accepted(kit, tmp_path, debian=setup.debian and not in_image)


@pytest.mark.parametrize("setup", STICKY, ids=str)
def test_a_thousand_instances_fit_into_the_configuration(advisor: Advisor, tmp_path: Path, setup: Setup) -> None:
    kit = replace(sticky(advisor, setup, instances=1000), platform="local")
    write(tmp_path, proxy.files(kit))
    write(tmp_path, proxy.address_files(kit, _local(kit)))
    accepted(kit, tmp_path, debian=setup.debian)


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.glob("*.yaml")))
def test_every_example_has_a_proxy_that_is_accepted(advisor: Advisor, tmp_path: Path, example: str) -> None:
    try:
        kit = decided(advisor, example)
    except InfeasibleError:
        return
    if not kit.proxy:
        assert proxy.files(kit) == []
        return
    tiers = {tier.name: tuple(f"127.0.0.1:{9001 + n}" for n in range(tier.instances)) for tier in kit.tiers}
    write(tmp_path, proxy.files(kit))
    write(
        tmp_path, proxy.address_files(kit, ProxyAddresses("127.0.0.1:9", tiers, peers=production_addresses(kit).peers))
    )
    accepted(kit, tmp_path)


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_each_nginx_release_gets_only_directives_that_it_has(advisor: Advisor, setup: Setup) -> None:
    text = "".join(file.content for file in proxy.files(sticky(advisor, setup)))
    assert ("\n    sticky " in text) == (setup.proxy == "nginx" and not setup.debian)
    # A container runs the image of the kit, which is newer than an old stated release.
    for platform, release, has in (
        ("kubernetes", "1.27.2", True),
        ("kubernetes", "1.30", True),
        ("kubernetes", "", True),
        ("compose", "1.22.1", True),
        ("systemd", "1.30", False),
        ("systemd", "", False),
    ):
        kit = replace(stateless(advisor, Setup("nginx", "none", release)), platform=platform)
        assert bool(re.search(r"^    server .* resolve[ ;]", _text(kit, "upstreams.conf"), re.MULTILINE)) == has
    for release, has in (("1.29.5", False), ("1.29.6", True), ("1.30", True), ("", False)):
        kit = sticky(advisor, Setup("nginx", "nginx-sticky-learn", release))
        assert ("sticky learn" in _text(kit, "upstreams.conf")) == has
        kit = replace(sticky(advisor, Setup("nginx", "nginx-session-envelope", release)), platform="systemd")
        assert ("sticky route" in _text(kit, "upstreams.conf")) == has


def _uncommented(found: re.Match[str]) -> str:
    """A line of the TLS section of Envoy, which goes before `filters`."""
    if found[1]:
        return f"        - {found[1]}"
    return f"         {found[2]}" if found[2] else "          "


@pytest.mark.programs
@pytest.mark.parametrize(
    ("setup", "marks"),
    [
        (LEARN, [(r"# (listen |http2 |ssl_)", r"\1")]),
        (TABLE, [(r"# (?:Clients with IPv6|TLS): +(presetenv .* v4v6.*)", r"\1"), (r"# TLS: +(presetenv)", r"\1")]),
        (ENVOY, [(r"^ {8}(?:# (transport_socket:)|#( {3}.*)|(- )(?=filters:))", _uncommented)]),
    ],
    ids=["nginx", "haproxy", "envoy"],
)
def test_the_commented_lines_for_ipv6_tls_and_http2_work(
    advisor: Advisor, tmp_path: Path, setup: Setup, marks: list[tuple[str, Any]]
) -> None:
    kit = sticky(advisor, setup)
    key, certificate = tmp_path / "tls.key", tmp_path / "tls.crt"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=demo", "-days", "2"]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    (tmp_path / "tls.pem").write_text(certificate.read_text() + key.read_text())
    tiers = {"main": ("127.0.0.1:9001", "127.0.0.1:9002")}
    addresses = ProxyAddresses("127.0.0.1:9", tiers, peers=production_addresses(kit).peers)
    files = [*proxy.files(kit), *proxy.address_files(kit, addresses)]
    for number, (marked, plain) in enumerate(marks):
        folder = tmp_path / str(number)
        folder.mkdir()
        text = {file.path: re.sub(marked, plain, file.content, flags=re.MULTILINE) for file in files}
        assert any(text[file.path] != file.content for file in files)
        place = re.compile(r"/etc/(?:nginx|haproxy|envoy)/tls(?:/tls)?(?=[.])")
        write(folder, [replace(file, content=place.sub(str(tmp_path / "tls"), text[file.path])) for file in files])
        accepted(kit, folder)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_several_haproxies_share_nothing(advisor: Advisor, platform: str) -> None:
    """Their configuration has no table, no peers and no peer names."""
    several = replace(sticky(advisor, ENVELOPE_HAPROXY), proxy_replicas=3, platform=platform)
    single = replace(sticky(advisor, TABLE), platform=platform)
    # Each HAProxy counts the requests of client addresses itself (`type ipv6`).
    told = re.compile(r"^ *(peers?\b|localpeer\b|stick \w|stick-table type string)", re.MULTILINE)
    assert not told.search("".join(file.content for file in proxy.files(several)))
    assert told.search("".join(file.content for file in proxy.files(single)))


def test_upstream_names_follow_the_platform(advisor: Advisor) -> None:
    kit = sticky(advisor, STICKY[0], instances=2)
    name = kit.service
    addresses = {p: production_addresses(replace(kit, platform=p)).servers["main"] for p in PLATFORMS}
    assert addresses["kubernetes"] == (f"{name}.{name}.svc.cluster.local:8000",)
    by_name = production_addresses(replace(sticky(advisor, TABLE, instances=2), platform="kubernetes")).servers["main"]
    assert by_name == tuple(f"{name}-{n}.{name}.{name}.svc.cluster.local:8000" for n in (0, 1))
    assert addresses["compose"] == ("server-1:8000", "server-2:8000")
    assert addresses["systemd"] == addresses["local"] == ("127.0.0.1:8001", "127.0.0.1:8002")
    for setup in (UNKNOWN, ENVELOPE_122):
        plain = replace(stateless(advisor, setup), platform="kubernetes")  # the nginx of the image resolves names
        ready = f"{plain.service}-ready.{plain.service}.svc.cluster.local:8000"
        assert production_addresses(plain).servers["main"] == (ready,)
    tiers = replace(tiered(advisor, TABLE), platform="systemd")
    assert production_addresses(tiers).servers == {
        "stateless": ("127.0.0.1:8001",),
        "stateful": ("127.0.0.1:8002", "127.0.0.1:8003"),
    }


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_only_the_wiring_of_envoy_changes(advisor: Advisor, make: Maker) -> None:
    kit = make(advisor, STICKY[-1])
    tiers = {tier.name: ("127.0.0.1:7001",) for tier in kit.tiers}
    (local,) = proxy.address_files(kit, ProxyAddresses("127.0.0.1:7000", tiers, metrics="127.0.0.1:7002"))
    between = re.compile(r"# wiring\n.*?# end of wiring\n", re.DOTALL)
    assert between.sub("", local.content) == between.sub("", _text(kit, "envoy.yaml"))
    changed = [
        line
        for line in difflib.ndiff(_text(kit, "envoy.yaml").splitlines(), local.content.splitlines())
        if line[0] in "+-"
    ]
    assert all("address" in line for line in changed), changed


def test_no_directive_breaks_sessions_or_runs_a_tool_twice(advisor: Advisor) -> None:
    for setup in SETUPS:
        for make in MAKERS:
            text = "".join(file.content for file in proxy.files(make(advisor, setup)))
            code = "\n".join(line.partition("#")[0] for line in text.splitlines())
            assert not re.search(r"\bhash \$http|non_idempotent|hdr\(Mcp-Session-Id\)\s*$.*balance hdr|RING_HASH", code)
            if setup.proxy == "traefik":
                assert set(re.findall(r"\bstatus: (\S+),", code)) == {'["599"]'}
            assert ("ip_hash" in code) == (setup is IP_HASH and make is not stateless)
            assert proxy.files(make(advisor, setup)) == proxy.files(make(advisor, setup))


TOOLS = st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", fullmatch=True), min_size=1, max_size=5, unique=True)
HOSTILE = st.one_of(
    st.sampled_from(
        ['a"b', "a;b", "{{ x }}", "$(id)", "*anchor", "a\nb", "a b", "ä", "x" * 300, "", "${A}", "a#b", "'", "\\"]
    ),
    st.text(max_size=40),
)
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _renamed(kit: KitContext, hosts: Sequence[str], tools: Sequence[str]) -> KitContext:
    stateful = replace(kit.tiers[1], tools=tuple(replace(kit.tiers[1].tools[0], name=name) for name in tools))
    return replace(kit, hosts=tuple(hosts), tiers=(kit.tiers[0], stateful))


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_the_real_proxy_accepts_each_form_of_a_host(advisor: Advisor, tmp_path: Path, setup: Setup) -> None:
    hosts = ("mcp.example.com", "mcp.example.com:8443", "10.0.0.7", "[2001:db8::1]", "[::]:8443", "a" * 63)
    kit = replace(sticky(advisor, setup), hosts=hosts, origins=tuple(f"http://{host}" for host in hosts))
    write(tmp_path, proxy.files(kit))
    tiers = {tier.name: tuple(f"127.0.0.1:{9001 + n}" for n in range(tier.instances)) for tier in kit.tiers}
    write(
        tmp_path, proxy.address_files(kit, ProxyAddresses("127.0.0.1:9", tiers, peers=production_addresses(kit).peers))
    )
    accepted(kit, tmp_path, debian=setup.debian)


@pytest.mark.parametrize("setup", [ENVELOPE_122, TABLE, CADDY, TRAEFIK, ENVOY], ids=str)
def test_the_real_proxy_accepts_long_lists_of_hosts_and_tools(advisor: Advisor, tmp_path: Path, setup: Setup) -> None:
    hosts = [f"server-{number}.example.com" for number in range(200)]
    kit = _renamed(tiered(advisor, setup), hosts, [f"look_up_number_{number}" for number in range(200)])
    write(tmp_path, proxy.files(kit))
    tiers = {tier.name: ("127.0.0.1:9001",) for tier in kit.tiers}
    write(
        tmp_path, proxy.address_files(kit, ProxyAddresses("127.0.0.1:9", tiers, peers=production_addresses(kit).peers))
    )
    accepted(kit, tmp_path, debian=setup.debian)


@FUZZ
@given(hosts=HOSTS)
def test_the_pattern_of_the_origins_matches_these_origins_alone(advisor: Advisor, hosts: list[str]) -> None:
    plan = proxy.plan_for(replace(sticky(advisor, ENVOY), hosts=tuple(hosts)))
    for origin in plan.origins:
        assert re.fullmatch(plan.origin_pattern, origin)
        for other in (f"{origin}0x", origin.replace(".", "x", 1), origin.replace("[", "", 1).replace("]", "", 1)):
            assert other in plan.origins or not re.fullmatch(plan.origin_pattern, other)


@FUZZ
@given(hosts=HOSTS, tools=TOOLS)
def test_hosts_and_tools_are_escaped_correctly_for_nginx(
    advisor: Advisor, tmp_path: Path, hosts: list[str], tools: list[str]
) -> None:
    kit = _renamed(tiered(advisor, STICKY[0]), hosts, tools)
    write(tmp_path, proxy.files(kit))
    parsed = crossplane.parse(str(tmp_path / "nginx.conf"), single=True, strict=False)
    assert parsed["status"] == "ok", parsed["errors"]
    (http,) = (block["block"] for block in parsed["config"][0]["parsed"] if block["directive"] == "http")
    maps = {block["args"][1]: block["block"] for block in http if block["directive"] == "map"}
    assert [entry["directive"] for entry in maps["$mcp_origin"][1:]] == [f"https://{host}" for host in hosts]
    patterns = [entry["directive"].removeprefix("~") for entry in maps["$mcp_tier"][1:]]
    assert len(patterns) == len(tools)
    for pattern, tool in zip(patterns, tools, strict=True):
        assert [name for name in tools if re.fullmatch(pattern, f"modern tools/call {name}")] == [tool]


@FUZZ
@given(hosts=HOSTS, tools=TOOLS)
def test_hosts_and_tools_are_escaped_correctly_for_envoy(advisor: Advisor, hosts: list[str], tools: list[str]) -> None:
    config = yaml.safe_load(_text(_renamed(tiered(advisor, STICKY[-1]), hosts, tools), "envoy.yaml"))
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    (site,) = manager["route_config"]["virtual_hosts"]
    cors = site.get("typed_per_filter_config", {}).get("envoy.filters.http.cors", {"allow_origin_string_match": []})
    assert [entry["exact"] for entry in cors["allow_origin_string_match"]] == [f"https://{host}" for host in hosts]
    (pattern,) = (
        header["string_match"]["safe_regex"]["regex"]
        for route in site["routes"]
        for header in route["match"].get("headers", [])
        if header["name"] == "mcp-name"
    )
    assert all(re.fullmatch(pattern, tool) for tool in tools)
    assert not any(re.fullmatch(pattern, tool + "x") for tool in tools if tool + "x" not in tools)


@FUZZ
@given(hosts=HOSTS, tools=TOOLS)
def test_hosts_and_tools_are_escaped_correctly_for_haproxy(
    advisor: Advisor, hosts: list[str], tools: list[str]
) -> None:
    text = _text(_renamed(tiered(advisor, TABLE), hosts, tools), "haproxy.cfg")
    assert re.findall(r"^    acl stateful_tool req.hdr\(Mcp-Name\) -m str (.*)$", text, re.MULTILINE) == tools
    origins = re.findall(r"^    acl known_origin .* -m str (.*)$", text, re.MULTILINE)
    assert " ".join(origins).split() == [f"https://{host}" for host in hosts]


@FUZZ
@given(hosts=HOSTS, tools=TOOLS)
def test_hosts_and_tools_are_escaped_correctly_for_traefik(
    advisor: Advisor, hosts: list[str], tools: list[str]
) -> None:
    http = yaml.safe_load(_text(_renamed(tiered(advisor, TRAEFIK), hosts, tools), "traefik.yaml"))["http"]
    origins = http["middlewares"].get("mcp-cors", {"headers": {"accessControlAllowOriginList": []}})["headers"]
    assert origins["accessControlAllowOriginList"] == [f"https://{host}" for host in hosts]
    (pattern,) = re.findall(r"HeaderRegexp\(`Mcp-Name`, `([^`]*)`\)", http["routers"]["tool-stateful"]["rule"])
    assert all(re.fullmatch(pattern, tool) for tool in tools)
    assert not any(re.fullmatch(pattern, tool + "x") for tool in tools if tool + "x" not in tools)
    for router in http["routers"].values():
        named = {router["service"], *router.get("middlewares", [])}
        assert {name for name in named if "@" not in name and not name.startswith("mcp_")} <= set(http["middlewares"])


CADDY_FUZZ = settings(FUZZ, max_examples=10)
"""Each example starts Caddy, which takes a second."""


@CADDY_FUZZ
@given(hosts=HOSTS, tools=TOOLS)
def test_hosts_and_tools_are_escaped_correctly_for_caddy(
    advisor: Advisor, tmp_path: Path, hosts: list[str], tools: list[str]
) -> None:
    write(tmp_path, proxy.files(_renamed(tiered(advisor, CADDY), hosts, tools)))
    found = {"Mcp-Name": set[str](), "Origin": set[str]()}
    for matchers in _caddy_matchers(_adapted(tmp_path)):
        for name, values in matchers.get("header", {}).items():
            found.setdefault(name, set()).update(values)
    assert found["Mcp-Name"] == set(tools)
    assert found["Origin"] == {f"https://{host}" for host in hosts}


def _adapted(folder: Path) -> object:
    """The configuration in the JSON of Caddy."""
    command = [str(programs.program("caddy")), "adapt", "--config", str(folder / "Caddyfile")]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)


def _caddy_matchers(config: object) -> Iterator[dict[str, Any]]:
    """Every matcher of a configuration of Caddy."""
    if isinstance(config, dict):
        yield from config.get("match", [])
        for value in config.values():
            yield from _caddy_matchers(value)
    elif isinstance(config, list):
        for value in config:
            yield from _caddy_matchers(value)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("outer", ["", "alb"])
def test_caddy_would_not_format_its_files_differently(
    advisor: Advisor, tmp_path: Path, make: Maker, outer: str
) -> None:
    """At each start, Caddy logs a warning about a file with another format."""
    write(tmp_path, proxy.files(replace(make(advisor, CADDY), auth="oauth-proxy", outer_proxy=outer)))
    for path in tmp_path.iterdir():
        command = [str(programs.program("caddy")), "fmt", str(path)]
        formatted = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert formatted.stdout == path.read_text()


def test_nginx_starts_as_many_workers_as_its_pod_has_cpus(advisor: Advisor) -> None:
    text = {}
    for platform in ("kubernetes", "compose"):
        files = proxy.files(replace(stateless(advisor, LEARN), platform=platform))
        text[platform] = next(file.content for file in files if file.path == "proxy/nginx.conf")
    assert "worker_processes 1;" in text["kubernetes"]
    assert "worker_processes auto;" in text["compose"]


def test_a_changed_service_name_changes_no_proxy_file(advisor: Advisor) -> None:
    """The name of the ConfigMap depends on its content, so each change would restart the proxy."""
    for setup in SETUPS:
        kit = sticky(advisor, setup)
        assert proxy.files(replace(kit, decision_id="another", version="99.0")) == proxy.files(kit)


def test_envoy_has_room_for_the_streams_of_all_clients(advisor: Advisor, knowledge: Knowledge) -> None:
    for clients in (1, 50, 40_000):
        kit = replace(sticky(advisor, STICKY[-1]), sizing=sizing_for(clients, knowledge))
        config = yaml.safe_load(_text(kit, "envoy.yaml"))
        pools = [cluster for cluster in config["static_resources"]["clusters"] if cluster["name"] != "admin"]
        assert pools
        for cluster in pools:
            (limits,) = cluster["circuit_breakers"]["thresholds"]
            assert set(limits) == {"max_connections", "max_pending_requests", "max_requests", "max_retries"}
            assert set(limits.values()) == {kit.sizing.open_requests}
            assert kit.sizing.connections <= kit.sizing.open_requests <= kit.sizing.proxy_files // 4


@FUZZ
@given(text=HOSTILE)
def test_hostile_text_is_refused(advisor: Advisor, text: str) -> None:
    for setup in (STICKY[0], STICKY[2], TABLE, CADDY, TRAEFIK, STICKY[-1]):
        kit = tiered(advisor, setup)
        if not is_host(text):
            with pytest.raises(ValueError, match="not a plain name"):
                proxy.files(replace(kit, hosts=(text,)))
        if not is_origin(text):
            with pytest.raises(ValueError, match="not a plain name"):
                proxy.files(replace(kit, origins=(text,)))
        if not is_tool(text):
            with pytest.raises(ValueError, match="not a plain name"):
                proxy.files(_renamed(kit, (), (text,)))
