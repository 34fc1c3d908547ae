/**
 * Samples that are broken, and iterables that are: what the error says, that iterators are closed, and that the engine goes on.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeModel, GraphBuilder, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { octet } from './package_under_test.mjs';
import { runOnce, unoptimized } from './sessions.mjs';

const random = new Random('calibration data');
const dims = [1, 16];

/** A Relu between two products, and a square root that negative numbers break. */
function model() {
  const graph = new GraphBuilder('two products');
  const weights = (name) =>
    graph.initializer(name, tensor('float32', [16, 16], random.normals(256, 0, 0.3)));
  const x = graph.input('x', 'float32', ['batch', 16]);
  const first = graph.add('MatMul', [x, weights('a')], {}, ['first']);
  const relu = graph.add('Relu', [first], {}, ['relu']);
  graph.output(graph.add('MatMul', [relu, weights('b')], {}, ['y']), 'float32', ['batch', 16]);
  return encodeModel(graph, { opset: 13 });
}

function rootModel() {
  const graph = new GraphBuilder('root');
  const w = graph.initializer('w', tensor('float32', [16, 16], random.normals(256)));
  const root = graph.add('Sqrt', [graph.input('x', 'float32', dims)], {}, ['root']);
  graph.output(graph.add('MatMul', [root, w], {}, ['y']), 'float32', dims);
  return encodeModel(graph, { opset: 13 });
}

const source = model();
const filled = (value) => new octet.Tensor('float32', new Float32Array(16).fill(value), dims);
const good = () => ({ x: new octet.Tensor('float32', random.normals(16), dims) });
const withBad = (value) => {
  const data = random.normals(16);
  data[5] = value;
  return { x: new octet.Tensor('float32', data, dims) };
};

const modes = {
  static: { mode: 'static' },
  entropy: { mode: 'static', activations: { method: 'entropy' } },
  adaround: { mode: 'static', weights: { method: 'adaround' } },
  corrections: { mode: 'static', correct: { biasCorrection: true } },
  gptq: { mode: 'weight-only', weights: { type: 'int4', method: 'gptq', blockSize: 16 } },
  mixed: { mode: 'mixed', target: { minSqnrDb: 20 } },
};

/** Samples as arrays and as generators; these tell what became of them. */
const forms = {
  array: (samples) => ({ samples, closed: () => true }),
  generator: (samples) => {
    let isClosed = false;
    const make = function* () {
      try {
        yield* samples;
      } finally {
        isClosed = true;
      }
    };
    return { samples: { [Symbol.iterator]: make }, closed: () => isClosed };
  },
  'async generator': (samples) => {
    let isClosed = false;
    const make = async function* () {
      try {
        yield* samples;
      } finally {
        isClosed = true;
      }
    };
    return { samples: { [Symbol.asyncIterator]: make }, closed: () => isClosed };
  },
};

async function quantizesStill() {
  const { report } = await octet.quantize(source, { mode: 'static', calibration: [good()] });
  assert.equal(report.floatNodes.length, 0);
}

const broken = {
  NaN: [withBad(NaN), /^calibration\[1\]: input 'x' has NaN at element 5; .*leave this sample out/],
  Infinity: [withBad(Infinity), /^calibration\[1\]: input 'x' has Infinity at element 5/],
  'no object': [7, /^calibration\[1\]: an object of tensors by input name expected/],
  null: [null, /^calibration\[1\]: an object of tensors/],
  'a tensor': [filled(1), /^calibration\[1\]: an object of tensors/],
  'a string': ['x', /^calibration\[1\]: an object of tensors/],
  'a missing input': [{}, /^calibration\[1\]: input 'x' is missing/],
  'an unknown input': [{ ...good(), z: filled(1) }, /^calibration\[1\]: .*no input 'z'; it has x/],
  'no tensor': [{ x: [1, 2] }, /^calibration\[1\]: input 'x': a Tensor expected/],
  'a wrong shape': [
    { x: new octet.Tensor('float32', random.normals(8), [1, 8]) },
    /^calibration\[1\]: input 'x' expects shape \[\?, 16\], not \[1, 8\]/,
  ],
  'a wrong type': [
    { x: new octet.Tensor('int32', new Int32Array(16), dims) },
    /^calibration\[1\]: input 'x' expects float32, not int32/,
  ],
};

