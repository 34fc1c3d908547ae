import { OctetError } from './octet_error.js';

export { OctetError, type OctetErrorCode } from './octet_error.js';

/** What a session answers when it has been released. */
export const releasedError = () => new OctetError('invalid-input', 'the session has been released');

/** What an abort of `signal` is reported as. */
export const abortError = (signal: AbortSignal) =>
  new OctetError('aborted', 'the operation was aborted', { cause: signal.reason });

/** Throws an `OctetError` if `signal` has been aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/** Throws `invalid-option` unless it is an AbortSignal or nothing. */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new OctetError('invalid-option', 'signal: an AbortSignal expected');
}

/** Throws `invalid-option` for keys of `options` that are not in `known`. */
export function rejectUnknownKeys(options: object, known: readonly string[], where: string): void {
  for (const key of Object.keys(options))
    if (!known.includes(key))
      throw new OctetError(
        'invalid-option',
        `${where}: unknown option '${key}'; known are ${known.join(', ')}`,
      );
}
