"""The list of hops: what it accepts, the short form of the last hop, and the facts about all hops together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.errors import InputError
from advisor.knowledge import Knowledge
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.requirements import Requirements, load_bytes
from advisor.requirements.hops import Hop, combined, shortest


@pytest.fixture(scope="module")
def read(knowledge: Knowledge) -> Callable[[str], Requirements]:
    """A function from the lines below `environment` to requirements."""
    space = FactSpace(knowledge)
    start = "service: a\nenvironment:\n"
    return lambda text: load_bytes((start + text).encode(), "r.yaml", space)


def _facts(requirements: Requirements) -> dict[str, Any]:
    names = ("kind", "version", "sse", "idle_timeout_s", "total_timeout_s", "replicas")
    return {name: requirements[f"environment.proxy.{name}"] for name in names}


def test_the_last_hop_is_the_proxy(read: Callable[[str], Requirements]) -> None:
    requirements = read("  hops:\n  - {kind: cloudflare}\n  - {kind: nginx, version: 1.30, replicas: 2}\n")
    assert _facts(requirements) | {"idle_timeout_s": 60} == {
        "kind": "nginx",
        "version": "1.30",
        "sse": UNKNOWN,
        "idle_timeout_s": 60,
        "total_timeout_s": None,
        "replicas": 2,
    }
    assert requirements["clients.addresses"] == "shared"
    assert requirements.given == {"service", "environment.hops"}
    assert {"environment.proxy.kind", "clients.addresses"} <= set(requirements.inferred)


@pytest.mark.parametrize(
    ("hops", "idle", "total"),
    [
        ("[{kind: alb}, {kind: haproxy}]", 60, None),  # the default of the ALB
        ("[{kind: alb, idle_timeout_s: 300}, {kind: haproxy, idle_timeout_s: 90}]", 90, None),
        ("[{kind: haproxy}, {kind: nginx}]", None, None),  # the default of the last hop, which has no other value
        ("[{kind: envoy}, {kind: haproxy}]", 300, 15),
        ("[{kind: envoy, total_timeout_s: 40}, {kind: gclb}]", 300, None),
        ("[{kind: envoy, total_timeout_s: 20}, {kind: gclb}]", 300, 20),
    ],
)
def test_the_shortest_timeout_of_all_hops_counts(
    read: Callable[[str], Requirements], hops: str, idle: float | None, total: float | None
) -> None:
    found = _facts(read(f"  hops: {hops}\n"))
    assert (found["idle_timeout_s"], found["total_timeout_s"]) == (idle, total)


@pytest.mark.parametrize(
    ("values", "together"),
    [
        (["true", "true"], True),
        (["false", "unknown"], False),
        (["unknown", "false"], False),
        (["true", "unknown"], UNKNOWN),
    ],
)
def test_one_hop_that_buffers_spoils_streams(
    read: Callable[[str], Requirements], values: list[str], together: object
) -> None:
    entries = ", ".join(f"{{kind: haproxy, sse: {value}}}" for value in values)
    assert read(f"  hops: [{entries}]\n")["environment.proxy.sse"] == together


def test_a_single_hop_says_the_same_as_the_short_form(read: Callable[[str], Requirements]) -> None:
    keys = "kind: haproxy, sse: true, idle_timeout_s: 30, replicas: 2"
    hop, proxy = read(f"  hops: [{{{keys}}}]\n"), read(f"  proxy: {{{keys}}}\n")
    assert _facts(hop) == _facts(proxy)
    assert hop["clients.addresses"] == proxy["clients.addresses"] == UNKNOWN


def test_the_short_form_completes_the_last_hop(read: Callable[[str], Requirements]) -> None:
    requirements = read("  hops: [{kind: alb}, {kind: nginx}]\n  proxy: {kind: nginx, version: '1.31', sse: true}\n")
    assert requirements["environment.hops"][-1] == {"kind": "nginx", "version": "1.31", "sse": True}
    assert requirements["environment.proxy.version"] == "1.31"
    assert requirements["environment.proxy.sse"] == UNKNOWN  # not known of the ALB


def test_cookies_of_the_clients_end_at_an_mcp_gateway(read: Callable[[str], Requirements]) -> None:
    cookies = "clients: {keep_cookies: true}\n"
    assert read(f"  hops: [{{kind: contextforge}}, {{kind: alb}}]\n{cookies}")["clients.keep_cookies"] == UNKNOWN
    assert read(f"  hops: [{{kind: cloudflare}}, {{kind: alb}}]\n{cookies}")["clients.keep_cookies"] is True


def test_an_empty_list_says_nothing(read: Callable[[str], Requirements]) -> None:
    for text in ("  hops: []\n", "  hops:\n"):
        assert _facts(read(text)) == _facts(read("  hosts: []\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "  hops:\n  - {kind: alb}\n  - kind: nginx\n    version: '1.31'\n  proxy:\n    version: '1.28'\n",
            "r.yaml:8: environment.proxy.version: '1.28' differs from '1.31', the version of the last entry of "
            "environment.hops in line 6.",
        ),
        (
            "  hops:\n  - {kind: alb}\n  proxy: {kind: nginx, sse: true}\n",
            "r.yaml:5: environment.proxy.kind: 'nginx' differs from 'alb', the kind of the last entry of "
            "environment.hops in line 4.",
        ),
        ("  hops:\n  - {kind: alb}\n  - {sse: true}\n", "r.yaml:5: environment.hops[1]: the key 'kind' is missing."),
        ("  hops:\n  - kind: nignx\n", "r.yaml:4: environment.hops[0].kind: 'nignx' is not allowed."),
        ("  hops:\n  - kind: none\n", "r.yaml:4: environment.hops[0].kind: 'none' is not a hop."),
        ("  hops:\n  - {kind: alb, idle: 3}\n", "r.yaml:4: environment.hops[0].idle: unknown key."),
        (
            "  hops:\n  - kind: alb\n    idle_timeout_s: 0\n",
            "r.yaml:5: environment.hops[0].idle_timeout_s: 0 is not allowed.",
        ),
        ("  hops: [alb]\n", "r.yaml:3: environment.hops[0]: 'alb' is not a hop."),
        ("  hops: alb\n", "r.yaml:3: environment.hops: 'alb' is not a list of at most 20 hops."),
    ],
)
def test_a_mistake_is_one_message_with_its_place(read: Callable[[str], Requirements], text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(message)


_SECONDS = st.one_of(st.none(), st.integers(1, 4000))


@given(st.data())
def test_a_longer_path_never_allows_more(knowledge: Knowledge, data: st.DataObject) -> None:
    kinds = [kind for kind in knowledge.proxies if kind != "none"]
    hop = st.builds(
        Hop,
        st.sampled_from(kinds),
        sse=st.sampled_from([True, False, UNKNOWN]),
        idle_timeout_s=_SECONDS,
        total_timeout_s=_SECONDS,
    )
    inner = data.draw(st.lists(hop, min_size=1, max_size=3))
    outer = [data.draw(hop), *inner]
    for name in ("idle", "total"):
        before, after = (shortest(path, knowledge.proxies, name) for path in (inner, outer))
        assert after.seconds is None or before.seconds is None or after.seconds <= before.seconds
        assert before.seconds is None or after.seconds is not None
        assert len(after.unknown) >= len(before.unknown)
    before_facts, after_facts = (combined(path, knowledge.proxies) for path in (inner, outer))
    assert after_facts["environment.proxy.kind"] == before_facts["environment.proxy.kind"]
    order = (True, UNKNOWN, False)
    sse = [order.index(facts["environment.proxy.sse"][0]) for facts in (before_facts, after_facts)]
    assert sse == sorted(sse)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("none", "'none' is not a hop. Remove this entry, or name the proxy. Allowed: nginx, haproxy,"),
        ("null", "null is not a hop. Remove this entry, or name the proxy. Allowed: nginx,"),
        ("ngnix", "'ngnix' is not allowed. Did you mean 'nginx'? Allowed: nginx,"),
        ("[nginx]", "is not allowed. Allowed: nginx,"),
        ("7", "7 is not allowed. Allowed: nginx,"),
    ],
)
def test_a_hop_names_a_proxy(read: Callable[[str], Requirements], kind: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read(f"  hops: [{{kind: alb}}, {{kind: {kind}}}]\n")
    assert "environment.hops[1].kind" in str(caught.value)
    assert said in str(caught.value)
    assert "none," not in str(caught.value)
