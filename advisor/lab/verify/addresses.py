"""Call a fleet by the host names, from the origins and at the paths of production.

The other parts of a verification call a fleet by its address on this machine, which every server allows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from advisor.endpoint import protocol
from advisor.lab.clients.raw_client import Endpoint, said
from advisor.lab.clients.sdk_client import http_client
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.process.steps import Steps

if TYPE_CHECKING:
    import httpx2

_AT_ONCE = 4
_SENT = ("authorization", "content-type", "mcp-protocol-version", "mcp-session-id")
"""The headers that a client in a browser sends and that need a preflight request."""

_Check = Callable[[Endpoint], Awaitable[str]]


class _Call(NamedTuple):
    """A check of a URL. The check returns the problem in words, or ""."""

    url: str
    check: _Check


async def check_addresses(fleet: Fleet, steps: Steps) -> list[str]:
    """Try each stated host, origin and path. Return the problems in words.

    Args:
        fleet: a running fleet.
        steps: shows the progress.
    """
    calls = [*_hosts(fleet), *_origins(fleet), *_paths(fleet)]
    found: list[str] = []
    gate = asyncio.Semaphore(_AT_ONCE)
    with steps.step("stated hosts, origins and paths", len(calls)) as current:

        async def run(call: _Call) -> str:
            async with gate:
                problem = await _run(call)
                if problem:  # a busy machine can explain the first answer
                    problem = await _run(call)
            current.advance()
            return problem

        found = await asyncio.gather(*map(run, calls))
    return list(dict.fromkeys(filter(None, found)))


async def _run(call: _Call) -> str:
    async with http_client(call.url) as http:
        http.follow_redirects = False
        try:
            return await call.check(Endpoint(call.url, "legacy", http))
        except Exception as error:
            return f"{call.url} gives no answer: {type(error).__name__} {error}"


async def _initialize(raw: Endpoint, **headers: str) -> httpx2.Response:
    """Send `initialize`, and end the session that the server opens."""
    body = raw.message("initialize", protocol.INITIALIZE)
    answer = await raw.http.post(raw.url, json=body, headers=raw.headers("initialize", **headers))
    if session := answer.headers.get("mcp-session-id", ""):
        await raw.http.delete(raw.url, headers=raw.headers(mcp_session_id=session, **headers))
    return answer


def _doors(fleet: Fleet) -> list[str]:
    """The URLs of clients: one for each tier, or for each instance without a proxy."""
    if not fleet.front.port:
        return [instance.url for instance in fleet.instances]
    return [fleet.url(tier.name, "legacy") for tier in fleet.plan.kit.tiers]


def _hosts(fleet: Fleet) -> Iterator[_Call]:
    """Each stated host name, through the proxy and at each instance."""
    urls = dict.fromkeys([*_doors(fleet), *(instance.url for instance in fleet.instances)])
    names = {instance.url: instance.name for instance in fleet.instances}
    settings = "server/server.py" if fleet.plan.kit.plain else "server/runtime/settings.py"

    async def check(host: str, place: str, raw: Endpoint) -> str:
        answer = await _initialize(raw, host=host)
        if answer.status_code == 200:
            return ""
        return (
            f"Clients that use the host name {host} of the requirements get {said(answer)} from {place}. To fix this, "
            f"add the name to HOSTS in {settings}, and let the proxy pass the header Host."
        )

    for host in fleet.plan.kit.hosts:
        for url in urls:
            yield _Call(url, partial(check, host, names.get(url, "the proxy")))


def _origins(fleet: Fleet) -> Iterator[_Call]:
    """Each stated origin: the server accepts its requests, and the answers let the browser read them (CORS)."""
    kit = fleet.plan.kit
    origins = dict.fromkeys([*(f"https://{host}" for host in kit.hosts), *kit.origins])
    reads = kit.answers_cors or fleet.plan.front.own

    async def check(origin: str, raw: Endpoint) -> str:
        answer = await _initialize(raw, origin=origin)
        if answer.status_code != 200:
            return f"Web pages of the origin {origin} get {said(answer)}. The server or the proxy does not allow it."
        if not reads:
            return ""
        wanted = {"access-control-request-method": "POST", "access-control-request-headers": ",".join(_SENT)}
        preflight = await raw.http.options(raw.url, headers={"origin": origin, **wanted})
        wrong = _unreadable(answer, origin, preflight)
        return (
            f"Browsers do not let web pages of the origin {origin} call this service (CORS): {wrong}." if wrong else ""
        )

    for origin in origins:
        for url in _doors(fleet):
            yield _Call(url, partial(check, origin))


def _unreadable(answer: httpx2.Response, origin: str, preflight: httpx2.Response) -> str:
    """Why a browser refuses an answer or does not send the request; "" if it accepts both."""
    for name, response in (("the answer to the preflight request", preflight), ("the answer", answer)):
        allowed = response.headers.get_list("access-control-allow-origin")
        if allowed not in ([origin], ["*"]):
            return f"{name} has the header Access-Control-Allow-Origin {', '.join(allowed) or '(none)'}"
    if preflight.status_code >= 300:
        return f"the preflight request gets HTTP {preflight.status_code}"
    listed = _listed(preflight, "access-control-allow-headers")
    if missing := [name for name in _SENT if name not in listed and ("*" not in listed or name == "authorization")]:
        return f"the answer to the preflight request does not allow the header {missing[0]}"
    if "POST" not in {name.upper() for name in _listed(preflight, "access-control-allow-methods")}:
        return "the answer to the preflight request does not allow POST"
    if not {"mcp-session-id", "*"} & _listed(answer, "access-control-expose-headers"):
        return "the answer does not expose the header Mcp-Session-Id"
    return ""


def _listed(answer: httpx2.Response, name: str) -> set[str]:
    return {part.strip().lower() for part in answer.headers.get(name, "").split(",")}


def _paths(fleet: Fleet) -> Iterator[_Call]:
    """Each path of each tier, with and without a slash at the end, as a proxy that ends TLS passes it on."""
    kit, port = fleet.plan.kit, fleet.front.port

    async def check(path: str, raw: Endpoint) -> str:
        answer = await _initialize(raw, x_forwarded_proto="https")
        if answer.status_code == 200:
            return ""
        if location := answer.headers.get("location", ""):
            return (
                f"{path} redirects to {location} (HTTP {answer.status_code}). Behind a proxy, such a URL can have http "
                "instead of https, or lack a prefix. To fix this, answer the path without a redirect."
            )
        return f"{path} gets {said(answer)}. Clients use this path, so it needs the same answer as {kit.tiers[0].path}."

    for tier in kit.tiers if port else kit.tiers[:1]:
        for path in (tier.path,) if kit.plain else (*kit.aliases(tier), tier.path):
            base = f"http://127.0.0.1:{port}" if port else fleet.of(tier.name)[0].url.removesuffix("/mcp")
            yield _Call(base + path, partial(check, path))
