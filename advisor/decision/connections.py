"""The connections between the hops and the server: for how long each side keeps them, and where TLS ends."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import ceil, inf

from advisor.knowledge.servers import OTHER
from advisor.knowledge.space import UNKNOWN
from advisor.knowledge.store import Knowledge
from advisor.knowledge.versions import at_least
from advisor.requirements.hops import HOPS, PROXY, Hop, hops_of
from advisor.requirements.model import Requirements


def reuse_s(hop: Hop, knowledge: Knowledge) -> float | None:
    """Return for how many seconds a hop keeps idle connections to the next hop or server; None if this is not known.

    A release before `reuse_since`, or an unknown release, keeps idle connections only if it is configured so.
    """
    proxy = knowledge.proxies[hop.kind]
    if proxy.reuse_since and not (hop.version and at_least(hop.version, proxy.reuse_since)):
        return None
    if proxy.reuse == "idle-timeout":
        return hop.idle_timeout_s if hop.idle_timeout_s is not None else proxy.idle_timeout_s
    return proxy.reuse_s


def with_added_proxy(
    requirements: Requirements, mechanism: str, knowledge: Knowledge, *, tiered: bool
) -> Requirements | None:
    """Return the requirements with the proxy that the decision puts between the last hop and the servers.

    The result is None if the last hop provides the session affinity `mechanism` itself. With tiers, it is None if a kit
    can configure the last hop, so that this hop routes the requests to the tiers.
    """
    hops = hops_of(requirements.values)
    platform = requirements["environment.platform"]
    program = added_program(hops[-1].kind, mechanism, knowledge, platform=platform, tiered=tiered)
    if not program:
        return None
    added = Hop(program, version=knowledge.kit_proxies[program].version)
    path = [hop._asdict() for hop in (*hops, added) if hop.kind != "none"]
    return replace(requirements, values={**requirements.values, HOPS: path, f"{PROXY}kind": program})


def added_program(last_hop: str, mechanism: str, knowledge: Knowledge, *, platform: str, tiered: bool) -> str:
    """Return the kind of proxy that `with_added_proxy` adds behind the kind of the last hop, or ""."""
    if mechanism == "none" and not tiered:
        return ""  # most decisions then need nothing about kits, which takes time to load
    found = knowledge.mechanisms.get(mechanism)
    last = knowledge.proxies[last_hop]
    program = found.done_by if found else ""
    if tiered and program not in knowledge.kit_proxies:
        program = last.id if knowledge.in_kit(last.id, platform) else next(iter(knowledge.kit_proxies))
    if program not in knowledge.kit_proxies or program == last.id:
        return ""
    return "" if found and found.keyed_on in last.affinity_settings else program


def keep_alive(requirements: Requirements, knowledge: Knowledge) -> str:
    """Return whether the server keeps idle connections `longer` than the last hop, or `shorter`, or `unknown`."""
    opening = _opening(requirements, knowledge)
    reused = reuse_s(opening, knowledge) if opening else None
    kept = _keep_alive_s(requirements, knowledge)
    if reused is None or kept is None:
        return UNKNOWN
    return "longer" if kept > reused else "shorter"


def _opening(requirements: Requirements, knowledge: Knowledge) -> Hop | None:
    """Return the hop that opens the connections to the server: the last hop that does not only forward TCP."""
    hops = _http_hops(requirements, knowledge)
    return hops[-1] if hops else None


def _http_hops(requirements: Requirements, knowledge: Knowledge) -> list[Hop]:
    return [hop for hop in hops_of(requirements.values) if knowledge.proxies[hop.kind].layer == "http"]


def hops_keep_alive(requirements: Requirements, knowledge: Knowledge) -> str:
    """Return `shorter` if a hop closes idle connections that the hop in front of it can still use, else `longer`."""
    return "shorter" if _closing(requirements, knowledge) else "longer"


def _closing(requirements: Requirements, knowledge: Knowledge) -> tuple[Hop, Hop] | None:
    """Return the first hop whose idle connections the next hop closes first, and this next hop."""
    for outer, inner in pairwise(_http_hops(requirements, knowledge)):
        reused, kept = reuse_s(outer, knowledge), _kept_s(inner, knowledge)
        if reused is not None and kept is not None and kept < reused:
            return outer, inner
    return None


def _kept_s(hop: Hop, knowledge: Knowledge) -> float | None:
    """Return for how many seconds a hop keeps an idle connection of the hop in front of it."""
    proxy = knowledge.proxies[hop.kind]
    if hop.keep_alive_s is not None:
        return hop.keep_alive_s
    if proxy.keep_alive == "idle-timeout":
        return hop.idle_timeout_s if hop.idle_timeout_s is not None else proxy.idle_timeout_s
    return proxy.keep_alive_s


def pool_words(name: str, requirements: Requirements, knowledge: Knowledge) -> str:
    """Return the value of a placeholder about the pair of `_closing`: `outer` or `inner` with a key."""
    pair = _closing(requirements, knowledge)
    if pair is None:
        return "?"
    about, key = name.split(".")
    if key == "reuse_s":
        return f"{reuse_s(pair[0], knowledge) or 0:,.10g}"
    if key == "closes":
        stated = pair[1].keep_alive_s is not None
        return _closes(knowledge.proxies[pair[1].kind].name, _kept_s(pair[1], knowledge), knowledge, stated=stated)
    if key == "needed_s":
        return str(ceil((reuse_s(pair[0], knowledge) or 0) + knowledge.figure("keep-alive.margin_s")))
    return str(getattr(knowledge.proxies[pair[0 if about == "outer" else 1].kind], key))


def _keep_alive_s(requirements: Requirements, knowledge: Knowledge) -> float | None:
    """Return after how many seconds the server closes an idle connection; None if this is not known."""
    stated: float | None = requirements["environment.server_keep_alive_s"]
    if stated is not None:
        return stated
    if requirements["sdk"] != OTHER:
        return knowledge.figure("keep-alive.default_s")
    language = knowledge.languages[requirements["language"]]
    return inf if language.keep_alive == "never" else language.keep_alive_s


def needed_keep_alive_s(hop: Hop, requirements: Requirements, knowledge: Knowledge) -> int:
    """Return a keep-alive time in seconds for a server or proxy of a kit behind `hop`.

    A managed proxy whose time is not known counts as the managed proxy with the longest known time.
    """
    reused = reuse_s(hop, knowledge)
    kind = knowledge.proxies[hop.kind]
    if reused is None and kind.operated == "managed" and kind.reuse == "unknown":
        reused = max(proxy.reuse_s or 0 for proxy in knowledge.proxies.values() if proxy.operated == "managed")
    stated = requirements["environment.server_keep_alive_s"] or 0
    least, margin = (knowledge.figure(f"keep-alive.{name}_s") for name in ("kit", "margin"))
    return max(least, ceil(stated), ceil(reused) + margin if reused is not None else 0)


def outer_hop(requirements: Requirements, proxy: str, knowledge: Knowledge) -> Hop | None:
    """Return the hop in front of the proxy `proxy` of a kit, or in front of the servers if the kit has no proxy."""
    return next(reversed(_outer_hops(requirements, proxy, knowledge)), None)


def forwarding_hops(requirements: Requirements, proxy: str, knowledge: Knowledge) -> int:
    """Return how many hops in front of the proxy `proxy` of a kit add an address to X-Forwarded-For."""
    return sum(knowledge.proxies[hop.kind].layer != "tcp" for hop in _outer_hops(requirements, proxy, knowledge))


def _outer_hops(requirements: Requirements, proxy: str, knowledge: Knowledge) -> list[Hop]:
    hops = [hop for hop in hops_of(requirements.values) if hop.kind != "none"]
    tcp = {kind.id for kind in knowledge.proxies.values() if kind.layer == "tcp"}
    while len(hops) > 1 and hops[-1].kind != proxy and hops[-1].kind in tcp:
        hops.pop()
    if hops and hops[-1].kind == proxy:
        hops.pop()
    return hops


def tls_ends(requirements: Requirements, knowledge: Knowledge) -> str:
    """Return where TLS ends: the stated value, else `proxy` if a hop usually ends TLS, else `unknown`."""
    stated: str = requirements["environment.tls_ends"]
    ends = any(knowledge.proxies[hop.kind].tls == "ends" for hop in hops_of(requirements.values))
    return "proxy" if stated == UNKNOWN and ends else stated


def reuse_words(name: str, requirements: Requirements, knowledge: Knowledge) -> str:
    """Return the value of a placeholder.

    Args:
        name: `proxy` with reuse_s, reuser, or `or_shorten`, which says how to shorten the time of the proxy. Or
            `server` with closes (a clause), needed_s or keep_alive_setting, the setting of the language.
        requirements: the requirements.
        knowledge: the known proxies and languages.
    """
    last = _opening(requirements, knowledge) or hops_of(requirements.values)[-1]
    if name == "proxy.reuse_s":
        return f"{reuse_s(last, knowledge) or 0:,.10g}"
    if name == "proxy.reuser":
        return knowledge.proxies[last.kind].name
    if name == "proxy.or_shorten":
        kind = knowledge.proxies[last.kind]
        if not kind.reuse_setting:
            return ""
        return knowledge.phrases["reuse.shorten"].format(
            name=kind.name,
            setting=kind.reuse_setting,
            kept_s=f"{_keep_alive_s(requirements, knowledge) or 0:,.10g}",
            note=f" {kind.reuse_note}" if kind.reuse_note else "",
        )
    if name == "server.keep_alive_setting":
        return knowledge.languages[requirements["language"]].keep_alive_setting
    if name == "server.closes":
        server = knowledge.phrases["reuse.server" if requirements["sdk"] == OTHER else "reuse.python"]
        stated = requirements["environment.server_keep_alive_s"] is not None
        return _closes(server, _keep_alive_s(requirements, knowledge), knowledge, stated=stated)
    return str(needed_keep_alive_s(last, requirements, knowledge))


def _closes(name: str, kept_s: float | None, knowledge: Knowledge, *, stated: bool) -> str:
    """Return a clause: after how many seconds `name` closes an idle connection, by default or as the file states."""
    phrase = knowledge.phrases[f"reuse.closes.{'stated' if stated else 'default'}"]
    return phrase.format(name=name, kept_s=f"{kept_s or 0:,.10g}")
