// The official CometD client: subscribes and prints what it hears, one JSON object a line.
//
//   node cometd_client.mjs '{"url": .., "channels": [..], "headers": {..}, "ack": true}'
//
// Lines: {"event": "connected"|"broken"|"failed"|"handshake"|"subscribed"|"message", ..}. It
// disconnects and ends when its standard input is closed.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(new URL("./.installed/node/index.js", import.meta.url));
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { adapt } = await load("cometd-nodejs-client");
const { AckExtension, CometD } = await load("cometd");

const settings = JSON.parse(process.argv[2]);
const print = (event, fields = {}) => console.log(JSON.stringify({ event, ...fields }));

adapt();
// The library logs through the console, whose standard output belongs to the lines above.
global.window.console = { ...console, log: console.error, info: console.error, debug: console.error };

const client = new CometD();
client.unregisterTransport("websocket");
if (settings.ack) {
  client.registerExtension("ack", new AckExtension());
}
client.configure({
  url: settings.url,
  requestHeaders: settings.headers,
  appendMessageTypeToURL: settings.append_message_type,
});

let connected = false;
client.addListener("/meta/connect", (message) => {
  if (message.successful !== connected && !client.isDisconnected()) {
    connected = message.successful;
    print(connected ? "connected" : "broken", { error: message.error });
  }
});
client.addListener("/meta/handshake", (message) => {
  print("handshake", { successful: message.successful, client_id: message.clientId, error: message.error });
  if (message.successful) {
    client.batch(() => {
      for (const channel of settings.channels) {
        client.subscribe(
          channel,
          (event) => print("message", { channel: event.channel, data: event.data }),
          (reply) => print("subscribed", { channel, successful: reply.successful, error: reply.error }),
        );
      }
    });
  }
});
client.addListener("/meta/unsuccessful", (message) => {
  print("failed", { channel: message.channel, error: message.error, status: message.failure?.httpCode });
});

client.handshake();

process.stdin.resume();
process.stdin.on("end", () => client.disconnect(() => process.exit(0)));
