/** Models that stay on the device: what is downloaded when, by servers good and bad, what is kept, and what goes. */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { Random } from '../models/random.mjs';
import { serveFile } from './file_server.mjs';
import { cacheEntry, octet } from './package_under_test.mjs';

const { ModelCache, folderStore } = await import(cacheEntry);
const { OctetError } = octet;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-cache-'));
after(() => fs.rmSync(folder, { recursive: true }));
let folders = 0;
const newFolder = () => path.join(folder, String(folders++));

const contentOf = (seed, size) => {
  const random = new Random(seed);
  return Buffer.from(Array.from({ length: size }, () => random.integer(0, 255)));
};
const small = contentOf('small', 300_000);
const other = contentOf('other', 200_000);
/** Of three pieces. */
const large = Buffer.concat(Array.from({ length: 40 }, (_, i) => Buffer.alloc(1 << 20, i + 1)));
const half = 20 << 20;
const sha256 = (bytes, form) => crypto.createHash('sha256').update(bytes).digest(form);

let server, store, cache;
beforeEach(async () => {
  server = await serveFile(small);
  store = new Map();
  cache = new ModelCache({ store });
});
afterEach(() => server.close());

const bytesOf = async ({ model }) => Buffer.from(await model.arrayBuffer());
/** That the model is answered, and whether the device had it. */
async function assertAnswers(content, isCached, options, from = cache) {
  const found = await from.fetch(server.url, options);
  assert.ok((await bytesOf(found)).equals(content));
  assert.equal(found.bytes, content.length);
  assert.equal(found.sha256, sha256(content, 'hex'));
  assert.equal(found.isCached, isCached);
  return found;
}
const rangesAsked = () => server.asked.map(({ headers }) => headers.range);
const dataKeys = () => [...store.keys()].filter((key) => key.startsWith('data-'));

/** Starts a download and stops it when so many bytes are there. */
async function stopAfter(bytes, options) {
  const stop = new AbortController();
  server.heldAfter = bytes;
  const onProgress = ({ done }) => done === bytes && stop.abort();
  const download = cache.fetch(server.url, { ...options, signal: stop.signal, onProgress });
  await assert.rejects(download, { code: 'aborted' });
  server.heldAfter = Infinity;
}

