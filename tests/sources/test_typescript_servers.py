"""Servers in TypeScript and JavaScript: transports with their options, tools, calls of features, and state."""

from __future__ import annotations

import pytest
from trees import Scan

from advisor.sources.code_model import CodeValue, NeedUse, ScannedTree, ServerCode

HEAD = """
import express from "express";
import { randomUUID } from "node:crypto";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
"""
MADE = HEAD + "export const server = new McpServer({ name: 'orders', version: '1.0.0' });\n"


def only(tree: ScannedTree) -> ServerCode:
    assert tree.not_examined == ()
    (server,) = tree.servers
    return server


def flags(scanned: Scan, options: str, before: str = "") -> tuple[CodeValue, CodeValue]:
    code = f"{MADE}{before}\nawait server.connect(new StreamableHTTPServerTransport({options}));"
    server = only(scanned(**{"server.ts": code}))
    return server.flag("stateless_http"), server.flag("json_response")


def plain(value: CodeValue) -> tuple[str, object, str]:
    return value.kind, value.value, value.origin


@pytest.mark.parametrize(
    ("options", "before", "stateless", "answers_json"),
    [
        ("{ sessionIdGenerator: undefined }", "", True, None),
        ("{ sessionIdGenerator: () => randomUUID() }", "", False, None),
        ("{ sessionIdGenerator: randomUUID }", "", False, None),
        ("{ sessionIdGenerator: crypto.randomUUID }", "", False, None),
        ("{ sessionIdGenerator() { return 'a'; } }", "", False, None),
        ("{}", "", True, None),
        ("", "", True, None),
        ("{ sessionIdGenerator: undefined, enableJsonResponse: true }", "", True, True),
        ("{ sessionIdGenerator: undefined, enableJsonResponse: !!0 }", "", True, False),
        (
            "{ sessionIdGenerator, enableJsonResponse }",
            "const sessionIdGenerator = undefined, enableJsonResponse = true;",
            True,
            True,
        ),
        (
            "{ ...shared, enableJsonResponse: true }",
            "const shared = { sessionIdGenerator: () => randomUUID() };",
            False,
            True,
        ),
        ("options", "const options = { enableJsonResponse: false }; options.enableJsonResponse = true;", True, True),
        ("make()", "function make() { return { enableJsonResponse: true } as const; }", True, True),
        ("{ sessionIdGenerator: STATELESS ? undefined : randomUUID }", "const STATELESS = true;", True, None),
        (
            "{ sessionIdGenerator: config.make, enableJsonResponse: config.json }",
            "const config = { make: () => 'a', json: true };",
            False,
            True,
        ),
    ],
)
def test_a_stated_option_is_literal(
    options: str, before: str, stateless: bool, answers_json: bool | None, scanned: Scan
) -> None:
    found = flags(scanned, options, before)
    assert plain(found[0]) == ("literal", stateless, "")
    assert plain(found[1]) == (("unset", None, "") if answers_json is None else ("literal", answers_json, ""))


@pytest.mark.parametrize(
    ("options", "before", "expected"),
    [
        ("process.env.STATELESS === 'true' ? undefined : randomUUID", "", "the environment variable STATELESS"),
        ("process.env['STATELESS'] ? undefined : randomUUID", "", "the environment variable STATELESS"),
        (
            "off ? undefined : randomUUID",
            "const off = flag('STATELESS');\nfunction flag(name: string) { return process.env[name] === '1'; }",
            "the environment variable STATELESS",
        ),
        (
            "STATELESS ? undefined : randomUUID",
            "const { STATELESS } = process.env;",
            "the environment variable STATELESS",
        ),
        ("settings.sessions", "import { settings } from 'some-package';", "`settings.sessions`"),
    ],
)
def test_an_option_from_outside_is_dynamic(options: str, before: str, expected: str, scanned: Scan) -> None:
    stateless, _ = flags(scanned, f"{{ sessionIdGenerator: {options} }}", before)
    assert plain(stateless) == ("dynamic", None, expected)


def test_a_default_of_a_variable_is_known(scanned: Scan) -> None:
    _, answers_json = flags(scanned, "{ enableJsonResponse: (process.env.JSON ?? 'true') === 'true' }")
    assert plain(answers_json) == ("dynamic", True, "the environment variable JSON")


def test_a_parameter_has_the_values_of_its_callers(scanned: Scan) -> None:
    before = "function make(stateless: boolean) { return new StreamableHTTPServerTransport({ sessionIdGenerator: stateless ? undefined : randomUUID }); }"
    code = f"{MADE}{before}\nawait server.connect(make(true));"
    assert plain(only(scanned(**{"server.ts": code})).flag("stateless_http")) == ("literal", True, "")


