import { randomBytes } from 'node:crypto';
import {
  type Stats,
  closeSync,
  createWriteStream,
  openSync,
  renameSync,
  rmSync,
  writeFile,
} from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

let standardInput: Promise<Uint8Array> | undefined;

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** A file's bytes; '-' is standard input, which may be asked for again. */
export const readInput = (path: string): Promise<Uint8Array> =>
  path === '-' ? (standardInput ??= readStandardInput()) : readFile(path);

/** A model: its path, so that its data files are found beside it, or the bytes of standard input. */
export const modelFrom = async (path: string): Promise<string | Uint8Array> =>
  path === '-' ? readInput(path) : path;

/** What goes to a path; '-' is standard output. */
export interface Output {
  path: string;
  data: Uint8Array | string;
}

function writeStandardOutput(data: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.once('error', reject);
    process.stdout.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

const statOf = (path: string): Promise<Stats | undefined> => stat(path).catch(() => undefined);

/** Files that wait beside their places to be moved there, by those places. */
type Waiting = Map<string, string>;

function discard(waiting: Waiting): void {
  for (const partial of waiting.values()) rmSync(partial, { force: true });
}

/** Devices and pipes take what is written as it comes; nothing waits then. */
async function writeBeside({ path, data }: Output, waiting: Waiting): Promise<void> {
  if (path === '-') return writeStandardOutput(data);
  const present = await statOf(path);
  if (present?.isDirectory()) throw new Error(`${path} is a folder`);
  if (present && !present.isFile()) return pipeline([data], createWriteStream(path));
  const place = present ? await realpath(path) : path;
  const partial = join(dirname(place), `.octet-${randomBytes(6).toString('hex')}.tmp`);
  // At once, so that no signal comes between the file and the note of it.
  const file = openSync(partial, 'wx', present?.mode);
  waiting.set(place, partial);
  try {
    await promisify(writeFile)(file, data);
  } finally {
    closeSync(file);
  }
}

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Writes files, each whole or not at all, and none when one of them can't be written. Signals such as Ctrl-C end the process at
 * once; here there may be something to clear up before.
 */
export async function writeOutputs(outputs: Output[]): Promise<void> {
  const waiting: Waiting = new Map();
  const end = (signal: NodeJS.Signals) => {
    discard(waiting);
    ignore();
    process.kill(process.pid, signal);
  };
  const ignore = () => endings.forEach((signal) => process.off(signal, end));
  endings.forEach((signal) => process.on(signal, end));
  try {
    for (const output of outputs) await writeBeside(output, waiting);
    for (const [place, partial] of waiting) renameSync(partial, place);
  } catch (error) {
    discard(waiting);
    throw error;
  } finally {
    ignore();
  }
}

export const writeOutput = (path: string, data: Uint8Array | string): Promise<void> =>
  writeOutputs([{ path, data }]);
