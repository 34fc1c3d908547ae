/** The packed package infers and quantizes in the newest Node, in Bun and in Deno as in the Node that runs these tests. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { answerInNode, assertClose, assertSame } from '../browser/task.mjs';
import { casesOf, network } from '../models/networks.mjs';
import { engines, install } from './engines.mjs';

const child = fileURLToPath(new URL('engine_child.mjs', import.meta.url));
const address = (bytes) =>
  `data:application/octet-stream;base64,${Buffer.from(bytes).toString('base64')}`;

const net = network('ocr_cls');
const [{ steps }] = casesOf(net);
const feeds = Object.fromEntries(
  Object.entries(steps[0].feeds).map(([name, { type, dims, data }]) => [
    name,
    { type, dims, url: address(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) },
  ]),
);
const task = { model: address(fs.readFileSync(await net.locate())), feeds };
const expected = await answerInNode(task);

for (const [name, engine] of Object.entries(engines))
  describe(`${name} ${engine.version}`, () => {
    const [program, ...parameters] = install(engine);
    const answer = (settings) =>
      JSON.parse(
        execFileSync(program, [...parameters, child], {
          input: JSON.stringify({ ...task, settings }),
          encoding: 'utf8',
          maxBuffer: 2 ** 28,
        }),
      );

    test('is that version', () => {
      assert.ok(
        execFileSync(program, ['--version'], { encoding: 'utf8' }).includes(engine.version),
      );
    });

    for (const numThreads of [1, 2])
      test(`gives the same bits on SIMD128, on ${numThreads} of the threads`, () => {
        const { engine: chosen, ...answers } = answer({ simd: 'fixed', numThreads });
        assert.deepEqual(chosen, { simd: 'simd128', threads: numThreads });
        assertSame(answers, expected);
      });

    test('gives the same but for rounding as it chooses itself', () => {
      const { engine: chosen, ...answers } = answer({});
      assert.equal(chosen.simd, 'relaxed');
      assertClose(answers, expected);
    });
  });
