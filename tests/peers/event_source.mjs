// The EventSource of undici, which is the one of Node.js: reads a stream as a browser does and prints
// what it hears, one JSON object a line. From npm, because Node.js before 20.18 brings none.
//
//   node event_source.mjs URL
//
// Lines: {"event": "open"|"error"|"message"|"closed"|"gap", "data": .., "id": ..}. It connects again
// by itself, with the id of the last event.
import { createRequire } from "node:module";

const require = createRequire(new URL("./.installed/node/index.js", import.meta.url));
const { EventSource } = require("undici");

const source = new EventSource(process.argv[2]);
const print = (event, fields = {}) => console.log(JSON.stringify({ event, ...fields }));

source.onopen = () => print("open");
source.onerror = () => print("error");
for (const name of ["message", "closed", "gap"]) {
  source.addEventListener(name, ({ data, lastEventId }) =>
    print(name, { data: JSON.parse(data), id: lastEventId }),
  );
}
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
