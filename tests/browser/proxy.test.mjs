/** `env.wasm.proxy` in Chromium: the same results from a worker, a page that stays responsive, and workers that end. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { serveFile } from '../js/file_server.mjs';
import { projectDirectory } from '../js/package_under_test.mjs';
import { build as buildGreedy } from '../models/greedy.mjs';
import { network } from '../models/networks.mjs';
import { openPackagePage } from './package_page.mjs';
import { answerInNode, assertSame, publishTask } from './task.mjs';

/** Milliseconds that a page may be deaf. */
const longestGap = 100;

const isProxy = (worker) => worker.url().endsWith('octet.proxy.js');

/** Runs in the page: what an OctetError, or another, says. */
function definesFailure() {
  globalThis.failureOf = (promise) =>
    promise.then(
      () => 'none',
      ({ name, code, message }) => ({ name, code, message }),
    );
}

for (const isolated of [true, false])
  test(`the bits are Node's, ${isolated ? '' : 'not '}isolated`, async () => {
    const host = await openPackagePage({ isolated });
    try {
      const task = await publishTask(host, 'mnist');
      const settings = { simd: 'fixed', numThreads: 2, proxy: true };
      const { engine, ...answer } = await host.page.evaluate(
        async (task) => (await import('/tests/browser/job.mjs')).doJob(task),
        { ...task, settings },
      );
      assertSame(answer, await answerInNode(task));
      assert.deepEqual(engine, { simd: 'simd128', threads: isolated ? 2 : 1 });
      assert.equal(host.page.workers().filter(isProxy).length, 1);
    } finally {
      await host.close();
    }
  });

