"""State that tools keep in the process, told apart from caches."""

from __future__ import annotations

import pytest
from trees import Scan

from advisor.sources.python import ScannedTree

HEAD = "from mcp.server.fastmcp import Context, FastMCP\nmcp = FastMCP('a')\n"
READ = "\n@mcp.tool()\ndef b():\n    return kept\n"


def states(tree: ScannedTree) -> list[tuple[str, str, str, bool]]:
    return [(state.name, state.kind, state.holder, state.by_session) for state in tree.state]


STATE = {
    "a dictionary": "kept = {}\n@mcp.tool()\ndef a(x):\n    kept[x] = 1",
    "a list": "kept: list[str] = []\n@mcp.tool()\ndef a(x):\n    kept.append(x)",
    "a part": "from collections import defaultdict\nkept = defaultdict(list)\n@mcp.tool()\ndef a(x):\n    kept[x].append(1)",
    "a login": "kept = False\n@mcp.tool()\ndef a():\n    global kept\n    kept = True",
    "a user": "kept = None\n@mcp.tool()\ndef a(x):\n    global kept\n    user = load(x)\n    kept = user",
    "a counter": "kept = 0\n@mcp.tool()\ndef a():\n    global kept\n    kept += 1",
    "a helper": "kept = {}\ndef put(x):\n    kept[x] = 1\n@mcp.tool()\ndef a(x):\n    put(x)",
    "a start value": "kept = {}\n@mcp.tool()\ndef a(x):\n    if x not in kept:\n        kept[x] = []\n    kept[x].append(1)",
}


@pytest.mark.parametrize("name", STATE)
def test_state_of_a_module_is_found(name: str, scanned: Scan) -> None:
    tree = scanned(HEAD + STATE[name] + READ)
    assert states(tree) == [("kept", "state", "module", False)]
    assert tree.state[0].tools == ("a",)


CACHES = {
    "read through": "kept = {}\n@mcp.tool()\ndef a(x):\n    if x not in kept:\n        kept[x] = load(x)\n    return kept[x]",
    "a local name": "kept = {}\n@mcp.tool()\ndef a(x):\n    found = kept.get(x)\n    if found is None:\n        found = load(x)\n        kept[x] = found\n    return found",
    "an early return": "kept = {}\n@mcp.tool()\ndef a(x):\n    if x in kept:\n        return kept[x]\n    kept[x] = load(x)",
    "a flag that is set once": "kept = False\n@mcp.tool()\ndef a():\n    global kept\n    if kept:\n        return\n    kept = True",
    "a value without arguments": "kept = None\n@mcp.tool()\ndef a():\n    global kept\n    made = make()\n    kept = made",
    "a running call": "kept = {}\n@mcp.tool()\ndef a(x):\n    kept[x] = 1\n    try:\n        run()\n    finally:\n        kept.pop(x)",
    "a lazy object": "kept = None\n@mcp.tool()\ndef a():\n    global kept\n    if kept is None:\n        kept = make()",
}


@pytest.mark.parametrize("name", CACHES)
def test_a_cache_is_told_apart(name: str, scanned: Scan) -> None:
    assert states(scanned(HEAD + CACHES[name] + READ)) == [("kept", "cache", "module", False)]


NO_STATE = {
    "a setting of a logger": "import logging\nlog = logging.getLogger('a')\n@mcp.tool()\ndef a():\n    log.propagate = True",
    "a counter of metrics": "from metrics import Metrics\nm = Metrics()\n@mcp.tool()\ndef a(x):\n    m.calls.add(1, {'x': x})",
    "a counter without attributes": "from metrics import make\nm = make()\n@mcp.tool()\ndef a():\n    m.calls.add(1)",
    "a total": "seen_total = 0\n@mcp.tool()\ndef a():\n    global seen_total\n    seen_total += 1",
    "a switch for debugging": "debug_on = False\n@mcp.tool()\ndef a(x):\n    global debug_on\n    debug_on = x",
    "the last error": "class S:\n    def run(self, x):\n        self.last_error = {'x': x}\ns = S()\n@mcp.tool()\ndef a(x):\n    s.run(x)",
    "running calls": "busy = 0\n@mcp.tool()\ndef a(x):\n    global busy\n    busy += 1\n    try:\n        run(x)\n    finally:\n        busy -= 1",
}