describe('a download', () => {
  const stores = { 'a Map': () => new Map(), 'a folder': () => folderStore(newFolder()) };
  for (const [name, make] of Object.entries(stores))
    for (const content of [small, large])
      test(`of ${content.length} bytes stays in ${name}`, async () => {
        const store = make();
        server.content = content;
        const seen = [];
        const onProgress = (progress) => seen.push(progress);
        const first = new ModelCache({ store });
        const { unkept } = await assertAnswers(content, false, { onProgress }, first);
        assert.equal(unkept, undefined);
        const { length } = content;
        assert.deepEqual(seen.at(-1), { phase: 'download', done: length, total: length });
        const none = { onProgress: assert.fail };
        await assertAnswers(content, true, none, first);
        await assertAnswers(content, true, none, new ModelCache({ store }));
        assert.deepEqual(server.statuses, [200, 304, 304]);
      });

  test('policies: who is asked', async () => {
    await assert.rejects(cache.fetch(server.url, { cache: 'only-if-cached' }), {
      code: 'invalid-input',
      message: /not on this device/,
    });
    await assertAnswers(small, false, { cache: 'force-cache' });
    await assertAnswers(small, true, { cache: 'force-cache' });
    await assertAnswers(small, true, { cache: 'only-if-cached' });
    assert.deepEqual(server.statuses, [200]);
    await assertAnswers(small, false, { cache: 'reload' });
    assert.deepEqual(server.statuses, [200, 200]);
    await assertAnswers(small, true, { cache: 'no-cache' });
    assert.deepEqual(server.statuses, [200, 200, 304]);
  });

  const names = {
    'an ETag': { etag: '"a"' },
    'a weak ETag': { etag: 'W/"a"' },
    'a date': { etag: undefined, lastModified: 'Sun, 01 Nov 2026 10:00:00 GMT' },
  };
  const changes = { etag: '"b"', lastModified: 'Mon, 02 Nov 2026 10:00:00 GMT' };
  for (const [name, named] of Object.entries(names))
    test(`content that changes, by ${name}`, async () => {
      Object.assign(server, named);
      await assertAnswers(small, false);
      await assertAnswers(small, true);
      const [name] = Object.keys(named).slice(-1);
      Object.assign(server, { content: other, [name]: changes[name] });
      await assertAnswers(other, false);
      await assertAnswers(other, true);
      assert.deepEqual(server.statuses, [200, 304, 200, 304]);
      assert.equal(dataKeys().length, 1);
    });

  test('without any name is made again', async () => {
    server.etag = undefined;
    for (let i = 0; i < 2; ++i) await assertAnswers(small, false);
    assert.equal(dataKeys().length, 1);
  });

  test('a server that fails, or is not there, is done without', async () => {
    await assertAnswers(small, false);
    server.status = 503;
    await assertAnswers(small, true);
    await server.close();
    await assertAnswers(small, true);
    await assert.rejects(cache.fetch(server.url, { cache: 'reload' }), { code: 'invalid-input' });
    await assertAnswers(small, true);
  });

  test('a server that has it no more is heard', async () => {
    await assertAnswers(small, false);
    server.status = 404;
    await assert.rejects(cache.fetch(server.url), { code: 'invalid-input', message: /404/ });
    await assertAnswers(small, true, { cache: 'force-cache' });
  });

  test('compressed on its way, or of unknown length', async () => {
    server.isCompressed = true;
    await assertAnswers(small, false);
    server.hasLength = false;
    await assertAnswers(small, false, { cache: 'reload' });
  });

  test('of nothing is refused', async () => {
    server.content = Buffer.alloc(0);
    await assert.rejects(cache.fetch(server.url), { code: 'invalid-model', message: /empty/ });
    assert.equal(store.size, 0);
  });

  test('that is too large is refused before it begins', async () => {
    server.announced = 5e9;
    const onProgress = assert.fail;
    await assert.rejects(cache.fetch(server.url, { onProgress }), {
      code: 'invalid-model',
      message: /5000000000 bytes.*2147483647/,
    });
    await assert.rejects(cache.fetch(server.url, { kind: 'data', onProgress }), {
      code: 'out-of-memory',
      message: /5000000000 bytes.*4294967295/,
    });
    assert.equal(store.size, 0);
  });

  test('a part of it that was lost makes it new', async () => {
    server.content = large;
    await assertAnswers(large, false);
    const losses = [(key) => store.delete(key), (key) => store.set(key, store.get(key).slice(1))];
    for (const lose of losses) {
      lose(dataKeys()[1]);
      await assertAnswers(large, false);
      assert.equal(dataKeys().length, 3);
    }
  });

  const wrong = {
    'a file': ['file:///model.onnx', {}, 'invalid-input', /URL of http/],
    'no address': ['model.onnx', {}, 'invalid-input', /URL of http/],
    'an unknown option': [undefined, { cach: 'reload' }, 'invalid-option'],
    'an unknown policy': [undefined, { cache: 'default' }, 'invalid-option'],
    'an unknown kind': [undefined, { kind: 'picture' }, 'invalid-option'],
    'no signal': [undefined, { signal: 1 }, 'invalid-option'],
    'no hash': [undefined, { integrity: 'sha256-abc' }, 'invalid-option'],
  };
  for (const [name, [url, options, code, message = /./]] of Object.entries(wrong))
    test(`refuses ${name}`, async () => {
      const failure = await cache.fetch(url ?? server.url, options).catch((error) => error);
      assert.ok(failure instanceof OctetError);
      assert.equal(failure.code, code);
      assert.match(failure.message, message);
      assert.equal(server.asked.length, 0);
    });

  test('caches refuse options that they do not know', () => {
    for (const options of [{ maxbytes: 1 }, { maxBytes: -1 }, { maxBytes: '1' }, { store: {} }])
      assert.throws(() => new ModelCache(options), { code: 'invalid-option' });
  });
});

