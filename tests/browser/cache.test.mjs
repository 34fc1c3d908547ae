/** `octet-web/cache` in Chromium and Firefox: the CacheStorage as a store, other origins, several pages, the proxy's worker. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { serveFile } from '../js/file_server.mjs';
import { launchChromium } from './chromium.mjs';
import { launchFirefox } from './firefox.mjs';
import { openPackagePage } from './package_page.mjs';

const model = fs.readFileSync(new URL('../fixtures/mnist_cnn.onnx', import.meta.url));
/** Of three pieces. */
const large = Buffer.concat(Array.from({ length: 40 }, (_, i) => Buffer.alloc(1 << 20, i + 1)));
const half = 20 << 20;

/** What servers for pages of other origins send: they show neither ETags nor ranges unless they say so. */
const shared = {
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
};
const open = {
  ...shared,
  'access-control-allow-headers': 'range',
  'access-control-expose-headers': 'etag, content-range',
};

/** Runs in the page: what tests need of a cache there. */
function definesTools(origin = '') {
  globalThis.importCache = async () => {
    const { ModelCache } = await import(`${origin}/octet/cache.js`);
    return new ModelCache();
  };
  globalThis.sumOf = async (blob) => {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return bytes.reduce((sum, byte) => (sum * 31 + byte) % 65521, bytes.length);
  };
  globalThis.describeModel = async ({ model, isCached, unkept }) => ({
    sum: await sumOf(model),
    isCached,
    unkept: unkept ?? 'kept',
  });
}

/** What `describeModel` says of content. */
const described = (content, isCached) => ({
  sum: content.reduce((sum, byte) => (sum * 31 + byte) % 65521, content.length),
  isCached,
  unkept: 'kept',
});