def test_transports_in_a_map_by_session_are_found(scanned: Scan) -> None:
    code = (
        HEAD
        + """
    const transports: Record<string, StreamableHTTPServerTransport> = {};
    const app = express();
    app.post("/mcp", async (req, res) => {
      const id = req.headers["mcp-session-id"] as string | undefined;
      let transport: StreamableHTTPServerTransport;
      if (id && transports[id]) {
        transport = transports[id];
      } else {
        transport = new StreamableHTTPServerTransport({
          sessionIdGenerator: () => randomUUID(),
          onsessioninitialized: (sid) => { transports[sid] = transport; },
        });
        const server = new McpServer({ name: "orders", version: "1.0.0" });
        await server.connect(transport);
      }
      await transport.handleRequest(req, res, req.body);
    });
    """
    )
    tree = scanned(**{"server.ts": code})
    server = only(tree)
    assert plain(server.flag("stateless_http")) == ("literal", False, "")
    assert [use.transport.value for use in server.transports] == ["streamable-http"]
    assert (server.reused, server.transports[0].shared, tree.state) == (None, None, ())


def test_other_transports_and_factories_are_found(scanned: Scan) -> None:
    make = (
        HEAD
        + "export function makeServer() { const server = new McpServer({ name: 'a', version: '1' }); return { server, close() {} }; }"
    )
    main = """
    import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
    import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
    import { makeServer } from "./lib";
    const { server } = makeServer();
    await server.connect(new StdioServerTransport());
    app.get("/sse", async (req, res) => { const made = makeServer(); await made.server.connect(new SSEServerTransport("/messages", res)); });
    """
    server = only(
        scanned(**{"main.mts": main, "lib/index.ts": "export { makeServer } from '../make.js';", "make.ts": make})
    )
    assert {use.transport.value for use in server.transports} == {"stdio", "sse"}


def test_a_class_keeps_its_server(scanned: Scan) -> None:
    code = (
        HEAD
        + """
    class App {
      private readonly server: McpServer;
      constructor(private transport: StreamableHTTPServerTransport) {
        this.server = new McpServer({ name: "orders", version: "1.0.0" });
        this.register();
      }
      private register() {
        this.server.tool("book", async (extra) => this.book(extra));
      }
      private async book(extra: any) {
        await this.server.server.createMessage({ messages: [], maxTokens: 1 });
        return { content: [] };
      }
      async start() { await this.server.connect(this.transport); }
    }
    await new App(new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })).start();
    """
    )
    server = only(scanned(**{"server.ts": code}))
    assert plain(server.flag("stateless_http")) == ("literal", True, "")
    assert [(tool.name, tool.features) for tool in server.tools] == [("book", ("sampling",))]


def test_release_2_has_a_handler_without_sessions(scanned: Scan) -> None:
    code = """
    import { McpServer, createMcpHandler, inputRequired } from "@modelcontextprotocol/server";
    const handler = createMcpHandler(() => {
      const server = new McpServer({ name: "orders", version: "1.0.0" });
      server.registerTool("book", { description: "" }, async (ctx) => {
        await ctx.mcpReq.log("info", "x");
        return inputRequired({ inputRequests: { a: inputRequired.elicit({} as any) } });
      });
      return server;
    });
    export default { fetch: handler };
    """
    server = only(
        scanned(**{"server.ts": code, "package.json": '{"dependencies": {"@modelcontextprotocol/server": "2.4.0"}}'})
    )
    assert (server.lines, server.release) == (("typescript-2",), "@modelcontextprotocol/server==2.4.0")
    assert plain(server.flag("stateless_http")) == ("literal", True, "")
    assert [(use.feature, use.call) for use in server.tools[0].uses] == [
        ("logging", "ctx.mcpReq.log"),
        ("elicitation", "inputRequired.elicit"),
    ]


LOCKS = {
    "package-lock.json": '{\n  "packages": {\n    "node_modules/@modelcontextprotocol/sdk": {\n      "version": "1.20.1",\n    }\n  }\n}',
    "pnpm-lock.yaml": "packages:\n  '@modelcontextprotocol/sdk@1.20.1(zod@3.0.0)':\n    resolution: {}\n",
    "yarn.lock": '"@modelcontextprotocol/sdk@^1.0.0":\n  version "1.20.1"\n',
    "bun.lock": '{\n  "packages": {\n    "@modelcontextprotocol/sdk": ["@modelcontextprotocol/sdk@1.20.1", "", {}],\n  }\n}',
}


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_have_the_release(name: str, scanned: Scan) -> None:
    manifest = '{"dependencies": {"@modelcontextprotocol/sdk": "^1.0.0"}}'
    server = only(scanned(**{"server.ts": MADE, "package.json": manifest, name: LOCKS[name]}))
    assert server.release == "@modelcontextprotocol/sdk==1.20.1"


