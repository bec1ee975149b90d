// The official classic SignalR client: starts, subscribes and prints what it hears, one JSON object a line.
//
//   node client.mjs '{"url": .., "transport": .., "hub": .., "methods": [..], "query": {..}}'
//
// Lines: {"event": "state"|"message"|"reconnected"|"disconnected"|"error"|"result"|"started"|"failed", ..}.
// A line on standard input {"invoke": [method, ..arguments]} calls the hub, {"stop": true} leaves with
// an abort. It ends without one when standard input is closed.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";

const require = createRequire(new URL("../.installed/signalr/index.js", import.meta.url));
const { JSDOM } = require("jsdom");
const EventSource = require("eventsource");

const settings = JSON.parse(process.argv[2]);
const print = (event, fields = {}) => console.log(JSON.stringify({ event, ...fields }));

const origin = new URL(settings.url).origin;
const { window } = new JSDOM("<!doctype html><html><body></body></html>", { url: origin, runScripts: "outside-only" });
// As browsers have it, an error of a stream that will not come back says so; the polyfill would
// start again with /connect.
window.EventSource = class extends EventSource {
  addEventListener(type, listener, capture) {
    if (type !== "error") {
      return super.addEventListener(type, listener, capture);
    }
    return super.addEventListener(
      type,
      (event) => {
        Object.defineProperty(event, "eventPhase", { value: EventSource.CLOSED });
        this.close();
        listener.call(this, event);
      },
      capture,
    );
  }
};
window.jQuery = window.$ = require("jquery")(window);
window.eval(readFileSync(require.resolve("signalr/jquery.signalR.js"), "utf8"));

const connection = window.$.hubConnection(settings.url, { useDefaultPath: false, qs: settings.query ?? {} });
const hub = connection.createHubProxy(settings.hub);
for (const method of settings.methods) {
  hub.on(method, (...data) => print("message", { method, arguments: data }));
}
connection.stateChanged(({ oldState, newState }) => print("state", { from: oldState, to: newState }));
connection.reconnected(() => print("reconnected"));
connection.disconnected(() => print("disconnected"));
connection.error((error) => print("error", { text: String(error?.message ?? error) }));
connection
  .start({ transport: settings.transport, waitForPageLoad: false })
  .done(() => print("started", { id: connection.id, transport: connection.transport.name }))
  .fail((error) => print("failed", { text: String(error?.message ?? error) }));

const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  const order = JSON.parse(line);
  if (order.stop) {
    connection.stop(false, true);
    print("stopped");
  } else {
    hub
      .invoke(...order.invoke)
      .done((value) => print("result", { value }))
      .fail((error) => print("result", { error: String(error?.message ?? error), data: error?.data }));
  }
});
input.on("close", () => process.exit(0));
