"""Which tool uses which feature: through helpers, other modules, classes, nested functions and handlers."""

from __future__ import annotations

import pytest
from trees import Scan

from advisor.audits.stated_facts import facts_of
from advisor.knowledge import Knowledge
from advisor.sources.python import ScannedTree

HEAD = "from mcp.server.fastmcp import Context, FastMCP\nmcp = FastMCP('a')\n"
FAST = "from fastmcp import Context, FastMCP\nmcp = FastMCP('a')\n"
MODERN = "from typing import Annotated\nfrom mcp.server.mcpserver import *\n"
LOW = "from mcp import types\nfrom mcp.server.lowlevel import Server\nserver = Server('a')\n"


def uses(tree: ScannedTree) -> dict[str, list[str]]:
    return {tool.name: [use.call for use in tool.uses] for server in tree.servers for tool in server.tools}


DIRECT = {
    "ctx.elicit": "await ctx.elicit('x')",
    "ctx.report_progress": "await ctx.report_progress(1)",
    "ctx.info": "await ctx.warning('x')",
    "ctx.session.list_roots": "await ctx.session.list_roots()",
    "ctx.session.create_message": "await ctx.session.create_message([])",
    "ctx.session.create_message(related_request_id)": "await ctx.session.create_message([], related_request_id=1)",
    "session.send_tool_list_changed": "await ctx.request_context.session.send_tool_list_changed()",
    "session.send_tool_list_changed ": "await ctx.session.send_notification(ToolListChangedNotification())",
    "ctx.report_progress ": "sent = ProgressNotification(params=1)\n    await ctx.session.send_notification(ServerNotification(sent))",
    "session.send_resource_updated": "session = ctx.session\n    await session.send_resource_updated('x')",
}


@pytest.mark.parametrize("call", DIRECT)
def test_each_call_of_a_feature_is_found(call: str, scanned: Scan) -> None:
    assert uses(scanned(f"{HEAD}@mcp.tool()\nasync def a(ctx: Context):\n    {DIRECT[call]}")) == {"a": [call.strip()]}


@pytest.mark.parametrize(
    "annotation", ["Context", "Context | None", "'Context'", "Optional[Context]", "Context[object, object, object]"]
)
def test_the_context_is_known_by_its_type(annotation: str, scanned: Scan) -> None:
    code = f"{HEAD}@mcp.tool()\nasync def a(c: {annotation} = None):\n    await c.elicit('x')"
    assert uses(scanned(code)) == {"a": ["ctx.elicit"]}


