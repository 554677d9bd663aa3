"""Proxies, Services, workloads and servers are joined to paths of requests, and only paths of MCP servers are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from parts import HASH, compose, deployment, files, proxy, service, stated

from advisor.audits.path_facts import PathFacts
from advisor.audits.request_paths import RequestPath, request_paths
from advisor.audits.scanned_servers import ScannedServer, http_servers
from advisor.deployment.model import DeploymentFiles, Target
from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.sources.code_scan import scan

SERVER = 'from mcp.server.fastmcp import FastMCP\n\nmcp = FastMCP("orders")\nmcp.run("streamable-http")\n'


def paths(found: DeploymentFiles, knowledge: Knowledge, *servers: ScannedServer) -> tuple[RequestPath, ...]:
    return request_paths(found, servers, knowledge.proxies, knowledge.figure("server.port"))


def facts(found: DeploymentFiles, knowledge: Knowledge, *servers: ScannedServer) -> PathFacts:
    (path,) = paths(found, knowledge, *servers)
    return PathFacts(path, knowledge)


def value(known: PathFacts, name: str) -> Any:
    fact = known.get(name)
    return None if fact is None else fact.value


@pytest.fixture
def scanned(tmp_path: Path, knowledge: Knowledge) -> ScannedServer:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "server.py").write_text(SERVER)
    (server,) = http_servers([scan(tmp_path, knowledge)])
    return server


def test_addresses_are_instances(knowledge: Knowledge) -> None:
    known = facts(files(proxy("10.0.0.1", "10.0.0.2", "10.0.0.3")), knowledge)
    assert (value(known, "path.many"), value(known, "path.count"), value(known, "path.lost")) == (
        "several",
        3,
        "2 of 3",
    )
    one = facts(files(proxy("10.0.0.1")), knowledge)
    assert (value(one, "path.many"), value(one, "path.count")) == ("single", 1)


def test_a_name_without_a_workload_can_stand_for_several_instances(knowledge: Knowledge) -> None:
    known = facts(files(proxy("mcp.internal")), knowledge)
    assert (value(known, "path.many"), value(known, "path.count")) == ("unknown", None)
    assert value(facts(files(proxy("a.internal", "b.internal")), knowledge), "path.many") == "several"


def test_a_service_of_compose_is_a_workload(knowledge: Knowledge) -> None:
    known = facts(files(proxy("mcp"), compose("mcp", instances=3)), knowledge)
    assert value(known, "path.count") == 3
    fact = known.get("path.many")
    assert fact is not None
    assert fact.location == Location("compose.yaml", 1)
    assert value(facts(files(proxy("m"), compose("mcp", names=("m",))), knowledge), "path.count") == 1


@pytest.mark.parametrize(
    "host", ["mcp", "mcp.shop", "mcp.shop.svc", "mcp.shop.svc.cluster.local", "mcp-0.mcp.shop.svc"]
)
def test_a_service_of_kubernetes_selects_pods(host: str, knowledge: Knowledge) -> None:
    shop = deployment("orders", instances=2)._replace(namespace="shop")
    other = deployment("orders", "other.yaml", instances=5)._replace(namespace="other")
    found = files(proxy(host, namespace="shop"), service("mcp", "orders", "shop"), shop, other)
    (path,) = [each for each in paths(found, knowledge) if each.proxy is not None]
    assert path.workload is not None
    assert path.workload.namespace == "shop"
    assert value(PathFacts(path, knowledge), "path.count") == 2


def test_an_autoscaler_makes_several_instances(knowledge: Knowledge) -> None:
    extra = (("", "Deployment", "mcp", stated("hpa.yaml", instances=1, most_instances=4, autoscaled=True)),)
    known = facts(files(service("mcp", "mcp"), deployment("mcp"), extra=extra), knowledge)
    assert (value(known, "path.many"), value(known, "path.count")) == ("several", 1)
    assert known.get("path.lost") is None


def test_instances_from_a_variable_are_not_known(knowledge: Knowledge) -> None:
    work = compose("mcp", instances=3)
    dynamic = {"instances": work.observed["instances"]._replace(is_dynamic=True)}
    known = facts(files(proxy("mcp"), work._replace(observed=dynamic)), knowledge)
    assert value(known, "path.many") == "unknown"


def test_several_workloads_of_an_upstream_are_counted_together(knowledge: Knowledge) -> None:
    found = files(proxy("mcp-a", "mcp-b"), compose("mcp-a"), compose("mcp-b"))
    both = paths(found, knowledge)
    assert [path.workload.name for path in both if path.workload] == ["mcp-a", "mcp-b"]
    assert [value(PathFacts(path, knowledge), "path.count") for path in both] == [2, 2]


@pytest.mark.parametrize(
    ("path", "name", "upstream", "hosts", "is_mcp"),
    [
        ("/mcp", "backend", {}, ["10.0.0.1"], True),
        ("/", "mcp_servers", {}, ["10.0.0.1"], True),
        ("/", "backend", {}, ["mcp-server"], True),
        ("/", "backend", HASH, ["10.0.0.1"], True),
        ("/", "backend", {"sticky": "learned"}, ["10.0.0.1"], True),
        ("/", "backend", {"sticky": "cookie"}, ["10.0.0.1"], False),
        ("/mcpherson", "backend", {}, ["10.0.0.1"], False),
        ("/", "web", {}, ["dhcmcp"], False),
    ],
)
def test_only_paths_of_mcp_servers_are_kept(
    path: str, name: str, upstream: dict[str, Any], hosts: list[str], is_mcp: bool, knowledge: Knowledge
) -> None:
    found = files(proxy(*hosts, path=path, name=name, upstream=upstream))
    assert bool(paths(found, knowledge)) is is_mcp


def test_a_command_names_the_scanned_server(scanned: ScannedServer, knowledge: Knowledge) -> None:
    for command in (
        "uvicorn app.server:mcp",
        "python app/server.py",
        "python -m app.server",
        "fastmcp run server.py:mcp",
    ):
        (path,) = paths(files(compose("web", command=tuple(command.split()))), knowledge, scanned)
        assert path.server is not None
        assert path.server.by == "command"
    assert not paths(files(compose("web", command=("uvicorn", "site.main:app"))), knowledge, scanned)


def test_an_image_of_others_does_not_run_the_scanned_server(scanned: ScannedServer, knowledge: Knowledge) -> None:
    assert not paths(files(compose("db", image="postgres:17")), knowledge, scanned)
    (other,) = paths(files(compose("search", image="example/search-mcp:1")), knowledge, scanned)
    assert other.server is None
    (built,) = paths(files(compose("web", context="app")), knowledge, scanned)
    assert built.server is not None
    assert not paths(files(compose("site", context="site")), knowledge, scanned)


def test_a_local_address_leads_to_the_only_server(scanned: ScannedServer, knowledge: Knowledge) -> None:
    (path,) = paths(files(proxy("127.0.0.1", path="/")), knowledge, scanned)
    assert path.server is not None
    assert path.evidence == "audit.evidence.server"
    assert not paths(files(proxy("127.0.0.1", path="/", port=3000)), knowledge, scanned)
    assert not paths(files(proxy("10.0.0.1", path="/")), knowledge, scanned)


def test_the_workload_of_a_proxy_is_no_server(knowledge: Knowledge) -> None:
    found = files(proxy("mcp"), compose("mcp"), compose("mcp-proxy", image="nginx:1.27.1", instances=2))
    (path,) = paths(found, knowledge)
    known = PathFacts(path, knowledge)
    assert value(known, "path.proxies") == 2
    version = known.get("route.http_version")
    assert version is not None
    assert (version.value, version.default_of) == ("1.0", "nginx before 1.29.7")


def test_a_proxy_behind_another_proxy_is_known(knowledge: Knowledge) -> None:
    outer = proxy("inner", product="haproxy", file="haproxy.cfg", path="/mcp")
    found = files(outer, proxy("10.0.0.1", "10.0.0.2"), compose("inner", image="nginx:1.30"))
    both = {path.proxy.product: PathFacts(path, knowledge) for path in paths(found, knowledge) if path.proxy}
    assert value(both["nginx"], "path.behind_proxy") is True
    assert value(both["haproxy"], "path.behind_proxy") is None


def test_a_dockerfile_belongs_to_the_service_that_is_built_from_it(knowledge: Knowledge) -> None:
    file = compose("Dockerfile", "app/Dockerfile", command=("uvicorn", "server:app"), context="app", workers=4)
    found = files(file._replace(kind="Dockerfile"), compose("mcp", context="./app"))
    known = facts(found, knowledge)
    assert value(known, "path.workers") == 4
    assert value(known, "workload.kind") == "compose service"
    own = files(file._replace(kind="Dockerfile"), compose("mcp", context="app", command=("python", "server.py")))
    assert value(facts(own, knowledge), "path.workers") is None


def test_a_value_of_the_nearest_part_is_used_and_then_the_default(knowledge: Knowledge) -> None:
    base = proxy("10.0.0.1", route={"idle_timeout": 5})
    known = facts(files(base._replace(observed=stated("nginx.conf", idle_timeout=7, buffering=False))), knowledge)
    assert (value(known, "route.idle_timeout"), value(known, "route.buffering")) == (5, False)
    default = known.get("upstream.max_fails")
    assert default is not None
    assert (default.value, default.default_of, default.location) == (1, "nginx", None)


def test_a_value_of_all_targets_is_the_value_of_the_upstream(knowledge: Knowledge) -> None:
    base = proxy("10.0.0.1", "10.0.0.2")
    group = base.upstreams[0]

    def with_fails(*numbers: int | None) -> Any:
        targets: list[Target] = []
        for number, target in zip(numbers, group.targets, strict=True):
            observed = {} if number is None else stated("nginx.conf", max_fails=number)
            targets.append(target._replace(observed=observed))
        changed = base._replace(upstreams=(group._replace(targets=tuple(targets)),))
        return value(facts(files(changed), knowledge), "upstream.max_fails")

    assert with_fails(0, 0) == 0
    assert with_fails(0, 3) == 3
    assert with_fails(0, None) == 1