def uses(scanned: Scan, body: str, before: str = "", parameters: str = "args, extra") -> list[NeedUse]:
    code = (
        f"{MADE}{before}\nserver.registerTool('book', {{ inputSchema: {{}} }}, async ({parameters}) => {{\n{body}\n}});"
    )
    (tool,) = only(scanned(**{"server.ts": code})).tools
    assert tool.name == "book"
    return list(tool.uses)


@pytest.mark.parametrize(
    ("body", "call"),
    [
        ("await server.server.elicitInput({});", "server.elicitInput"),
        (
            "await server.server.elicitInput({}, { relatedRequestId: extra.requestId });",
            "server.elicitInput(relatedRequestId)",
        ),
        (
            "await extra.sendRequest({ method: 'elicitation/create', params: {} }, S);",
            "extra.sendRequest(elicitation/create)",
        ),
        (
            "await extra.sendRequest({ method: 'sampling/createMessage', params: {} }, S);",
            "extra.sendRequest(sampling/createMessage)",
        ),
        (
            "const { sendNotification } = extra; await sendNotification({ method: 'notifications/progress' });",
            "extra.sendNotification(notifications/progress)",
        ),
        ("const s = server.server; await s.listRoots();", "server.listRoots"),
        ("await server.sendLoggingMessage({ level: 'info', data: 1 });", "server.sendLoggingMessage"),
        ("server.sendToolListChanged();", "server.sendToolListChanged"),
        ("await server.server.sendResourceUpdated({ uri: 'a' });", "server.sendResourceUpdated"),
    ],
)
def test_calls_of_features_are_found(body: str, call: str, scanned: Scan) -> None:
    assert [use.call for use in uses(scanned, body)] == [call]


def test_a_pattern_in_the_parameters_has_the_functions_of_the_context(scanned: Scan) -> None:
    body = "await sendNotification({ method: 'notifications/message', params: {} });"
    found = uses(scanned, body, parameters="args, { sendNotification, signal }")
    assert [use.call for use in found] == ["extra.sendNotification(notifications/message)"]


def test_helpers_in_other_modules_are_followed(scanned: Scan) -> None:
    code = MADE.replace("express", "express") + (
        "import { report } from '@/report';\nimport { ask } from './ask.js';\n"
        "server.tool('book', 'text', {}, async (args, extra) => { await report({ extra }); return ask(server); });"
    )
    report = "export async function report({ extra }: any) { await extra.sendNotification({ method: 'notifications/progress' }); }"
    ask = "export const ask = async (s: any) => { await s.server.elicitInput({}); };"
    server = only(scanned(**{"src/server.ts": code, "src/report.ts": report, "src/ask.js": ask}))
    assert server.tools[0].features == ("elicitation", "progress")


GUARDS = {
    "none": "await server.server.elicitInput({});",
    "capability": "if (server.server.getClientCapabilities()?.elicitation) { await server.server.elicitInput({}); }",
    "caught": "try { await server.server.elicitInput({}); } catch { throw new Error('x'); }",
    "open": "try { await server.server.elicitInput({}); } catch (error) { console.error(error); }\nremove();",
}


@pytest.mark.parametrize("guard", GUARDS)
def test_guards_are_told_apart(guard: str, scanned: Scan) -> None:
    assert [use.guard for use in uses(scanned, GUARDS[guard])] == [guard]


@pytest.mark.parametrize(
    "before",
    [
        "const caps = server.server.getClientCapabilities(); if (!caps?.elicitation) return {};",
        "if (!supports()) { throw new Error('x'); }",
    ],
)
def test_a_return_before_the_call_is_a_guard(before: str, scanned: Scan) -> None:
    helper = "function supports() { return Boolean(server.server.getClientCapabilities()?.elicitation); }"
    found = uses(scanned, f"{before}\nawait server.server.elicitInput({{}});", helper)
    assert [use.guard for use in found] == ["capability"]


def test_tools_of_a_list_and_of_a_handler_have_their_names(scanned: Scan) -> None:
    loop = MADE + (
        "const add = { name: 'add', config: {}, handler: async (args: any, extra: any) => { await extra.sendNotification({ method: 'notifications/progress' }); } };\n"
        "const tools = [add, { name: 'sub', config: {}, handler: async () => ({}) }];\n"
        "for (const tool of tools) server.registerTool(tool.name, tool.config, tool.handler);"
    )
    tools = {tool.name: tool.features for tool in only(scanned(**{"a/server.ts": loop})).tools}
    assert tools == {"add": ("progress",), "sub": ()}


