/**
 * A reporter of node:test that tells of failures alone: where each test is, its name and why it failed. `./octet test` shows its text
 * again behind all suites, as a run of several prints more than is kept of it.
 */
import path from 'node:path';

const longest = 2000;

const indented = (text) => text.replace(/^/gm, '    ');

/** @param {AsyncIterable<{ type: string, data: object }>} events */
export default async function* failures(events) {
  for await (const { type, data } of events) {
    if (type !== 'test:fail' || data.details.error.failureType === 'subtestsFailed') continue;
    const { error } = data.details;
    const reason = String(error.cause?.stack ?? error.cause ?? error.message).slice(0, longest);
    yield `${path.relative('.', data.file ?? '')}:${data.line ?? ''} ${data.name}\n${indented(reason)}\n`;
  }
}
