/** What is wrong with samples or with the files that they come from; the message is for people. */
export class SampleError extends Error {
  readonly code = 'invalid-input';
}