describe('integrity', () => {
  for (const integrity of [sha256(small, 'hex'), `sha256-${sha256(small, 'base64')}`])
    test(`${integrity}: no server is asked for what it names`, async () => {
      await assertAnswers(small, false, { integrity });
      await assertAnswers(small, true, { integrity });
      assert.deepEqual(server.statuses, [200]);
      Object.assign(server, { content: other, etag: '"b"' });
      await assertAnswers(other, false);
      await assert.rejects(cache.fetch(server.url, { integrity }), { code: 'invalid-input' });
      await assertAnswers(other, true);
    });

  test('nothing is kept of another content', async () => {
    server.content = large;
    const integrity = sha256(small, 'hex');
    await assert.rejects(cache.fetch(server.url, { integrity }), {
      code: 'invalid-input',
      message: new RegExp(`${sha256(large, 'hex')}.*${integrity}`),
    });
    assert.equal(store.size, 0);
  });
});

describe('a download that was interrupted', () => {
  beforeEach(() => (server.content = large));

  const names = {
    'an ETag': {},
    'a date': { etag: undefined, lastModified: 'Sun, 01 Nov 2026 10:00:00 GMT' },
  };
  for (const [name, named] of Object.entries(names))
    test(`goes on where it was aborted, by ${name}`, async () => {
      Object.assign(server, named);
      await stopAfter(half);
      // What is kept is written down after the caller has been told.
      await assert.rejects(cache.fetch(server.url, { cache: 'only-if-cached' }));
      const [part, ...more] = await cache.list();
      assert.equal(more.length, 0);
      assert.equal(part.isComplete, false);
      assert.equal(part.bytes, half);
      const seen = [];
      await assertAnswers(large, false, { onProgress: ({ done }) => seen.push(done) });
      assert.ok(seen[0] > half);
      assert.deepEqual(rangesAsked(), [undefined, `bytes=${half}-`]);
      assert.equal(server.asked[1].sent, large.length - half);
      assert.deepEqual(
        (await cache.list()).map(({ isComplete }) => isComplete),
        [true],
      );
    });

  test('goes on by itself as long as something arrives', async () => {
    server.heldAfter = 15 << 20;
    const onProgress = ({ done }) => {
      if (done % (15 << 20) === 0) server.cut();
    };
    await assertAnswers(large, false, { onProgress });
    assert.deepEqual(rangesAsked(), [undefined, `bytes=${15 << 20}-`, `bytes=${30 << 20}-`]);
  });

  test('fails when nothing more arrives, and goes on later', async () => {
    server.heldAfter = half;
    const onProgress = ({ done }) => {
      if (done < half) return;
      server.status = 503;
      server.cut();
    };
    await assert.rejects(cache.fetch(server.url, { onProgress }), { code: 'invalid-input' });
    Object.assign(server, { status: undefined, heldAfter: Infinity });
    await assertAnswers(large, false);
    assert.equal(server.asked.at(-1).headers.range, `bytes=${half}-`);
  });

  test('begins anew when the content has changed', async () => {
    await stopAfter(half);
    Object.assign(server, { content: other, etag: '"second"' });
    await assertAnswers(other, false);
    assert.deepEqual(server.statuses, [200, 200]);
    assert.equal(dataKeys().length, 1);
  });

  test('goes on when the server was asked whether an older content has changed', async () => {
    server.content = small;
    await assertAnswers(small, false);
    Object.assign(server, { content: large, etag: '"second"' });
    await stopAfter(half);
    await assertAnswers(large, false);
    assert.equal(server.asked.at(-1).headers.range, `bytes=${half}-`);
  });

  test('begins anew where its content has no name that can be relied on', async () => {
    server.etag = 'W/"a"';
    await stopAfter(half);
    await assertAnswers(large, false);
    assert.deepEqual(rangesAsked(), [undefined, undefined]);
  });

  const badServers = {
    'ignores ranges': [{ ranges: 'ignored' }, [200, 200]],
    'sends another range': [{ ranges: 'shifted' }, [200, 206, 200]],
    'has less than that by now': [{ content: other }, [200, 416, 200]],
  };
  for (const [name, [changes, statuses]] of Object.entries(badServers))
    test(`begins anew when the server ${name}`, async () => {
      await stopAfter(half);
      Object.assign(server, changes);
      await assertAnswers(server.content, false);
      assert.deepEqual(server.statuses, statuses);
    });

  test('ends when the server never has as much as it says', async () => {
    server.announced = large.length + 1000;
    const onProgress = ({ done }) => done === large.length && server.cut();
    await assert.rejects(cache.fetch(server.url, { onProgress }), { code: 'invalid-input' });
    assert.ok(server.asked.length < 5);
    server.announced = undefined;
    await assertAnswers(large, false);
  });

  test('a hash that does not fit what was put together leaves nothing', async () => {
    await stopAfter(half, { integrity: sha256(large, 'hex') });
    server.content = Buffer.concat([large.subarray(0, -1), Buffer.of(255)]);
    const integrity = sha256(large, 'hex');
    await assert.rejects(cache.fetch(server.url, { integrity }), { code: 'invalid-input' });
    assert.equal(store.size, 0);
  });
});

