"""Run a generated server from its folder, with the lab's tools in addition to its own tools.

The interpreter needs the standard library, the SDK and the lab's `testserver` package. uvicorn's workers also import
this file, so the top-level code runs in every process.

Environment variables, in addition to the variables of the server:

- `LAB_SERVER`: the folder of server.py.
- `LAB_TOOLS`: the folder of the lab's tools.
- `LAB_SDK`: what the SDK line has, as JSON (`SdkTraits` of testserver/sdk.py).
- `LAB_COUNTS`: with 1, the lab answers /health and /metrics, because the server has no such paths.

Variables for features that the kit omits, but whose outcome the decision predicts:

- `LAB_KEY`: the sealing key of all instances, if the server has no sealing keys.
- `LAB_REDIS`: the URL of the Redis that all instances share, for the state of the lab's tools.
- `LAB_BUS`: with 1, changes are published to all instances through this Redis.
- `LAB_SIGNED`: with 1, every answer names the instance (see testserver/signed.py).
- `LAB_EVENTS`: with 1, a second application with an event store serves requests with the header `mcp-lab: events`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _subscriptions(server: Any, modern: bool, register: Callable[[], None]) -> None:
    """Add the lab's tools. The kit's own handler still handles subscriptions to resources of the kit."""
    low = getattr(server.mcp, "_lowlevel_server", None) or server.mcp._mcp_server
    if modern:
        own = low.get_request_handler("resources/subscribe")
        register()
        if own is not None:
            lab = low.get_request_handler("resources/subscribe")

            async def chosen(context: Any, params: Any) -> Any:
                return await (lab if _is_lab(params.uri) else own).handler(context, params)

            low.add_request_handler("resources/subscribe", own.params_type, chosen)
        return
    from mcp.types import SubscribeRequest

    old = low.request_handlers.get(SubscribeRequest)
    register()
    if old is not None:
        new = low.request_handlers[SubscribeRequest]

        async def chosen_uri(request: Any) -> Any:
            return await (new if _is_lab(request.params.uri) else old)(request)

        low.request_handlers[SubscribeRequest] = chosen_uri


def _is_lab(uri: Any) -> bool:
    return str(uri).startswith("lab:")


def _bus(server: Any, apis: Collection[str]) -> Any:
    """The subscription bus of the server. If the SDK lets code publish to a bus, a kit without a bus gets a new bus."""
    if "ctx.notify_resource_updated" in apis:
        return server.mcp._subscriptions
    if "SubscriptionBus.publish" in apis:
        return getattr(server, "BUS", None) or _module("_lab_tools.serve").listen(server.mcp)
    return None


def _impatient(url: str) -> Any:
    """A Redis connection for state handles with the timeouts and retries of a kit's connection (shared_state.py)."""
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    retry = Retry(NoBackoff(), 1)  # after a restart of Redis the first use of each pooled connection fails
    return Redis.from_url(url, decode_responses=True, socket_timeout=1.0, socket_connect_timeout=1.0, retry=retry)


def _create_app() -> Any:
    """The application for uvicorn: the kit's own application with the additions of the lab."""
    second_app, mcp = _module("_lab_launcher.second_app"), SERVER.mcp
    storing = None
    if os.environ.get("LAB_EVENTS"):
        storing = second_app.with_events(mcp, TRAITS, _module("_lab_tools.serve").memory_store(), _CREATE)
    second = getattr(mcp, "_session_manager", None)
    second_app.hold(mcp, None)
    plain = _CREATE()
    managers = (getattr(mcp, "_session_manager", None), second)
    relay = None
    if REDIS is not None and BUS is not None and os.environ.get("LAB_BUS"):
        relay = _module("_lab_launcher.sharing").Relay(REDIS, BUS)
    if relay is None and not os.environ.get("LAB_EVENTS"):
        return plain
    return second_app.TwoApplications(plain, storing, mcp, managers, relay)


sys.path.append(os.environ["LAB_TOOLS"])
LOADER = _module("package_loader")
sys.path.insert(0, os.environ["LAB_SERVER"])
TOOLS = LOADER.load_tools()
TRAITS = TOOLS.SdkTraits.read(os.environ["LAB_SDK"])
LOADER.load_package("_lab_launcher", Path(__file__).parent)
if os.environ.get("LAB_KEY") and TRAITS.modern:
    TOOLS.share_key(os.environ["LAB_KEY"])
REDIS: Any = None
HANDLES: Any = None
if os.environ.get("LAB_REDIS"):
    from redis.asyncio import Redis

    REDIS = Redis.from_url(os.environ["LAB_REDIS"], decode_responses=True)
    HANDLES = _module("_lab_launcher.sharing").HandleStore(_impatient(os.environ["LAB_REDIS"]), TRAITS.module)
SERVER: Any = importlib.import_module("server")
BUS = _bus(SERVER, TRAITS.apis)
_subscriptions(SERVER, TRAITS.modern, lambda: TOOLS.register(SERVER.mcp, TRAITS, state=HANDLES, bus=BUS))
_module("_lab_tools.execution_log").add_ledger(SERVER.mcp, TRAITS.standalone)
uvicorn: Any = importlib.import_module("uvicorn")
if "timeout_worker_healthcheck" in inspect.signature(uvicorn.run).parameters:
    # The workers of all instances start in parallel on one machine. This takes longer than uvicorn's limit of 5 s.
    uvicorn.run = functools.partial(uvicorn.run, timeout_worker_healthcheck=60)
_CREATE = SERVER.create_app
if os.environ.get("LAB_COUNTS"):
    SERVER.create_app = lambda: _module("_lab_launcher.counting").Counting(_create_app())
else:
    SERVER.create_app = lambda: TOOLS.signed(_create_app(), os.environ["MCP_PORT"])

if __name__ == "__main__":
    SERVER.main()
