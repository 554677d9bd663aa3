"""Tools that send requests to the client: sampling, elicitation and roots, with each API of a line of releases."""

from __future__ import annotations

from collections.abc import Callable
from operator import getitem
from typing import Annotated, Any, Union

from pydantic import BaseModel

from .sdk import ToolRegistrar

_SCHEMA = {"type": "object", "properties": {"value": {"type": "string"}}, "required": ["value"]}


class ClientReply(BaseModel):
    """The form that the user fills in."""

    value: str


def add_asking(bench: ToolRegistrar) -> None:
    """Add the tools that wait for the reply of the client, and the tools that return a request for a second round."""
    _add_waiting(bench)
    _add_of_context(bench)
    if bench.knows("lab_resolve_sample"):
        _add_resolved(bench)
    if bench.knows("lab_require_sample"):
        _add_required(bench)


def _add_waiting(bench: ToolRegistrar) -> None:
    sdk = bench.sdk

    async def lab_sample(ctx: Any) -> str:
        answer = await ctx.session.create_message(messages=sdk.messages(), max_tokens=9)
        return str(answer.content.text)

    async def lab_sample_related(ctx: Any) -> str:
        answer = await ctx.session.create_message(
            messages=sdk.messages(), max_tokens=9, related_request_id=ctx.request_id
        )
        return str(answer.content.text)

    async def lab_elicit(ctx: Any) -> str:
        if sdk.traits.standalone:
            return str((await ctx.elicit("value?", response_type=ClientReply)).data.value)
        return str((await ctx.elicit(message="value?", schema=ClientReply)).data.value)

    async def lab_roots(ctx: Any) -> str:
        return str((await ctx.session.list_roots()).roots[0].uri)

    for function in (lab_sample, lab_sample_related, lab_elicit, lab_roots):
        bench.tool(function)


def _add_of_context(bench: ToolRegistrar) -> None:
    async def lab_context_sample(ctx: Any) -> str:
        return str((await ctx.sample("hi")).text)

    async def lab_context_roots(ctx: Any) -> str:
        return str((await ctx.list_roots())[0].uri)

    for function in (lab_context_sample, lab_context_roots):
        bench.tool(function)


def _add_resolved(bench: ToolRegistrar) -> None:
    """Add tools with parameters whose values the SDK requests from the client."""
    sdk = bench.sdk
    types, home = sdk.types, sdk.home

    def ask_sample() -> Any:
        return home.Sample(sdk.messages(), max_tokens=9)

    def ask_value() -> Any:
        return home.Elicit("value?", ClientReply)

    def ask_roots() -> Any:
        return home.ListRoots()

    async def lab_resolve_sample(got: Any) -> str:
        return str(got.content.text)

    async def lab_resolve_elicit(got: Any) -> str:
        return str(got.value)

    async def lab_resolve_roots(got: Any) -> str:
        return str(got.roots[0].uri)

    def resolved(kind: Any, ask: Callable[[], Any], returns: Any) -> Any:
        ask.__annotations__["return"] = returns
        return getitem(Annotated, (kind, home.Resolve(ask)))

    bench.tool(lab_resolve_sample, got=resolved(types.CreateMessageResult, ask_sample, home.Sample))
    bench.tool(lab_resolve_elicit, got=resolved(ClientReply, ask_value, home.Elicit[ClientReply]))
    bench.tool(lab_resolve_roots, got=resolved(types.ListRootsResult, ask_roots, home.ListRoots))


def _add_required(bench: ToolRegistrar) -> None:
    """Add tools whose own code returns an InputRequiredResult."""
    sdk = bench.sdk
    types = sdk.types

    def round_of(ctx: Any, request: Any) -> tuple[Any, Any]:
        """The reply of the client or None, and the result that requests the reply or None."""
        answered = (ctx.input_responses or {}).get("q")
        return answered, None if answered else types.InputRequiredResult(input_requests={"q": request})

    async def lab_require_sample(ctx: Any) -> Any:
        wanted = types.CreateMessageRequestParams(messages=sdk.messages(), max_tokens=9)
        answered, asked = round_of(ctx, types.CreateMessageRequest(params=wanted))
        return asked or answered.content.text

    async def lab_require_elicit(ctx: Any) -> Any:
        wanted = types.ElicitRequestFormParams(message="value?", requested_schema=_SCHEMA)
        answered, asked = round_of(ctx, types.ElicitRequest(params=wanted))
        return asked or answered.content["value"]

    async def lab_require_roots(ctx: Any) -> Any:
        answered, asked = round_of(ctx, types.ListRootsRequest())
        return asked or str(answered.roots[0].uri)

    returns = getitem(Union, (str, types.InputRequiredResult))
    for function in (lab_require_sample, lab_require_elicit, lab_require_roots):
        bench.tool(function, returns=returns)