@pytest.mark.parametrize("name", NO_STATE)
def test_values_that_no_answer_needs_are_no_state(name: str, scanned: Scan) -> None:
    names = "log m seen_total debug_on s.last_error busy"
    read = "".join(f"@mcp.tool()\ndef b{number}():\n    return {part}\n" for number, part in enumerate(names.split()))
    assert not states(scanned(f"{HEAD}{NO_STATE[name]}\n{read}"))


def test_an_object_of_a_module_is_state(scanned: Scan) -> None:
    code = "class Store:\n    def __init__(self):\n        self.items = {}\n    def put(self, x):\n        self.items[x] = 1\n"
    code += "store = Store()\n@mcp.tool()\ndef a(x):\n    store.put(x)\n@mcp.tool()\ndef b():\n    return store.items"
    assert states(scanned(HEAD + code)) == [("store.items", "state", "module", False)]


def test_an_object_that_a_tool_passes_on_is_state(scanned: Scan) -> None:
    code = "class Store:\n    def put(self, x):\n        self.items[x] = 1\nstore = Store()\nclass Work:\n"
    code += "    async def run(self, manager, x):\n        manager.put(x)\n"
    code += "@mcp.tool()\nasync def a(x):\n    return await guarded(lambda: Work().run(manager=store, x=x))\n"
    code += "@mcp.tool()\ndef b():\n    return store.items"
    assert states(scanned(HEAD + code)) == [("store.items", "state", "module", False)]


def test_the_state_of_another_module_is_found(scanned: Scan) -> None:
    code = HEAD + "from store import carts as kept\n@mcp.tool()\ndef a(x):\n    kept[x] = 1"
    tree = scanned(code, **{"store.py": "carts = {}\ndef find(x):\n    return carts.get(x)\n"})
    assert states(tree) == [("kept", "state", "module", False)]
    assert tree.state[0].location.path == "store.py"


WRITTEN = {
    "an entry": "kept = {}\n@mcp.tool()\ndef a(x):\n    kept[x] = 1",
    "a reason for the main loop": "kept = []\ndef why():\n    return kept[0] if kept else ''\n@mcp.tool()\ndef a(x):\n    kept.append(x)",
    "a value": "kept = ''\n@mcp.tool()\ndef a(x):\n    global kept\n    kept = x",
    "the server": "kept = None\ndef put(server: FastMCP):\n    global kept\n    kept = server\n@mcp.tool()\ndef a():\n    put(mcp)\n    return kept",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_value_that_no_tool_reads_is_no_state(name: str, scanned: Scan) -> None:
    assert not states(scanned(HEAD + WRITTEN[name]))
    if name != "the server":
        assert states(scanned(HEAD + WRITTEN[name] + READ))


def test_an_entry_that_another_request_looks_up_is_state(scanned: Scan) -> None:
    code = "kept = {}\n@mcp.tool()\ndef a(x):\n    kept[x] = 1\n@mcp.custom_route('/back')\ndef back(key):\n    return kept.pop(key)"
    assert states(scanned(HEAD + code)) == [("kept", "state", "module", False)]


@pytest.mark.parametrize("key", ["ctx.session", "id(ctx.session)", "ctx.session_id", "key"])
def test_state_by_session_is_known(key: str, scanned: Scan) -> None:
    code = f"kept = {{}}\n@mcp.tool()\ndef a(ctx: Context):\n    key = ctx.session_id\n    kept[{key}] = 1"
    assert states(scanned(HEAD + code)) == [("kept", "state", "module", True)]


def test_state_of_the_lifespan_and_of_a_session_is_found(scanned: Scan) -> None:
    code = "@mcp.tool()\ndef a(ctx: Context):\n    ctx.request_context.lifespan_context['jobs'].append(1)\n"
    assert [state[1:3] for state in states(scanned(HEAD + code))] == [("state", "lifespan")]
    code = "@mcp.tool()\ndef a(ctx: Context):\n    ctx.session.cursor = 1\n"
    assert [state[1:3] for state in states(scanned(HEAD + code))] == [("state", "session")]


def test_what_a_resource_stores_is_no_state(scanned: Scan) -> None:
    code = "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('a')\nSEEN = {}\n@mcp.resource('shop://{x}')\n"
    code += "def a(x: str):\n    SEEN[x] = 1\n    return SEEN\n"
    assert scanned(code).state == ()
    assert [state.name for state in scanned(code.replace("resource('shop://{x}')", "tool()")).state] == ["SEEN"]
