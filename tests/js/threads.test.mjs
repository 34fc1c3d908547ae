/** Several threads: when they are used, that they change no bit, and that nothing depends on their coming. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { entry, projectDirectory } from './package_under_test.mjs';

const networks = new URL('../models/networks.mjs', import.meta.url);
const dist = path.join(projectDirectory, 'node_modules/octet-web/dist');

/** What a process of its own says it is `done` with, after `settings`. */
function runProcess(settings, body, module = entry) {
  const script = `
    import crypto from 'node:crypto';
    import fs from 'node:fs';
    import * as octet from '${module}';
    import { casesOf, network } from '${networks}';
    const { InferenceSession, Tensor, env, quantize } = octet;
    Object.assign(env.wasm, ${JSON.stringify(settings)});
    const load = async (name) => new Uint8Array(fs.readFileSync(await network(name).locate()));
    const feedsOf = (name) =>
      Object.fromEntries(Object.entries(casesOf(network(name))[0].steps[0].feeds)
        .map(([key, { type, dims, data }]) => [key, new Tensor(type, data, dims)]));
    const bits = (outputs) =>
      Object.values(outputs).map(({ data }) => crypto.createHash('sha256')
        .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).digest('hex'));
    const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const workers = new Set();
    process.on('worker', (worker) => {
      workers.add(worker);
      worker.on('exit', () => workers.delete(worker));
    });
    const done = (value) => console.log(JSON.stringify(value));
    ${body}`;
  const stdout = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
  });
  return JSON.parse(stdout);
}

/** The bits of a network's outputs in float and in INT8, over several runs, and the threads at the end. */
const answers = (settings, name, module) =>
  runProcess(
    settings,
    `const file = await load('${name}');
    const { model } = await quantize(file, { mode: 'dynamic' });
    const out = [];
    for (const bytes of [file, model]) {
      const session = await InferenceSession.create(bytes);
      for (let i = 0; i < 8; ++i) out.push(...bits(await session.run(feedsOf('${name}'))));
      await session.release();
    }
    await pause(50);
    done({ out, threads: env.octet.threads });`,
    module,
  );

for (const name of ['mobilenet_v2', 'encoder', 'ocr_rec', 'lstm_classifier'])
  for (const simd of ['fixed', 'relaxed'])
    test(`${name} gives the same bits on one thread and on several with ${simd} SIMD`, () => {
      const one = answers({ numThreads: 1, simd }, name);
      assert.equal(one.threads, 1);
      for (const numThreads of [2, 3])
        assert.deepEqual(answers({ numThreads, simd }, name), { ...one, threads: numThreads });
    });

test('threads do a good part of the work', () => {
  const rounds = runProcess(
    { numThreads: 2 },
    `const { cpus } = await import('node:os');
    const session = await InferenceSession.create(await load('mobilenet_v2'));
    const feeds = feedsOf('mobilenet_v2');
    const run = async (count) => { for (let i = 0; i < count; ++i) await session.run(feeds); };
    const idleMs = () => cpus().reduce((sum, { times }) => sum + times.idle, 0);
    await run(10);
    const rounds = [];
    const isParallel = ({ cpu, wall }) => cpu > 1.2 * wall;
    while (rounds.length < 8 && !rounds.some(isParallel)) {
      const [before, idle, start] = [process.cpuUsage(), idleMs(), performance.now()];
      await run(30);
      const { user, system } = process.cpuUsage(before);
      const wall = performance.now() - start;
      rounds.push({ cpu: (user + system) / 1000, wall, idle: idleMs() - idle });
    }
    done(rounds);`,
  );
  // A busy machine may have no second processor for the process.
  const judged = rounds.filter(({ cpu, wall, idle }) => cpu > 1.2 * wall || idle > wall / 2);
  const told = judged.map(({ cpu, wall }) => `${cpu} ms of processor time in ${wall} ms`);
  assert.ok(judged.length === 0 || judged.at(-1).cpu > 1.2 * judged.at(-1).wall, told.join(', '));
});

test('a net that is too small for threads starts none', () => {
  const started = runProcess(
    { numThreads: 2 },
    `const session = await InferenceSession.create(await load('mnist'));
    await session.run(feedsOf('mnist'));
    await pause(50);
    done(workers.size);`,
  );
  assert.equal(started, 0);
});

test('threads sleep between runs, end with the last session, and start again', () => {
  const { during, idle, after, again } = runProcess(
    { numThreads: 2 },
    `const file = await load('mobilenet_v2'), feeds = feedsOf('mobilenet_v2');
    const open = async () => {
      const session = await InferenceSession.create(file);
      for (let i = 0; i < 5; ++i) { await session.run(feeds); await pause(20); }
      return session;
    };
    let session = await open();
    await pause(100);
    const during = workers.size, before = process.cpuUsage();
    await pause(500);
    const { user, system } = process.cpuUsage(before);
    await session.release();
    await pause(300);
    const after = workers.size;
    session = await open();
    done({ during, idle: (user + system) / 1000, after, again: workers.size });`,
  );
  assert.deepEqual({ during, after, again }, { during: 1, after: 0, again: 1 });
  assert.ok(idle < 100, `${idle} ms of work in half a second of rest`);
});

/** What `use` returns about a copy of the package that `change` has changed. */
function withChanged(change, use) {
  const copy = path.join(projectDirectory, `changed.${process.pid}`);
  fs.cpSync(dist, copy, { recursive: true });
  try {
    change(copy);
    return use(pathToFileURL(path.join(copy, 'index.js')));
  } finally {
    fs.rmSync(copy, { recursive: true });
  }
}

test('one thread takes over where a part for several is missing', () => {
  const one = answers({ numThreads: 1 }, 'mobilenet_v2');
  for (const missing of ['octet.thread.js', 'octet-mt.js', 'octet-mt.wasm'])
    withChanged(
      (copy) => fs.rmSync(path.join(copy, missing)),
      (module) =>
        assert.deepEqual(answers({ numThreads: 2 }, 'mobilenet_v2', module), one, missing),
    );
});

test('a thread that traps ends in an error, not in silence', () => {
  const littleStack = `
    const { get } = WebAssembly.Table.prototype;
    WebAssembly.Table.prototype.get = function (i) {
      const enter = get.call(this, i);
      return (stack, pool, worker) => enter(256, pool, worker);
    };`;
  const problem = withChanged(
    (copy) => {
      const script = path.join(copy, 'octet.thread.js');
      fs.writeFileSync(script, littleStack + fs.readFileSync(script, 'utf8'));
    },
    (module) =>
      runProcess(
        { numThreads: 2 },
        `const file = await load('mobilenet_v2'), feeds = feedsOf('mobilenet_v2');
        const session = await InferenceSession.create(file);
        let problem = {};
        for (let i = 0; i < 200 && !problem.code; ++i) {
          await session.run(feeds).catch(({ name, code }) => { problem = { name, code }; });
          await pause(5);
        }
        done(problem);`,
        module,
      ),
  );
  assert.deepEqual(problem, { name: 'OctetError', code: 'internal' });
});
