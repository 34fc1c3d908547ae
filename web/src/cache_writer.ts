import type { CacheRecord, Shelf } from './cache_shelf.js';
import { OctetError } from './errors.js';

const pieceBytes = 16 << 20;

const newToken = () =>
  Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16)).join('');

/** What browsers and file systems say where there is no more room. */
const isFull = (error: unknown) => {
  const { name, code } = error as { name?: string; code?: unknown };
  return name === 'QuotaExceededError' || code === 'ENOSPC' || code === 'EDQUOT';
};

/** What is written before its end is known. */
export type Description = Pick<
  CacheRecord,
  'id' | 'url' | 'options' | 'etag' | 'lastModified' | 'total' | 'isGuest'
>;

/** A file on its way into the store. When the store doesn't take it, it stays in memory, whole. */
export class PieceWriter {
  /** Why it is not kept, if it isn't. */
  unkept: string | undefined;
  #record: CacheRecord;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #inMemory: Blob[] = [];

  private constructor(
    private readonly shelf: Shelf,
    record: CacheRecord,
  ) {
    this.#record = record;
  }

  /** In the place of what there is of another that answers the same. */
  static async begin(shelf: Shelf, description: Description): Promise<PieceWriter> {
    const start = { token: newToken(), pieces: 0, bytes: 0, used: Date.now() };
    const writer = new PieceWriter(shelf, { ...description, ...start });
    const { total = 0 } = description;
    try {
      writer.#checkSize(total);
      await shelf.begin(writer.#record);
    } catch (error) {
      await writer.#giveUp(error);
    }
    return writer;
  }

  /** After what is in the store already. */
  static resume(shelf: Shelf, part: CacheRecord): PieceWriter {
    return new PieceWriter(shelf, part);
  }

  get record(): Readonly<CacheRecord> {
    return this.#record;
  }

  /** That have been written. */
  get bytes(): number {
    return this.#record.bytes + this.#pendingBytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= pieceBytes) await this.flush();
  }

  /** Hands over what has been written so far. */
  async flush(): Promise<void> {
    if (this.#pendingBytes === 0) return;
    const piece = new Blob(this.#pending as Uint8Array<ArrayBuffer>[]);
    this.#pending = [];
    this.#pendingBytes = 0;
    if (this.unkept === undefined) await this.#store(piece);
    else this.#inMemory.push(piece);
    this.#record.bytes += piece.size;
  }

  /** The whole file, from now on found in the store if it is kept. `report` goes with it. */
  async finish(sha256: string, report?: string): Promise<Blob> {
    await this.flush();
    if (this.unkept === undefined) {
      try {
        await this.#keep(sha256, report);
      } catch (error) {
        await this.#giveUp(error);
      }
    }
    const whole = this.unkept === undefined ? await this.shelf.data(this.#record) : undefined;
    if (whole) return whole;
    if (this.unkept !== undefined) return new Blob(this.#inMemory);
    throw new OctetError('internal', 'the store of the model cache has lost what was just written');
  }

  /** Leaves nothing, in the store or elsewhere. */
  async discard(): Promise<void> {
    await this.#leaveStore();
    this.#record = { ...this.#record, pieces: 0, bytes: 0 };
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#inMemory = [];
  }

  async #leaveStore(): Promise<void> {
    await this.shelf.remove([{ kind: 'part', record: this.#record }]).catch(() => {});
  }

  async #keep(sha256: string, report: string | undefined): Promise<void> {
    const { token } = this.#record;
    if (report !== undefined) await this.shelf.writeData(token, 'report', new Blob([report]));
    this.#record = { ...this.#record, sha256, used: Date.now() };
    await this.shelf.complete(this.#record);
  }

  async #store(piece: Blob): Promise<void> {
    try {
      this.#checkSize(this.#record.bytes + piece.size);
      await this.#storeWithRoom(piece);
      const { pieces, bytes } = this.#record;
      const grown = { pieces: pieces + 1, bytes: bytes + piece.size, used: Date.now() };
      await this.shelf.write('part', { ...this.#record, ...grown });
      this.#record.pieces += 1;
    } catch (error) {
      await this.#giveUp(error);
      this.#inMemory.push(piece);
    }
  }

  /** Where the store is full, others give way, if that is enough for the whole file. */
  async #storeWithRoom(piece: Blob): Promise<void> {
    const { token, pieces, bytes, total = 0 } = this.#record;
    const write = () => this.shelf.writeData(token, pieces, piece);
    try {
      await write();
    } catch (error) {
      const missing = Math.max(total - bytes, piece.size);
      if (!isFull(error) || !(await this.shelf.makeRoom(missing))) throw error;
      await write();
    }
  }

  #checkSize(bytes: number): void {
    const { maxBytes } = this.shelf;
    if (bytes > maxBytes)
      throw new Error(`it has ${bytes} bytes or more, and maxBytes of the cache is ${maxBytes}`);
  }

  /** Takes over from the store what is there. */
  async #giveUp(reason: unknown): Promise<void> {
    const { pieces } = this.#record;
    this.unkept = (reason as Error).message || String(reason);
    const stored = pieces > 0 ? await this.shelf.data(this.#record) : new Blob([]);
    if (!stored)
      throw new OctetError('internal', 'the store of the model cache has lost what was written');
    this.#inMemory = [new Blob([await stored.arrayBuffer()])];
    await this.#leaveStore();
  }
}
