import type { CacheRecord, Shelf } from './cache_shelf.js';
import { type Description, PieceWriter } from './cache_writer.js';
import { OctetError } from './errors.js';
import { orAborted, pacer } from './pause.js';
import type { Watch } from './progress.js';
import { type Sha256, checkIntegrity, hashFile, hexOf, startSha256 } from './sha256.js';
import { type Chunks, type Reading, checkSize, chunksOfStream, lengthOf } from './source.js';

/** What is to be downloaded. */
export interface Wanted {
  id: string;
  url: string;
  kind: NonNullable<Reading['kind']>;
  /** What it has to be, in hexadecimal digits. */
  sha256?: string;
  isGuest: boolean;
}

/** What has arrived. */
export interface Arrival {
  model: Blob;
  bytes: number;
  sha256: string;
  unkept?: string;
}

type Named = Pick<CacheRecord, 'etag' | 'lastModified'>;

/** What a server names the content of an answer by. */
const namesOf = ({ headers }: Response): Named => ({
  etag: headers.get('etag') ?? undefined,
  lastModified: headers.get('last-modified') ?? undefined,
});

const isSame = (a: Named, b: Named) => {
  const strip = (etag: string) => etag.replace(/^W\//, '');
  if (a.etag && b.etag) return strip(a.etag) === strip(b.etag);
  return a.lastModified !== undefined && a.lastModified === b.lastModified;
};

/** For a part to be continued: a name that stands for the same bytes. */
const strictName = ({ etag, lastModified }: Named) =>
  etag && !etag.startsWith('W/') ? etag : lastModified;

/** Other origins may be asked only by headers that they allow. */
const isOwnOrigin = (url: string) =>
  typeof location === 'undefined' || new URL(url).origin === location.origin;

const failure = (url: string, what: string, cause?: unknown) =>
  new OctetError('invalid-input', `${url}: ${what}`, { cause });

function ask(url: string, headers: Record<string, string>, signal?: AbortSignal) {
  return orAborted(fetch(url, { headers, cache: 'no-store', signal }), signal);
}

const dismiss = (response: Response) => void response.body?.cancel().catch(() => {});

/**
 * Asks whether content has changed. The answer is the new content; nothing where it is the same, or the server can't tell. Other
 * origins are asked for the content, which is not read when it is the same.
 */
export async function askForChange(
  url: string,
  { etag, lastModified }: Named,
  signal: AbortSignal | undefined,
): Promise<Response | undefined> {
  const headers: Record<string, string> = {};
  if (isOwnOrigin(url)) {
    if (etag) headers['if-none-match'] = etag;
    if (lastModified) headers['if-modified-since'] = lastModified;
  }
  let response: Response;
  try {
    response = await ask(url, headers, signal);
  } catch (error) {
    if (error instanceof OctetError) throw error;
    return undefined;
  }
  const isFresh = response.status === 304 || response.status >= 500;
  if (!isFresh && !(response.ok && isSame({ etag, lastModified }, namesOf(response))))
    return response;
  dismiss(response);
  return undefined;
}

/** A connection that ended early. */
class CutError extends Error {}

/** A download into a shelf, which goes on where an earlier one of the same content has stopped. */
export class Download {
  #writer: PieceWriter | undefined;
  #hash!: Sha256;
  /** Whether the bytes have to be as many as was announced. */
  #isExact = false;

  constructor(
    private readonly shelf: Shelf,
    private readonly wanted: Wanted,
    private readonly watch: Watch,
  ) {}

  /**
   * `response`: its content, if that has been asked for already. What has arrived is kept when this fails, but for content that is
   * not what was wanted.
   */
  async run(response?: Response): Promise<Arrival> {
    await this.#resume();
    let next = response && (await this.#takeOver(response));
    for (let most = -1; ; next = undefined) {
      try {
        await this.#receive(next ?? (await this.#request()));
        return await this.#finish();
      } catch (error) {
        await this.#writer?.flush();
        const received = this.#writer?.bytes ?? 0;
        if (!(error instanceof CutError) || received <= most || !this.#isResumable())
          throw await this.#end(error);
        most = received;
      }
    }
  }

  /** Takes up what has arrived before. */
  async #resume(): Promise<void> {
    const part = await this.shelf.find('part', this.wanted.id);
    const data = part && strictName(part) && part.total && (await this.shelf.data(part));
    if (!data) return;
    this.#hash = await startSha256();
    await hashFile(this.#hash, data, pacer(this.watch.signal));
    this.#writer = PieceWriter.resume(this.shelf, part);
  }

  /** An answer with all of the content is of no use where a part of the same is there. */
  async #takeOver(response: Response): Promise<Response | undefined> {
    if (!response.ok || !this.#writer || !isSame(this.#writer.record, namesOf(response)))
      return response;
    dismiss(response);
    return undefined;
  }

  #isResumable(): boolean {
    const { total, bytes, ...names } = this.#writer!.record;
    return total !== undefined && bytes > 0 && strictName(names) !== undefined;
  }

  async #request(): Promise<Response> {
    const { url } = this.wanted;
    const { signal } = this.watch;
    const rest = this.#writer && this.#isResumable() && (await this.#requestRest());
    if (rest) return rest;
    try {
      return await ask(url, {}, signal);
    } catch (error) {
      throw error instanceof OctetError ? error : failure(url, (error as Error).message, error);
    }
  }

  /** An answer that goes on after what is there, or one from the start; nothing where the server does neither. */
  async #requestRest(): Promise<Response | undefined> {
    const { url } = this.wanted;
    const { record } = this.#writer!;
    const headers: Record<string, string> = { range: `bytes=${record.bytes}-` };
    if (isOwnOrigin(url)) headers['if-range'] = strictName(record)!;
    let response: Response;
    try {
      response = await ask(url, headers, this.watch.signal);
    } catch (error) {
      if (error instanceof OctetError) throw error;
      return undefined;
    }
    const range = `bytes ${record.bytes}-${record.total! - 1}/${record.total}`;
    const isRest =
      response.headers.get('content-range') === range && isSame(record, namesOf(response));
    if (response.status === 206 ? isRest : response.status !== 416) return response;
    dismiss(response);
    return undefined;
  }

  async #receive(response: Response): Promise<void> {
    const { url, kind } = this.wanted;
    // Of other origins' answers nobody can see whether they were compressed on their way.
    this.#isExact = response.type !== 'cors' || response.status === 206;
    try {
      if (!response.ok) throw failure(url, `${response.status} ${response.statusText}`);
      const size = response.status === 206 ? this.#writer!.record.total : lengthOf(response);
      checkSize(size ?? 0, url, kind);
      if (response.status !== 206) await this.#begin(response, size);
    } catch (error) {
      dismiss(response);
      throw error;
    }
    const chunks = chunksOfStream(response.body ?? new Blob([]).stream());
    try {
      await this.#readAll(chunks);
    } catch (error) {
      Promise.resolve(chunks.return()).catch(() => {});
      throw error;
    }
  }

  async #readAll(chunks: Chunks): Promise<void> {
    const { url, kind } = this.wanted;
    const { signal, onProgress } = this.watch;
    const writer = this.#writer!;
    const { total = 0 } = writer.record;
    const read = async () => {
      try {
        return await chunks.next();
      } catch (error) {
        throw new CutError((error as Error).message, { cause: error });
      }
    };
    for (;;) {
      const { done: isEnd, value: chunk } = await orAborted(read(), signal);
      if (isEnd) break;
      this.#hash.update(chunk);
      await writer.write(chunk);
      await this.#refusing(() => checkSize(writer.bytes, url, kind));
      const done = writer.bytes;
      onProgress?.({ phase: 'download', done, total: Math.max(total, done) });
    }
    if (this.#isExact && writer.bytes < total)
      throw new CutError(`it ended after ${writer.bytes} of ${total} bytes`);
  }

  /** From the start. */
  async #begin(response: Response, size: number | undefined): Promise<void> {
    const { id, url, isGuest } = this.wanted;
    const description: Description = { id, url, isGuest, ...namesOf(response), total: size };
    this.#hash = await startSha256();
    this.#writer = await PieceWriter.begin(this.shelf, description);
  }

  async #finish(): Promise<Arrival> {
    const { url, sha256: expected } = this.wanted;
    const writer = this.#writer!;
    const { bytes } = writer;
    const { total = bytes } = writer.record;
    const sha256 = hexOf(this.#hash);
    await this.#refusing(() => {
      if (bytes === 0) throw new OctetError('invalid-model', `${url}: the file is empty`);
      if (this.#isExact && bytes > total)
        throw failure(url, `it has ${bytes} bytes, and ${total} were announced`);
      checkIntegrity(url, sha256, expected);
    });
    const model = await writer.finish(sha256);
    return { model, bytes, sha256, unkept: writer.unkept };
  }

  /** Keeps nothing of what does not pass the check. */
  async #refusing(check: () => void): Promise<void> {
    try {
      check();
    } catch (error) {
      await this.#writer!.discard();
      throw error;
    }
  }

  /** What to tell of an end before the whole has arrived; keeps what can be continued. */
  async #end(error: unknown): Promise<unknown> {
    if (this.#writer && !this.#isResumable()) await this.#writer.discard();
    return error instanceof CutError ? failure(this.wanted.url, error.message, error.cause) : error;
  }
}
