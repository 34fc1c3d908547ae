import { OctetError } from './errors.js';
import { isNode, nodeModule } from './node.js';

/** A model or other file: its bytes, where they are, or what yields them. Strings are paths in Node, URLs elsewhere. */
export type Source =
  | Uint8Array
  | ArrayBufferLike
  | Blob
  | ReadableStream<Uint8Array>
  | Response
  | URL
  | string;

async function readFile(path: string | URL): Promise<Uint8Array> {
  const fs = await nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
  try {
    return await fs.readFile(path);
  } catch (error) {
    throw new OctetError('invalid-input', `cannot read ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function bytesOfResponse(response: Response): Promise<Uint8Array> {
  if (!response.ok)
    throw new OctetError(
      'invalid-input',
      `${response.url}: ${response.status} ${response.statusText}`,
    );
  return new Uint8Array(await response.arrayBuffer());
}

async function bytesOfStream(stream: ReadableStream, what: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (error) {
    throw new OctetError('invalid-input', `${what}: ${(error as Error).message}`, { cause: error });
  }
}

async function fetchBytes(url: string | URL): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new OctetError('invalid-input', `cannot load ${url}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return bytesOfResponse(response);
}

/** Whether a place is one in Node's file system. */
const isFile = (place: string | URL) =>
  isNode &&
  (place instanceof URL ? place.protocol === 'file:' : !/^(https?|data|blob):/.test(place));

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
      return fs.readFileSync(path.join(folder, location));
    } catch {
      return undefined;
    }
  };
}

/** The bytes of a source; `what` names it in errors. */
export async function readSource(source: Source, what: string): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return checkAttached(source, what);
  if (typeof source === 'string' || source instanceof URL)
    return isFile(source) ? readFile(source) : fetchBytes(source);
  if (source instanceof ArrayBuffer) return checkAttached(new Uint8Array(source), what);
  if (typeof SharedArrayBuffer !== 'undefined' && source instanceof SharedArrayBuffer)
    return new Uint8Array(source);
  if (typeof Blob !== 'undefined' && source instanceof Blob)
    return new Uint8Array(await source.arrayBuffer());
  if (typeof Response !== 'undefined' && source instanceof Response) return bytesOfResponse(source);
  if (typeof ReadableStream !== 'undefined' && source instanceof ReadableStream)
    return bytesOfStream(source, what);
  throw new OctetError(
    'invalid-input',
    `${what}: a Uint8Array, ArrayBuffer, Blob, ReadableStream, Response, URL or string expected`,
  );
}

/** A source that can be read more than once. */
export async function readAgain(
  source: Source,
  what: string,
): Promise<Exclude<Source, Response | ReadableStream | ArrayBufferLike>> {
  const isPlace = typeof source === 'string' || source instanceof URL;
  if (isPlace || (typeof Blob !== 'undefined' && source instanceof Blob)) return source;
  return readSource(source, what);
}

/** Bytes that nobody else can change: a copy when the caller has them. */
export async function readOwn(source: Source, what: string): Promise<Uint8Array> {
  const bytes = await readSource(source, what);
  const isCallers = bytes === source || bytes.buffer === source;
  return isCallers ? new Uint8Array(bytes) : bytes;
}

function checkAttached(bytes: Uint8Array, what: string): Uint8Array {
  if (bytes.byteLength === 0)
    throw new OctetError('invalid-model', `${what}: the file is empty (or its buffer detached)`);
  return bytes;
}