INDIRECT = {
    "a helper": "async def ask(c):\n    await c.elicit('x')\n@mcp.tool()\nasync def a(ctx: Context):\n    await ask(ctx)",
    "two helpers": "async def ask(c):\n    await c.session.list_roots()\nasync def more(c):\n    await ask(c)\n"
    "@mcp.tool()\nasync def a(ctx: Context):\n    await more(c=ctx)",
    "the session": "async def ask(s):\n    await s.list_roots()\n@mcp.tool()\nasync def a(ctx: Context):\n"
    "    await ask(ctx.session)",
    "get_context": "@mcp.tool()\nasync def a():\n    await mcp.get_context().elicit('x')",
    "an object": "class Asker:\n    def __init__(self, ctx: Context):\n        self.ctx = ctx\n    async def ask(self):\n"
    "        await self.ctx.elicit('x')\n@mcp.tool()\nasync def a(ctx: Context):\n    asker = Asker(ctx)\n"
    "    await asker.ask()",
    "a nested function": "@mcp.tool()\nasync def a(ctx: Context):\n    async def inner():\n        await ctx.elicit('x')\n"
    "    await inner()",
    "add_tool": "async def a(ctx: Context):\n    await ctx.elicit('x')\nmcp.add_tool(a)",
    "a call of the decorator": "async def a(ctx: Context):\n    await ctx.elicit('x')\nmcp.tool()(a)",
    "a loop": "async def a(ctx: Context):\n    await ctx.elicit('x')\nfor each in (a,):\n    mcp.add_tool(each)",
    "a registration": "def register(server: FastMCP):\n    @server.tool()\n    async def a(ctx: Context):\n"
    "        await ctx.elicit('x')\nregister(mcp)",
    "a registration without a type": "def register(server):\n    @server.tool()\n    async def a(ctx: Context):\n"
    "        await ctx.elicit('x')\nregister(mcp)",
    "a factory of decorators": "def audited(server, name):\n    return server.tool(name=name)\n@audited(mcp, 'a')\n"
    "async def call(ctx: Context):\n    await ctx.elicit('x')",
    "a wrapper of a function": "async def a(ctx: Context):\n    await ctx.elicit('x')\nmcp.tool(name='a')(logged(a))",
    "a function that is wrapped under the same name": "async def find(ctx: Context):\n    await ctx.elicit('x')\n"
    "def setup():\n    made = find\n    if x:\n        made = wrap(made, {})\n    mcp.tool(name='a')(made)",
    "a server that registers its own tools": "class Mine(FastMCP):\n    def __init__(self):\n        super().__init__('a')\n"
    "        self.add_tool(self.a)\n    async def a(self, ctx: Context):\n        await ctx.elicit('x')\nmine = Mine()",
    "an object that passes tools on": "class Guide:\n    def __init__(self, server: FastMCP):\n        self.server = server\n"
    "    def tool(self, name):\n        def decorate(f):\n            return self.server.tool(name=name)(f)\n"
    "        return decorate\nguide = Guide(mcp)\n@guide.tool('a')\nasync def call(ctx: Context):\n    await ctx.elicit('x')",
    "a function of the SDK": "from mcp.server.elicitation import elicit_with_validation\n@mcp.tool()\n"
    "async def a(ctx: Context):\n    await elicit_with_validation(ctx.session, 'x', dict)",
    "a class with tools": "class Tools:\n    def __init__(self, server):\n        self.server = server\n"
    "        self.server.tool()(self.a)\n    async def a(self, ctx: Context):\n        await ctx.elicit('x')\nTools(mcp)",
}


@pytest.mark.parametrize("name", INDIRECT)
def test_a_call_is_followed(name: str, scanned: Scan) -> None:
    found = uses(scanned(HEAD + INDIRECT[name]))
    assert list(found) == ["a"]
    assert len(found["a"]) == 1


def test_tools_and_helpers_of_other_modules_are_found(scanned: Scan) -> None:
    files = {
        "app/__init__.py": "",
        "app/server.py": "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('a')\n",
        "app/asking.py": "async def ask(c):\n    await c.elicit('x')\n",
        "app/tools.py": "from mcp.server.fastmcp import Context\nfrom .server import mcp\nfrom .asking import ask\n"
        "@mcp.tool(name='order')\nasync def a(ctx: Context):\n    await ask(ctx)\n",
    }
    tree = scanned(**files)
    assert uses(tree) == {"order": ["ctx.elicit"]}
    (use,) = tree.servers[0].tools[0].uses
    assert (use.location.path, use.location.line) == ("app/asking.py", 2)


def test_the_context_of_fastmcp_is_found(scanned: Scan) -> None:
    code = "from fastmcp.server.dependencies import get_context\n" + FAST
    code += "@mcp.tool\nasync def a():\n    await get_context().sample('x')\n@mcp.tool\nasync def b(ctx: Context):\n"
    code += "    await ctx.list_roots()"
    assert uses(scanned(code)) == {"a": ["ctx.sample"], "b": ["ctx.list_roots"]}


def test_resolve_is_found(scanned: Scan) -> None:
    code = "from mcp.server.mcpserver import MCPServer, Resolve, Sample, ListRoots\nfrom typing import Annotated\n"
    code += "m = MCPServer('a')\ndef ask():\n    return Sample([], max_tokens=1)\n"
    code += "def where(x: Annotated[str, Resolve(ask)]):\n    return ListRoots()\n"
    code += "@m.tool()\ndef a(x: Annotated[str, Resolve(where)]): ..."
    assert uses(scanned(code)) == {"a": ["Resolve(ListRoots)", "Resolve(Sample)"]}


