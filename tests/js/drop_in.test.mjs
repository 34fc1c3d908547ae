/** Programs written for onnxruntime-web, on Octet in its place: they compile as they are, and say the same. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web';
import { octet, projectDirectory } from './package_under_test.mjs';
import { usedTypes, usedValues } from './transformers_uses.mjs';
import { askCompiler, snippetCode, snippetFile, snippetInputs, snippetNames } from './snippets.mjs';

const { resolve } = createRequire(path.join(projectDirectory, 'package.json'));
const placeOfDropIn = pathToFileURL(resolve('octet-web/ort')).href;
const dropIn = await import(placeOfDropIn);

const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-drop-in-'));
after(() => fs.rmSync(temporary, { recursive: true }));

const inputs = snippetInputs();
const model = path.join(temporary, 'model.onnx');
fs.writeFileSync(model, inputs.bytes);

async function runSnippet(name, module) {
  const code = snippetCode(name, module);
  const { example } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  return example({ ...inputs, model });
}

/** Equal, but for numbers of float32, which are within 1e-6 of probabilities. */
function assertSame(actual, expected) {
  assert.deepEqual({ ...actual, numbers: [] }, { ...expected, numbers: [] });
  assert.equal(actual.numbers.length, expected.numbers.length);
  expected.numbers.forEach((value, i) =>
    assert.ok(Math.abs(actual.numbers[i] - value) < 1e-6, `${actual.numbers[i]} is not ${value}`),
  );
}

const wrongFile = path.join(temporary, 'wrong.ts');
fs.writeFileSync(
  wrongFile,
  `import * as ort from 'onnxruntime-web';
  const type: ort.Tensor.Type = 'float31';
  const options: ort.InferenceSession.SessionOptions = { executionMode: 'both' };
  export const wrong = [type, options, ort.env.wasm.numThreads.toFixed()];`,
);

describe('types', () => {
  const files = [...snippetNames.map(snippetFile), wrongFile];
  const expected = askCompiler(files, 'onnxruntime-web');
  const isOfWrongFile = (text) => text.startsWith('wrong.ts:');

  test('of onnxruntime-web are what the snippets are written for', () => {
    assert.equal(expected.complaints.length, 3);
    assert.ok(expected.complaints.every(isOfWrongFile));
    assert.ok(expected.types.includes('InferenceSession.SessionOptions'));
  });

  for (const library of ['octet-web', 'octet-web/ort'])
    test(`of ${library} take the snippets, refuse what is wrong, and lack none`, () => {
      const { complaints, types } = askCompiler(files, library);
      assert.deepEqual(
        complaints.filter((text) => !isOfWrongFile(text)),
        [],
      );
      assert.equal(complaints.length, 3);
      assert.deepEqual(
        expected.types.filter((name) => !types.includes(name)),
        [],
      );
    });
});

/** Of types that go into the library: what is onnxruntime-common's has to do. Of others its own has to do there. */
const goesIn = (name) => /(Options|Config)$/.test(name);
const conversion = (name) =>
  goesIn(name)
    ? `((theirs: common.${name}): ort.${name} => theirs);`
    : `((own: ort.${name}): common.${name} => own);`;

/** A program that names all that transformers.js uses, in the place of onnxruntime-common's. */
const usesFile = path.join(temporary, 'uses.ts');
fs.writeFileSync(
  usesFile,
  `import type * as common from 'onnxruntime-common';
  import * as ort from 'onnxruntime-web';
  type Get<T, Key> = T extends object ? (Key extends keyof T ? NonNullable<T[Key]> : never) : never;
  type IsThere<T> = [T] extends [never] ? false : true;
  ${usedTypes.map(conversion).join('\n')}
  ${usedValues
    .map((name) => name.split('.').reduce((type, key) => `Get<${type}, '${key}'>`, 'typeof ort'))
    .map((type) => `(true satisfies IsThere<${type}>);`)
    .join('\n')}`,
);

describe('what transformers.js uses', () => {
  const read = (library, name) => name.split('.').reduce((value, key) => value?.[key], library);

  test('is read out of its sources', () => {
    for (const name of ['InferenceSession.SessionOptions', 'Tensor.Type'])
      assert.ok(usedTypes.includes(name), usedTypes.join());
    for (const name of ['InferenceSession', 'Tensor', 'env.wasm.wasmPaths'])
      assert.ok(usedValues.includes(name), usedValues.join());
  });

  for (const library of ['onnxruntime-web', 'octet-web', 'octet-web/ort'])
    test(`is there, in the types of ${library}`, () => {
      assert.deepEqual(askCompiler([usesFile], library).complaints, []);
    });

  test('is there, where onnxruntime-web has it', () => {
    // By this version transformers.js chooses files of onnxruntime on a server; without it, it chooses none.
    const wanted = usedValues.filter((name) => name !== 'env.versions.web');
    for (const name of wanted.filter((one) => read(ort, one) !== undefined))
      assert.notEqual(read(dropIn, name), undefined, name);
  });
});

describe('snippets', () => {
  const needsBrowser = ['image'];
  for (const name of snippetNames.filter((one) => !needsBrowser.includes(one)))
    test(`${name} says what it says on onnxruntime-web`, async () => {
      const expected = await runSnippet(name, import.meta.resolve('onnxruntime-web'));
      assertSame(await runSnippet(name, placeOfDropIn), expected);
    });
});

