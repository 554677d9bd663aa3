"""The timeouts of the proxies in front of the servers: stated values, defaults, and those that are not known."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from math import ceil, inf
from typing import NamedTuple

from advisor.knowledge.catalogue import ProxyKind
from advisor.knowledge.servers import OTHER
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.knowledge.store import Knowledge
from advisor.knowledge.versions import at_least
from advisor.requirements.hops import HOPS, PROXY, Hop, hops_of, shortest
from advisor.requirements.model import Requirements

STREAM_LIMIT = "stream_total_timeout_s"
"""The key of rules/proxies.yaml for the total timeout of a stream."""


class ProxyLimit(NamedTuple):
    """A timeout of the path.

    Attributes:
        name: `idle timeout` or `total timeout`.
        seconds: the shortest of the stated values and the defaults; None without a limit, or if no limit is known.
        proxy: the proxy that limits; the last proxy, if no proxy limits.
        unknown: the proxies whose value is not stated, and whose default is not documented or measured.
    """

    name: str
    seconds: float | None
    proxy: ProxyKind
    unknown: tuple[ProxyKind, ...]


def limits(requirements: Requirements, space: FactSpace, *, stream: bool = True) -> tuple[ProxyLimit, ProxyLimit]:
    """Return the idle timeout and the total timeout, for a `stream` or for a JSON answer.

    The timeout of a function counts as a total timeout. A stated timeout counts, whatever the file says of the adapter.
    """
    adapter, stated = (requirements[f"environment.{name}"] for name in ("function_adapter", "function_timeout_s"))
    return _limits(hops_of(requirements.values), adapter in ("asgi", "web"), stated, space, stream)


def hop_limits(requirements: Requirements, space: FactSpace) -> tuple[ProxyLimit, ProxyLimit]:
    """Return the idle timeout and the total timeout of the hops, without the timeout of a function behind them."""
    return _limits(hops_of(requirements.values), False, None, space, True)


@lru_cache(maxsize=256)
def _limits(
    hops: tuple[Hop, ...], adapted: bool, timeout_s: float | None, space: FactSpace, stream: bool
) -> tuple[ProxyLimit, ProxyLimit]:
    function = _function(space.knowledge)
    behind = hops[-1].kind == function.id  # the last hop has the timeout of the function
    if behind and timeout_s is not None and hops[-1].total_timeout_s is None:
        hops = (*hops[:-1], hops[-1]._replace(total_timeout_s=timeout_s))
    idle, total = (_limit(name, hops, space.knowledge, stream) for name in ("idle", "total"))
    seconds = timeout_s if timeout_s is not None else function.total_timeout_s
    in_function = (adapted or timeout_s is not None) and not behind
    if in_function and seconds is not None and (total.seconds is None or seconds < total.seconds):
        proxy = _behind(hops[-1], function, space.knowledge, adapted=adapted)
        total = total._replace(seconds=seconds, proxy=proxy)
    return idle, total


def _behind(last: Hop, function: ProxyKind, knowledge: Knowledge, *, adapted: bool) -> ProxyKind:
    """Return the limit of the function behind the last hop. Without an adapter, its platform can be any platform."""
    if adapted or knowledge.proxies[last.kind].function_max_s is not None:
        return function._replace(name=knowledge.phrases["function.name"])
    phrases = knowledge.phrases
    return function._replace(name=phrases["function.other"], look_up=phrases["function.look-up"], total_max_s=None)


def _function(knowledge: Knowledge) -> ProxyKind:
    return next(proxy for proxy in knowledge.proxies.values() if proxy.function_timeout)


def function_timeout_words(requirements: Requirements, space: FactSpace) -> str:
    """Return a sentence about the default timeout of a function; "" if the requirements state this timeout."""
    if requirements["environment.function_timeout_s"] is not None:
        return ""
    return space.knowledge.phrases["function.default"].format(seconds=f"{_function(space.knowledge).total_timeout_s:g}")


def _limit(name: str, hops: tuple[Hop, ...], knowledge: Knowledge, stream: bool) -> ProxyLimit:
    found = shortest(hops, knowledge.proxies, name, stream=stream)
    limiting, *unknown = (knowledge.proxies[hops[index].kind] for index in (found.hop, *found.unknown))
    return ProxyLimit(f"{name} timeout", found.seconds, limiting, tuple(unknown))


def limit(requirements: Requirements, space: FactSpace, compare: Mapping[str, str]) -> float | None:
    """Return the limit of a comparison in seconds: the shortest stated limit or default of the path, else None."""
    idle, total = limits(requirements, space, stream=compare.get("proxy_default") == STREAM_LIMIT)
    return (idle if compare["limit"] == "environment.proxy.idle_timeout_s" else total).seconds


def limits_fact(ask: str, requirements: Requirements, space: FactSpace) -> str:
    """Return the value of a derived fact about the timeouts (`limits` in rules/facts.yaml)."""
    idle, total = limits(requirements, space)
    if ask == "known":
        return UNKNOWN if any(limit.unknown for limit in _open(requirements, space)) else "known"
    if ask == "unset":
        return "some" if _unset(requirements, space.knowledge) else "none"
    seconds = (idle if ask == "idle" else total).seconds
    if seconds is None or seconds > space.knowledge.figure("timeout.long_s"):
        return "none"
    return "short" if seconds < space.knowledge.figure("timeout.short_s") else "long"


def _open(requirements: Requirements, space: FactSpace, *, stream: bool = True) -> tuple[ProxyLimit, ...]:
    """Return the timeouts, each with the proxies whose unknown value can still matter.

    A timeout that another proxy is known to have, and that already ends the longest call, makes them irrelevant. If the
    longest call is not known, a short timeout does.
    """
    longest = requirements["workload.longest_call_s"]
    call = longest if longest is not None else space.knowledge.figure("timeout.short_s")
    return tuple(
        limit._replace(unknown=())
        if limit.seconds is not None and limit.proxy not in limit.unknown and limit.seconds <= call
        else limit
        for limit in limits(requirements, space, stream=stream)
    )


def _unset(requirements: Requirements, knowledge: Knowledge) -> list[ProxyKind]:
    """Return the proxies with a timeout that is off by default and that the requirements do not state."""
    kinds = ((hop, knowledge.proxies[hop.kind]) for hop in hops_of(requirements.values))
    return [kind for hop, kind in kinds if any(getattr(hop, f"{name}_timeout_s") is None for name in kind.unset)]


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
    if key == "kept_s":
        return f"{_kept_s(pair[1], knowledge) or 0:,.10g}"
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
            `server` with keep_alive_s, needed_s or keep_alive_setting, the setting of the language.
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
    if name == "server.keep_alive_s":
        return f"{_keep_alive_s(requirements, knowledge) or 0:,.10g}"
    return str(needed_keep_alive_s(last, requirements, knowledge))


_TOTAL = ("total.name", "total.raise", "total.look_up", "total.key")


def json_limit_words(requirements: Requirements, space: FactSpace) -> dict[str, str]:
    """Return the values of the placeholders about the total timeout for JSON answers, if streams have another limit."""
    total = limits(requirements, space, stream=False)[1]
    if total == limits(requirements, space)[1]:
        return {}
    words = {name: limit_words(name, requirements, space, stream=False) for name in _TOTAL}
    return {**words, f"{PROXY}total_timeout_s": f"{total.seconds or 0:g}"}


def limit_words(name: str, requirements: Requirements, space: FactSpace, *, stream: bool = True) -> str:
    """Return the value of a placeholder of a warning.

    Args:
        name: `proxy`, `idle` or `total` with a key of rules/proxies.yaml, for the last proxy or for the proxy that
            limits. `idle.key`, `total.key` and `sse.key` are the keys of the requirements file. `idle.raise` and
            `total.raise` say how to raise the timeout, or that it is fixed. Or `unknown` with `limits`, `known`,
            `effects`, `keys`, `name` or `look_up`, for the timeouts that are not known. Or `unset` with `name` or
            `look_up`, for the timeouts that are off by default.
        requirements: the requirements.
        space: the known facts.
        stream: whether the total timeout is that of a stream, or that of a JSON answer.
    """
    about, key = name.split(".")
    idle, total = limits(requirements, space, stream=stream)
    if name == "proxy.one_process":
        return _one_process(requirements, space.knowledge)
    if about == "proxy":
        return str(getattr(space.knowledge.proxies[requirements["environment.proxy.kind"]], key))
    if key == "raise":
        found = idle if about == "idle" else total
        return _raise(found, requirements["workload.longest_call_s"], space.knowledge)
    if key == "key":
        return _key(about, requirements, total)
    if about in ("idle", "total"):
        return str(getattr((idle if about == "idle" else total).proxy, key))
    idle, total = _open(requirements, space, stream=stream)
    if key == "limits":
        return " and ".join(_unknown_limit(timeout) for timeout in (idle, total) if timeout.unknown)
    if key == "known":
        return _known(idle, total, space.knowledge)
    if key == "effects":
        names = (timeout.name.partition(" ")[0] for timeout in (total, idle) if timeout.unknown)
        return " ".join(space.knowledge.phrases[f"limits.{name}.effect"] for name in names)
    if key == "keys":
        keys = (f"{timeout.name.replace(' ', '_')}_s" for timeout in (idle, total) if timeout.unknown)
        hops = requirements[HOPS]
        return " and ".join(key if hops else f"{PROXY}{key}" for key in keys) + (f" in {HOPS}" if hops else "")
    found_in = _unset(requirements, space.knowledge) if about == "unset" else [*idle.unknown, *total.unknown]
    proxies = list({proxy.id: proxy for proxy in found_in}.values())
    settings = {proxy.id: (proxy.unset_setting if about == "unset" else "") or proxy.look_up for proxy in proxies}
    if key == "name":
        return ", ".join(proxy.name for proxy in proxies)
    if len(proxies) == 1:
        return settings[proxies[0].id]
    return "; ".join(f"for {proxy.name}, {settings[proxy.id]}" for proxy in proxies)


def _raise(found: ProxyLimit, longest_call_s: float | None, knowledge: Knowledge) -> str:
    """Return how to raise a timeout above the longest call, or that the platform does not allow this."""
    about = found.name.partition(" ")[0]
    most = found.proxy.longest("idle" if about == "idle" else "total")
    how = "fixed" if about in found.proxy.fixed else "raise"
    if how == "raise" and most is not None and longest_call_s is not None and longest_call_s >= most:
        how = "maximum"
    words = knowledge.phrases[f"limits.{about}.{how}"]
    seconds = f"{most:,g}" if most is not None else "?"
    return words.format(name=found.proxy.name, look_up=found.proxy.look_up, seconds=seconds)


def _one_process(requirements: Requirements, knowledge: Knowledge) -> str:
    """Return a sentence about one process instead of several; "" if the platform cannot keep a single process."""
    proxy = knowledge.proxies[requirements["environment.proxy.kind"]]
    if proxy.one_instance:
        return knowledge.phrases["proxy.one-instance"].format(name=proxy.name, setting=proxy.one_instance)
    return "" if requirements["environment.platform"] == "serverless" else knowledge.phrases["proxy.one-process"]


def _key(about: str, requirements: Requirements, total: ProxyLimit) -> str:
    """Return the key of the requirements file for the timeout `idle` or `total`, or for `sse`."""
    if about == "total" and total.proxy.function_timeout:
        return "environment.function_timeout_s"
    key = about if about == "sse" else f"{about}_timeout_s"
    return f"{key} of each proxy in {HOPS}" if requirements[HOPS] else f"{PROXY}{key}"


def _known(idle: ProxyLimit, total: ProxyLimit, knowledge: Knowledge) -> str:
    """Return a sentence about the default timeout of a proxy whose other timeout is not known; else ""."""
    for name, limit, other in (("idle", idle, total), ("total", total, idle)):
        default = getattr(limit.proxy, f"{name}_timeout_s")
        if (
            limit.proxy in other.unknown
            and not limit.unknown
            and limit.seconds is not None
            and limit.seconds == default
        ):
            seconds = f"{limit.seconds:,.10g}"
            return knowledge.phrases["limits.known"].format(limit=limit.name, name=limit.proxy.name, seconds=seconds)
    return ""


def _unknown_limit(limit: ProxyLimit) -> str:
    unconfirmed = limit.seconds is not None and limit.proxy in limit.unknown
    return f"the {limit.name}" + (f" ({limit.seconds:g} s is not confirmed)" if unconfirmed else "")