def test_the_requests_in_an_input_required_result_are_found(scanned: Scan) -> None:
    code = "from mcp_types import InputRequiredResult, ElicitRequest\nfrom fastmcp import FastMCP\nm = FastMCP('a')\n"
    code += "@m.tool\ndef a():\n    return InputRequiredResult(input_requests={'x': ElicitRequest()})"
    (server,) = scanned(code).servers
    assert [(use.feature, use.call) for use in server.tools[0].uses] == [("elicitation", "InputRequiredResult")]


HANDLER = """
@server.list_tools()
async def tools():
    return [types.Tool(name="book", inputSchema={}), types.Tool(name="price", inputSchema={})]

async def ask(session):
    await session.list_roots()

@server.call_tool()
async def run(name, arguments):
    session = server.request_context.session
"""


def test_the_branches_of_a_handler_are_told_apart(scanned: Scan) -> None:
    body = "    if name == 'book':\n        await ask(session)\n    elif name == 'price':\n        return []\n"
    assert uses(scanned(LOW + HANDLER + body)) == {"book": ["ctx.session.list_roots"], "price": []}
    body = "    match name:\n        case 'price':\n            await ask(session)\n"
    assert uses(scanned(LOW + HANDLER + body)) == {"book": [], "price": ["ctx.session.list_roots"]}


def test_the_names_of_a_handler_can_be_constants(scanned: Scan) -> None:
    code = "from enum import Enum\nclass Names(str, Enum):\n    BOOK = 'book'\n    PRICE = 'price'\n" + LOW
    code += "@server.list_tools()\nasync def tools():\n    return [types.Tool(name=Names.BOOK), types.Tool(name=Names.PRICE)]\n"
    code += "@server.call_tool()\nasync def run(name, arguments):\n    match name:\n        case Names.PRICE:\n"
    code += "            await server.request_context.session.list_roots()\n"
    assert uses(scanned(code)) == {"book": [], "price": ["ctx.session.list_roots"]}


def test_a_call_without_effect_is_no_use(scanned: Scan) -> None:
    code = FAST + "@mcp.tool\nasync def a(ctx: Context):\n    ctx.set_state('x', 1)"
    assert uses(scanned(code, **{"requirements.txt": "fastmcp==2.14.7"})) == {"a": []}
    assert uses(scanned(code, **{"requirements.txt": "fastmcp==3.4.4"})) == {"a": ["ctx.set_state"]}


def test_a_call_for_any_tool_of_a_handler_has_no_tool(scanned: Scan) -> None:
    assert uses(scanned(LOW + HANDLER + "    await ask(session)")) == {
        "": ["ctx.session.list_roots"],
        "book": [],
        "price": [],
    }


def test_the_handler_of_mcp_2_is_found(scanned: Scan) -> None:
    code = "from mcp.server import Server, ServerRequestContext\n"
    code += "async def run(ctx: ServerRequestContext, params):\n    if params.name == 'book':\n"
    code += "        await ctx.session.list_roots()\ns = Server('a', on_call_tool=run)"
    assert uses(scanned(code)) == {"book": ["ctx.session.list_roots"]}


GUARDS = {
    "none": "await ctx.elicit('x')",
    "capability": "if ctx.session.check_client_capability(None):\n        await ctx.elicit('x')",
    "caught": "try:\n        await ctx.elicit('x')\n    except McpError:\n        pass",
    "open": "try:\n        await ctx.elicit('x')\n    except Exception as error:\n        print(error)\n    delete()",
}


def test_an_early_end_for_other_clients_is_a_guard(scanned: Scan) -> None:
    code = f"{HEAD}@mcp.tool()\nasync def a(ctx: Context):\n    if not ctx.session.check_client_capability(None):\n"
    code += "        return 'no'\n    await ctx.elicit('x')"
    (server,) = scanned(code).servers
    assert [use.guard for use in server.tools[0].uses] == ["capability"]


