import { OctetError } from './errors.js';

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' &&
  value !== null &&
  [Object.prototype, null].includes(Object.getPrototypeOf(value));

/**
 * Options in JSON, the same for the same: sorted, without what is undefined. What isn't plain data is left out where a `key` stands
 * for it, and else refused as `invalid-option`.
 */
export function canonicalOptions(options: object, key: string | undefined): string {
  const canonical = (value: unknown, path: string): unknown => {
    if (value === null || ['boolean', 'string', 'number'].includes(typeof value)) return value;
    if (value instanceof RegExp) return { regexp: String(value) };
    if (Array.isArray(value)) return value.map((item, i) => canonical(item, `${path}[${i}]`));
    if (isPlainObject(value)) return sorted(value, `${path}.`);
    if (key !== undefined) return undefined;
    throw new OctetError(
      'invalid-option',
      `quantize: '${path}' is no plain data, so the cache can't tell whether it is the same as before; give a 'key' that names it`,
    );
  };
  const sorted = (object: object, path: string) =>
    Object.fromEntries(
      Object.entries(object)
        .filter(([, value]) => value !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => [name, canonical(value, path + name)]),
    );
  return JSON.stringify(sorted(options, ''));
}