describe('octet-web/ort', () => {
  test('exports the names of onnxruntime-web, and a default of the same', () => {
    assert.deepEqual(Object.keys(dropIn).sort(), Object.keys(ort).sort());
    assert.deepEqual(Object.keys(dropIn.default).sort(), Object.keys(ort.default).sort());
    for (const [name, value] of Object.entries(dropIn.default)) assert.equal(value, dropIn[name]);
    for (const name of ['InferenceSession', 'Tensor', 'env'])
      assert.equal(dropIn[name], octet[name]);
  });

  test('stands for every part of onnxruntime-web, under an alias of either package', () => {
    for (const part of ['all', 'wasm', 'webgl', 'webgpu', 'jspi'])
      for (const name of ['octet-web/ort', 'octet-web'])
        assert.equal(resolve(`${name}/${part}`), resolve('octet-web/ort'));
  });

  test('takes backends, and refuses what is none, as there', () => {
    const backend = { init: async () => {}, createInferenceSessionHandler: async () => ({}) };
    for (const { registerBackend } of [dropIn, ort]) {
      registerBackend('told', backend);
      assert.throws(() => registerBackend('told', {}), TypeError);
    }
  });

  test('traces where the flag is set', (t) => {
    const [stamp, time, timeEnd] = ['timeStamp', 'time', 'timeEnd'].map((name) =>
      t.mock.method(console, name, () => {}),
    );
    const calls = () =>
      [stamp, time, timeEnd].map(({ mock }) => mock.calls.map((c) => c.arguments));
    const traceAll = ({ TRACE, TRACE_EVENT_BEGIN, TRACE_EVENT_END }) => {
      TRACE('CPU', 'here');
      TRACE_EVENT_BEGIN('work');
      TRACE_EVENT_END('work');
    };
    traceAll(dropIn);
    assert.deepEqual(calls(), [[], [], []]);
    for (const library of [dropIn, ort]) {
      library.env.trace = true;
      traceAll(library);
      delete library.env.trace;
    }
    for (const list of calls()) assert.deepEqual(list[0], list[1]);
    dropIn.env.wasm.trace = true;
    (function caller() {
      dropIn.TRACE_FUNC_BEGIN('now');
    })();
    delete dropIn.env.wasm.trace;
    assert.match(calls()[0].at(-1)[0], /^CPU::ORT::FUNC_BEGIN::caller .*::now$/);
  });
});

describe('options', () => {
  const create = (options) => octet.InferenceSession.create(inputs.bytes, options);
  const feeds = { x: new octet.Tensor('float32', new Float32Array(4), [1, 4]) };

  test('skip execution providers that are not here if one is', async () => {
    for (const executionProviders of [
      ['webgpu', 'wasm'],
      [{ name: 'webnn', deviceType: 'gpu' }, { name: 'cpu' }],
      [],
    ])
      await (await create({ executionProviders })).release();
    await assert.rejects(create({ executionProviders: ['webgpu', 'cuda'] }), {
      code: 'invalid-option',
      message: /'wasm' or 'cpu' expected among webgpu, cuda/,
    });
  });

  test('fix open dimensions', async () => {
    const session = await create({ freeDimensionOverrides: { batch: 2 } });
    await assert.rejects(session.run(feeds), { code: 'invalid-input' });
    await session.release();
  });

  test('of runs are known ones', async () => {
    const session = await create();
    await assert.rejects(session.run(feeds, { probability: null }), {
      code: 'invalid-option',
      message: /run: unknown option 'probability'/,
    });
    await assert.rejects(session.run(feeds, ['probabilities'], 3), { code: 'invalid-option' });
    await assert.rejects(session.run(feeds, ['probabilities'], { terminate: true }), {
      code: 'aborted',
    });
    const { probabilities } = await session.run(feeds, { extra: { memory: {} } });
    assert.deepEqual(probabilities.dims, [1, 3]);
    await session.release();
  });

  test('come with streams too', async () => {
    const session = await octet.InferenceSession.create(new Blob([inputs.bytes]).stream());
    await session.release();
    const broken = new ReadableStream({
      start: (controller) => controller.error(new Error('the line is cut')),
    });
    await assert.rejects(octet.InferenceSession.create(broken), {
      code: 'invalid-input',
      message: /the model: .*the line is cut/,
    });
  });
});

describe('data beside a model', () => {
  const place = path.join(temporary, 'outside.onnx');
  const weights = path.join(temporary, 'weights.bin');
  fs.writeFileSync(place, inputs.outside);
  fs.writeFileSync(weights, inputs.weights);
  const feeds = { x: new octet.Tensor('float32', Float32Array.of(1, 2, 3, 4), [1, 4]) };
  const probabilitiesOf = async (...parameters) => {
    const session = await octet.InferenceSession.create(...parameters);
    const { probabilities } = await session.run(feeds);
    await session.release();
    return probabilities.data;
  };

  test('is found where the model has a path', async () => {
    const expected = await probabilitiesOf(inputs.bytes);
    for (const source of [place, path.relative('.', place), pathToFileURL(place)])
      assert.deepEqual(await probabilitiesOf(source), expected);
    assert.equal((await octet.inspect(place)).parameters, 12);
    const { model: quantized } = await octet.quantize(place, { mode: 'dynamic' });
    assert.equal((await octet.inspect(quantized)).operators.MatMulInteger, 1);
  });

  test('is what was given, if it was', async () => {
    const data = new Uint8Array(inputs.weights.length);
    const externalData = [{ path: 'weights.bin', data }];
    for (const value of await probabilitiesOf(place, { externalData }))
      assert.ok(Math.abs(value - 1 / 3) < 1e-6);
  });

  test('is missed by its name', async () => {
    const lonely = path.join(temporary, 'lonely');
    fs.mkdirSync(lonely);
    fs.copyFileSync(place, path.join(lonely, 'outside.onnx'));
    for (const source of [inputs.outside, path.join(lonely, 'outside.onnx')])
      await assert.rejects(octet.InferenceSession.create(source), {
        code: 'invalid-model',
        message: /'weights\.bin'/,
      });
  });
});
