/** No memory left, and an engine that traps: a clear error each, and the next call works. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { build as buildGreedy } from '../models/greedy.mjs';
import { casesOf, network } from '../models/networks.mjs';
import { assertOutputsClose } from './closeness.mjs';
import { entry } from './package_under_test.mjs';
import { candidate, reference, runOnce } from './sessions.mjs';

/** Memories of engines, of which more can be had unless this is set. */
let mayGrow = Infinity;
const memories = [];
const { grow } = WebAssembly.Memory.prototype;
WebAssembly.Memory.prototype.grow = function (pages) {
  if (!memories.includes(this)) memories.push(this);
  if (this.buffer.byteLength + pages * 65536 > mayGrow) throw new RangeError('refused by the test');
  return grow.call(this, pages);
};

let engines = 0;
async function freshEngine(numThreads = 1) {
  mayGrow = Infinity;
  memories.length = 0;
  const library = await import(`${entry}?memory${engines++}`);
  library.env.wasm.numThreads = numThreads;
  return library;
}

const load = async (name) => new Uint8Array(fs.readFileSync(await network(name).locate()));
const feedsOf = (name) => casesOf(network(name))[0].steps[0].feeds;
const tolerance = { relative: 1e-3, absolute: 1e-4 };
const models = { mnist: await load('mnist'), mobilenet_v2: await load('mobilenet_v2') };
const expected = {};
for (const [name, model] of Object.entries(models))
  expected[name] = await runOnce(reference, model, feedsOf(name));

async function assertWorks(library, name) {
  const outputs = await runOnce(candidate(library), models[name], feedsOf(name));
  assertOutputsClose(outputs, expected[name], tolerance, name);
}

const rows = ({ Tensor }, count) => ({
  x: new Tensor('float32', new Float32Array(count).fill(1), [count, 1]),
});

for (const numThreads of [1, 2])
  describe(`values of 4 GB at once, on ${numThreads} of the threads`, () => {
    const lacking = {
      name: 'OctetError',
      code: 'out-of-memory',
      message: /cannot allocate \d+ bytes/,
    };

    test('fail the run, and leave the session as it was', async () => {
      const library = await freshEngine(numThreads);
      const session = await library.InferenceSession.create(buildGreedy(9));
      for (let i = 0; i < 3; ++i) {
        await assert.rejects(session.run(rows(library, 100)), lacking);
        assert.deepEqual([...(await session.run(rows(library, 1))).y.data], [1]);
      }
      await session.release();
      await assertWorks(library, 'mnist');
    });

    test('fail a calibration, whose samples are closed', async () => {
      const library = await freshEngine(numThreads);
      let isClosed = false;
      function* calibration() {
        try {
          yield rows(library, 1);
          yield rows(library, 100);
        } finally {
          isClosed = true;
        }
      }
      const work = library.quantize(buildGreedy(9), { mode: 'static', calibration: calibration() });
      await assert.rejects(work, { ...lacking, message: /calibration\[1\]: .*cannot allocate/ });
      assert.ok(isClosed);
      await assertWorks(library, 'mnist');
    });
  });

test('memory that ends anywhere in the work fails it there, and the engine goes on', async () => {
  const name = 'mobilenet_v2';
  const works = {
    run: (library) => runOnce(candidate(library), models[name], feedsOf(name)),
    dynamic: ({ quantize }) => quantize(models[name], { mode: 'dynamic', measure: false }),
    static: (library) => {
      const samples = Object.entries(feedsOf(name)).map(([input, { type, data, dims }]) => [
        input,
        new library.Tensor(type, data, dims),
      ]);
      const calibration = [Object.fromEntries(samples)];
      return library.quantize(models[name], { mode: 'static', calibration, measure: false });
    },
  };
  for (const [title, work] of Object.entries(works)) {
    const library = await freshEngine();
    await assertWorks(library, 'mnist');
    const size = Math.max(...memories.map(({ buffer }) => buffer.byteLength), 4 << 20);
    let failures = 0;
    for (let isDone = false; !isDone; ) {
      mayGrow = size + failures * (2 << 20);
      try {
        await work(library);
        isDone = true;
      } catch (error) {
        failures += 1;
        assert.deepEqual([error.name, error.code], ['OctetError', 'out-of-memory'], error.message);
        await assertWorks(library, 'mnist');
      }
    }
    assert.ok(failures > 3, `${title}: ${failures}`);
    mayGrow = Infinity;
    await assertWorks(library, name);
  }
});

for (const numThreads of [1, 2])
  test(`a trap ends the sessions of its engine alone, on ${numThreads} of the threads`, async () => {
    const library = await freshEngine(numThreads);
    const { Memory, instantiate } = WebAssembly;
    const made = [];
    WebAssembly.instantiate = async (...parameters) => {
      const instance = await instantiate(...parameters);
      made.push(...Object.values(instance.exports).filter((value) => value instanceof Memory));
      made.push(
        ...Object.values(parameters[1])
          .flatMap(Object.values)
          .filter((value) => value instanceof Memory),
      );
      return instance;
    };
    const session = await library.InferenceSession.create(models.mnist);
    WebAssembly.instantiate = instantiate;
    const feeds = Object.fromEntries(
      Object.entries(feedsOf('mnist')).map(([input, { type, data, dims }]) => [
        input,
        new library.Tensor(type, data, dims),
      ]),
    );
    await session.run(feeds);
    // No address in it leads anywhere any more.
    for (const { buffer } of made) new Uint8Array(buffer).fill(0xff);
    const ended = { name: 'OctetError', code: 'internal' };
    await assert.rejects(session.run(feeds), { ...ended, message: /the engine trapped/ });
    await assert.rejects(session.run(feeds), {
      ...ended,
      message: /the engine of this object has ended/,
    });
    await session.release();
    await assertWorks(library, 'mnist');
  });
