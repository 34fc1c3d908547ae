/** Inference and quantization in Firefox: the bits that Node has, on pages that are isolated and on others. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchFirefox } from './firefox.mjs';
import { openPackagePage } from './package_page.mjs';
import { askInPage, files } from './page_places.mjs';
import {
  answerInNode,
  assertClose,
  assertSame,
  assertThreadsStarted,
  publishTask,
} from './task.mjs';

/** Runs in the page: what it has that the package makes use of. */
async function askForFeatures() {
  const pack = await (await fetch('/octet/octet.relaxed.wasm')).arrayBuffer();
  return { cores: navigator.hardwareConcurrency, hasRelaxed: WebAssembly.validate(pack) };
}

for (const isolated of [true, false])
  describe(isolated ? 'Firefox, isolated' : 'Firefox, not isolated', () => {
    let host;
    const tasks = {};
    const expected = {};
    before(async () => {
      host = await openPackagePage({ isolated, launch: launchFirefox });
      for (const [url, text] of Object.entries(files)) host.publish(url, Buffer.from(text));
      for (const name of ['mnist', 'ocr_cls']) {
        tasks[name] = await publishTask(host, name);
        expected[name] = await answerInNode(tasks[name]);
      }
    });
    after(() => host?.close());

    async function answer(name, settings) {
      await host.reload();
      host.asked.clear();
      return host.page.evaluate(
        async (task) => (await import('/tests/browser/job.mjs')).doJob(task),
        { ...tasks[name], settings },
      );
    }

    for (const name of ['mnist', 'ocr_cls']) {
      for (const numThreads of [1, 2])
        test(`${name}, SIMD128, threads: ${numThreads}`, async () => {
          const { engine, ...found } = await answer(name, { simd: 'fixed', numThreads });
          assert.deepEqual(engine, { simd: 'simd128', threads: isolated ? numThreads : 1 });
          assertSame(found, expected[name]);
          await assertThreadsStarted(host, engine);
        });

      test(`${name}, in the proxy's worker`, async () => {
        const found = await answer(name, { simd: 'fixed', numThreads: 2, proxy: true });
        assert.deepEqual(found.engine, { simd: 'simd128', threads: isolated ? 2 : 1 });
        await host.whenAsked('/octet/octet.proxy.js');
        assertSame(found, expected[name]);
      });

      test(`${name}, left alone`, async () => {
        const { engine, ...found } = await answer(name, {});
        const { cores, hasRelaxed } = await host.page.evaluate(askForFeatures);
        assert.deepEqual(engine, {
          simd: hasRelaxed ? 'relaxed' : 'simd128',
          threads: isolated ? Math.min(4, Math.ceil(cores / 2)) : 1,
        });
        assertClose(found, expected[name]);
      });
    }

    // Where a worker starts another, Firefox may wait for ever.
    test('mnist, in a worker of the page, left alone: one thread', async () => {
      await host.reload();
      const task = { ...tasks.mnist, settings: { simd: 'fixed' } };
      const found = await host.page.evaluate(askInPage, { place: 'a module worker', task });
      assert.deepEqual(found.engine, { simd: 'simd128', threads: 1 });
      assertSame(found, expected.mnist);
    });
  });
