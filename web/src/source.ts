import type { FileHandle } from 'node:fs/promises';
import { OctetError } from './errors.js';
import { isNode, nodeModule } from './node.js';
import { orAborted, pacer } from './pause.js';
import type { Watch } from './progress.js';

/**
 * A Uint8Array in memory that no thread shares, as Blob and Response want it; under this name TypeScript before 5.7 knows it too.
 * @inline
 */
export type OwnBytes = ReturnType<Uint8Array['slice']>;

/** A model or other file: its bytes, where they are, or what yields them. Strings are paths in Node, URLs elsewhere. */
export type Source =
  | Uint8Array
  | ArrayBufferLike
  | Blob
  | ReadableStream<Uint8Array>
  | Response
  | URL
  | string;

/** How a source is read. */
export interface Reading extends Watch {
  /** Default 'model'; 'data' is for a model's external data. */
  kind?: 'model' | 'data';
}

/** In bytes: what a message of protocol buffers, such as a model, can have, and what the engine can address. */
const limits = { model: 2 ** 31 - 1, data: 2 ** 32 - 1 };

/** Throws `invalid-model` or, for data, `out-of-memory` when a file is larger than any can be. */
export function checkSize(size: number, what: string, kind: Reading['kind'] = 'model'): void {
  if (size <= limits[kind]) return;
  const found = `${what} has ${size} bytes, and ${limits[kind]} is the most that it can have`;
  throw kind === 'data'
    ? new OctetError('out-of-memory', found)
    : new OctetError('invalid-model', `${found}; larger models keep weights as external data`);
}

const failure = (what: string, error: unknown) =>
  new OctetError('invalid-input', `${what}: ${(error as Error).message}`, { cause: error });

/** The next part of a file, and how to end before its last. */
export interface Chunks {
  next(): Promise<IteratorResult<Uint8Array>>;
  return(): Promise<unknown>;
}

const chunkBytes = 4 << 20;

export function chunksOfStream(stream: ReadableStream<Uint8Array>): Chunks {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<Uint8Array>>,
    return: () => reader.cancel(),
  };
}

/** Of a Blob, or of bytes, which are not copied. */
export async function* chunksOf(file: Blob | Uint8Array): AsyncGenerator<Uint8Array, void> {
  const isBytes = file instanceof Uint8Array;
  const size = isBytes ? file.length : file.size;
  for (let at = 0; at < size; at += chunkBytes)
    yield isBytes
      ? file.subarray(at, at + chunkBytes)
      : new Uint8Array(await file.slice(at, at + chunkBytes).arrayBuffer());
}

