// A classic SignalR server on npm `signalrjs`, with a control surface for tests.
//
//   node server.mjs --port 0
//
// prints {"port": N} once it listens. SignalR is at /signalr; POST /control/publish
// {"hub", "method", "values": [..]} broadcasts one call for each value.
import http from "node:http";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

const require = createRequire(new URL("../.installed/signalr/index.js", import.meta.url));
const SignalRJS = require("signalrjs");

const { values: options } = parseArgs({ options: { port: { type: "string", default: "0" } } });

const signalr = new SignalRJS();
const listener = signalr.createListener();

async function publish(request) {
  let body = "";
  for await (const chunk of request) {
    body += chunk;
  }
  const { hub, method, values } = JSON.parse(body);
  for (const value of values) {
    signalr.broadcast({ H: hub, M: method, A: [value] });
  }
}

const server = http.createServer(async (request, response) => {
  if (request.url === "/control/publish") {
    await publish(request);
    response.end("{}");
    return;
  }
  listener(request, response);
});
server.listen(Number(options.port), "127.0.0.1", () => {
  console.log(JSON.stringify({ port: server.address().port }));
});
