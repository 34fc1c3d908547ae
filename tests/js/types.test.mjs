/** What the compiler refuses of calls to the package, and what it takes; and that `quantize` does the same when it runs. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { casesOf, network } from '../models/networks.mjs';
import { complaintsOf, programOf, textsFrom, transpiled } from './compiler.mjs';
import { entry, octet, projectDirectory } from './package_under_test.mjs';

const texts = textsFrom('types/', projectDirectory);
const textOf = (name) => texts.get(path.join(projectDirectory, name));
const load = (name) => {
  const code = transpiled(textOf(name)).replace("'octet-web'", JSON.stringify(entry));
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
};

describe('the compiler', () => {
  for (const [file, text] of texts)
    test(`has no complaints of ${path.basename(file)} but those expected there`, () => {
      assert.deepEqual(complaintsOf(programOf([], { texts: new Map([[file, text]]) })), []);
    });
});

describe('quantize', () => {
  const mnist = network('mnist');
  const calibration = casesOf(mnist).map(({ steps: [{ feeds }] }) =>
    Object.fromEntries(
      Object.entries(feeds).map(([name, { type, dims, data }]) => [
        name,
        new octet.Tensor(type, data, dims),
      ]),
    ),
  );
  const source = async () => new Uint8Array(fs.readFileSync(await mnist.locate()));

  test('refuses what the compiler refuses', async () => {
    const { wrongOptions } = await load('wrong_options.ts');
    const count = textOf('wrong_options.ts').match(/@ts-expect-error/g).length;
    const outcomes = await Promise.allSettled(wrongOptions(await source(), calibration));
    assert.equal(outcomes.length, count);
    for (const [i, { reason }] of outcomes.entries()) {
      assert.ok(reason instanceof octet.OctetError, `the call of number ${i}: ${reason}`);
      assert.match(reason.code, /^invalid-(option|input)$/);
    }
  });

  test('takes what the compiler takes', async () => {
    const { everyMode } = await load('right.ts');
    for (const call of everyMode(await source(), calibration)) {
      const { model } = await call();
      assert.ok(model.length > 0);
    }
  });
});