@pytest.mark.parametrize("guard", GUARDS)
def test_the_guard_of_a_call_is_read(guard: str, scanned: Scan) -> None:
    (server,) = scanned(f"{HEAD}@mcp.tool()\nasync def a(ctx: Context):\n    {GUARDS[guard]}").servers
    assert [use.guard for use in server.tools[0].uses] == [guard]


@pytest.mark.parametrize(
    ("after", "guard"),
    [
        ("return True", "open"),
        ("return await delete()", "open"),
        ("return delete(x)", "open"),
        ("return False", "caught"),
        ("return text_result({'error': 'not confirmed'}, is_error=True)", "caught"),
        ("raise ToolError('not confirmed')", "caught"),
    ],
)
def test_the_code_after_a_guard_decides(after: str, guard: str, scanned: Scan) -> None:
    code = (
        f"{HEAD}@mcp.tool()\nasync def a(ctx: Context):\n    if ctx:\n        try:\n            await ctx.elicit('x')\n"
    )
    code += f"        except Exception:\n            pass\n    {after}"
    (server,) = scanned(code).servers
    assert [use.guard for use in server.tools[0].uses] == [guard]


@pytest.mark.parametrize(
    "end", ["raise", "return 'no'", "return False", "return await no(ctx)", "raise ToolError('x') from None"]
)
def test_a_guard_that_ends_the_tool_is_not_open(end: str, scanned: Scan) -> None:
    code = f"{HEAD}@mcp.tool()\nasync def a(ctx: Context):\n    try:\n        await ctx.elicit('x')\n    except:\n        {end}"
    (server,) = scanned(code).servers
    assert [use.guard for use in server.tools[0].uses] == ["caught"]


HANDLERS = {
    "a resource": "@mcp.resource('shop://{x}')\nasync def a(x: str, ctx: Context):\n    await ctx.elicit('x', schema=dict)\n",
    "a prompt": "@mcp.prompt()\nasync def a(ctx: Context):\n    await ctx.elicit('x', schema=dict)\n",
}


@pytest.mark.parametrize("name", HANDLERS)
def test_resources_and_prompts_use_features(name: str, scanned: Scan) -> None:
    head = "from mcp.server.fastmcp import Context, FastMCP\nmcp = FastMCP('a')\n"
    (server,) = scanned(head + HANDLERS[name]).servers
    assert server.tools == ()
    (other,) = server.other_handlers
    assert (f"a {other.kind}", other.features) == (name, ("elicitation",))


