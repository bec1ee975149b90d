// One of the vendor's own clients of Genesys Engage Cloud, driven line by line.
//
//   node genesys_client.mjs workspace|statistics|provisioning '{"url": .., "api_key": ..}'
//
// Standard input: {"id": 1, "call": "voice.makeCall", "arguments": [..]}, one JSON object a line. Standard output:
// {"event": "answer", "id": 1, "value": ..} or {.., "error": ..} for each, and {"event": <the client's event>, "data": ..}
// for what the client reports. It ends when its standard input is closed. Each client replaces global.window by its
// own, so there is one to a process.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(new URL("./.installed/node/index.js", import.meta.url));
const print = (event, fields) => process.stdout.write(JSON.stringify({ event, ...fields }) + "\n");
for (const level of ["log", "info", "debug", "warn"]) {
  console[level] = console.error; // standard output belongs to the lines above
}

const [kind, settings] = [process.argv[2], JSON.parse(process.argv[3])];
const makers = {
  workspace: () => new (require("genesys-workspace-client-js"))(settings.api_key, settings.url),
  statistics: () => new (require("genesys-statistics-client-js"))(settings.api_key, settings.url),
  provisioning: () =>
    new (require("genesys-provisioning-client-js").ProvisioningApi)(settings.api_key, settings.url),
};
const reported = {
  workspace: ["CallStateChanged", "DnStateChanged", "EventUserEvent"],
  statistics: ["ServiceChange", "Updates"],
  provisioning: ["OnAsyncResponse"],
};
const client = makers[kind]();
for (const event of reported[kind]) {
  client.on(event, (data) => print(event, { data }));
}

// An operation of the provisioning client takes a callback: its name is sent as {"callback": name} among the arguments.
const prepare = (argument) =>
  argument && typeof argument === "object" && typeof argument.callback === "string"
    ? (data) => print(argument.callback, { data })
    : argument;

// What the client keeps is told by its path alone: {"call": "user"}.
async function call(path, parameters) {
  const names = path.split(".");
  const last = names.pop();
  const owner = names.reduce((found, name) => found[name], client);
  const member = owner[last];
  return typeof member === "function" ? member.apply(owner, parameters.map(prepare)) : member;
}

function plain(value) {
  if (value instanceof Map) {
    return Object.fromEntries(value);
  }
  return value === client || value === undefined ? null : value;
}

createInterface({ input: process.stdin }).on("line", async (line) => {
  const request = JSON.parse(line);
  try {
    const value = plain(await call(request.call, request.arguments ?? []));
    print("answer", { id: request.id, value });
  } catch (error) {
    const status = error?.status ?? error?.response?.status;
    print("answer", { id: request.id, error: String(error?.message ?? error), status });
  }
}).on("close", () => process.exit(0));

print("ready", {});
