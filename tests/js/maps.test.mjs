/** The operators of ai.onnx.ml on maps, which onnxruntime's JavaScript can't pass, against what their specification says. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  decodeModel,
  encodeMessage,
  encodeModel,
  GraphBuilder,
  typeCode,
} from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { octet } from './package_under_test.mjs';

const { InferenceSession, Tensor } = octet;
const domain = 'ai.onnx.ml';
const rounds = 20;

/** Runs one node; `map` are the types of the keys and values of the input, when it is a map. */
async function run(opType, attributes, x, { map, type = 'float32' }) {
  const graph = new GraphBuilder(opType);
  graph.input('x', map ? 'float32' : x.type);
  graph.add(opType, ['x'], attributes, ['y'], domain);
  graph.output('y', type);
  const model = decodeModel(encodeModel(graph, { domains: { [domain]: 1 } }));
  if (map) {
    const [keyType, valueType] = map.map(typeCode);
    const values = { tensorType: { elemType: valueType } };
    model.graph.input[0].type = { mapType: { keyType, valueType: values } };
  }
  if (opType === 'ZipMap') {
    const keyType = typeCode(attributes.classlabels_strings ? 'string' : 'int64');
    const values = { tensorType: { elemType: typeCode('float32') } };
    model.graph.output[0].type = {
      sequenceType: { elemType: { mapType: { keyType, valueType: values } } },
    };
  }
  const session = await InferenceSession.create(encodeMessage(model));
  try {
    return (await session.run({ x })).y;
  } finally {
    await session.release();
  }
}

const float32 = (values) => Array.from(Float32Array.from(values));
const words = ['zero', 'one', 'two', 'three', 'four', 'five'];

/** A map of some of `keys` to floats. */
function randomMap(random, keys) {
  const chosen = random.shuffled([...keys]).slice(0, random.integer(1, keys.length));
  return new Map(chosen.map((key) => [key, Math.fround(random.normal())]));
}

describe('ZipMap', () => {
  for (const kind of ['strings', 'int64s']) {
    test(`of ${kind}`, async () => {
      const random = new Random(`ZipMap ${kind}`);
      for (let i = 0; i < rounds; ++i) {
        const [rows, columns] = random.integers(2, 1, 5);
        const labels =
          kind === 'strings' ? words.slice(0, columns) : [7, -3, 11, 0, 5].slice(0, columns);
        const data = float32(random.normals(rows * columns, 0, 1));
        const x = new Tensor('float32', Float32Array.from(data), [rows, columns]);
        const y = await run('ZipMap', { [`classlabels_${kind}`]: labels }, x, {});
        const keys = kind === 'strings' ? labels : labels.map(BigInt);
        const expected = Array.from(
          { length: rows },
          (_, r) => new Map(keys.map((key, c) => [key, data[r * columns + c]])),
        );
        assert.deepEqual(plain(y), expected);
      }
    });
  }

  test('as many labels as columns', async () => {
    const x = new Tensor('float32', new Float32Array(3), [1, 3]);
    await assert.rejects(run('ZipMap', { classlabels_int64s: [1, 2] }, x, {}), {
      code: 'invalid-model',
      message: /2 labels for 3 columns/,
    });
  });
});

/** Maps whose values are plain numbers. */
const plain = (maps) =>
  maps.map(
    (map) =>
      new Map(
        [...map].map(([key, value]) => [key, typeof value === 'object' ? value.data[0] : value]),
      ),
  );

describe('DictVectorizer', () => {
  for (const kind of ['string', 'int64']) {
    test(`by ${kind}`, async () => {
      const random = new Random(`DictVectorizer ${kind}`);
      const all = kind === 'string' ? words : [0n, 1n, 2n, 30n, 4n, 5n];
      for (let i = 0; i < rounds; ++i) {
        const vocabulary = random.shuffled([...all]).slice(0, random.integer(1, all.length));
        const map = randomMap(random, all);
        const attribute = kind === 'string' ? vocabulary : vocabulary.map(Number);
        const y = await run('DictVectorizer', { [`${kind}_vocabulary`]: attribute }, map, {
          map: [kind, 'float32'],
        });
        assert.deepEqual([...y.dims], [1, vocabulary.length]);
        assert.deepEqual(
          [...y.data],
          vocabulary.map((key) => map.get(key) ?? 0),
        );
      }
    });
  }
});

describe('CastMap', () => {
  test('dense: the values by growing keys', async () => {
    const random = new Random('CastMap dense');
    for (let i = 0; i < rounds; ++i) {
      const map = randomMap(random, [9n, 4n, 6n, 0n, 2n]);
      const y = await run('CastMap', {}, map, { map: ['int64', 'float32'] });
      const sorted = [...map].sort(([a], [b]) => Number(a - b)).map(([, value]) => value);
      assert.deepEqual([...y.dims], [1, map.size]);
      assert.deepEqual([...y.data], sorted);
    }
  });

  test('sparse: the values at their keys, 0 elsewhere', async () => {
    const random = new Random('CastMap sparse');
    for (let i = 0; i < rounds; ++i) {
      const map = randomMap(random, [9n, 4n, 6n, 0n, 2n]);
      const attributes = { map_form: 'SPARSE', max_map: 10, cast_to: 'TO_INT64' };
      const y = await run('CastMap', attributes, map, { map: ['int64', 'float32'], type: 'int64' });
      const expected = Array.from({ length: 10 }, (_, key) =>
        BigInt(Math.trunc(map.get(BigInt(key)) ?? 0)),
      );
      assert.deepEqual([...y.data], expected);
    }
  });

  test('a key beyond max_map', async () => {
    const attributes = { map_form: 'SPARSE', max_map: 2 };
    await assert.rejects(
      run('CastMap', attributes, new Map([[2n, 1]]), { map: ['int64', 'float32'] }),
      {
        code: 'invalid-input',
        message: /key 2 is not below max_map/,
      },
    );
  });
});
