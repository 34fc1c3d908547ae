/** What went wrong, for programs to act on. */
export type OctetErrorCode =
  | 'invalid-model'
  | 'unsupported-operator'
  | 'invalid-input'
  | 'out-of-memory'
  | 'aborted'
  | 'invalid-option'
  | 'internal';

/**
 * Every failure of Octet. The message names the node, tensor or option at fault and what was expected. The engine
 * stays usable.
 */
export class OctetError extends Error {
  readonly code: OctetErrorCode;

  constructor(code: OctetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OctetError';
    this.code = code;
  }
}

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
