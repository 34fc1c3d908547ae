/** What a worker runs: one thread of the pool (threads.ts). */
import { find, installPack } from './kernel_pack.js';
import { isNode, nodeModule } from './node.js';
import type { ThreadTask } from './threads.js';

/** Loops call neither JavaScript nor the system. */
function unexpected(): never {
  throw new Error('a thread called out of the module');
}

function run({ main, memory, pack, worker, pool, stack, entry, failure }: ThreadTask): void {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module, name, kind } of WebAssembly.Module.imports(main))
    (imports[module] ??= {})[name] = kind === 'memory' ? memory : unexpected;
  const { exports } = new WebAssembly.Instance(main, imports);
  const table = find(exports, WebAssembly.Table);
  if (pack) installPack(pack, new WebAssembly.Instance(pack.module, { env: { memory } }), table);
  try {
    table.get(entry)(stack, pool, worker);
  } catch (error) {
    // The caller waits for this thread, and must not for ever.
    Atomics.store(new Int32Array(memory.buffer), failure / Int32Array.BYTES_PER_ELEMENT, 1);
    throw error;
  }
}

if (isNode)
  nodeModule<typeof import('node:worker_threads')>('node:worker_threads').then(({ parentPort }) =>
    parentPort?.once('message', run),
  );
else
  globalThis.onmessage = ({ data }: MessageEvent<ThreadTask>) => {
    run(data);
    globalThis.close();
  };
