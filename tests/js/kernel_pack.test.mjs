/** The kernels for relaxed SIMD: when they are used, and that they touch nothing but what they are given. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { entry, projectDirectory } from './package_under_test.mjs';

const dist = path.join(projectDirectory, 'node_modules/octet-web/dist');
const model = new URL('../fixtures/mnist_cnn.onnx', import.meta.url);

/** Runs a model in a process of its own after the given settings. */
function answer(settings) {
  const script = `
    import fs from 'node:fs';
    import { InferenceSession, Tensor, env, quantize } from '${entry}';
    Object.assign(env.wasm, ${JSON.stringify(settings)});
    const image = new Tensor('float32', Float32Array.from({ length: 784 }, (_, i) => (i % 29) / 28), [1, 1, 28, 28]);
    const answer = async (model) => {
      const session = await InferenceSession.create(model);
      const [output] = Object.values(await session.run({ image }));
      return [...output.data];
    };
    const model = fs.readFileSync(new URL('${model}'));
    const output = await answer(model);
    const int8 = await answer((await quantize(model, { mode: 'dynamic' })).model);
    console.log(JSON.stringify({ simd: env.octet.simd, output, int8 }));`;
  const stdout = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return JSON.parse(stdout);
}

const close = (a, b) => a.every((x, i) => Math.abs(x - b[i]) <= 1e-4 * Math.max(1, Math.abs(b[i])));

test('relaxed SIMD is used unless settings rule it out, in Node 20 when they ask for it', () => {
  const needsFlag = process.versions.node.startsWith('20.');
  assert.equal(answer({}).simd, needsFlag ? 'simd128' : 'relaxed');
  const relaxed = answer({ simd: 'relaxed' });
  assert.equal(relaxed.simd, 'relaxed');
  const fixed = answer({ simd: 'fixed' });
  assert.equal(fixed.simd, 'simd128');
  assert.ok(close(relaxed.output, fixed.output));
  assert.deepEqual(relaxed.int8, fixed.int8);
});

test('SIMD128 takes over where the pack is missing or broken', () => {
  const fixed = answer({ simd: 'fixed' });
  const broken = path.join(projectDirectory, `broken.${process.pid}.wasm`);
  const bytes = fs.readFileSync(path.join(dist, 'octet.relaxed.wasm'));
  try {
    for (const content of [
      bytes.subarray(0, 100),
      Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    ]) {
      fs.writeFileSync(broken, content);
      const result = answer({ simd: 'relaxed', wasmPaths: { relaxed: `file://${broken}` } });
      assert.deepEqual(result, fixed);
    }
  } finally {
    fs.rmSync(broken);
  }
  assert.deepEqual(answer({ simd: 'relaxed', wasmPaths: { relaxed: `file://${broken}` } }), fixed);
});

test('the pack brings no data and asks for nothing but memory', () => {
  const bytes = fs.readFileSync(path.join(dist, 'octet.relaxed.wasm'));
  const sections = [];
  for (let at = 8; at < bytes.length; ) {
    sections.push(bytes[at++]);
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      more = bytes[at] > 127;
      size += (bytes[at++] & 127) * 2 ** shift;
    }
    if (sections.at(-1) === 2) assert.equal(bytes[at], 1, 'imports');
    at += size;
  }
  const [start, elements, data] = [8, 9, 11];
  for (const unwanted of [start, elements, data]) assert.ok(!sections.includes(unwanted));
});
