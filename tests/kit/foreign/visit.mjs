// Visits a server with both clients of the TypeScript SDK, one after another, and prints what each client gets.
// Usage: node visit.mjs URL [TOOL ...]. Each client opens a connection, lists the tools, and calls each TOOL twice.

import { Client as AutoClient, StreamableHTTPClientTransport as AutoTransport } from "@modelcontextprotocol/client";
import { Client as LegacyClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as LegacyTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CreateMessageRequestSchema, ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const [address, ...tools] = process.argv.slice(2);
const info = { name: "foreign", version: "0" };
const capabilities = { sampling: {}, elicitation: {} };
const sampled = { role: "assistant", model: "m", content: { type: "text", text: "sampled" } };
const elicited = { action: "accept", content: { confirmed: true } };

function legacy() {
  const client = new LegacyClient(info, { capabilities });
  client.setRequestHandler(CreateMessageRequestSchema, () => sampled);
  client.setRequestHandler(ElicitRequestSchema, () => elicited);
  return [client, new LegacyTransport(new URL(address))];
}

function auto() {
  const client = new AutoClient(info, { capabilities, versionNegotiation: { mode: "auto" } });
  client.setRequestHandler("sampling/createMessage", () => sampled);
  client.setRequestHandler("elicitation/create", () => elicited);
  return [client, new AutoTransport(new URL(address))];
}

async function visit([client, transport]) {
  await client.connect(transport);
  const version = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion;
  const listed = (await client.listTools()).tools.map((tool) => tool.name);
  const said = {};
  for (const name of [...tools, ...tools]) {
    const result = await client.callTool({ name, arguments: { text: "hello" } });
    (said[name] ??= []).push(result.content.map((block) => block.text ?? "").join(""));
  }
  await transport.terminateSession?.();
  await client.close();
  return { version, listed: listed.sort(), said };
}

console.log(JSON.stringify({ legacy: await visit(legacy()), auto: await visit(auto()) }));
