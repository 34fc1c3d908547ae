/** Actions one after the other: a new one ends those before it, whose place it takes. */
export interface Turns {
  start(action: (signal: AbortSignal) => Promise<void>): void;
  stop(): void;
}

export function turns(): Turns {
  let current = new AbortController();
  let last = Promise.resolve();
  return {
    stop: () => current.abort(),
    start(action) {
      current.abort();
      current = new AbortController();
      const { signal } = current;
      last = last.then(() => (signal.aborted ? undefined : action(signal)));
    },
  };
}
