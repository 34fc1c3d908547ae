/** Models that stay on the device: downloaded once, quantized once. `import { ModelCache } from 'octet-web/cache'`. */
import { Download, type Wanted, askForChange } from './cache_download.js';
import { SharedJob } from './cache_job.js';
import { canonicalOptions } from './cache_options.js';
import { type Found, Shelf } from './cache_shelf.js';
import { type ModelStore, defaultStore } from './cache_store.js';
import { type Description, PieceWriter } from './cache_writer.js';
import { OctetError, checkSignal, rejectUnknownKeys, throwIfAborted } from './errors.js';
import { exclusively } from './exclusively.js';
import {
  type QuantizationReport,
  type QuantizeMode,
  type QuantizeOptions,
  type QuantizeOptionsOf,
  type Source,
  env,
  quantize,
} from './index.js';
import { orAborted, pacer } from './pause.js';
import type { Watch } from './progress.js';
import {
  checkIntegrity,
  hashFile,
  hexOf,
  parseIntegrity,
  sha256OfText,
  startSha256,
} from './sha256.js';
import { chunksOf, isFile, readSource } from './source.js';

export { type ModelStore, browserStore, folderStore } from './cache_store.js';

/** Options of a `ModelCache`. */
export interface ModelCacheOptions {
  /** Default `browserStore()`, in Node `folderStore()`. */
  store?: ModelStore;
  /** How many bytes all models may have together, default 4 GiB. What was used longest ago is evicted. */
  maxBytes?: number;
}

const policies = ['no-cache', 'force-cache', 'reload', 'only-if-cached'] as const;
const defaultPolicy = 'no-cache';

/** How a model is come by; the words are those of the `cache` of `fetch`. */
export interface FetchOptions extends Watch {
  /**
   * 'no-cache' (default): asks the server whether the model has changed, and answers from the device if not, or if the server can't
   * be reached or has an error of its own (5xx). 'force-cache': asks only where the model is not on the device. 'reload': downloads
   * it again. 'only-if-cached': asks no server, and fails where the model is not on the device.
   */
  cache?: (typeof policies)[number];
  /**
   * The SHA-256 that the file must have: `sha256-` and base64, as in HTML, or 64 hexadecimal digits. Other content is refused and
   * not kept; where the device has that content, no server is asked.
   */
  integrity?: string;
  /** Default 'model', of at most 2 GiB − 1. 'data': a model's external data, of at most 4 GiB − 1. */
  kind?: 'model' | 'data';
}

/** A model's file, and where it came from. */
export interface CachedModel {
  /** To be given to `InferenceSession.create` or `quantize`, which read it piece by piece. */
  model: Blob;
  /** Of the file. */
  bytes: number;
  /** Of the file, in hexadecimal digits. */
  sha256: string;
  /** Whether the device had it. */
  isCached: boolean;
  /** Why it is not on the device now, if it isn't: there was no room, or no store. */
  unkept?: string;
}

/** What `quantize` takes here besides a quantization's own options. */
export interface KeepOptions extends Pick<FetchOptions, 'cache' | 'integrity'> {
  /**
   * Stands for the options that are no plain data: `calibration`, and functions. Whoever changes these has to change the key, or gets
   * what was quantized before.
   */
  key?: string;
}

/** Every option of every mode, as {@link QuantizeOptions} has them for programs that learn the mode when they run. */
export type CachedQuantizeOptions = QuantizeOptions & KeepOptions;

/** A quantized model's file, and what was done to it. */
export interface CachedQuantization extends CachedModel {
  /** As when it was made. */
  report: QuantizationReport;
}

/** Something on the device. */
export interface CacheEntry {
  /** By which `delete` knows it. */
  id: string;
  /** Where the model is from, if it has an address. */
  url?: string;
  /** Of quantized models: the options, in JSON. */
  options?: string;
  /** On the device. */
  bytes: number;
  /** Of whole files. */
  sha256?: string;
  /** False for what has arrived of a download that was interrupted. */
  isComplete: boolean;
  /** When it was answered last. */
  lastUsed: Date;
}

type Policy = NonNullable<FetchOptions['cache']>;

/** What `fetch` was asked for. */
interface Wish extends Wanted {
  policy: Policy;
}

/** A model by what it holds. */
interface Identified {
  /** Of its download. */
  id?: string;
  url?: string;
  sha256: string;
  open(watch: Watch): Promise<Blob | Uint8Array>;
}

interface IdentifiedFile extends Identified {
  path: string;
}

