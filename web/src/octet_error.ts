/**
 * What went wrong, for programs to act on: the file is no model, or a wrong one; an operator that Octet does not have; feeds, samples
 * or files that don't fit; memory that could not be had; an abort; an option; a mistake in Octet itself.
 */
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
  /** What went wrong, for programs to act on. */
  readonly code: OctetErrorCode;

  constructor(code: OctetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OctetError';
    this.code = code;
  }
}
