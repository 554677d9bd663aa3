"""A HAProxy with a session table is a peer of itself, so that a reload transfers the table to the new process.

tests/lab/test_chaos.py checks the transfer.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from proxy_kits import ENVELOPE_HAPROXY, TABLE, Setup, stateless, sticky, tiered

from advisor.decision.advisor import Advisor
from advisor.kit.model import KitContext
from advisor.kit.parts import proxy


def texts(kit: KitContext) -> dict[str, str]:
    return {file.path: file.content for file in proxy.files(kit)}


@pytest.mark.parametrize("make", [sticky, tiered])
def test_a_session_table_has_a_local_peer(advisor: Advisor, make: Callable[[Advisor, Setup], KitContext]) -> None:
    files = texts(make(advisor, TABLE))
    upstreams, main = files["proxy/upstreams.cfg"], files["proxy/haproxy.cfg"]
    # The other tables count requests of client addresses. A reload can empty them.
    assert main.count("stick-table type string") == main.count("peers mcp_peers") == 1
    assert "peers mcp_peers\n    peer mcp_proxy 127.0.0.1:10000\n" in upstreams
    # HAProxy reads the name of the local peer only above the section that names the peers.
    assert upstreams.index("    localpeer mcp_proxy\n") < upstreams.index("peers mcp_peers\n")


@pytest.mark.parametrize("setup", [TABLE, ENVELOPE_HAPROXY])
@pytest.mark.parametrize("make", [sticky, stateless])
def test_without_a_session_table_there_is_no_peer(
    advisor: Advisor, make: Callable[[Advisor, Setup], KitContext], setup: Setup
) -> None:
    files = texts(make(advisor, setup))
    has_table = (make, setup) == (sticky, TABLE)
    assert any("peer" in text for text in files.values()) == has_table
