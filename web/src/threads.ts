/**
 * Workers for the module with shared memory: each instantiates the module again on the same memory and takes ranges of
 * loops from the pool (bindings/threads.h). They start with the first loop that is worth it, sleep between runs, go
 * home when the last session is released, and keep no process alive.
 */
import { env } from './env.js';
import type { InstalledPack } from './kernel_pack.js';
import { isNode, nodeModule } from './node.js';

const maxThreads = 64;

/** What all workers of an engine share. */
export interface SharedParts {
  main: WebAssembly.Module;
  memory: WebAssembly.Memory;
  pack: InstalledPack | undefined;
}

/** What the pool tells about a thread: numbers and addresses. */
export interface PoolPlace {
  worker: number;
  pool: number;
  stack: number;
  entry: number;
  failure: number;
}

export type ThreadTask = SharedParts & PoolPlace;

/** The module's part in this. */
export interface ThreadHost {
  useThreads(count: number, start: (place: PoolPlace) => boolean, callerSleeps: boolean): void;
  loseThread(worker: number): void;
}

/**
 * How many threads the settings and the engine allow; automatically as many as onnxruntime-web takes, but one where starting
 * them may never end.
 */
export async function chooseThreads(): Promise<number> {
  const wanted = env.wasm.numThreads;
  // Service workers may share memory, but start no workers.
  const isShareable =
    typeof SharedArrayBuffer !== 'undefined' &&
    (isNode || (globalThis.crossOriginIsolated && typeof Worker !== 'undefined'));
  if (wanted === 1 || env.wasm.wasmBinary || !isShareable) return 1;
  if (wanted) return Math.min(Math.max(Math.trunc(wanted), 1), maxThreads);
  if (mayWaitForEver()) return 1;
  return Math.min(4, Math.ceil((await countCores()) / 2));
}

async function countCores(): Promise<number> {
  if (!isNode) return navigator.hardwareConcurrency || 1;
  const { availableParallelism } = await nodeModule<typeof import('node:os')>('node:os');
  return availableParallelism();
}

type Start = (task: ThreadTask, onError: () => void) => void;

export function startInBrowser(task: ThreadTask, onError: () => void): Worker {
  // Spelled out, for bundlers to see.
  const worker = new Worker(new URL('./octet.thread.js', import.meta.url), { type: 'module' });
  worker.onerror = (event) => {
    event.preventDefault();
    onError();
  };
  worker.postMessage(task);
  return worker;
}

let startHere: Start = startInBrowser;

/** Has threads started elsewhere than in this thread. */
export function startThreadsBy(start: Start): void {
  startHere = start;
}

/** In Firefox 153 a worker that starts another may wait for ever: both wait for one condition, of which one of them is told. */
function mayWaitForEver(): boolean {
  const isWorker = !isNode && typeof document === 'undefined';
  return isWorker && startHere === startInBrowser && navigator.userAgent.includes('Firefox/');
}

async function startInNode(): Promise<Start> {
  const { Worker: NodeWorker } =
    await nodeModule<typeof import('node:worker_threads')>('node:worker_threads');
  return (task, onError) => {
    const script = new URL('./octet.thread.js', import.meta.url);
    // Flags of the process such as --eval would be taken for the worker's.
    const worker = new NodeWorker(script, { execArgv: [] });
    worker.on('error', onError);
    worker.unref();
    worker.postMessage(task);
  };
}

/** Whether this thread may wait for others in its sleep: the main thread of a page must not. */
function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false;
  }
}

/** Lets the sessions of a module use `count` threads. */
export async function useThreads(
  host: ThreadHost,
  count: number,
  parts: SharedParts,
): Promise<void> {
  const start = isNode ? await startInNode() : startHere;
  let missing = 0;
  const report = () => Object.assign(env.octet, { threads: count - missing });
  const startOne = (place: PoolPlace) => {
    let isLost = false;
    const lose = () => {
      if (isLost) return;
      isLost = true;
      missing++;
      report();
    };
    try {
      start({ ...parts, ...place }, () => {
        lose();
        host.loseThread(place.worker);
      });
    } catch {
      lose();
    }
    return !isLost;
  };
  host.useThreads(count, startOne, maySleep());
  report();
}
