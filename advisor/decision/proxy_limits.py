"""The timeouts of the proxies in front of the servers: stated values, defaults, and those that are not known."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import inf
from typing import NamedTuple

from advisor.knowledge.catalogue import ProxyKind
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.knowledge.store import Knowledge
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


_ADVICE = ("raise", "wait", "stream", "state")
_TOTAL = ("total.name", "total.look_up", "total.key", *(f"total.{purpose}" for purpose in _ADVICE))


def json_limit_words(requirements: Requirements, space: FactSpace) -> dict[str, str]:
    """Return the values of the placeholders about the total timeout for JSON answers, if streams have another limit."""
    total = limits(requirements, space, stream=False)[1]
    if total == limits(requirements, space)[1]:
        return {}
    words = {name: limit_words(name, requirements, space, stream=False) for name in _TOTAL}
    return {**words, f"{PROXY}total_timeout_s": f"{total.seconds or 0:,.10g}"}


def limit_words(name: str, requirements: Requirements, space: FactSpace, *, stream: bool = True) -> str:
    """Return the value of a placeholder of a warning.

    Args:
        name: `proxy`, `idle` or `total` with a key of rules/proxies.yaml, for the last proxy or for the proxy that
            limits. `idle.key`, `total.key` and `sse.key` are the keys of the requirements file. With `raise`, `wait`,
            `stream` or `state`, `idle` and `total` say how to raise the timeout, or that it is fixed. `proxy.duration`
            is about the duration of requests. Or `unknown` with `limits`, `known`,
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
    if name == "proxy.duration":
        return _duration(requirements, space.knowledge)
    if about == "proxy":
        return str(getattr(space.knowledge.proxies[requirements["environment.proxy.kind"]], key))
    if key in _ADVICE:
        found = idle if about == "idle" else total
        longest = requirements["workload.longest_call_s"] if key == "raise" else None
        return _advice(key, found, longest, _key(about, requirements, total), space.knowledge)
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


def _advice(purpose: str, found: ProxyLimit, longest_call_s: float | None, key: str, knowledge: Knowledge) -> str:
    """Return what to do about a timeout: how to raise it, or that the platform does not allow this.

    Args:
        purpose: `raise` for calls, `wait` for calls that wait for a user, `stream` for streams that stay open, or
            `state` if the longest call is not known.
        found: the timeout.
        longest_call_s: the longest call in seconds, for the purpose `raise`.
        key: the key of the requirements file that states the timeout.
        knowledge: the words.
    """
    about = found.name.partition(" ")[0]
    most = found.proxy.longest("idle" if about == "idle" else "total")
    how = "fixed" if about in found.proxy.fixed else "raise"
    if how == "raise" and most is not None:
        if purpose == "raise":
            how = "maximum" if longest_call_s is not None and longest_call_s >= most else how
        elif found.seconds is not None and found.seconds >= most:
            how = "fixed"
    words = knowledge.phrases[f"limits.{about}.{how}" if purpose == "raise" else f"limits.{purpose}.{how}"]
    shown = min(most or inf, knowledge.figure("user.reply_s")) if purpose == "wait" else most
    seconds = f"{shown:,g}" if shown is not None else "?"
    at_most = ""
    if how == "raise" and most is not None and seconds not in found.proxy.look_up:
        at_most = knowledge.phrases["limits.at-most"].format(name=found.proxy.name, seconds=f"{most:,g}")
    return words.format(
        name=found.proxy.name,
        look_up=found.proxy.look_up,
        seconds=seconds,
        key=key,
        timeout=found.name,
        at_most=at_most,
    )


def _duration(requirements: Requirements, knowledge: Knowledge) -> str:
    """Return a sentence about the longest request of the last proxy; "" if it does not limit the duration."""
    proxy = knowledge.proxies[requirements["environment.proxy.kind"]]
    if proxy.total_status == "none":
        return ""
    how = "fixed" if "total" in proxy.fixed else "raise"
    how = "unknown" if proxy.total_status == "unknown" else how
    return knowledge.phrases[f"duration.{how}"].format(name=proxy.name, look_up=proxy.look_up)


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
    return f"the {limit.name}" + (f" ({limit.seconds:,.10g} s is not confirmed)" if unconfirmed else "")
