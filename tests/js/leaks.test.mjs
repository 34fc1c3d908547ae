/** Sessions that nobody releases, and `await using`. What needs the garbage collector runs in processes of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { entry } from './package_under_test.mjs';

const model = new URL('../fixtures/mnist_cnn.onnx', import.meta.url);
const memories = new URL('./wasm_memory.mjs', import.meta.url);

/** What a process says it is `done` with, and what it printed to the console. */
function runProcess(body, beforeImport = '') {
  const script = `
    import fs from 'node:fs';
    import { watchMemories } from '${memories}';
    const heapBytes = watchMemories();
    ${beforeImport}
    const { InferenceSession, Tensor, env } = await import('${entry}');
    const model = fs.readFileSync(new URL('${model}'));
    const feeds = { image: new Tensor('float32', new Float32Array(784), [1, 1, 28, 28]) };
    /** Until it is true; collecting garbage meanwhile. */
    const collectUntil = async (isTrue) => {
      for (let i = 0; i < 200 && !isTrue(); ++i) {
        globalThis.gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const done = (value) => console.log(JSON.stringify(value));
    ${body}`;
  const flags = ['--expose-gc', '--input-type=module', '-e', script];
  const { stdout, stderr, status } = spawnSync(process.execPath, flags, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return { value: JSON.parse(stdout), console: stderr };
}

/** Makes a session and loses it; `lost` counts the ones that are gone. */
const losing = `
  let lost = 0;
  const registry = new FinalizationRegistry(() => (lost += 1));
  async function lose() {
    const session = await InferenceSession.create(model);
    await session.run(feeds);
    registry.register(session);
  }`;

test('the memory of sessions that are lost is used again', () => {
  const { value, console } = runProcess(`${losing}
    const sizes = [];
    for (let i = 1; i <= 40; ++i) {
      await lose();
      await collectUntil(() => lost === i);
      sizes.push(heapBytes());
    }
    done({ lost, sizes });`);
  assert.equal(value.lost, 40);
  assert.equal(value.sizes.at(-1), value.sizes[3]);
  assert.equal(console, '');
});

test('with env.debug the first of them is told of, and where it was made', () => {
  const { value, console } = runProcess(`${losing}
    env.debug = true;
    for (let i = 1; i <= 3; ++i) {
      await lose();
      await collectUntil(() => lost === i);
    }
    done(lost);`);
  assert.equal(value, 3);
  assert.equal(console.split('InferenceSession was lost without release()').length, 2, console);
  assert.match(console, /await using/);
  assert.match(console, /at async lose/);
});

test('sessions that are released, or were made before env.debug was set, are not told of', () => {
  const { value, console } = runProcess(`${losing}
    await lose();
    env.debug = true;
    const session = await InferenceSession.create(model);
    registry.register(session);
    await session.release();
    await (async () => {
      const other = await InferenceSession.create(model);
      registry.register(other);
      await other[Symbol.asyncDispose]();
    })();
    await collectUntil(() => lost === 2);
    done(lost);`);
  assert.ok(value >= 2);
  assert.equal(console, '');
});

const using = `
  const session = await InferenceSession.create(model);
  await session.run(feeds);
  await session[key]();
  done(await session.run(feeds).catch(({ code }) => code));`;

test('await using: the session is released', () => {
  const { value } = runProcess(`const key = Symbol.asyncDispose; ${using}`);
  assert.equal(value, 'invalid-input');
});

test('await using where the engine has no such symbol: as compilers look for it', () => {
  const withoutSymbol = `
    const whole = Symbol;
    globalThis.Symbol = Object.assign((name) => whole(name), { for: whole.for });
    for (const name of Object.getOwnPropertyNames(whole))
      if (typeof whole[name] === 'symbol' && name !== 'asyncDispose') Symbol[name] = whole[name];`;
  const { value } = runProcess(
    `const key = Symbol.for('Symbol.asyncDispose');
    if (Symbol.asyncDispose !== undefined || 'undefined' in InferenceSession.prototype)
      throw new Error('there is one');
    ${using}`,
    withoutSymbol,
  );
  assert.equal(value, 'invalid-input');
});
