/** One job in every place that pages have for it, in Chromium: each gives the bits that Node has, and tells its engine. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openPackagePage } from './package_page.mjs';
import { askInPage, files } from './page_places.mjs';
import {
  answerInNode,
  assertClose,
  assertSame,
  assertThreadsStarted,
  publishTask,
} from './task.mjs';

const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";
const places = ['the main thread', 'a module worker', 'a classic worker', 'a service worker'];
const conditions = [
  { title: 'isolated', isolated: true },
  { title: 'not isolated', isolated: false },
  {
    title: 'isolated, under a policy',
    isolated: true,
    headers: { 'content-security-policy': policy },
  },
];

for (const { title, ...condition } of conditions)
  describe(title, () => {
    let host, task, expected;
    before(async () => {
      host = await openPackagePage(condition);
      for (const [url, text] of Object.entries(files)) host.publish(url, Buffer.from(text));
      task = await publishTask(host, 'mnist');
      expected = await answerInNode(task);
    });
    after(() => host?.close());

    async function ask(place, settings) {
      await host.page.goto(`${host.origin}/place.html`);
      host.asked.clear();
      const answer = await host.page.evaluate(askInPage, { place, task: { ...task, settings } });
      assert.equal(answer.failure, undefined);
      return answer;
    }

    test("the main thread, in the proxy's worker", async () => {
      const answer = await ask('the main thread', { simd: 'fixed', numThreads: 2, proxy: true });
      const threads = condition.isolated ? 2 : 1;
      assert.deepEqual(answer.engine, { simd: 'simd128', threads });
      await host.whenAsked('/octet/octet.proxy.js');
      assertSame(answer, expected);
    });

    for (const place of places) {
      const canThread = condition.isolated && place !== 'a service worker';
      for (const numThreads of [1, 2])
        test(`${place}, SIMD128, threads: ${numThreads}`, async () => {
          const answer = await ask(place, { simd: 'fixed', numThreads });
          const threads = canThread ? numThreads : 1;
          assert.deepEqual(answer.engine, { simd: 'simd128', threads });
          await assertThreadsStarted(host, answer.engine);
          assertSame(answer, expected);
        });

      test(`${place}, left alone`, async () => {
        const answer = await ask(place, {});
        const cores = await host.page.evaluate(() => navigator.hardwareConcurrency);
        const threads = canThread ? Math.min(4, Math.ceil(cores / 2)) : 1;
        assert.deepEqual(answer.engine, { simd: 'relaxed', threads });
        assertClose(answer, expected);
      });
    }
  });
