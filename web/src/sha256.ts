import { sha256 as portable } from '@noble/hashes/sha2.js';
import { OctetError } from './errors.js';
import { isNode, nodeModule } from './node.js';
import { chunksOf } from './source.js';

const toHex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** SHA-256 of what comes in parts. Browsers' own wants a file whole, and copies it: too much for large models. */
export interface Sha256 {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

export async function startSha256(): Promise<Sha256> {
  if (!isNode) return portable.create();
  const { createHash } = await nodeModule<typeof import('node:crypto')>('node:crypto');
  return createHash('sha256');
}

export const hexOf = (hash: Sha256): string => toHex(hash.digest());

export async function sha256OfText(text: string): Promise<string> {
  const hash = await startSha256();
  hash.update(new TextEncoder().encode(text));
  return hexOf(hash);
}

/** Feeds a file to a hash; `pace` is called between its parts. */
export async function hashFile(
  hash: Sha256,
  file: Blob | Uint8Array,
  pace: () => Promise<void>,
): Promise<void> {
  for await (const chunk of chunksOf(file)) {
    hash.update(chunk);
    await pace();
  }
}

/** In hexadecimal digits, of what pages write as `integrity` or of such digits. Throws `invalid-option`. */
export function parseIntegrity(integrity: unknown): string {
  if (typeof integrity === 'string') {
    if (/^[0-9a-f]{64}$/i.test(integrity)) return integrity.toLowerCase();
    const base64 = /^sha256-([A-Za-z0-9+/]{43}=)$/.exec(integrity)?.[1];
    if (base64) return toHex(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
  }
  throw new OctetError(
    'invalid-option',
    `integrity: '${String(integrity)}'; sha256- and base64, or 64 hexadecimal digits, expected`,
  );
}

/** Throws `invalid-input` where the hash of `what` is not the one that is expected, if one is. */
export function checkIntegrity(what: string, sha256: string, expected: string | undefined): void {
  if (expected !== undefined && sha256 !== expected)
    throw new OctetError(
      'invalid-input',
      `${what}: its SHA-256 is ${sha256}, and integrity says ${expected}`,
    );
}
