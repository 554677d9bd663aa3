"""File descriptors: one source of the numbers, and programs that raise their own limit."""

from __future__ import annotations

import re
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from proxy_kits import CADDY, ENVOY, LEARN, TABLE, TRAEFIK, Setup, sticky
from proxy_rig import running, upstreams

from advisor.decision.advisor import Advisor
from advisor.kit.parts import compose, proxy, server, systemd
from advisor.kit.sizing import sizing_for
from advisor.knowledge import Knowledge

_ENOUGH = 4096


@contextmanager
def low_limit() -> Iterator[int]:
    """Start programs with the limit that containers often have. Yield the limit to which they can raise it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        yield hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def limits(pid: int) -> list[int]:
    """The limits of a process and its children."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            own, parent = int(status.parent.name), int(status.read_text().rpartition(")")[2].split()[1])
            if pid in (own, parent):
                text = (status.parent / "limits").read_text()
                found.append(int(re.findall(r"^Max open files +([0-9]+)", text, re.MULTILINE)[0]))
        except OSError:
            continue
    return found


@pytest.mark.programs
@pytest.mark.retried("The proxy has a deadline for its start.")
@pytest.mark.parametrize("setup", [LEARN, TABLE, CADDY, TRAEFIK, ENVOY], ids=str)
def test_a_proxy_raises_its_limit(advisor: Advisor, knowledge: Knowledge, tmp_path: Path, setup: Setup) -> None:
    kit = replace(sticky(advisor, setup), sizing=sizing_for(50, knowledge))
    with upstreams(tmp_path, ("one",)) as fleet, low_limit() as hard:
        tiers = {"main": fleet.addresses(["one"])}
        with running(kit, tmp_path / "proxy", tiers) as client:
            assert max(limits(client.pid)) >= min(hard, _ENOUGH)
            assert "Too many open files" not in client.log.read_text()


def test_a_server_raises_its_limit(advisor: Advisor) -> None:
    files = {file.path: file.content for file in server.files(sticky(advisor, LEARN))}
    code = files["server/runtime/serving.py"]
    function = code[code.index("def _raise_file_limit") : code.index("def _run(")]
    space: dict[str, object] = {}
    exec(f"from contextlib import suppress\n{function}", space)  # noqa: S102 (code of the kit)
    with low_limit() as hard:
        space["_raise_file_limit"]()  # type: ignore[operator]
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard
    serve = code[code.index("def serve(") :]
    assert serve.index("_raise_file_limit()") < serve.index("_run(create_app)")
    assert sys.platform != "win32"


@pytest.mark.parametrize("clients", [1, 50, 1200, 40_000])
@pytest.mark.parametrize("setup", [LEARN, TABLE, ENVOY], ids=str)
def test_every_file_has_the_numbers_of_the_plan(
    advisor: Advisor, knowledge: Knowledge, setup: Setup, clients: int
) -> None:
    sizes = sizing_for(clients, knowledge)
    assert sizes.worker_connections >= 2 * 2 * clients * 2
    assert sizes.proxy_files >= 2 * sizes.worker_connections
    assert sizes.server_files >= 2 * 2 * clients
    kit = replace(sticky(advisor, setup), sizing=sizes)
    (made, *_) = compose.files(kit)
    for name, service in yaml.safe_load(made.content)["services"].items():
        if name not in ("redis", "redis-certificate"):
            wanted = sizes.proxy_files if name.startswith("proxy") else sizes.server_files
            assert service["ulimits"]["nofile"] == {"soft": wanted, "hard": wanted}
    for file in systemd.files(kit):
        if file.path.endswith(".service"):
            wanted = sizes.proxy_files if "proxy" in file.path else sizes.server_files
            assert f"LimitNOFILE={wanted}\n" in file.content
    text = "".join(file.content for file in proxy.files(kit))
    if setup is LEARN:
        assert f"worker_rlimit_nofile {sizes.worker_files};" in text
        assert f"worker_connections {sizes.worker_connections};" in text
    if setup is TABLE:
        assert f"fd-hard-limit {sizes.proxy_files}\n" in text
