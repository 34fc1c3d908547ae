/**
 * Imports a module where network, WebAssembly and workers are out of reach, and prints how many milliseconds of the processor
 * importing the same code unevaluated took, which is reading it, and how many more importing the module took, which is its
 * evaluation: as JSON, `{ reading, evaluating }`. That doesn't count what else the machine does. Arguments: the module, such a one,
 * and what an application that uses the module has imported before.
 */
import fs from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';

const [subject, nothing, before = 'data:text/javascript,'] = process.argv.slice(2);
const require = createRequire(import.meta.url);

const outOfReach = {
  fetch: [globalThis, ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest', 'Worker']],
  net: [require('node:net'), ['connect', 'createConnection']],
  sockets: [require('node:net').Socket.prototype, ['connect']],
  dns: [require('node:dns'), ['lookup', 'resolve']],
  http: [require('node:http'), ['request', 'get']],
  https: [require('node:https'), ['request', 'get']],
  workers: [require('node:worker_threads'), ['Worker']],
  processes: [require('node:child_process'), ['spawn', 'fork', 'exec', 'execFile']],
  WebAssembly: [WebAssembly, Object.getOwnPropertyNames(WebAssembly)],
};
for (const [object, names] of Object.values(outOfReach))
  for (const name of names) {
    function refuse() {
      fs.writeSync(2, `importing called ${name}`);
      process.exit(1);
    }
    Object.defineProperty(object, name, { value: refuse, configurable: true, writable: true });
  }
syncBuiltinESMExports();

async function timeOf(module) {
  const start = process.cpuUsage();
  await import(module);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

// What the first import of a process sets up is none of theirs.
await import(before);
const reading = await timeOf(nothing);
const evaluating = (await timeOf(subject)) - reading;
// What it would do later.
await new Promise((resolve) => setTimeout(resolve, 50));
fs.writeSync(1, JSON.stringify({ reading, evaluating }));
