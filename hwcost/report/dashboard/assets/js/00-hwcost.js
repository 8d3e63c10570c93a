"use strict";
// The name that everything hangs on, and the loader of data: scripts, because pages on file:// may load nothing else.
var hwcost = (function () {
  const held = new Map();
  const waiting = new Map();

  function put(name, value) {
    held.set(name, value);
  }

  function load(name) {
    if (held.has(name)) return Promise.resolve(held.get(name));
    if (!waiting.has(name)) waiting.set(name, request(name).finally(() => waiting.delete(name)));
    return waiting.get(name);
  }

  function request(name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const fail = () => reject(new Error("data/" + name + ".js is not there"));
      script.src = "data/" + name + ".js";
      script.onload = () => (held.has(name) ? resolve(held.get(name)) : fail());
      script.onerror = fail;
      document.head.append(script);
    });
  }

  return { put, load, get: (name) => held.get(name), pages: {} };
})();
