"""The proxies in front of a fleet, and how the kit's proxy files are adapted to a run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.errors import UsageError
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import proxy
from advisor.lab.fleet.front import (
    PROXY_SOURCE,
    Front,
    FrontStrategy,
    front_of,
    lay_out,
    own_addresses,
    write_own,
    write_template,
)

STICKY = {
    "service": "demo",
    "clients.protocol": "legacy",
    "scale.instances": 3,
    "scale.affinity": "available",
    "environment.proxy.kind": "nginx",
    "environment.proxy.version": "1.31",
    "needs.sampling": "required",
}
PORTS = {"main": ("127.0.0.1:20001", "127.0.0.1:20002")}


@pytest.fixture
def kit_of(advisor: Advisor, decide: Callable[..., Decision]) -> Callable[..., KitContext]:
    return lambda facts=(), **more: kit_context(decide({**STICKY, **dict(facts), **more}))


def kit_with(kit_of: Callable[..., KitContext], kind: str) -> KitContext:
    """A kit with this proxy. Behind Traefik, only clients that keep cookies can have sessions."""
    facts = {"environment.proxy.kind": kind, "environment.proxy.version": "1.31" if kind == "nginx" else None}
    return kit_of(facts, **{"environment.platform": "systemd", "clients.keep_cookies": kind == "traefik"})


def front(
    kit: KitContext, kind: str = "nginx", *, holds: bool = False, processes: int = 3, straight: bool = False
) -> Front:
    return front_of(kit, kind=kind, holds=holds, processes=processes, straight=straight)


def test_the_kits_own_proxy_by_default(kit_of: Callable[..., KitContext]) -> None:
    for kind in ("nginx", "haproxy", "caddy", "traefik"):
        found = front(kit_with(kit_of, kind), kind)
        assert (found.own, found.program, found.label("x 1.2")) == (True, kind, "x 1.2")


@pytest.mark.parametrize(("replicas", "many"), [(1, 1), (2, 2), (3, 2)])
def test_at_most_two_proxies_of_the_kit_run(kit_of: Callable[..., KitContext], replicas: int, many: int) -> None:
    found = front(kit_of({"environment.proxy.replicas": replicas}))
    assert (found.many, found.programs) == (many, ("nginx",))
    assert found.label("nginx 1.31.3") == ("nginx 1.31.3" if many == 1 else "nginx 1.31.3, 2 proxies")


@pytest.mark.parametrize(
    ("kind", "replicas", "peered"), [("haproxy", 1, True), ("haproxy", 2, False), ("nginx", 1, False)]
)
def test_the_haproxy_peer_uses_a_port_of_this_run(
    kit_of: Callable[..., KitContext], kind: str, replicas: int, peered: bool
) -> None:
    kit = kit_of(
        {"environment.proxy.kind": kind, "environment.proxy.version": None, "environment.proxy.replicas": replicas}
    )
    assert list(own_addresses(kit, 20000, PORTS, 20009).peers.values()) == (["127.0.0.1:20009"] if peered else [])


def test_without_a_proxy_clients_connect_to_the_instances(kit_of: Callable[..., KitContext]) -> None:
    found = front(kit_of(), straight=True)
    assert (found.program, found.programs, found.label("")) == (None, (), "none")


@pytest.mark.parametrize(
    ("facts", "kind", "said"),
    [
        ({"needs.sampling": "none", "environment.proxy.kind": "alb"}, "alb", "as a stand-in for alb, round robin"),
        (
            {"environment.proxy.kind": "alb", "clients.keep_cookies": True},
            "alb",
            "as a stand-in for alb, session affinity through a cookie",
        ),
        (
            {"needs.sampling": "none", "environment.proxy.kind": "none"},
            "none",
            "as a stand-in for the platform's load balancer, round robin",
        ),
    ],
)
def test_a_stand_in_replaces_a_balancer_that_the_kit_does_not_contain(
    kit_of: Callable[..., KitContext], facts: dict[str, Any], kind: str, said: str
) -> None:
    kit = kit_of({**facts, "environment.proxy.version": None})
    found = front(kit, kind)
    assert (found.own, found.program) == (False, "nginx")
    assert found.label("nginx 1.31.3") == f"nginx 1.31.3 {said}"


def test_one_process_without_a_proxy_needs_nothing_in_front(kit_of: Callable[..., KitContext]) -> None:
    kit = kit_of({"environment.proxy.kind": "none", "environment.proxy.version": None, "scale.instances": 1})
    assert front(kit, "none", processes=1).program is None
    assert front(kit, "none", processes=1, holds=True).program == "nginx"


@pytest.mark.parametrize("kind", ["nginx", "haproxy", "caddy", "traefik", "envoy"])
def test_only_the_addresses_of_the_proxy_files_are_changed(
    kit_of: Callable[..., KitContext], tmp_path: Path, kind: str
) -> None:
    kit = kit_with(kit_of, kind)
    lay_out(proxy.files(kit), tmp_path)
    (tmp_path / "proxy" / "extra.txt").write_text("mine\n")
    folder = tmp_path / "run"
    write_own(kit, tmp_path, folder, own_addresses(kit, 20000, PORTS, 20009))
    base = {file.path.removeprefix("proxy/"): file.content for file in proxy.files(kit)} | {"extra.txt": "mine\n"}
    assert {path.name for path in folder.iterdir()} == set(base)
    changed = [
        name
        for name, text in base.items()
        if (folder / name).read_text().replace(f"defaults\n    source {PROXY_SOURCE}\n", "defaults\n")
        != text.replace("/tmp/mcp-proxy", f"{folder}/tmp")
    ]
    assert len(changed) == 1
    wired = (folder / changed[0]).read_text()
    assert "20001" in wired
    assert "20000" in wired


def test_an_edit_next_to_the_addresses_is_kept(kit_of: Callable[..., KitContext], tmp_path: Path) -> None:
    kit = kit_of()
    lay_out(proxy.files(kit), tmp_path)
    path = tmp_path / "proxy" / "upstreams.conf"
    text = path.read_text()
    start, end = text.index("    sticky learn"), text.index("header;\n") + len("header;\n")
    path.write_text(text[:start] + text[end:])
    write_own(kit, tmp_path, tmp_path / "run", own_addresses(kit, 20000, PORTS, 20009))
    wired = (tmp_path / "run" / "upstreams.conf").read_text()
    assert "sticky learn" in text
    assert "sticky learn" not in wired
    assert "127.0.0.1:20002" in wired
    assert wired.count("{") == wired.count("}")


@pytest.mark.parametrize("kind", ["nginx", "haproxy", "caddy", "traefik", "envoy"])
def test_no_edit_of_the_metrics_reaches_the_lab(kit_of: Callable[..., KitContext], tmp_path: Path, kind: str) -> None:
    kit = kit_with(kit_of, kind)
    lay_out(proxy.files(kit), tmp_path)
    write_own(kit, tmp_path, tmp_path / "generated", own_addresses(kit, 20000, PORTS, 20009))
    (path,) = (found for found in (tmp_path / "proxy").iterdir() if "# end of metrics\n" in found.read_text())
    path.write_text(re.sub(r"# Metrics for Prometheus.*?\n", "# mine\n", path.read_text()).replace("metrics {", "{"))
    write_own(kit, tmp_path, tmp_path / "edited", own_addresses(kit, 20000, PORTS, 20009))
    wired = (tmp_path / "edited" / path.name).read_text()
    assert "# mine" not in wired
    generated = (tmp_path / "generated" / path.name).read_text()
    assert wired == generated.replace(str(tmp_path / "generated"), str(tmp_path / "edited"))


def test_an_edit_of_the_addresses_themselves_is_refused(kit_of: Callable[..., KitContext], tmp_path: Path) -> None:
    kit = kit_of()
    lay_out(proxy.files(kit), tmp_path)
    path = tmp_path / "proxy" / "upstreams.conf"
    lines = path.read_text().splitlines()
    path.write_text(
        "\n".join(f"{line} # mine" if line.lstrip().startswith("server ") else line for line in lines) + "\n"
    )
    with pytest.raises(UsageError, match=r"upstreams\.conf\. The lines with addresses were edited"):
        write_own(kit, tmp_path, tmp_path / "run", own_addresses(kit, 20000, PORTS, 20009))


def test_a_missing_file_is_named(kit_of: Callable[..., KitContext], tmp_path: Path) -> None:
    kit = kit_of()
    lay_out(proxy.files(kit), tmp_path)
    (tmp_path / "proxy" / "server.conf").unlink()
    with pytest.raises(UsageError, match=r"server\.conf is missing"):
        write_own(kit, tmp_path, tmp_path / "run", own_addresses(kit, 20000, PORTS, 20009))


@pytest.mark.parametrize("way", ["round-robin", "cookie", "address"])
@pytest.mark.parametrize("holds", [False, True])
def test_a_stand_in_uses_the_requested_strategy(tmp_path: Path, way: FrontStrategy, holds: bool) -> None:
    given: dict[str, Any] = {
        "way": way,
        "holds": holds,
        "port": 20000,
        "addresses": PORTS["main"],
        "source": "127.9.9.9",
    }
    text = write_template("stand_in.conf.j2", tmp_path, **given).read_text()
    assert "proxy_bind 127.9.9.9;" in text
    assert text.count("server 127.0.0.1:") == 2
    assert ("sticky cookie" in text) == (way == "cookie")
    assert ("hash $remote_addr" in text) == (way == "address")
    assert ("proxy_buffering on" in text) == holds
    assert "{" not in text.replace("{\n", "").replace('"{', "").replace("'{", "")


@pytest.mark.skipif(not PROXY_SOURCE, reason="this system has one loopback address")
@pytest.mark.parametrize("kind", ["nginx", "haproxy", "caddy", "envoy"])
def test_a_proxy_of_the_lab_does_not_connect_from_an_address_that_uvicorn_trusts(
    kit_of: Callable[..., KitContext], kind: str, tmp_path: Path
) -> None:
    kit = kit_of({"environment.proxy.kind": kind, "environment.proxy.version": None})
    lay_out(proxy.files(kit), tmp_path / "kit")
    assert PROXY_SOURCE not in "".join(file.content for file in proxy.files(kit))
    write_own(kit, tmp_path / "kit", tmp_path / "run", own_addresses(kit, 20100, PORTS, 20101))
    assert PROXY_SOURCE != "127.0.0.1"
    assert any(f"{PROXY_SOURCE}" in path.read_text() for path in (tmp_path / "run").iterdir())