for (const [mode, options] of Object.entries(modes)) {
  describe(mode, () => {
    for (const [form, make] of Object.entries(forms)) {
      test(`${form}: broken samples are named`, async () => {
        for (const [what, [sample, message]] of Object.entries(broken)) {
          const { samples, closed } = make([good(), sample, good()]);
          await assert.rejects(
            octet.quantize(source, { ...options, calibration: samples }),
            (error) => {
              assert.equal(error.code, 'invalid-input', what);
              assert.match(error.message, message);
              return true;
            },
          );
          assert.ok(closed(), what);
        }
        await quantizesStill();
      });

      test(`${form}: none at all`, async () => {
        const { samples } = make([]);
        await assert.rejects(octet.quantize(source, { ...options, calibration: samples }), {
          code: 'invalid-input',
          message: 'calibration: there are no samples',
        });
      });
    }

    test('an error of the iterator passes through', async () => {
      const failure = new Error('the camera is gone');
      const iterables = [
        function* () {
          yield good();
          throw failure;
        },
        async function* () {
          yield good();
          throw failure;
        },
      ].map((make, i) => ({ [i ? Symbol.asyncIterator : Symbol.iterator]: make }));
      for (const calibration of iterables) {
        const caught = await octet.quantize(source, { ...options, calibration }).catch((e) => e);
        assert.equal(caught, failure);
      }
      await quantizesStill();
    });
  });
}

test('a value inside of the model that breaks is named', async () => {
  const calibration = [{ x: filled(4) }, { x: filled(-1) }];
  await assert.rejects(octet.quantize(rootModel(), { mode: 'static', calibration }), {
    code: 'invalid-input',
    message: /^calibration\[1\]: value 'root' becomes infinite or not a number/,
  });
});

test('an answer that nothing can be measured against is named', async () => {
  const calibration = [{ x: filled(4) }, { x: filled(-1) }];
  const target = { minSqnrDb: 20 };
  await assert.rejects(octet.quantize(rootModel(), { mode: 'mixed', target, calibration }), {
    code: 'invalid-input',
    message: /^calibration\[1\]: output 'y' of the float model has NaN at element 0/,
  });
});

describe('samples that are constant', () => {
  const methods = ['minmax', 'moving-average', 'percentile', 'entropy', 'mse'];
  for (const method of methods) {
    for (const type of ['uint8', 'int8']) {
      test(`${method}, ${type}`, async () => {
        for (const value of [0, 3, -3]) {
          const calibration = [{ x: filled(value) }, { x: filled(value) }];
          const activations = { method, type };
          const { model, report } = await octet.quantize(source, {
            mode: 'static',
            activations,
            calibration,
          });
          const { method: found, scale } = report.tensors.find(({ name }) => name === 'x');
          assert.equal(found, value === 0 ? 'constant' : method);
          if (value === 0) assert.deepEqual(scale, { min: 1, max: 1 });
          const feeds = { x: tensor('float32', dims, new Float32Array(16).fill(value)) };
          const [before, after] = [
            await runOnce(unoptimized, source, feeds),
            await runOnce(unoptimized, model, feeds),
          ];
          const largest = Math.max(...before.y.data.map(Math.abs), 0.01);
          before.y.data.forEach((y, i) =>
            assert.ok(Math.abs(y - after.y.data[i]) < 0.05 * largest, `${y} ${after.y.data[i]}`),
          );
        }
      });
    }
  }
});

test('-Infinity is fine where it is not quantized', async () => {
  const graph = new GraphBuilder('masked');
  const w = graph.initializer('w', tensor('float32', [16, 16], random.normals(256)));
  const product = graph.add('MatMul', [graph.input('x', 'float32', dims), w]);
  const masked = graph.add('Add', [product, graph.input('mask', 'float32', dims)]);
  graph.output(graph.add('Softmax', [masked], {}, ['y']), 'float32', dims);
  const mask = new Float32Array(16);
  mask[3] = -Infinity;
  const calibration = [{ ...good(), mask: new octet.Tensor('float32', mask, dims) }];
  const options = { mode: 'static', include: () => true, opTypes: ['MatMul'], calibration };
  const { report } = await octet.quantize(encodeModel(graph, { opset: 13 }), options);
  assert.ok(report.tensors.length > 0);
});

test('samples of a comparison are named too', async () => {
  await assert.rejects(octet.compare(source, source, [good(), withBad(NaN)]), {
    code: 'invalid-input',
    message: /^samples\[1\]: input 'x' has NaN at element 5/,
  });
  await assert.rejects(octet.compare(source, source, []), { message: /no samples/ });
  await assert.rejects(octet.compare(source, source, 5), { code: 'invalid-option' });
});
