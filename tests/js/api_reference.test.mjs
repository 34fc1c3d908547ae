/** The API reference has no gaps: typedoc, by the settings of web/typedoc.config.mjs, takes what is missing for an error. */
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const web = fileURLToPath(new URL('../../web', import.meta.url));

test('every exported name has documentation, and links lead somewhere', async () => {
  await promisify(execFile)('npm', ['run', '--silent', 'docs', '--', '--emit', 'none'], {
    cwd: web,
  });
});
