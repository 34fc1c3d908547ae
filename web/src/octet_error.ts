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