for (const [browser, launch] of Object.entries({
  Chromium: launchChromium,
  Firefox: launchFirefox,
}))
  describe(browser, () => {
    let host, server;
    before(async () => (host = await openPackagePage({ launch, headers: shared })));
    after(() => host?.close());
    beforeEach(async () => {
      server = await serveFile(model);
      server.headers = open;
    });
    afterEach(async () => {
      await inPage(async () => (await importCache()).clear());
      await server.close();
    });

    async function inPage(body, ...given) {
      await host.reload();
      await host.page.evaluate(definesTools);
      return host.page.evaluate(body, ...given);
    }

    /** Runs in the page. */
    const fetchModel = async (url) => describeModel(await (await importCache()).fetch(url));

    /** Runs in the page: stops a download when so many bytes are there, and waits until that is written down. */
    const stopDownload = async ([url, bytes]) => {
      const cache = await importCache();
      const stop = new AbortController();
      const onProgress = ({ done }) => done === bytes && stop.abort();
      const code = await cache.fetch(url, { signal: stop.signal, onProgress }).catch((e) => e.code);
      await cache.fetch(url, { cache: 'only-if-cached' }).catch(() => {});
      const [entry] = await cache.list();
      return { code, ...(entry && { isComplete: entry.isComplete, kept: entry.bytes }) };
    };

    test('a model stays from one visit to the next', async () => {
      server.content = large;
      assert.deepEqual(await inPage(fetchModel, server.url), described(large, false));
      assert.deepEqual(await inPage(fetchModel, server.url), described(large, true));
      await server.close();
      assert.deepEqual(await inPage(fetchModel, server.url), described(large, true));
    });

    test('of its own origin, it is not sent again', async () => {
      server.content = large;
      for (const isCached of [false, true]) {
        await host.page.goto(new URL('/', server.url).href);
        await host.page.evaluate(definesTools, host.origin);
        assert.deepEqual(
          await host.page.evaluate(fetchModel, server.url),
          described(large, isCached),
        );
      }
      const asked = server.asked.filter(({ headers }) => headers['sec-fetch-dest'] === 'empty');
      assert.deepEqual(
        asked.map(({ status }) => status),
        [200, 304],
      );
    });

    test('a download goes on where it stopped', async () => {
      Object.assign(server, { content: large, heldAfter: half });
      const stopped = await inPage(stopDownload, [server.url, half]);
      assert.deepEqual(stopped, { code: 'aborted', isComplete: false, kept: half });
      server.heldAfter = Infinity;
      assert.deepEqual(await inPage(fetchModel, server.url), described(large, false));
      assert.equal(server.asked.at(-1).headers.range, `bytes=${half}-`);
      assert.equal(server.asked.at(-1).status, 206);
    });

    test('a server of another origin that shows nothing sends it again', async () => {
      Object.assign(server, { content: large, headers: shared, heldAfter: half });
      const stopped = await inPage(stopDownload, [server.url, half]);
      assert.deepEqual(stopped, { code: 'aborted' });
      server.heldAfter = Infinity;
      for (let i = 0; i < 2; ++i)
        assert.deepEqual(await inPage(fetchModel, server.url), described(large, false));
      assert.ok(server.asked.every(({ headers }) => headers.range === undefined));
    });

    test('a connection that is cut is taken up again', async () => {
      Object.assign(server, { content: large, heldAfter: half });
      await inPage(() => {});
      const work = host.page.evaluate(
        async ([url, half]) => {
          const onProgress = ({ done }) => (globalThis.isHalf = done === half);
          return describeModel(await (await importCache()).fetch(url, { onProgress }));
        },
        [server.url, half],
      );
      await host.page.waitForFunction(() => globalThis.isHalf);
      server.heldAfter = Infinity;
      server.cut();
      assert.deepEqual(await work, described(large, false));
      assert.equal(server.asked.at(-1).headers.range, `bytes=${half}-`);
    });

    for (const proxy of [false, true])
      test(`a model is quantized once${proxy ? ', by the proxy' : ''}`, async () => {
        const quantizeModel = async ([url, proxy]) => {
          const { InferenceSession, Tensor, env } = await import('/octet/index.js');
          env.wasm.proxy = proxy;
          const cache = await importCache();
          const phases = new Set();
          const onProgress = ({ phase }) => phases.add(phase);
          const { model, isCached, report } = await cache.quantize(url, {
            mode: 'dynamic',
            onProgress,
          });
          const session = await InferenceSession.create(model);
          const image = new Tensor('float32', new Float32Array(784), [1, 1, 28, 28]);
          const { probabilities } = await session.run({ image });
          await session.release();
          const entries = await cache.list();
          return {
            isCached,
            phases: [...phases],
            after: report.bytesAfter === model.size,
            outputs: probabilities.data.length,
            entries: entries.length,
          };
        };
        const made = await inPage(quantizeModel, [server.url, proxy]);
        assert.deepEqual(made, {
          isCached: false,
          phases: ['download', 'read', 'weights'],
          after: true,
          outputs: 10,
          entries: 1,
        });
        await server.close();
        const found = await inPage(quantizeModel, [server.url, proxy]);
        assert.deepEqual(found, { ...made, isCached: true, phases: [] });
      });

    test('several pages share one download', async () => {
      server.content = large;
      await inPage(() => {});
      const sums = await host.page.evaluate(async (url) => {
        const frames = [0, 1].map(() => {
          const frame = document.createElement('iframe');
          frame.src = '/index.html';
          document.body.append(frame);
          return new Promise((resolve) => (frame.onload = () => resolve(frame.contentWindow)));
        });
        const windows = await Promise.all(frames);
        const fetched = windows.map(async (window) => {
          const { ModelCache } = await window.eval("import('/octet/cache.js')");
          const { model } = await new ModelCache().fetch(url, { cache: 'force-cache' });
          return sumOf(model);
        });
        return Promise.all(fetched);
      }, server.url);
      assert.deepEqual(sums, Array(2).fill(described(large).sum));
      assert.equal(server.asked.length, 1);
    });

    test('without a store the model is answered', async () => {
      const unkept = await inPage(async (url) => {
        const { ModelCache, browserStore } = await import('/octet/cache.js');
        delete globalThis.caches;
        Object.defineProperty(globalThis, 'caches', { value: undefined });
        const cache = new ModelCache({ store: browserStore() });
        const { model, unkept } = await cache.fetch(url);
        return [model.size, unkept];
      }, server.url);
      assert.equal(unkept[0], model.length);
      assert.match(unkept[1], /CacheStorage/);
    });
  });