describe('requests for one model', () => {
  test('share one download', async () => {
    const told = [0, 0, 0];
    const models = await Promise.all(
      told.map((_, i) => cache.fetch(server.url, { onProgress: () => (told[i] += 1) })),
    );
    for (const model of models) assert.ok((await bytesOf(model)).equals(small));
    assert.equal(server.asked.length, 1);
    assert.ok(told[0] > 0);
    assert.deepEqual(told, Array(3).fill(told[0]));
  });

  test('share one download over several caches', async () => {
    const caches = [cache, new ModelCache({ store })];
    await Promise.all(caches.map((each) => each.fetch(server.url, { cache: 'force-cache' })));
    assert.equal(server.asked.length, 1);
  });

  test('one gives up, the others go on; when all do, so does the download', async () => {
    server.heldAfter = 100_000;
    const stops = [new AbortController(), new AbortController()];
    const started = new Promise((resolve) => {
      server.started = resolve;
    });
    const downloads = stops.map(({ signal }) =>
      cache.fetch(server.url, { signal, onProgress: server.started }),
    );
    await started;
    stops[0].abort('enough');
    await assert.rejects(downloads[0], { code: 'aborted', cause: 'enough' });
    assert.equal(server.held, 1);
    const third = cache.fetch(server.url);
    stops[1].abort();
    await assert.rejects(downloads[1], { code: 'aborted' });
    server.heldAfter = Infinity;
    server.cut();
    assert.ok((await bytesOf(await third)).equals(small));
    const stop = new AbortController();
    Object.assign(server, { heldAfter: 1000, etag: '"second"' });
    const last = cache.fetch(server.url, { signal: stop.signal, onProgress: () => stop.abort() });
    await assert.rejects(last, { code: 'aborted' });
    await server.quiet();
  });

  test('an error of onProgress is that of one', async () => {
    const mine = new Error('mine');
    const onProgress = () => {
      throw mine;
    };
    const [failed, fine] = await Promise.allSettled([
      cache.fetch(server.url, { onProgress }),
      cache.fetch(server.url),
    ]);
    assert.equal(failed.reason, mine);
    assert.ok((await bytesOf(fine.value)).equals(small));
  });

  test('who wants another content waits, and is told', async () => {
    const [fine, failed] = await Promise.allSettled([
      cache.fetch(server.url),
      cache.fetch(server.url, { integrity: sha256(other, 'hex') }),
    ]);
    assert.ok((await bytesOf(fine.value)).equals(small));
    assert.equal(failed.reason.code, 'invalid-input');
    await assertAnswers(small, true);
  });

  test('a signal that is aborted already asks for nothing', async () => {
    const signal = AbortSignal.abort();
    await assert.rejects(cache.fetch(server.url, { signal }), { code: 'aborted' });
    assert.equal(server.asked.length, 0);
  });
});

