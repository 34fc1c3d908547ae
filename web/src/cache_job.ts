import { orAborted } from './pause.js';
import type { Progress, Watch } from './progress.js';

type Listener = (progress: Progress) => void;

/** Work that several callers wait for. It is aborted when none is left. */
export class SharedJob<T> {
  /** When there is no more to be done, be it well or not. */
  readonly settled: Promise<void>;
  readonly #result: Promise<T>;
  readonly #aborter = new AbortController();
  readonly #listeners = new Set<Listener>();
  #callers = 0;

  /** `what` tells apart jobs that answer the same to different wishes. */
  constructor(
    readonly what: string,
    start: (watch: Watch) => Promise<T>,
  ) {
    const onProgress = (progress: Progress) => this.#listeners.forEach((tell) => tell(progress));
    this.#result = start({ signal: this.#aborter.signal, onProgress });
    this.settled = this.#result.then(
      () => {},
      () => {},
    );
  }

  get isAborted(): boolean {
    return this.#aborter.signal.aborted;
  }

  /** An error of `onProgress` is the caller's own. */
  async join({ signal, onProgress }: Watch): Promise<T> {
    let fail = (_: unknown) => {};
    const failed = new Promise<never>((_, reject) => (fail = reject));
    const tell = (progress: Progress) => {
      try {
        onProgress?.(progress);
      } catch (error) {
        fail(error);
      }
    };
    this.#callers += 1;
    this.#listeners.add(tell);
    try {
      return await orAborted(Promise.race([this.#result, failed]), signal);
    } finally {
      this.#listeners.delete(tell);
      this.#callers -= 1;
      if (this.#callers === 0) this.#aborter.abort();
    }
  }
}