describe('a page with a proxy', () => {
  let host;
  const urls = {};
  before(async () => {
    host = await openPackagePage();
    for (const name of ['mnist', 'mobilenet_v2'])
      urls[name] = host.publish(`/${name}.onnx`, fs.readFileSync(await network(name).locate()));
    urls.greedy = host.publish('/greedy.onnx', buildGreedy(9));
    await host.page.addInitScript(definesFailure);
  });
  after(() => host?.close());
  afterEach(() => host.reload());

  const inPage = async (body, ...given) => {
    await host.reload();
    return host.page.evaluate(body, ...given);
  };

  /** Runs in the page: the longest time that events had to wait while a model was quantized and run. */
  async function measureGap([url, proxy]) {
    const { InferenceSession, Tensor, env, quantize } = await import('/octet/index.js');
    Object.assign(env.wasm, { proxy, numThreads: 1 });
    const dims = [4, 3, 224, 224];
    const data = Float32Array.from({ length: 4 * 3 * 224 * 224 }, (_, i) => Math.sin(i));
    const sample = { input: new Tensor('float32', data, dims) };
    let last = performance.now();
    let longest = 0;
    const tick = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }, 5);
    const { model } = await quantize(url, { mode: 'static', calibration: [sample] });
    for (const source of [url, model]) {
      const session = await InferenceSession.create(source);
      for (let i = 0; i < 3; ++i) await session.run(sample);
      await session.release();
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    clearInterval(tick);
    return longest;
  }

  test('stays responsive, which it is not without', async () => {
    const gap = await inPage(measureGap, [urls.mobilenet_v2, true]);
    assert.ok(gap < longestGap, `${gap} ms`);
    const without = await inPage(measureGap, [urls.mobilenet_v2, false]);
    assert.ok(without > longestGap, `${without} ms`);
  });

  test('has every function, with progress, filters and samples that come one by one', async () => {
    const found = await inPage(async (url) => {
      const { InferenceSession, Tensor, compare, env, inspect, quantize } = await import(
        '/octet/index.js'
      );
      const work = async (proxy) => {
        env.wasm.proxy = proxy;
        const taken = [];
        function* samples() {
          for (let i = 0; i < 3; ++i) {
            taken.push(i);
            const data = Float32Array.from({ length: 784 }, (_, at) => Math.cos(at * (i + 1)));
            yield { image: new Tensor('float32', data, [1, 1, 28, 28]) };
          }
        }
        const phases = new Set();
        const { model, report } = await quantize(url, {
          mode: 'static',
          calibration: samples(),
          exclude: ({ opType }) => opType === 'Gemm',
          onProgress: ({ phase }) => phases.add(phase),
        });
        const comparison = await compare(url, model, [...samples()]);
        const session = await InferenceSession.create(model, { enableProfiling: true });
        const [feeds] = samples();
        const target = new Tensor('float32', new Float32Array(10), [1, 10]);
        const outputs = await session.run(feeds, { probabilities: target });
        const answer = {
          taken,
          phases: [...phases],
          unmeasured: report.unmeasured,
          model: [...model],
          outputs: comparison.outputs,
          layers: comparison.layers.length,
          summary: await inspect(new Blob([model])),
          isTarget: outputs.probabilities === target,
          probabilities: [...target.data],
          steps: session.profile.map(({ node }) => node),
          metadata: session.inputMetadata,
          isSession: session instanceof InferenceSession,
        };
        await session.release();
        return answer;
      };
      return { here: await work(false), there: await work(true) };
    }, urls.mnist);
    assert.ok(found.there.isTarget && found.there.isSession && found.there.steps.length);
    assert.deepEqual(found.there, found.here);
  });

  test('tells how far a download is, and ends it', async () => {
    const server = await serveFile(fs.readFileSync(await network('mnist').locate()));
    server.headers = {
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
    };
    try {
      await host.reload();
      const { done, total, outputs } = await host.page.evaluate(async (url) => {
        const { InferenceSession, env } = await import('/octet/index.js');
        env.wasm.proxy = true;
        let last;
        const onProgress = (progress) => (last = progress);
        const session = await InferenceSession.create(url, { onProgress });
        await session.release();
        return { ...last, outputs: session.outputNames };
      }, server.url);
      assert.deepEqual([done, total], [server.content.length, server.content.length]);
      assert.deepEqual(outputs, ['probabilities']);
      server.heldAfter = 1000;
      const failures = await host.page.evaluate(async (url) => {
        const { InferenceSession, env, inspect } = await import('/octet/index.js');
        env.wasm.proxy = true;
        const stopped = (load) => {
          const stop = new AbortController();
          const onProgress = () => stop.abort();
          return failureOf(load(url, { signal: stop.signal, onProgress }));
        };
        const signal = AbortSignal.abort();
        return [
          await stopped((...given) => InferenceSession.create(...given)),
          await stopped(inspect),
          await failureOf(InferenceSession.create(url, { signal })),
        ];
      }, server.url);
      assert.deepEqual(
        failures.map(({ code }) => code),
        ['aborted', 'aborted', 'aborted'],
      );
      await server.quiet();
      assert.equal(server.asked.length, 3);
    } finally {
      await server.close();
    }
  });

  test('answers two hundred runs at once of eight sessions as the page does one by one', async () => {
    const found = await inPage(async (url) => {
      const { InferenceSession, Tensor, env, quantize } = await import('/octet/index.js');
      const { model } = await quantize(url, { mode: 'dynamic' });
      const feeds = Array.from({ length: 200 }, (_, i) => {
        const data = Float32Array.from({ length: 784 }, (_, at) => Math.sin(at * (i + 1)) / 2);
        return { image: new Tensor('float32', data, [1, 1, 28, 28]) };
      });
      const work = async (proxy, inTurn) => {
        env.wasm.proxy = proxy;
        const sources = Array.from({ length: 8 }, (_, i) => (i % 2 ? model : url));
        const sessions = await Promise.all(
          sources.map((source) => InferenceSession.create(source)),
        );
        const runs = [];
        for (const [i, given] of feeds.entries()) {
          runs.push(sessions[i % 8].run(given));
          if (inTurn) await runs.at(-1);
        }
        const answers = await Promise.all(runs);
        await Promise.all(sessions.map((session) => session.release()));
        return answers.map(({ probabilities }) => probabilities.data.join());
      };
      return { there: await work(true, false), here: await work(false, true) };
    }, urls.mnist);
    assert.equal(new Set(found.here).size, 200);
    assert.deepEqual(found.there, found.here);
  });

  test('has the same errors', async () => {
    const found = await inPage(async (url) => {
      const { InferenceSession, Tensor, env, inspect, quantize } = await import('/octet/index.js');
      const work = async (proxy) => {
        env.wasm.proxy = proxy;
        const session = await InferenceSession.create(url);
        const wrong = { image: new Tensor('float32', new Float32Array(4), [2, 2]) };
        const good = { image: new Tensor('float32', new Float32Array(784), [1, 1, 28, 28]) };
        const mine = new Error('mine');
        const closed = [];
        const failing = (error, at) =>
          (function* () {
            try {
              for (let i = 0; ; ++i) {
                if (i === at) throw error;
                yield i === 2 ? wrong : good;
              }
            } finally {
              closed.push(at);
            }
          })();
        const options = { mode: 'static' };
        // Of bytes, whose first progress is that of samples.
        const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
        const aborter = new AbortController();
        const found = [
          await failureOf(InferenceSession.create(new Uint8Array([1, 2, 3]))),
          await failureOf(InferenceSession.create('nothing.onnx')),
          await failureOf(InferenceSession.create(url, { nonsense: 1 })),
          await failureOf(session.run(wrong)),
          await failureOf(session.run({})),
          await failureOf(inspect(new Uint8Array(0))),
          await failureOf(quantize(url, { mode: 'dynamic', include: 3 })),
          await failureOf(quantize(url, { ...options, calibration: failing(mine, 1) })),
          await failureOf(quantize(url, { ...options, calibration: failing(mine, 5) })),
          await failureOf(quantize(url, { ...options, calibration: [{ image: () => 1 }] })),
          await failureOf(quantize(url, { ...options, calibration: [3] })),
          await failureOf(
            quantize(bytes, {
              ...options,
              calibration: failing(mine, 2),
              onProgress() {
                throw mine;
              },
            }),
          ),
          await failureOf(
            quantize(bytes, {
              ...options,
              calibration: failing(mine, -1),
              signal: aborter.signal,
              onProgress: () => aborter.abort(),
            }),
          ),
        ];
        await session.release();
        found.push(await failureOf(session.run(good)));
        await new Promise((resolve) => setTimeout(resolve, 200));
        return { found, closed };
      };
      return { here: await work(false), there: await work(true) };
    }, urls.mnist);
    for (const [i, here] of found.here.found.entries())
      assert.deepEqual(found.there.found[i], here);
    assert.deepEqual(found.there.closed, found.here.closed);
  });

  for (const proxy of [true, false])
    test(`tells of values of 4 GB, ${proxy ? '' : 'not '}in the worker, and goes on`, async () => {
      const found = await inPage(
        async ({ greedy, mnist, proxy }) => {
          const { InferenceSession, Tensor, env } = await import('/octet/index.js');
          env.wasm.proxy = proxy;
          const rows = (count) => ({
            x: new Tensor('float32', new Float32Array(count).fill(1), [count, 1]),
          });
          const session = await InferenceSession.create(greedy);
          const failures = [];
          for (let i = 0; i < 2; ++i) failures.push(await failureOf(session.run(rows(100))));
          const { y } = await session.run(rows(1));
          const image = new Tensor('float32', new Float32Array(784), [1, 1, 28, 28]);
          const { probabilities } = await (await InferenceSession.create(mnist)).run({ image });
          return { failures, y: [...y.data], size: probabilities.size };
        },
        { ...urls, proxy },
      );
      for (const { name, code, message } of found.failures) {
        assert.deepEqual([name, code], ['OctetError', 'out-of-memory']);
        assert.match(message, /cannot allocate \d+ bytes/);
      }
      assert.deepEqual([found.y, found.size], [[1], 10]);
      assert.equal(host.page.workers().filter(isProxy).length, Number(proxy));
    });

  const endings = {
    'that closes': () => globalThis.close(),
    'that fails': () =>
      void setTimeout(() => {
        throw new Error('no memory');
      }),
  };
  for (const [title, end] of Object.entries(endings))
    test(`rejects what waits for a worker ${title}, and starts another`, async () => {
      const work = inPage(async (url) => {
        const { InferenceSession, Tensor, env, quantize } = await import('/octet/index.js');
        env.wasm.proxy = true;
        const feeds = { image: new Tensor('float32', new Float32Array(784), [1, 1, 28, 28]) };
        const session = await InferenceSession.create(url);
        await session.run(feeds);
        let closed = false;
        async function* endless() {
          globalThis.isBusy = true;
          try {
            for (;;) yield feeds;
          } finally {
            closed = true;
          }
        }
        const calibration = endless();
        const lost = failureOf(quantize(url, { mode: 'static', calibration }));
        const failures = [await lost, await failureOf(session.run(feeds))];
        await session.release();
        const again = await InferenceSession.create(url);
        const { probabilities } = await again.run(feeds);
        return { failures, closed, size: probabilities.data.length };
      }, urls.mnist);
      await host.page.waitForFunction(() => globalThis.isBusy);
      const [worker] = host.page.workers().filter(isProxy);
      await worker.evaluate(end).catch(() => {});
      const { failures, closed, size } = await work;
      for (const { name, code, message } of failures) {
        assert.deepEqual([name, code], ['OctetError', 'internal']);
        assert.match(message, /the worker of env.wasm.proxy has ended/);
      }
      assert.ok(closed);
      assert.equal(size, 10);
    });
});

