import { OctetError } from './errors.js';

/** Which nodes: by name, by a pattern that the name matches, or by a function. */
export type NodeFilter =
  | readonly string[]
  | RegExp
  | ((node: { name: string; opType: string }) => boolean);

/** Throws `invalid-option` for what is no filter. */
export function matches(filter: NodeFilter, node: { name: string; opType: string }): boolean {
  if (typeof filter === 'function') return filter(node);
  if (filter instanceof RegExp)
    return new RegExp(filter.source, filter.flags.replace('g', '')).test(node.name);
  if (Array.isArray(filter)) return filter.includes(node.name);
  throw new OctetError('invalid-option', 'include/exclude: names, a RegExp or a function expected');
}