REGISTERED = {
    "the values of a table": "async def a(ctx: Context):\n    await ctx.elicit('x')\nT = {'a': a}\nfor each in T.values():\n    mcp.add_tool(each)",
    "the names and values of a table": "async def a(ctx: Context):\n    await ctx.elicit('x')\nT = {'x': a}\nfor name, each in T.items():\n    mcp.add_tool(each, name=name)",
    "pairs": "async def a(ctx: Context):\n    await ctx.elicit('x')\nT = [('x', a)]\nfor name, each in T:\n    mcp.tool(name)(each)",
    "a look-up in a table": "async def a(ctx: Context):\n    await ctx.elicit('x')\nT={'a': a}\nfor n in T:\n    mcp.add_tool(T[n])",
    "the names of the module": "async def a(ctx: Context):\n    await ctx.elicit('x')\nfor n in ['a']:\n    mcp.add_tool(globals()[n])",
    "two lists": "async def a(ctx: Context):\n    await ctx.elicit('x')\nA=[a]\nB=[]\nfor each in A + B:\n    mcp.add_tool(each)",
    "a list in a list": "async def a(ctx: Context):\n    await ctx.elicit('x')\nA=[a]\nfor each in [*A]:\n    mcp.add_tool(each)",
    "a loop with numbers": "async def a(ctx: Context):\n    await ctx.elicit('x')\nA=[a]\nfor i, each in enumerate(A):\n    mcp.add_tool(each)",
    "a comprehension": "async def a(ctx: Context):\n    await ctx.elicit('x')\n[mcp.add_tool(each) for each in [a]]",
    "the names of methods": "class K:\n    def __init__(self, s):\n        for n in ('a',):\n            s.add_tool(getattr(self, n))\n    async def a(self, ctx: Context):\n        await ctx.elicit('x')\nK(mcp)",
    "a helper with a loop": "async def a(ctx: Context):\n    await ctx.elicit('x')\ndef reg(s, fns):\n    for f in fns:\n        s.add_tool(f)\nreg(mcp, [a])",
    "a helper": "async def a(ctx: Context):\n    await ctx.elicit('x')\ndef reg(s, f):\n    s.add_tool(f)\nreg(mcp, a)",
    "a table for each tool": "async def a(ctx: Context):\n    await ctx.elicit('x')\nT=[{'name':'b','fn':a}]\nfor t in T:\n    mcp.add_tool(t['fn'], name=t['name'])",
    "an appended function": "async def a(ctx: Context):\n    await ctx.elicit('x')\nT=[]\nT.append(a)\nfor f in T:\n    mcp.add_tool(f)",
    "a decorator that appends": "T=[]\ndef reg(f):\n    T.append(f)\n    return f\n@reg\nasync def a(ctx: Context):\n    await ctx.elicit('x')\nfor f in T:\n    mcp.add_tool(f)",
}


@pytest.mark.parametrize("name", REGISTERED)
def test_the_functions_of_loops_and_tables_are_tools(name: str, scanned: Scan) -> None:
    assert [*uses(scanned(HEAD + REGISTERED[name])).values()] == [["ctx.elicit"]]


OF_A_MODULE = {
    "a name of a module": "import t\nfor n in ['a']:\n    mcp.add_tool(getattr(t, n))",
    "a list of a module": "import t\nfor f in t.TOOLS:\n    mcp.add_tool(f)",
    "an imported list": "from t import TOOLS\nfor f in TOOLS:\n    mcp.add_tool(f)",
    "all names that a module exports": "import t\nfor n in t.__all__:\n    mcp.add_tool(getattr(t, n))",
    "the functions of a module": "import t, inspect\nfor n, f in inspect.getmembers(t, inspect.isfunction):\n    mcp.add_tool(f)",
    "a module by name": "import importlib\nfor m in ['t']:\n    t = importlib.import_module(m)\n    mcp.add_tool(getattr(t, 'a'))",
    "a table with names of functions": "import t\nN={'a': 'x'}\nfor n, d in N.items():\n    mcp.add_tool(getattr(t, n), description=d)",
}


@pytest.mark.parametrize("name", OF_A_MODULE)
def test_the_functions_of_other_modules_are_tools(name: str, scanned: Scan) -> None:
    shop = "from mcp.server.fastmcp import Context\nasync def a(ctx: Context):\n    await ctx.elicit('x')\n"
    files = {"server.py": HEAD + OF_A_MODULE[name], "t.py": shop + "TOOLS = [a]\n__all__ = ['a']\n"}
    assert uses(scanned(**files)) == {"a": ["ctx.elicit"]}


def test_a_loop_keeps_the_name_of_each_tool(scanned: Scan) -> None:
    code = "async def a(ctx: Context):\n    await ctx.elicit('x')\nasync def b(): ...\n"
    code += "for title, each in {'book': a, 'price': b}.items():\n    mcp.add_tool(each, name=title)"
    assert uses(scanned(HEAD + code)) == {"book": ["ctx.elicit"], "price": []}


def test_a_needed_feature_of_a_prompt_is_stated(scanned: Scan, knowledge: Knowledge) -> None:
    code = f"{HEAD}@mcp.tool()\ndef b(): ...\n@mcp.prompt()\nasync def a(ctx: Context):\n    await ctx.elicit('x')\n"
    assert facts_of(scanned(code), knowledge, "shop").stated["needs.elicitation"] == "required"
