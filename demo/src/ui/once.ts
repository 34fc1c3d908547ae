/** Something loaded at most once. */
export interface Once<T> {
  get(): Promise<T>;
  forget(): void;
}

/** Loads at the first `get`; a failure is forgotten, so that the next one tries again. */
export function once<T>(load: () => Promise<T>): Once<T> {
  let loading: Promise<T> | undefined;
  const forget = () => {
    loading = undefined;
  };
  return {
    forget,
    get() {
      loading ??= load().catch((error: unknown) => {
        forget();
        throw error;
      });
      return loading;
    },
  };
}
