"""The connection below HTTP, and what shows itself on the way."""

from __future__ import annotations

import re

from advisor.endpoint.examination import Examination, UntestedError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 ._/()-]{0,60}")
_SECURE = re.compile(r";\s*secure\s*(;|$)", re.IGNORECASE)
_HOPS = ("server", "via", "x-served-by", "x-powered-by")


async def connection(run: Examination) -> None:
    """Open a connection. Sets the address, and TLS and the HTTP versions that the endpoint offers."""
    protocols = ("h2", "http/1.1") if run.caller.target.scheme == "https" else ("http/1.1",)
    opened = await run.caller.connected(protocols=protocols)
    opened.close()
    run.note(f"connection to {opened.address}")
    run.seen["address"] = opened.address
    if opened.tls is not None:
        run.seen["tls"], run.seen["http2"] = opened.tls[0], opened.tls[1] == "h2"


async def hops(run: Examination) -> None:
    """Note which programs name themselves, and which cookies are set on the way."""
    client = run.client()
    answer = run.noted(await client.open())
    head = answer.answer.head if answer.answer else None
    await client.end()
    if head is None:
        raise UntestedError("there was no answer")
    named = [value for name in _HOPS for value in head.every(name) if _NAME.fullmatch(value)]
    cookies = [text.partition("=")[0].strip() for text in head.every("set-cookie")]
    for name, found in (("hops", named), ("set_cookies", [name for name in cookies if _NAME.fullmatch(name)])):
        if found:
            run.seen[name] = list(dict.fromkeys(found))
    run.seen["secure_cookie"] = any(_SECURE.search(text) for text in head.every("set-cookie"))