describe('room', () => {
  /** A Map of so many bytes. */
  class SmallStore extends Map {
    constructor(room) {
      super();
      this.room = room;
    }
    set(key, file) {
      const used = [...this.values()].reduce((sum, { size }) => sum + size, 0);
      if (this.room !== undefined && used + file.size > this.room)
        throw new DOMException('there is no room', 'QuotaExceededError');
      return super.set(key, file);
    }
  }

  const rooms = { 'nothing at all': 0, 'a record': 1000, 'a piece': 20 << 20, two: 39 << 20 };
  for (const [name, room] of Object.entries(rooms))
    test(`where there is room for ${name}, the model is answered and not kept`, async () => {
      store = new SmallStore(room);
      cache = new ModelCache({ store });
      server.content = large;
      const { unkept } = await assertAnswers(large, false);
      assert.match(unkept, /no room/);
      assert.equal(store.size, 0);
      await assertAnswers(large, false);
    });

  /** A server of its own for another model. */
  async function fetchAnother(content, options) {
    const another = await serveFile(content);
    try {
      return { ...(await cache.fetch(another.url, options)), url: another.url };
    } finally {
      await another.close();
    }
  }

  test('where the store is full, others give way if they are as large', async () => {
    store = new SmallStore(15 << 20);
    cache = new ModelCache({ store });
    const first = await fetchAnother(large.subarray(0, 10 << 20));
    const tooMuch = await fetchAnother(large);
    assert.match(tooMuch.unkept, /no room/);
    assert.deepEqual(
      (await cache.list()).map(({ url }) => url),
      [first.url],
    );
    const second = await fetchAnother(large.subarray(0, 9 << 20));
    assert.equal(second.unkept, undefined);
    assert.deepEqual(
      (await cache.list()).map(({ url }) => url),
      [second.url],
    );
  });

  test('what was used longest ago is evicted when there is more than maxBytes', async () => {
    cache = new ModelCache({ store, maxBytes: 750_000 });
    const urls = [];
    const offline = { cache: 'only-if-cached' };
    for (const content of [small, small, small]) {
      urls.push((await fetchAnother(content)).url);
      // Times are told apart by milliseconds.
      await new Promise((resolve) => setTimeout(resolve, 5));
      await cache.fetch(urls[0], offline);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const listed = (await cache.list()).map(({ url }) => url);
    assert.deepEqual(listed, [urls[0], urls[2]]);
    assert.equal(await cache.size(), 600_000);
    assert.equal(dataKeys().length, 2);
    await assert.rejects(cache.fetch(urls[1], offline));
  });

  test('what is larger than maxBytes is not kept, and nothing gives way to it', async () => {
    cache = new ModelCache({ store, maxBytes: 750_000 });
    const { url } = await fetchAnother(small);
    for (const hasLength of [true, false]) {
      Object.assign(server, { content: large, hasLength });
      const { unkept } = await assertAnswers(large, false);
      assert.match(unkept, /maxBytes/);
    }
    assert.deepEqual(
      (await cache.list()).map((entry) => entry.url),
      [url],
    );
  });

  test('a store that fails in everything costs no model', async () => {
    const fail = () => Promise.reject(new Error('it is broken'));
    cache = new ModelCache({ store: { get: fail, set: fail, delete: fail, keys: fail } });
    const { unkept } = await assertAnswers(small, false);
    assert.match(unkept, /broken/);
    for (const action of [() => cache.list(), () => cache.clear(), () => cache.delete(server.url)])
      await assert.rejects(action, { name: 'OctetError', code: 'internal', message: /broken/ });
  });

  test('a folder that can not be written costs no model', async () => {
    const file = newFolder();
    fs.writeFileSync(file, '');
    cache = new ModelCache({ store: folderStore(file) });
    const { unkept } = await assertAnswers(small, false);
    assert.ok(unkept);
  });
});

describe('what is on the device', () => {
  test('is listed, measured and deleted', async () => {
    const home = newFolder();
    cache = new ModelCache({ store: folderStore(home) });
    assert.deepEqual(await cache.list(), []);
    assert.equal(await cache.delete(server.url), false);
    for (const nothing of [undefined, {}, 'model.onnx'])
      await assert.rejects(cache.delete(nothing), { code: 'invalid-input' });
    const before = Date.now();
    await assertAnswers(small, false);
    const [entry] = await cache.list();
    const { id, lastUsed, ...rest } = entry;
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.ok(lastUsed >= before && lastUsed <= Date.now());
    assert.deepEqual(rest, {
      url: server.url,
      options: undefined,
      bytes: small.length,
      sha256: sha256(small, 'hex'),
      isComplete: true,
    });
    assert.equal(await cache.size(), small.length);
    assert.equal(await cache.delete(entry), true);
    assert.deepEqual(fs.readdirSync(home), []);
    await assertAnswers(small, false);
    assert.equal(await cache.delete(new URL(server.url)), true);
    assert.deepEqual(fs.readdirSync(home), []);
    await stopAfter(1000);
    await cache.clear();
    assert.deepEqual(fs.readdirSync(home), []);
    await assertAnswers(small, false);
  });

  test('a record that is broken is none', async () => {
    await assertAnswers(small, false);
    const [key] = [...store.keys()].filter((name) => name.startsWith('entry-'));
    store.set(key, new Blob(['{"bytes":']));
    assert.deepEqual(await cache.list(), []);
    const { unkept } = await assertAnswers(small, false);
    assert.equal(unkept, undefined);
    assert.equal(dataKeys().length, 1);
  });

  test('a file that can not be put in its place leaves nothing beside it', async () => {
    const home = newFolder();
    fs.mkdirSync(path.join(home, 'key'), { recursive: true });
    await assert.rejects(folderStore(home).set('key', new Blob([small])));
    assert.deepEqual(fs.readdirSync(home), ['key']);
  });
});

describe('a model quantized once', () => {
  const model = fs.readFileSync(new URL('../fixtures/mnist_cnn.onnx', import.meta.url));
  const dynamic = { mode: 'dynamic' };
  const image = new octet.Tensor('float32', new Float32Array(784).fill(0.5), [1, 1, 28, 28]);
  const samples = [{ image }];
  beforeEach(() => (server.content = model));

  /** Of the phases of the work. */
  async function quantizeTold(source, options) {
    const phases = new Set();
    const onProgress = ({ phase }) => phases.add(phase);
    const found = await cache.quantize(source, { ...options, onProgress });
    return { ...found, phases: [...phases] };
  }

  /** That it is made now; `source` is the server's model where none is given. */
  async function assertMade(options, source = server.url) {
    const made = await quantizeTold(source, options);
    assert.equal(made.isCached, false);
    assert.ok(made.phases.includes('weights'));
    return made;
  }
  /** That the device had it; `phases` says what was needed to know that it is the same. */
  async function assertFound(options, source = server.url, phases = []) {
    const found = await quantizeTold(source, options);
    assert.equal(found.isCached, true);
    assert.deepEqual(found.phases, phases);
    return found;
  }

  for (const make of [() => new Map(), () => folderStore(newFolder())])
    test('is what quantize makes, and is found without download and work', async () => {
      cache = new ModelCache({ store: make() });
      const expected = await octet.quantize(model, dynamic);
      const made = await assertMade(dynamic);
      assert.deepEqual(made.phases, ['download', 'read', 'weights']);
      const found = await assertFound(dynamic);
      for (const each of [made, found]) {
        assert.ok((await bytesOf(each)).equals(expected.model));
        assert.equal(each.sha256, sha256(expected.model, 'hex'));
        assert.deepEqual(each.report, made.report);
      }
      assert.deepEqual(server.statuses, [200, 304]);
      const session = await octet.InferenceSession.create(found.model);
      const { probabilities } = await session.run({ image });
      assert.equal(probabilities.data.length, 10);
      await session.release();
    });

  test('is found when the server is not there', async () => {
    await assertMade(dynamic);
    await server.close();
    await assertFound(dynamic);
    await assertFound({ ...dynamic, cache: 'only-if-cached' });
    const weightOnly = { mode: 'weight-only', cache: 'only-if-cached' };
    await assert.rejects(cache.quantize(server.url, weightOnly), { code: 'invalid-input' });
  });

  test('takes the place of its source, unless that was fetched for itself', async () => {
    await assertMade(dynamic);
    const [entry, ...more] = await cache.list();
    assert.equal(more.length, 0);
    assert.equal(entry.url, server.url);
    assert.deepEqual(JSON.parse(entry.options), dynamic);
    await assertAnswers(model, false);
    await assertMade({ mode: 'weight-only' });
    assert.equal((await cache.list()).length, 3);
    await assertAnswers(model, true);
    assert.equal(await cache.delete(server.url), true);
    assert.equal(store.size, 0);
  });

  test('its source stays where the work failed', async () => {
    await assert.rejects(cache.quantize(server.url, { mode: 'dynamic', include: 5 }));
    await assertMade(dynamic);
    assert.deepEqual(server.statuses, [200, 304]);
    assert.equal((await cache.list()).length, 1);
  });

  test('its source stays where somebody fetched it meanwhile', async () => {
    await assert.rejects(cache.quantize(server.url, { mode: 'dynamic', include: 5 }));
    await assertAnswers(model, true);
    await assertMade(dynamic);
    await assertAnswers(model, true);
  });

  test('is another with other options, in whatever order', async () => {
    const weights = { symmetric: false, type: 'uint8' };
    const first = await assertMade({ mode: 'dynamic', weights });
    await assertMade(dynamic);
    await assertFound({ weights: { type: 'uint8', symmetric: false }, mode: 'dynamic' });
    await assertFound({ ...dynamic, opTypes: undefined });
    await assertMade({ ...dynamic, include: /conv/i });
    await assertFound({ ...dynamic, include: /conv/i });
    await assertMade({ ...dynamic, include: /conv/ });
    assert.equal(first.report.tensors[0].type, 'uint8');
  });

  test('is another when the content changes, or the version of the package', async () => {
    await assertMade(dynamic);
    // With a doc_string, field 6 of a model.
    const changed = Buffer.concat([model, Buffer.of((6 << 3) | 2, 1, 0x78)]);
    Object.assign(server, { content: changed, etag: '"second"' });
    await assertMade(dynamic);
    await assertFound(dynamic);
    const { octet: version } = octet.env.versions;
    octet.env.versions.octet = 'next';
    try {
      await assertMade(dynamic);
    } finally {
      octet.env.versions.octet = version;
    }
  });

  test('is made again on demand', async () => {
    await assertMade(dynamic);
    await assertMade({ ...dynamic, cache: 'reload' });
    assert.deepEqual(server.statuses, [200, 200]);
  });

  test('is the same from wherever its source is', async () => {
    const file = path.join(folder, 'model.onnx');
    fs.writeFileSync(file, model);
    await assertMade(dynamic);
    for (const source of [model, new Blob([model])]) await assertFound(dynamic, source);
    for (const source of [file, new Blob([model]).stream()])
      await assertFound(dynamic, source, ['read']);
    await assertFound(dynamic, new Response(model), ['download']);
    const integrity = sha256(small, 'hex');
    for (const source of [model, server.url])
      await assert.rejects(cache.quantize(source, { ...dynamic, integrity }), {
        code: 'invalid-input',
        message: /integrity/,
      });
  });

  test('needs a key for what is no plain data', async () => {
    const unnamed = {
      calibration: { mode: 'static', calibration: samples },
      include: { ...dynamic, include: () => true },
    };
    for (const [name, options] of Object.entries(unnamed)) {
      await assert.rejects(cache.quantize(server.url, options), {
        code: 'invalid-option',
        message: new RegExp(`'${name}.*key`),
      });
      await assertMade({ ...options, key: 'first' });
      await assertFound({ ...options, key: 'first' });
      await assertMade({ ...options, key: 'second' });
    }
    for (const options of [{ ...dynamic, key: 5 }, undefined, { ...dynamic, cache: 5 }])
      await assert.rejects(cache.quantize(server.url, options), { code: 'invalid-option' });
  });

  test('is another with other data files', async () => {
    const data = await serveFile(small);
    try {
      const withData = (given) => ({ ...dynamic, externalData: [{ path: 'w.bin', data: given }] });
      await assertMade(withData(data.url));
      await assertFound(withData(data.url));
      await assertFound(withData(small));
      await assertMade(withData(other));
      Object.assign(data, { content: other, etag: '"second"' });
      await assertFound(withData(data.url), server.url, ['download']);
    } finally {
      await data.close();
    }
  });

  test('is made once for all who want it', async () => {
    const all = await Promise.all(
      Array.from({ length: 3 }, () => cache.quantize(server.url, dynamic)),
    );
    assert.equal(server.statuses.filter((status) => status === 200).length, 1);
    for (const { report } of all) assert.equal(report, all[0].report);
  });

  test('two at a time do not take the source from each other', async () => {
    cache = new ModelCache({ store: folderStore(newFolder()) });
    let begin, goOn;
    const hasBegun = new Promise((resolve) => (begin = resolve));
    const mayGoOn = new Promise((resolve) => (goOn = resolve));
    const calibration = {
      async *[Symbol.asyncIterator]() {
        begin();
        await mayGoOn;
        yield* samples;
      },
    };
    const slow = cache.quantize(server.url, { mode: 'static', calibration, key: 'slow' });
    await hasBegun;
    await assertMade(dynamic);
    goOn();
    const { report } = await slow;
    assert.equal(report.unmeasured, undefined);
    assert.equal(server.statuses.filter((status) => status === 200).length, 1);
    assert.deepEqual((await cache.list()).map(({ options }) => JSON.parse(options).mode).sort(), [
      'dynamic',
      'static',
    ]);
  });

  test('is aborted at any time', async () => {
    for (const at of ['download', 'read', 'weights']) {
      const stop = new AbortController();
      const onProgress = ({ phase }) => phase === at && stop.abort('enough');
      const work = cache.quantize(server.url, { ...dynamic, signal: stop.signal, onProgress });
      await assert.rejects(work, { code: 'aborted', cause: 'enough' });
    }
    // What was all but done may have been kept.
    const { model: answered, report } = await cache.quantize(server.url, dynamic);
    assert.equal(answered.size, report.bytesAfter);
    const listed = await cache.list();
    assert.deepEqual(
      listed.map(({ options }) => options),
      [JSON.stringify(dynamic)],
    );
  });

  test('is answered where it can not be kept', async () => {
    cache = new ModelCache({ store, maxBytes: 100_000 });
    const { unkept, report, model: kept } = await cache.quantize(server.url, dynamic);
    assert.equal(unkept, undefined);
    assert.equal(kept.size, report.bytesAfter);
    cache = new ModelCache({ store, maxBytes: 1000 });
    const { unkept: why, model: answered } = await cache.quantize(model, {
      mode: 'weight-only',
    });
    assert.match(why, /maxBytes/);
    assert.ok(answered.size > 1000);
  });
});
