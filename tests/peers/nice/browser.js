// What the vendor's SDK needs of a browser, for Node.js. Imported before it.
//
// The SDK polls in a Worker made from a blob, which fetches rxjs from a public host; here it runs in this process with
// the rxjs that is installed.
import { fromFetch } from "rxjs/fetch";

class Storage {
  #values = new Map();
  getItem(key) {
    return this.#values.get(String(key)) ?? null;
  }
  setItem(key, value) {
    this.#values.set(String(key), String(value));
  }
  removeItem(key) {
    this.#values.delete(String(key));
  }
  clear() {
    this.#values.clear();
  }
}

const scripts = new Map();
URL.createObjectURL = (blob) => {
  const address = `blob:${scripts.size}`;
  scripts.set(address, blob.text());
  return address;
};

class Worker {
  #ended = false;
  #scope;

  constructor(address) {
    const scope = {
      importScripts() {},
      rxjs: { fetch: { fromFetch } },
      postMessage: (data) => {
        if (!this.#ended) {
          this.onmessage?.({ data });
        }
      },
    };
    this.#scope = scripts.get(address).then((source) => {
      const quiet = { log() {}, info() {}, error: (...words) => console.error(...words) };
      new Function("self", "console", source)(scope, quiet);
      return scope;
    });
  }
  postMessage(data) {
    this.#scope.then((scope) => this.#ended || scope.onmessage({ data }));
  }
  terminate() {
    this.#ended = true;
  }
}

const listeners = { addEventListener() {}, removeEventListener() {}, dispatchEvent: () => true };
const element = { ...listeners, style: {}, setAttribute() {}, appendChild() {} };
Object.assign(globalThis, {
  Worker,
  localStorage: new Storage(),
  sessionStorage: new Storage(),
  location: new URL("http://127.0.0.1/"),
  document: {
    ...listeners,
    createElement: () => element,
    getElementsByTagName: () => [element],
    head: element,
    body: element,
    cookie: "",
  },
  ...listeners,
});
globalThis.window = globalThis.self = globalThis.parent = globalThis;
globalThis.navigator ??= { onLine: true, userAgent: "node" };