const invalid = (message: string) => new OctetError('invalid-option', message);

const absent = (what: string) =>
  new OctetError('invalid-input', `${what}: not on this device, and cache is 'only-if-cached'`);

/** An address in full. Throws `invalid-input` for what is none of HTTP. */
function addressOf(url: string | URL): string {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  let address: URL | undefined;
  try {
    address = new URL(url, base);
  } catch {
    // said below
  }
  if (address && /^https?:$/.test(address.protocol)) return address.href.replace(/#.*/, '');
  throw new OctetError('invalid-input', `${url}: a URL of http or https expected`);
}

function checkPolicy({ cache, signal }: FetchOptions): void {
  checkSignal(signal);
  if (cache !== undefined && !policies.includes(cache))
    throw invalid(`cache: '${cache}'; ${policies.join(', ')} expected`);
}

const describe = ({ kind, record }: Found): CacheEntry => ({
  id: record.id,
  url: record.url,
  options: record.options,
  bytes: record.bytes,
  sha256: record.sha256,
  isComplete: kind === 'entry',
  lastUsed: new Date(record.used),
});

/** JSON with the numbers that it lacks. */
const textOf = (report: QuantizationReport) =>
  JSON.stringify(report, (_, value) =>
    typeof value === 'number' && !Number.isFinite(value) ? { number: String(value) } : value,
  );
const reportOf = (text: string): QuantizationReport =>
  JSON.parse(text, (_, value) =>
    typeof value?.number === 'string' ? Number(value.number) : value,
  );

/**
 * Models on this device. All caches with one store have the same models; requests for one model share one download, in all pages of
 * an origin.
 */
export class ModelCache {
  readonly #shelf: Shelf;
  readonly #jobs = new Map<string, SharedJob<unknown>>();
  /** How many quantizations read the download of this id. */
  readonly #readers = new Map<string, number>();

  /** Throws `invalid-option`. */
  constructor(options: ModelCacheOptions = {}) {
    rejectUnknownKeys(options, ['store', 'maxBytes'], 'ModelCache');
    const { store = defaultStore(), maxBytes = 2 ** 32 } = options;
    const methods = ['get', 'set', 'delete', 'keys'] as const;
    if (methods.some((method) => typeof store?.[method] !== 'function'))
      throw invalid(`store: an object with ${methods.join(', ')} expected`);
    if (typeof maxBytes !== 'number' || !(maxBytes >= 0))
      throw invalid('maxBytes: a number of bytes expected');
    this.#shelf = new Shelf(store, maxBytes);
  }

  /**
   * The model at an address: from the device, or else downloaded, told in `onProgress` as phase 'download', and kept there. A
   * download that was interrupted or aborted goes on where it stopped. Throws `invalid-input` (no answer, or not what `integrity`
   * says), `invalid-model` (too large), `invalid-option`, `aborted`.
   */
  async fetch(url: string | URL, options: FetchOptions = {}): Promise<CachedModel> {
    const known = ['cache', 'integrity', 'kind', 'signal', 'onProgress'];
    rejectUnknownKeys(options, known, 'ModelCache.fetch');
    checkPolicy(options);
    const { kind = 'model' } = options;
    if (kind !== 'model' && kind !== 'data') throw invalid(`kind: '${kind}'; model, data expected`);
    const wish = await wishFor(url, { ...options, isGuest: false });
    return (await this.#obtain(wish, true, options)) as CachedModel;
  }

  /**
   * A quantized model: from the device, where the same model has been quantized with the same options by the same version of this
   * package, or else made now and kept. A source with an address is downloaded only if it has to be quantized, and not kept then
   * unless `fetch` was asked for it. Throws what `fetch` and `quantize` throw, and `invalid-option` for options that are no plain
   * data and have no `key`.
   */
  quantize<Mode extends QuantizeMode>(
    source: Source,
    options: { mode: Mode } & QuantizeOptionsOf<Mode> & KeepOptions,
  ): Promise<CachedQuantization>;
  async quantize(source: Source, options: CachedQuantizeOptions): Promise<CachedQuantization> {
    if (typeof options !== 'object' || options === null)
      throw invalid("quantize: options with a mode expected, e.g. {mode: 'dynamic'}");
    const { cache, integrity, key, signal, onProgress, externalData, ...settings } = options;
    checkPolicy(options);
    if (key !== undefined && typeof key !== 'string') throw invalid('key: a string expected');
    const how = canonicalOptions(settings, key);
    const watch: Watch = { signal, onProgress };
    throwIfAborted(signal);
    const model = await this.#identify(source, { cache, integrity, ...watch }, 'the model');
    const files = await this.#identifyFiles(externalData, { cache, kind: 'data', ...watch });
    const hashes = [model.sha256, ...files.map(({ path, sha256 }) => [path, sha256])];
    const id = await sha256OfText(JSON.stringify([hashes, how, key, env.versions.octet]));
    return this.#share(id, `quantize ${cache === 'reload'}`, watch, async (shared) => {
      const found = cache === 'reload' ? undefined : await this.#findQuantized(id);
      if (found) return found;
      if (cache === 'only-if-cached') throw absent('quantize');
      return this.#reading([model, ...files], async () => {
        const quantized = await quantizeFiles(model, files, { ...settings, ...shared });
        return this.#keep({ id, url: model.url, options: how }, quantized);
      });
    });
  }

  /** What is on the device, used last first. Throws `internal` where the store fails, as do the next ones. */
  async list(): Promise<CacheEntry[]> {
    const found = await this.#shelf.all();
    return found.filter(({ record }) => record.pieces > 0).map(describe);
  }

  /** How many bytes there are on the device. */
  async size(): Promise<number> {
    return (await this.list()).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Deletes an entry of `list`, or all that came from an address, quantized or not, after the work on it that is under way; returns
   * whether there was any. Blobs that were answered may not be readable afterwards.
   */
  async delete(target: string | URL | CacheEntry): Promise<boolean> {
    if (typeof target === 'string' || target instanceof URL) {
      const url = addressOf(target);
      return this.#remove(({ record }) => record.url === url);
    }
    if (typeof target?.id !== 'string')
      throw new OctetError('invalid-input', 'delete: a URL, or an entry of list, expected');
    return this.#remove(({ record }) => record.id === target.id);
  }

  /** Deletes everything, after the work that is under way. */
  async clear(): Promise<void> {
    await this.#remove(() => true);
  }

  async #remove(isMeant: (found: Found) => boolean): Promise<boolean> {
    const find = async () => (await this.#shelf.all()).filter(isMeant);
    for (const { record } of await find()) await this.#jobs.get(record.id)?.settled;
    const found = await find();
    await this.#shelf.remove(found);
    return found.length > 0;
  }

  /** Shares the work with whoever wants the same; waits for whoever wants something else of the same id. */
  async #share<T>(
    id: string,
    what: string,
    watch: Watch,
    start: (watch: Watch) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      const running = this.#jobs.get(id);
      if (!running) break;
      if (running.what === what && !running.isAborted) return running.join(watch) as Promise<T>;
      await orAborted(running.settled, watch.signal);
    }
    const job = new SharedJob(what, (shared) => this.#work(id, () => start(shared)));
    this.#jobs.set(id, job);
    return job.join(watch);
  }

  async #work<T>(id: string, body: () => Promise<T>): Promise<T> {
    this.#shelf.busy.add(id);
    try {
      return await exclusively(id, body);
    } finally {
      this.#shelf.busy.delete(id);
      this.#jobs.delete(id);
    }
  }

  /** Without data where the caller needs only the hash, and the data is gone. */
  #obtain(wish: Wish, needsData: boolean, { signal, onProgress }: Watch): Promise<Obtained> {
    const { id, policy, sha256, kind, isGuest } = wish;
    const what = [policy, sha256, kind, isGuest, needsData].join();
    return this.#share(id, what, { signal, onProgress }, (watch) =>
      this.#obtainAlone(wish, needsData, watch),
    );
  }

  async #obtainAlone(wish: Wish, needsData: boolean, watch: Watch): Promise<Obtained> {
    const { id, url, policy, sha256 } = wish;
    const entry = policy === 'reload' ? undefined : await this.#shelf.find('entry', id);
    const isWanted = entry && (sha256 === undefined || entry.sha256 === sha256);
    const model = isWanted ? await this.#shelf.data(entry) : undefined;
    let changed: Response | undefined;
    if (isWanted && (model || !needsData)) {
      const asks = policy === 'no-cache' && sha256 === undefined;
      changed = asks ? await askForChange(url, entry, watch.signal) : undefined;
      const isThere = !changed && (await this.#shelf.touch(entry, wish.isGuest));
      if (!changed && (isThere || !needsData))
        return { model, bytes: entry.bytes, sha256: entry.sha256!, isCached: true };
    }
    if (policy === 'only-if-cached') throw absent(url);
    const arrival = await new Download(this.#shelf, wish, watch).run(changed);
    return { ...arrival, isCached: false };
  }

  async #identify(source: Source, options: FetchOptions, what: string): Promise<Identified> {
    const isPlace = typeof source === 'string' || source instanceof URL;
    if (!isPlace || isFile(source)) return identifyFile(source, options, what);
    const wish = await wishFor(source, { ...options, isGuest: true });
    const { id, url, policy } = wish;
    const { model, sha256, unkept } = await this.#obtain(wish, false, options);
    const again: Wish = { ...wish, policy: policy === 'only-if-cached' ? policy : 'force-cache' };
    return {
      id,
      url,
      sha256,
      open: async (watch) =>
        unkept === undefined ? (await this.#obtain(again, true, watch)).model! : model!,
    };
  }

  async #identifyFiles(
    given: QuantizeOptions['externalData'] = [],
    options: FetchOptions,
  ): Promise<IdentifiedFile[]> {
    const files: IdentifiedFile[] = [];
    for (const file of given) {
      const { path, data } = typeof file === 'string' ? { path: file, data: file } : file;
      files.push({ path, ...(await this.#identify(data, options, `external data '${path}'`)) });
    }
    return files;
  }

  async #findQuantized(id: string): Promise<CachedQuantization | undefined> {
    const entry = await this.#shelf.find('entry', id);
    const model = entry && (await this.#shelf.data(entry));
    const report = model && (await this.#shelf.report(entry));
    if (!report) return undefined;
    await this.#shelf.touch(entry, false);
    const { bytes, sha256 } = entry;
    return { model, bytes, sha256: sha256!, isCached: true, report: reportOf(report) };
  }

  /** What was downloaded for this alone goes when what was made of it is kept. */
  async #reading(
    sources: readonly Identified[],
    body: () => Promise<CachedQuantization>,
  ): Promise<CachedQuantization> {
    const ids = sources.flatMap(({ id }) => id ?? []);
    const count = (id: string) => this.#readers.get(id) ?? 0;
    for (const id of ids) this.#readers.set(id, count(id) + 1);
    let isKept = false;
    try {
      const quantized = await body();
      isKept = quantized.unkept === undefined;
      return quantized;
    } finally {
      for (const id of ids) this.#readers.set(id, count(id) - 1);
      for (const id of ids)
        if (isKept && count(id) === 0) await this.#shelf.dismissGuest(id).catch(() => {});
    }
  }

  async #keep(
    description: Description,
    { model, report }: Awaited<ReturnType<typeof quantize>>,
  ): Promise<CachedQuantization> {
    const bytes = model.length;
    const writer = await PieceWriter.begin(this.#shelf, { ...description, total: bytes });
    const hash = await startSha256();
    for await (const chunk of chunksOf(model)) {
      hash.update(chunk);
      await writer.write(chunk);
    }
    const sha256 = hexOf(hash);
    const kept = await writer.finish(sha256, textOf(report));
    return { model: kept, bytes, sha256, isCached: false, unkept: writer.unkept, report };
  }
}

/** As `CachedModel`; the data may be gone where only its hash was asked for. */
type Obtained = Omit<CachedModel, 'model'> & { model?: Blob };

async function wishFor(
  place: string | URL,
  {
    cache: policy = defaultPolicy,
    integrity,
    kind = 'model',
    isGuest,
  }: FetchOptions & { isGuest: boolean },
): Promise<Wish> {
  const url = addressOf(place);
  const sha256 = integrity === undefined ? undefined : parseIntegrity(integrity);
  return { id: await sha256OfText(url), url, kind, sha256, isGuest, policy };
}

async function quantizeFiles(
  model: Identified,
  files: readonly IdentifiedFile[],
  options: QuantizeOptions,
): Promise<Awaited<ReturnType<typeof quantize>>> {
  const externalData: { path: string; data: Source }[] = [];
  for (const { path, open } of files) externalData.push({ path, data: await open(options) });
  const source = await model.open(options);
  return quantize(source, { ...options, ...(files.length && { externalData }) });
}

async function identifyFile(
  source: Source,
  { integrity, ...reading }: FetchOptions,
  what: string,
): Promise<Identified> {
  const expected = integrity === undefined ? undefined : parseIntegrity(integrity);
  const file = source instanceof Blob ? source : await readSource(source, what, reading);
  const hash = await startSha256();
  await hashFile(hash, file, pacer(reading.signal));
  const sha256 = hexOf(hash);
  checkIntegrity(what, sha256, expected);
  return { sha256, open: async () => file };
}
