const tails = new Map<string, Promise<unknown>>();

/** After all earlier bodies of the same name have settled: in this process, and where there are such locks in all pages of the origin. */
export function exclusively<T>(name: string, body: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  if (locks) return locks.request(`octet-web ${name}`, body) as Promise<T>;
  const turn = (tails.get(name) ?? Promise.resolve()).then(body);
  const tail = turn
    .catch(() => {})
    .then(() => {
      if (tails.get(name) === tail) tails.delete(name);
    });
  tails.set(name, tail);
  return turn;
}
