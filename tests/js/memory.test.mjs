// What stays in the heap, and whose bytes a session reads.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { casesOf, network } from '../models/networks.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, runSteps, withSession } from './sessions.mjs';
import { watchMemories } from './wasm_memory.mjs';

const heapBytes = watchMemories();
const library = candidate(octet);
const mobilenet = network('mobilenet_v2');
const cases = casesOf(mobilenet);
const model = new Uint8Array(fs.readFileSync(await mobilenet.locate()));

const answers = (session, { steps }) => runSteps(library, session, steps);
const plain = (results) => results.map((outputs) => Object.values(outputs).map(({ data }) => data));

test('the heap holds the packed weights alone', async () => {
  await withSession(library, model, (session) => answers(session, cases[0]));
  assert.ok(heapBytes() < 2 * model.length, `${heapBytes()} bytes for ${model.length}`);
});

test('released sessions and finished quantizations leave no memory behind', async () => {
  const round = async () => {
    await withSession(library, model, (session) => answers(session, cases[0]));
    await octet.quantize(model, { mode: 'dynamic' });
  };
  await round();
  await round();
  const before = heapBytes();
  for (let i = 0; i < 20; ++i) await round();
  assert.equal(heapBytes(), before);
});

test('a session does not depend on what its caller does with the model', async () => {
  const expected = await withSession(library, model, async (session) => [
    plain(await answers(session, cases[0])),
    plain(await answers(session, cases[1])),
  ]);
  const spoilers = [
    (bytes) => bytes.fill(0),
    (bytes) => structuredClone(bytes, { transfer: [bytes.buffer] }),
  ];
  for (const spoil of spoilers) {
    const bytes = model.slice();
    await withSession(library, bytes, async (session) => {
      spoil(bytes);
      assert.deepEqual(plain(await answers(session, cases[0])), expected[0]);
      assert.deepEqual(plain(await answers(session, cases[1])), expected[1]);
    });
  }
});
