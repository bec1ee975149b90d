// A CometD server on the official npm package, with a control surface for tests.
//
//   node cometd_server.mjs --port 0 --ack true --timeout-ms 30000 --max-interval-ms 10000 --interval-ms 0
//
// prints {"port": N} once it listens. Bayeux is at /cometd; the control surface, the same as that of
// java/CometdServer.java, at /control:
//   POST /control/publish {"channel", "messages": [..], "direct": false} -> {"published": N}
//     direct delivers to every session whatever it subscribed to
//   GET  /control/stats -> {"sessions": [{"id", "subscriptions": [..]}]}
//   POST /control/expire -> {"expired": N}: every session ends as if its time had run out
import http from "node:http";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

const require = createRequire(new URL("./.installed/node/index.js", import.meta.url));
const cometd = require("cometd-nodejs-server");
const { AcknowledgedMessagesExtension } = require("cometd-nodejs-server/ack-extension.js");

const { values: options } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    ack: { type: "string", default: "false" },
    "timeout-ms": { type: "string", default: "30000" },
    "max-interval-ms": { type: "string", default: "10000" },
    "interval-ms": { type: "string", default: "0" },
  },
});

const bayeux = cometd.createCometDServer({
  timeout: Number(options["timeout-ms"]),
  maxInterval: Number(options["max-interval-ms"]),
  interval: Number(options["interval-ms"]),
});
if (options.ack === "true") {
  bayeux.addExtension(new AcknowledgedMessagesExtension());
}

const sessions = new Map();
bayeux.addListener("sessionAdded", (session) => sessions.set(session.id, session));
bayeux.addListener("sessionRemoved", (session) => sessions.delete(session.id));

function publish({ channel, messages, direct = false }) {
  for (const message of messages) {
    if (direct) {
      sessions.forEach((session) => session.deliver(null, channel, message));
    } else {
      bayeux.createServerChannel(channel).publish(null, message);
    }
  }
  return { published: messages.length };
}

function stats() {
  return {
    sessions: [...sessions.values()].map((session) => ({
      id: session.id,
      subscriptions: session.subscriptions.map((channel) => channel.name),
    })),
  };
}

// The two steps of the server's own sweep; it has no public call for them.
function expire() {
  const ended = [...sessions.values()];
  for (const session of ended) {
    session._scheduler?.cancel();
    bayeux._removeServerSession(session, true);
  }
  return { expired: ended.length };
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return chunks.length ? JSON.parse(Buffer.concat(chunks).toString("utf8")) : {};
}

const controls = {
  "POST /control/publish": publish,
  "GET /control/stats": stats,
  "POST /control/expire": expire,
};

async function control(request, response) {
  const action = controls[`${request.method} ${request.url}`];
  const reply = (status, content) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(content));
  };
  if (!action) {
    reply(404, { error: `no control ${request.method} ${request.url}` });
    return;
  }
  try {
    reply(200, action(await body(request)));
  } catch (error) {
    reply(500, { error: String(error.stack) });
  }
}

const server = http.createServer((request, response) => {
  if (request.url.startsWith("/control/")) {
    control(request, response);
  } else if (request.url.startsWith("/cometd")) {
    bayeux.handle(request, response);
  } else {
    response.writeHead(404);
    response.end();
  }
});
server.listen(Number(options.port), "127.0.0.1", () => {
  console.log(JSON.stringify({ port: server.address().port }));
});
