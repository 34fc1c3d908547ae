/** Where models come from: progress, aborts, and files that are too large or not what was announced. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { GraphBuilder, encodeModel, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { serveFile } from './file_server.mjs';
import { entry, octet } from './package_under_test.mjs';

const { InferenceSession, compare, inspect, quantize } = octet;
const file = fileURLToPath(new URL('../fixtures/mnist_cnn.onnx', import.meta.url));
const bytes = new Uint8Array(fs.readFileSync(file));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-loading-'));
after(() => fs.rmSync(folder, { recursive: true }));

let server;
beforeEach(async () => (server = await serveFile(bytes)));
afterEach(() => server.close());

async function create(...parameters) {
  const session = await InferenceSession.create(...parameters);
  await session.release();
}

/** Progress as it should be: of one phase, ever more, up to the end. */
function assertProgress(seen, phase, size) {
  assert.ok(seen.length > 0);
  assert.ok(seen.every((progress) => progress.phase === phase));
  assert.ok(seen.every(({ done }, i) => done > (seen[i - 1]?.done ?? 0)));
  assert.deepEqual(seen.at(-1), { phase, done: size, total: size });
}

describe('progress', () => {
  const sources = {
    'a URL': ['download', () => server.url],
    'a Response': ['download', () => fetch(server.url)],
    'a path': ['read', () => file],
    'a Blob': ['read', () => new Blob([bytes])],
    'a stream': ['read', () => new Blob([bytes]).stream()],
  };
  const consumers = {
    create,
    inspect,
    quantize: (source, options) => quantize(source, { mode: 'dynamic', ...options }),
  };
  for (const [name, [phase, make]] of Object.entries(sources))
    for (const [consumer, consume] of Object.entries(consumers))
      test(`of ${name}, to ${consumer}`, async () => {
        const seen = [];
        await consume(await make(), { onProgress: (progress) => seen.push(progress) });
        assertProgress(
          seen.filter((progress) => progress.phase !== 'weights'),
          phase,
          bytes.length,
        );
      });

  test('of both sides of a comparison', async () => {
    const seen = [];
    const { Tensor } = octet;
    const image = new Tensor('float32', new Float32Array(784), [1, 1, 28, 28]);
    const onProgress = (progress) => seen.push(progress);
    await compare(file, new Blob([bytes]), [{ image }], { onProgress });
    const ends = seen.filter(({ phase, done, total }) => phase === 'read' && done === total);
    assert.equal(ends.length, 2);
  });

  test('tells the total beforehand, where it is known', async () => {
    const totals = new Set();
    const onProgress = ({ total }) => totals.add(total);
    await create(server.url, { onProgress });
    assert.deepEqual([...totals], [bytes.length]);
  });

  test('of data files comes after that of the model', async () => {
    const graph = new GraphBuilder('external');
    const weights = tensor('float32', [64, 64], new Random('external').normals(64 * 64));
    const x = graph.input('x', 'float32', [1, 64]);
    graph.output(graph.add('MatMul', [x, graph.initializer('w', weights)]), 'float32', [1, 64]);
    const model = encodeModel(graph, { opset: 17 });
    const seen = [];
    await create(new Blob([model]), {
      externalData: [{ path: 'unused.bin', data: server.url }],
      onProgress: (progress) => seen.push(progress),
    });
    assertProgress(seen.slice(0, 1), 'read', model.length);
    assertProgress(seen.slice(1), 'download', bytes.length);
  });

  test('there is none of bytes', async () => {
    await create(bytes, { onProgress: assert.fail });
  });

  test('an error of onProgress passes through, and the download ends', async () => {
    server.heldAfter = 1000;
    const mine = new Error('mine');
    const onProgress = () => {
      throw mine;
    };
    const failure = await create(server.url, { onProgress }).catch((error) => error);
    assert.equal(failure, mine);
    await server.quiet();
  });
});