/** Runs in the worker, before its script: keeps the memories of engines. */
function keepMemories() {
  const { Memory, instantiate } = WebAssembly;
  globalThis.memories = [];
  WebAssembly.instantiate = async (...parameters) => {
    const instance = await instantiate(...parameters);
    memories.push(...Object.values(instance.exports).filter((value) => value instanceof Memory));
    return instance;
  };
}

test('an engine that traps in the worker is replaced there', async () => {
  const host = await openPackagePage();
  try {
    const script = path.join(projectDirectory, 'node_modules/octet-web/dist/octet.proxy.js');
    const code = `(${keepMemories})();\n${fs.readFileSync(script, 'utf8')}`;
    host.publish('/octet/octet.proxy.js', Buffer.from(code));
    const url = host.publish('/mnist.onnx', fs.readFileSync(await network('mnist').locate()));
    await host.page.addInitScript(definesFailure);
    await host.reload();
    await host.page.evaluate(async (url) => {
      const { InferenceSession, Tensor, env } = await import('/octet/index.js');
      Object.assign(env.wasm, { proxy: true, numThreads: 1 });
      const image = new Tensor('float32', new Float32Array(784), [1, 1, 28, 28]);
      globalThis.create = () => InferenceSession.create(url);
      globalThis.answer = async (session) => (await session.run({ image })).probabilities.size;
      globalThis.session = await create();
      await answer(session);
    }, url);
    const [worker] = host.page.workers().filter(isProxy);
    // No address in it leads anywhere any more.
    await worker.evaluate(() =>
      memories.forEach((memory) => new Uint8Array(memory.buffer).fill(255)),
    );
    const { failures, size } = await host.page.evaluate(async () => {
      const failures = [await failureOf(answer(session)), await failureOf(answer(session))];
      await session.release();
      return { failures, size: await answer(await create()) };
    });
    assert.deepEqual(
      failures.map(({ name, code }) => [name, code]),
      Array(2).fill(['OctetError', 'internal']),
    );
    assert.match(failures[0].message, /the engine trapped/);
    assert.match(failures[1].message, /the engine of this object has ended/);
    assert.equal(size, 10);
    assert.deepEqual(host.page.workers().filter(isProxy), [worker]);
  } finally {
    await host.close();
  }
});
