/** Where a model cache keeps what it has. */
import { OctetError } from './errors.js';
import { isNode, nodeModule } from './node.js';

/** @inline */
type Awaitable<T> = T | Promise<T>;

/**
 * Files by key, like a Map, and a Map of Blobs is one. Keys are of letters, digits and hyphens; files have 16 MiB at most. A file
 * appears whole or not at all, and a Blob that was answered stays readable at least until its key is set anew or deleted. `set`
 * rejects where there is no room, with an error named QuotaExceededError or of code ENOSPC.
 */
export interface ModelStore {
  /** What is under a key, if anything. */
  get(key: string): Awaitable<Blob | undefined>;
  /** Keeps a file, in the place of what was under its key. */
  set(key: string, file: Blob): Awaitable<unknown>;
  /** Deletes what is under a key, if anything. */
  delete(key: string): Awaitable<unknown>;
  /** All keys, in any order. */
  keys(): Awaitable<Iterable<string>>;
}

/** Of a name that nobody can have on the network. */
const base = 'https://octet-web.invalid/';

/**
 * A store in the CacheStorage of the page's origin, under a name of its own there. Throws `invalid-input` when it is used on a
 * page that has none: it takes https or localhost.
 */
export function browserStore(name = 'octet-web'): ModelStore {
  const open = () => {
    if (typeof caches !== 'undefined') return caches.open(name);
    throw new OctetError(
      'invalid-input',
      'there is no CacheStorage here; it takes a secure context',
    );
  };
  return {
    async get(key) {
      const found = await (await open()).match(base + key);
      return found?.blob();
    },
    set: async (key, file) => (await open()).put(base + key, new Response(file)),
    delete: async (key) => (await open()).delete(base + key),
    async keys() {
      const requests = await (await open()).keys();
      return requests.map(({ url }) => url.slice(base.length));
    },
  };
}

async function modulesOfNode() {
  const [{ openAsBlob }, fs, os, path, { fileURLToPath }, { randomUUID }] = await Promise.all([
    nodeModule<typeof import('node:fs')>('node:fs'),
    nodeModule<typeof import('node:fs/promises')>('node:fs/promises'),
    nodeModule<typeof import('node:os')>('node:os'),
    nodeModule<typeof import('node:path')>('node:path'),
    nodeModule<typeof import('node:url')>('node:url'),
    nodeModule<typeof import('node:crypto')>('node:crypto'),
  ]);
  return { openAsBlob, fs, os, path, fileURLToPath, randomUUID };
}

/** What goes wrong with a file, but for its absence. */
function unlessAbsent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

/**
 * A store in a folder, for Node; by default `octet-web` in `$XDG_CACHE_HOME` or in `~/.cache`. The folder is made when something
 * is kept, and should hold nothing else.
 */
export function folderStore(folder?: string | URL): ModelStore {
  let loaded: ReturnType<typeof modulesOfNode> | undefined;
  const modules = () => (loaded ??= modulesOfNode());
  const home = async () => {
    const { os, path, fileURLToPath } = await modules();
    if (folder !== undefined) return folder instanceof URL ? fileURLToPath(folder) : folder;
    return path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'octet-web');
  };
  const placeOf = async (key: string) => (await modules()).path.join(await home(), key);
  return {
    async get(key) {
      const { fs, openAsBlob } = await modules();
      const place = await placeOf(key);
      return (await fs.stat(place).catch(unlessAbsent)) && openAsBlob(place);
    },
    async set(key, file) {
      const { fs, randomUUID } = await modules();
      const place = await placeOf(key);
      const partial = `${place}-${randomUUID()}`;
      await fs.mkdir(await home(), { recursive: true });
      try {
        await fs.writeFile(partial, new Uint8Array(await file.arrayBuffer()));
        await fs.rename(partial, place);
      } catch (error) {
        await fs.rm(partial, { force: true });
        throw error;
      }
    },
    delete: async (key) => (await modules()).fs.rm(await placeOf(key), { force: true }),
    async keys() {
      const { fs } = await modules();
      return (await fs.readdir(await home()).catch(unlessAbsent)) ?? [];
    },
  };
}

/** The one of the platform. */
export const defaultStore = (): ModelStore => (isNode ? folderStore() : browserStore());