def test_a_low_level_handler_dispatches(scanned: Scan) -> None:
    code = """
    import { Server } from "@modelcontextprotocol/sdk/server/index.js";
    import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
    const server = new Server({ name: "a", version: "1" }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools: [{ name: "ask", inputSchema: {} }, { name: "add", inputSchema: {} }, { name: "sum", inputSchema: {} }] }));
    const handlers = { sum: async (args: any, extra: any) => { await extra.sendNotification({ method: "notifications/progress" }); } };
    server.setRequestHandler(CallToolRequestSchema, async (request, extra) => {
      const { name } = request.params;
      if (name === "ask") return await server.elicitInput({});
      switch (name) { case "add": return await server.listRoots(); }
      return handlers[name](request.params.arguments, extra);
    });
    """
    server = only(scanned(**{"server.ts": code}))
    assert not server.is_high_level
    assert {tool.name: tool.features for tool in server.tools} == {
        "ask": ("elicitation",),
        "add": ("roots",),
        "sum": ("progress",),
    }


@pytest.mark.parametrize(
    ("before", "body", "expected"),
    [
        (
            "const carts = new Map();",
            "carts.set(args.id, [...(carts.get(args.id) ?? []), 1]);",
            [("state", "carts", False)],
        ),
        ("const carts: any = {};", "carts[args.id] = 1; return carts;", [("state", "carts", False)]),
        ("let last = 0;", "last = args.id; return last;", [("state", "last", False)]),
        (
            "const carts = new Map();",
            "carts.set(extra.sessionId, (carts.get(extra.sessionId) ?? 0) + 1);",
            [("state", "carts", True)],
        ),
        (
            "class Store { items: string[] = []; add(x: string) { this.items.push(x); return this.items; } }\nconst store = new Store();",
            "store.add('a');",
            [("state", "Store.items", False)],
        ),
        ("const cache = new Map();", "cache.set(args.id, 1); return cache.get(args.id);", [("cache", "cache", False)]),
        ("let client: any;", "if (!client) { client = connect(); } return client;", [("cache", "client", False)]),
        (
            "const seen = new Map();",
            "if (seen.has(args.id)) return seen.get(args.id); const made = f(args.id); seen.set(args.id, made); return made;",
            [("cache", "seen", False)],
        ),
        ("const carts = new Map();", "const carts = new Map(); carts.set(1, 2); return carts;", []),
        ("const written: number[] = [];", "written.push(1);", []),
    ],
)
def test_state_is_told_from_caches(
    before: str, body: str, expected: list[tuple[str, str, bool]], scanned: Scan
) -> None:
    code = (
        f"{MADE}{before}\nserver.registerTool('book', {{ inputSchema: {{}} }}, async (args, extra) => {{\n{body}\n}});"
    )
    found = [(each.kind, each.name, each.by_session) for each in scanned(**{"server.ts": code}).state]
    assert found == expected


NO_SERVER = {
    "a comment": "// import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';\n// new McpServer({});",
    "a text": "const code = `import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'; new McpServer({});`;",
    "a client": "import { Client } from '@modelcontextprotocol/sdk/client/index.js';\nnew Client({});",
    "a class with the same name": "import type { Tool } from '@modelcontextprotocol/sdk/server/mcp.js';\nclass McpServer {}\nnew McpServer();",
}


@pytest.mark.parametrize("name", NO_SERVER)
def test_other_code_has_no_server(name: str, scanned: Scan) -> None:
    assert scanned(**{"server.ts": NO_SERVER[name]}).servers == ()


@pytest.mark.parametrize(
    "path",
    [
        "node_modules/a/server.js",
        "dist/server.js",
        "build/server.js",
        "src/__tests__/server.ts",
        "server.test.ts",
        "server.spec.mjs",
        "server.d.ts",
        "server.min.js",
    ],
)
def test_tests_packages_and_bundles_are_left_out(path: str, scanned: Scan) -> None:
    assert scanned(**{path: MADE}).servers == ()


def test_compiled_files_are_left_out(scanned: Scan) -> None:
    assert scanned(**{"lib/server.js": MADE + "\n//# sourceMappingURL=server.js.map\n"}).servers == ()


def test_a_file_with_small_errors_is_read_and_another_is_named(scanned: Scan) -> None:
    tree = scanned(**{"server.ts": MADE + "export type * from './types';\n", "broken.ts": HEAD + ")}]{{ :::\n" * 200})
    assert len(tree.servers) == 1
    ((name, why),) = tree.not_examined
    assert (name, why.startswith("not valid TypeScript")) == ("broken.ts", True)


def test_a_single_file_can_be_scanned(scanned: Scan) -> None:
    tree = scanned(**{"server.ts": MADE, "server.py": "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('a')\n"})
    assert [server.language for server in tree.servers] == ["python", "typescript"]
