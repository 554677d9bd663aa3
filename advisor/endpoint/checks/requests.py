"""Plain requests that every deployment must answer in a certain way: methods, Accept, paths, Host and Origin."""

from __future__ import annotations

from advisor.endpoint.checks.handshake import redirect_kind
from advisor.endpoint.client import Exchange
from advisor.endpoint.examination import Check, Examination, UntestedError

FOREIGN = "probe.invalid"
"""A host name that no server can be responsible for (RFC 2606)."""

_OK = range(200, 300)


def accepting(name: str, accept: str) -> Check:
    """A check that lists the tools with an Accept header. Sets the observation `name`."""

    async def check(run: Examination) -> None:
        client = await run.opened()
        answer = run.noted(await client.call("tools/list", headers={"accept": accept}))
        await client.end()
        run.seen[name] = answer.status

    return check


async def without_handshake(run: Examination) -> None:
    """List the tools as a legacy client without a handshake."""
    answer = run.noted(await run.client("legacy").call("tools/list"))
    run.seen["without_handshake"] = answer.status


async def delete(run: Examination) -> None:
    """End a session, and use it afterwards."""
    client = await run.opened("legacy")
    if not client.session:
        raise UntestedError("the server opens no sessions")
    ended = await client.end()
    assert ended is not None
    run.seen["delete"] = run.noted(ended).status
    after = run.noted(await client.ping())
    run.seen["after_delete"] = after.status


async def slash(run: Examination) -> None:
    """List the tools at the path with, or without, the slash at its end."""
    client = await run.opened()
    path, question, query = client.caller.target.path.partition("?")
    other = (path.rstrip("/") if path.endswith("/") else f"{path}/") or "/"
    if other == path:
        raise UntestedError("the path is /")
    client.caller.target = client.caller.target.at(other + question + query)
    answer = run.noted(await client.call("tools/list"))
    run.seen["slash"] = answer.status
    location = answer.header("location")
    if answer.status in range(300, 400) and location:
        run.seen["slash_redirect"] = redirect_kind(run, location)


async def host(run: Examination) -> None:
    """List the tools under another host name."""
    client = await run.opened()
    answer = run.noted(await client.call("tools/list", headers={"host": FOREIGN}))
    await client.end()
    run.seen["foreign_host"] = answer.status


async def origin(run: Examination) -> None:
    """List the tools as a script of a foreign website."""
    client = await run.opened()
    answer = run.noted(await client.call("tools/list", headers={"origin": f"https://{FOREIGN}"}))
    await client.end()
    run.seen["foreign_origin"] = answer.status
    _cors(run, answer)


def _cors(run: Examination, answer: Exchange) -> None:
    allowed = answer.header("access-control-allow-origin")
    run.seen["cors"] = "none" if not allowed else "all" if allowed in ("*", f"https://{FOREIGN}") else "named"
    exposed = answer.header("access-control-expose-headers").lower()
    run.seen["exposes_session"] = "mcp-session-id" in exposed or exposed.strip() == "*"


async def metadata(run: Examination) -> None:
    """Read the metadata of a protected resource (RFC 9728)."""
    path = run.caller.target.path.partition("?")[0].rstrip("/")
    answer = run.noted(
        await run.caller.twin().ask(
            "GET",
            {"accept": "application/json"},
            target=run.caller.target.at(f"/.well-known/oauth-protected-resource{path}"),
        )
    )
    run.seen["metadata"] = answer.status