describe('aborts', () => {
  const watched = () => {
    const stop = new AbortController();
    return { signal: stop.signal, onProgress: () => stop.abort('enough') };
  };

  test('a download that does not go on', async () => {
    server.heldAfter = 1000;
    for (const consume of [
      create,
      inspect,
      (source, options) => quantize(source, { mode: 'dynamic', ...options }),
    ])
      await assert.rejects(consume(server.url, watched()), { code: 'aborted', cause: 'enough' });
    await server.quiet();
  });

  test('a server that does not answer', async () => {
    server.isSilent = true;
    const stop = new AbortController();
    const work = create(server.url, { signal: stop.signal });
    while (server.held === 0) await new Promise(setImmediate);
    stop.abort();
    await assert.rejects(work, { code: 'aborted' });
    await server.quiet();
  });

  test('a stream, which is cancelled', async () => {
    let cancelled;
    const stream = new ReadableStream({
      start: (controller) => controller.enqueue(bytes.slice(0, 1000)),
      cancel: (reason) => void (cancelled = reason ?? true),
    });
    await assert.rejects(create(stream, watched()), { code: 'aborted' });
    assert.ok(cancelled);
  });

  test('before anything was asked for, and not what is no signal', async () => {
    await assert.rejects(create(server.url, { signal: AbortSignal.abort() }), { code: 'aborted' });
    for (const load of [create, inspect])
      await assert.rejects(load(server.url, { signal: 5 }), { code: 'invalid-option' });
    assert.equal(server.asked.length, 0);
  });
});

describe('files that are too large', () => {
  const tooLarge = { code: 'invalid-model', message: /3000000000 bytes.*2147483647/ };

  /** A file of so many bytes, none of which takes room on the disk. */
  function sparse(name, size) {
    const place = path.join(folder, name);
    fs.closeSync(fs.openSync(place, 'w'));
    fs.truncateSync(place, size);
    return place;
  }

  test('are refused before they are downloaded', async () => {
    server.announced = 3e9;
    for (const source of [server.url, await fetch(server.url)])
      await assert.rejects(create(source, { onProgress: assert.fail }), tooLarge);
    await server.quiet();
  });

  test('are refused before they are read', async () => {
    const place = sparse('model.onnx', 3e9);
    for (const source of [place, await fs.openAsBlob(place)])
      await assert.rejects(create(source, { onProgress: assert.fail }), tooLarge);
  });

  test('have another limit as external data', async () => {
    const data = sparse('model.data', 5e9);
    const options = { externalData: [{ path: 'model.data', data }] };
    await assert.rejects(create(bytes, options), {
      code: 'out-of-memory',
      message: /'?model.data'? has 5000000000 bytes.*4294967295/,
    });
  });
});

describe('answers that are not what was announced', () => {
  test('a shorter one', async () => {
    server.announced = bytes.length + 1;
    const onProgress = ({ done }) => done === bytes.length && server.cut();
    await assert.rejects(create(server.url, { onProgress }), { code: 'invalid-input' });
  });

  test('one that was compressed', async () => {
    server.isCompressed = true;
    const seen = [];
    await create(server.url, { onProgress: (progress) => seen.push(progress) });
    assertProgress(seen, 'download', bytes.length);
    assert.ok(seen.every(({ done, total }) => done === total));
  });

  test('one without a length', async () => {
    server.hasLength = false;
    await create(server.url);
  });

  test('one whose length in the headers is that of something else', async () => {
    for (const length of [1000, 2 * bytes.length]) {
      const headers = { 'content-length': String(length) };
      await create(new Response(bytes, { headers }));
    }
  });

  const refused = {
    'one that has been read': async () => {
      const response = await fetch(server.url);
      const reader = response.body.getReader();
      await reader.read();
      reader.releaseLock();
      return response;
    },
    'an error': () => {
      server.status = 404;
      return server.url;
    },
    'no server': () => 'http://127.0.0.1:1/model.onnx',
    'a stream of something else': () =>
      new Response('words').body.pipeThrough(new TextDecoderStream()),
    'a stream that somebody reads': () => {
      const { body } = new Response(bytes);
      body.getReader();
      return body;
    },
  };
  for (const [name, make] of Object.entries(refused))
    test(name, async () => {
      await assert.rejects(create(await make()), { name: 'OctetError', code: 'invalid-input' });
    });
});

test('the engine loads while the model is on its way', () => {
  const child = fileURLToPath(new URL('slow_model_child.mjs', import.meta.url));
  const printed = execFileSync(process.execPath, [child, entry.href, file], { timeout: 60_000 });
  assert.ok(JSON.parse(printed).length > 0);
});