async function* chunksOfFile(file: FileHandle): AsyncGenerator<Uint8Array, void> {
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(new Uint8Array(chunkBytes));
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** What is known of a file before it is read. */
interface Described {
  what: string;
  phase: 'download' | 'read';
  /** In bytes. */
  size?: number;
}

function allocate(size: number, what: string): Uint8Array {
  try {
    return new Uint8Array(size);
  } catch (error) {
    throw new OctetError('out-of-memory', `${what}: there is no memory for its ${size} bytes`, {
      cause: error,
    });
  }
}

function join(parts: readonly Uint8Array[], size: number, what: string): Uint8Array {
  const whole = allocate(size, what);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function nextChunk(chunks: Chunks, what: string): Promise<Uint8Array | undefined> {
  let next: IteratorResult<unknown>;
  try {
    next = await chunks.next();
  } catch (error) {
    throw failure(what, error);
  }
  if (next.done) return undefined;
  if (next.value instanceof Uint8Array) return next.value;
  throw new OctetError('invalid-input', `${what}: a stream of Uint8Arrays expected`);
}

/** All of a file. Where its size is told, and true, it is in memory once. */
async function collect(
  chunks: Chunks,
  { what, phase, size = 0 }: Described,
  { kind, signal, onProgress }: Reading,
): Promise<Uint8Array> {
  let done = 0;
  try {
    checkSize(size, what, kind);
    const start = allocate(size, what);
    const rest: Uint8Array[] = [];
    for (;;) {
      const chunk = await orAborted(nextChunk(chunks, what), signal);
      if (!chunk) break;
      if (rest.length === 0 && done + chunk.length <= size) start.set(chunk, done);
      else rest.push(chunk);
      done += chunk.length;
      checkSize(done, what, kind);
      onProgress?.({ phase, done, total: Math.max(size, done) });
    }
    const inRest = rest.reduce((sum, { length }) => sum + length, 0);
    const begin = start.subarray(0, done - inRest);
    return rest.length ? join([begin, ...rest], done, what) : begin;
  } catch (error) {
    Promise.resolve(chunks.return()).catch(() => {});
    throw error;
  }
}

async function readFile(path: string | URL, reading: Reading): Promise<Uint8Array> {
  const what = String(path);
  const fs = await nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
  try {
    const file = await fs.open(path);
    const { size } = await file.stat();
    return await collect(chunksOfFile(file), { what, phase: 'read', size }, reading);
  } catch (error) {
    throw error instanceof OctetError ? error : failure(`cannot read ${path}`, error);
  }
}

/** In bytes, where the response tells; what it says of content that is compressed is about something else. */
export const lengthOf = ({ headers }: Response): number | undefined =>
  headers.has('content-encoding') ? undefined : Number(headers.get('content-length')) || undefined;

async function readResponse(response: Response, what: string, reading: Reading) {
  const { url, ok, status, statusText, body, bodyUsed } = response;
  const named = url || what;
  if (!ok) throw new OctetError('invalid-input', `${url}: ${status} ${statusText}`);
  if (bodyUsed)
    throw new OctetError('invalid-input', `${named}: the response has been read already`);
  const stream = body ?? new Blob([]).stream();
  return readStream(stream, { what: named, phase: 'download', size: lengthOf(response) }, reading);
}

function readStream(stream: ReadableStream<Uint8Array>, described: Described, reading: Reading) {
  let chunks: Chunks;
  try {
    chunks = chunksOfStream(stream);
  } catch (error) {
    throw failure(described.what, error);
  }
  return collect(chunks, described, reading);
}

async function download(url: string | URL, what: string, reading: Reading): Promise<Uint8Array> {
  const { signal } = reading;
  let response: Response;
  try {
    response = await orAborted(fetch(url, { signal }), signal);
  } catch (error) {
    throw error instanceof OctetError ? error : failure(`cannot load ${url}`, error);
  }
  return readResponse(response, what, reading);
}

/** Whether a place is one in Node's file system. */
export const isFile = (place: string | URL) =>
  isNode &&
  (place instanceof URL ? place.protocol === 'file:' : !/^(https?|data|blob):/.test(place));

/** As `fs.readFileSync`, which stops at 2 GiB. */
function readFileSync(fs: typeof import('node:fs'), place: string): Uint8Array {
  const file = fs.openSync(place, 'r');
  try {
    const bytes = new Uint8Array(fs.fstatSync(file).size);
    for (let at = 0; at < bytes.length; at += chunkBytes)
      fs.readSync(file, bytes, at, Math.min(chunkBytes, bytes.length - at), at);
    return bytes;
  } finally {
    fs.closeSync(file);
  }
}

/** What reads files below the folder of a model that is a file itself: by their places there, undefined where there is none. */
export async function finderBeside(
  source: Source,
): Promise<((location: string) => Uint8Array | undefined) | undefined> {
  if (!(typeof source === 'string' || source instanceof URL) || !isFile(source)) return undefined;
  const fs = await nodeModule<typeof import('node:fs')>('node:fs');
  const path = await nodeModule<typeof import('node:path')>('node:path');
  const { fileURLToPath } = await nodeModule<typeof import('node:url')>('node:url');
  const folder = path.dirname(source instanceof URL ? fileURLToPath(source) : source);
  return (location) => {
    try {
      return readFileSync(fs, path.join(folder, location));
    } catch {
      return undefined;
    }
  };
}

/** The bytes of a source; `what` names it in errors. */
export async function readSource(
  source: Source,
  what: string,
  reading: Reading = {},
): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return checkBytes(source, what, reading);
  if (typeof source === 'string' || source instanceof URL)
    return isFile(source) ? readFile(source, reading) : download(source, what, reading);
  if (source instanceof ArrayBuffer) return checkBytes(new Uint8Array(source), what, reading);
  if (typeof SharedArrayBuffer !== 'undefined' && source instanceof SharedArrayBuffer)
    return new Uint8Array(source);
  if (typeof Blob !== 'undefined' && source instanceof Blob)
    return collect(chunksOf(source), { what, phase: 'read', size: source.size }, reading);
  if (typeof Response !== 'undefined' && source instanceof Response)
    return readResponse(source, what, reading);
  if (typeof ReadableStream !== 'undefined' && source instanceof ReadableStream)
    return readStream(source, { what, phase: 'read' }, reading);
  throw new OctetError(
    'invalid-input',
    `${what}: a Uint8Array, ArrayBuffer, Blob, ReadableStream, Response, URL or string expected`,
  );
}

/** A source that can be read more than once. */
export async function readAgain(
  source: Source,
  what: string,
  reading: Reading,
): Promise<Exclude<Source, Response | ReadableStream | ArrayBufferLike>> {
  const isPlace = typeof source === 'string' || source instanceof URL;
  if (isPlace || (typeof Blob !== 'undefined' && source instanceof Blob)) return source;
  return readSource(source, what, reading);
}

/** Bytes that nobody else can change: a copy when the caller has them, who leaves them alone until it is made. */
export async function readOwn(source: Source, what: string, reading: Reading): Promise<Uint8Array> {
  const bytes = await readSource(source, what, reading);
  const isCallers = bytes === source || bytes.buffer === source;
  return isCallers ? copyInPieces(bytes, what, reading) : bytes;
}

/** Letting events in: what is loading meanwhile goes on. */
async function copyInPieces(
  bytes: Uint8Array,
  what: string,
  { signal }: Reading,
): Promise<Uint8Array> {
  const copy = new Uint8Array(bytes.length);
  const pace = pacer(signal);
  for (let at = 0; at < copy.length; at += chunkBytes) {
    await pace();
    if (bytes.length !== copy.length)
      throw new OctetError(
        'invalid-model',
        `${what}: its buffer was detached or resized while it was read`,
      );
    copy.set(bytes.subarray(at, at + chunkBytes), at);
  }
  return copy;
}

function checkBytes(bytes: Uint8Array, what: string, { kind }: Reading): Uint8Array {
  if (bytes.byteLength === 0)
    throw new OctetError('invalid-model', `${what}: the file is empty (or its buffer detached)`);
  checkSize(bytes.byteLength, what, kind);
  return bytes;
}
