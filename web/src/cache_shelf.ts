/**
 * What a model cache has in its store: records, which say what there is, and data in pieces. Data is there first and its record
 * last, so that nothing incomplete is ever found; data that no record names is swept away. What adds records and what takes them
 * away wait for each other.
 */
import type { ModelStore } from './cache_store.js';
import { OctetError } from './errors.js';
import { exclusively } from './exclusively.js';

/** Of a model, or of the part of it that has arrived. */
export interface CacheRecord {
  /** A hash of what it answers. */
  id: string;
  /** Where the model is from, if it has an address. */
  url?: string;
  /** Of quantized ones: how, in JSON. */
  options?: string;
  /** Of whole ones. */
  sha256?: string;
  /** What the server named the content by. */
  etag?: string;
  lastModified?: string;
  /** How many bytes there will be, where that is certain. */
  total?: number;
  bytes: number;
  /** Names the data; of none there are no pieces, and the record tells the hash alone. */
  token: string;
  pieces: number;
  /** It was downloaded to be quantized, and may go when that is done. */
  isGuest?: boolean;
  /** When it was used last, as Date.now() counts. */
  used: number;
}

/** 'entry': whole. */
export type RecordKind = 'entry' | 'part';

export interface Found {
  kind: RecordKind;
  record: CacheRecord;
}

const bytesOf = (found: readonly Found[]) =>
  found.reduce((bytes, { record }) => bytes + record.bytes, 0);

const recordKey = (kind: RecordKind, id: string) => `${kind}-${id}`;
const dataKey = (token: string, name: number | 'report') => `data-${token}-${name}`;

export class Shelf {
  /** Ids of records that somebody is working on, which are not evicted. */
  readonly busy = new Set<string>();

  constructor(
    private readonly store: ModelStore,
    readonly maxBytes: number,
  ) {}

  /** Nothing where the store fails. */
  async find(kind: RecordKind, id: string): Promise<CacheRecord | undefined> {
    return this.#read(recordKey(kind, id)).catch(() => undefined);
  }

  async write(kind: RecordKind, record: CacheRecord): Promise<void> {
    const file = new Blob([JSON.stringify(record)], { type: 'application/json' });
    await this.store.set(recordKey(kind, record.id), file);
  }

  async writeData(token: string, name: number | 'report', file: Blob): Promise<void> {
    await this.store.set(dataKey(token, name), file);
  }

  /** All data of a record, in its pieces; nothing where one is missing, or the store fails. */
  async data({ token, pieces, bytes }: CacheRecord): Promise<Blob | undefined> {
    if (pieces === 0) return undefined;
    try {
      const found: Blob[] = [];
      for (let i = 0; i < pieces; ++i) {
        const piece = await this.store.get(dataKey(token, i));
        if (piece) found.push(piece);
      }
      const whole = new Blob(found);
      return whole.size === bytes ? whole : undefined;
    } catch {
      return undefined;
    }
  }

  async report({ token }: CacheRecord): Promise<string | undefined> {
    const file = await Promise.resolve(this.store.get(dataKey(token, 'report'))).catch(() => {});
    return file?.text();
  }

  /**
   * It is the most recently used from now on, if the store takes that down, and no guest unless it is used as one. False where its
   * data is no longer that.
   */
  touch({ id, token }: CacheRecord, isGuest: boolean): Promise<boolean> {
    return this.#alone(async () => {
      const entry = await this.find('entry', id);
      if (entry?.token !== token) return false;
      const used = { used: Date.now(), isGuest: entry.isGuest && isGuest };
      await this.write('entry', { ...entry, ...used }).catch(() => {});
      return true;
    });
  }

  /** All records, those used last first. Throws `internal` where the store fails. */
  async all(): Promise<Found[]> {
    const found: Found[] = [];
    for (const key of await this.#keys()) {
      const kind = /^(entry|part)-[0-9a-f]+$/.exec(key)?.[1] as RecordKind | undefined;
      const record = kind && (await this.#read(key));
      if (record) found.push({ kind, record });
    }
    return found.sort((a, b) => b.record.used - a.record.used);
  }

  /** A part, from now on the only one of its id. */
  begin(part: CacheRecord): Promise<void> {
    return this.#alone(async () => {
      await this.write('part', part);
      await this.#sweep();
    });
  }

  /** A part becomes whole, in the place of what was; others give way to it. */
  complete(entry: CacheRecord): Promise<void> {
    return this.#alone(async () => {
      await this.write('entry', entry);
      await this.#remove([{ kind: 'part', record: entry }]);
      const sum = bytesOf(await this.all());
      if (sum > this.maxBytes) await this.#evict(await this.#evictable(), sum - this.maxBytes);
    });
  }

  /** Of a guest only the hash stays. */
  dismissGuest(id: string): Promise<void> {
    return this.#alone(async () => {
      const entry = await this.find('entry', id);
      if (!entry?.isGuest) return;
      await this.write('entry', { ...entry, token: '', pieces: 0, bytes: 0 });
      await this.#sweep();
    });
  }

  /** Takes away records, and then all data that has none. Throws `internal` where the store fails. */
  remove(records: readonly Found[]): Promise<void> {
    return this.#alone(() => this.#remove(records));
  }

  /** Evicts so many bytes, if there are as many; returns whether there are. */
  makeRoom(bytes: number): Promise<boolean> {
    return this.#alone(async () => {
      const evictable = await this.#evictable();
      if (bytesOf(evictable) < bytes) return false;
      await this.#evict(evictable, bytes);
      return true;
    });
  }

  #alone<T>(body: () => Promise<T>): Promise<T> {
    return exclusively('shelf', body);
  }

  async #evictable(): Promise<Found[]> {
    return (await this.all()).filter(({ record }) => !this.busy.has(record.id));
  }

  /** Those at the end first, until there is enough. */
  async #evict(evictable: readonly Found[], bytes: number): Promise<void> {
    let kept = evictable.length;
    for (let freed = 0; kept > 0 && freed < bytes; --kept)
      freed += evictable[kept - 1].record.bytes;
    await this.#remove(evictable.slice(kept));
  }

  async #remove(records: readonly Found[]): Promise<void> {
    for (const { kind, record } of records) await this.#delete(recordKey(kind, record.id));
    await this.#sweep();
  }

  async #sweep(): Promise<void> {
    const keys = await this.#keys();
    const tokens = new Set((await this.all()).map(({ record }) => record.token));
    for (const key of keys) {
      const token = /^data-([0-9a-f]+)-/.exec(key)?.[1];
      if (token !== undefined && !tokens.has(token)) await this.#delete(key);
    }
  }

  async #read(key: string): Promise<CacheRecord | undefined> {
    const file = await this.#guarded(() => this.store.get(key));
    try {
      return file && (JSON.parse(await file.text()) as CacheRecord);
    } catch {
      return undefined;
    }
  }

  #keys(): Promise<string[]> {
    return this.#guarded(async () => [...(await this.store.keys())]);
  }

  async #delete(key: string): Promise<void> {
    await this.#guarded(() => this.store.delete(key));
  }

  async #guarded<T>(body: () => T | Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      const message = `the store of the model cache failed: ${(error as Error).message}`;
      throw new OctetError('internal', message, { cause: error });
    }
  }
}
