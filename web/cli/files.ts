import { randomBytes } from 'node:crypto';
import { type Stats, createWriteStream } from 'node:fs';
import { readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { addAbortSignal } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { dirname, join } from 'node:path';

/** A file's bytes; '-' is standard input. */
export async function readInput(path: string, signal?: AbortSignal): Promise<Uint8Array> {
  if (path !== '-') return readFile(path, { signal });
  const chunks: Uint8Array[] = [];
  const input = signal ? addAbortSignal(signal, process.stdin) : process.stdin;
  for await (const chunk of input) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** What goes to a path; '-' is standard output. */
export interface Output {
  path: string;
  data: Uint8Array | string;
}

function writeStandardOutput(data: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) =>
    process.stdout.write(data, (error) => (error ? reject(error) : resolve())),
  );
}

const statOf = (path: string): Promise<Stats | undefined> => stat(path).catch(() => undefined);

/** A file that waits beside its place to be moved there. */
interface Waiting {
  partial: string;
  place: string;
}

/** Devices and pipes take what is written as it comes; nothing waits then. */
async function writeBeside(
  { path, data }: Output,
  signal?: AbortSignal,
): Promise<Waiting | undefined> {
  if (path === '-') return void (await writeStandardOutput(data));
  const present = await statOf(path);
  if (present?.isDirectory()) throw new Error(`${path} is a folder`);
  if (present && !present.isFile())
    return void (await pipeline([data], createWriteStream(path), { signal }));
  const place = present ? await realpath(path) : path;
  const partial = join(dirname(place), `.octet-${randomBytes(6).toString('hex')}.tmp`);
  try {
    await writeFile(partial, data, { signal, mode: present?.mode });
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return { partial, place };
}

/** Writes files, each whole or not at all, and none when one of them can't be written. */
export async function writeOutputs(outputs: Output[], signal?: AbortSignal): Promise<void> {
  const waiting: Waiting[] = [];
  try {
    for (const output of outputs) {
      const written = await writeBeside(output, signal);
      if (written) waiting.push(written);
    }
    signal?.throwIfAborted();
    for (const { partial, place } of waiting) await rename(partial, place);
  } catch (error) {
    for (const { partial } of waiting) await rm(partial, { force: true });
    throw error;
  }
}

export const writeOutput = (path: string, data: Uint8Array | string): Promise<void> =>
  writeOutputs([{ path, data }]);
