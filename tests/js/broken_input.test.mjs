/**
 * Broken models and wrong feeds end in an OctetError of the right code, and the next good call works. The mutations are seeded: a
 * failure says which.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { before, test } from 'node:test';
import { casesOf, network } from '../models/networks.mjs';
import { decodeModel, encodeMessage, encodeModel, GraphBuilder } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, runOnce, runSteps } from './sessions.mjs';

const { InferenceSession, OctetError, Tensor } = octet;
const library = candidate(octet);
const damageCount = 200;
const quantizedDamageCount = 5000;
const damageCodes = ['invalid-model', 'unsupported-operator', 'invalid-input', 'out-of-memory'];
const mistakeRounds = 4;

/** The networks that get broken: convolutions, an LSTM in an If, and rows of Gemm. */
const victims = await Promise.all(
  ['mnist', 'silero_vad_v5', 'hey_jarvis'].map(async (name) => {
    const [{ steps }] = casesOf(network(name));
    return {
      name,
      bytes: new Uint8Array(fs.readFileSync(await network(name).locate())),
      feeds: steps[0].feeds,
    };
  }),
);
const [good] = victims;
let goodSession;
let goodAnswer;

const answerOf = async (session) => {
  const [outputs] = await runSteps(library, session, [{ feeds: good.feeds }]);
  return outputs.probabilities.data;
};

before(async () => {
  goodSession = await InferenceSession.create(good.bytes);
  goodAnswer = await answerOf(goodSession);
});

/** What was opened before still answers, and a model can be opened anew. */
async function assertUsable(fresh = true) {
  assert.deepEqual(await answerOf(goodSession), goodAnswer);
  if (!fresh) return;
  const { probabilities } = await runOnce(library, good.bytes, good.feeds);
  assert.deepEqual(probabilities.data, goodAnswer);
}

/** The error that opening and running a model ends in, if any; it must be one of Octet's. */
async function outcomeOf(bytes, feeds, codes, label) {
  try {
    await runOnce(library, bytes, feeds);
  } catch (error) {
    assert.ok(error instanceof OctetError, `${label}: ${error.stack}`);
    assert.ok(codes.includes(error.code), `${label}: code ${error.code}, ${error.message}`);
    assert.notEqual(error.message, '', label);
    return error;
  }
  return undefined;
}

/** Ways to damage the bytes of a file. Positions fall as often in the structure, which surrounds the weights, as anywhere. */
const position = (random, length) =>
  random.boolean()
    ? random.integer(0, length - 1)
    : random.pick([random.integer(0, 400), length - random.integer(1, 2000)]);

const damages = {
  truncate: (random, bytes) => bytes.slice(0, position(random, bytes.length)),
  'flip bits'(random, bytes) {
    const result = bytes.slice();
    for (let i = random.integer(1, 8); i > 0; --i) {
      result[position(random, bytes.length)] ^= 1 << random.integer(0, 7);
    }
    return result;
  },
  'overwrite bytes'(random, bytes) {
    const result = bytes.slice();
    const start = position(random, bytes.length);
    const value = random.pick([0, 0x7f, 0x80, 0xff]);
    return result.fill(value, start, start + random.integer(1, 40));
  },
  'cut out bytes'(random, bytes) {
    const start = position(random, bytes.length);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + random.integer(1, 40))]);
  },
  'repeat bytes'(random, bytes) {
    const start = position(random, bytes.length);
    const end = start + random.integer(1, 40);
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)]);
  },
};

test('damaged files', async (t) => {
  const random = new Random('damaged files');
  const names = Object.keys(damages);
  for (let i = 0; i < damageCount; ++i) {
    const victim = victims[i % victims.length];
    const name = names[i % names.length];
    const bytes = new Uint8Array(damages[name](random, victim.bytes));
    await t.test(`${i}: ${name} of ${victim.name}`, async () => {
      await outcomeOf(bytes, victim.feeds, damageCodes, name);
      await assertUsable(i % 10 === 0);
    });
  }
});

// Lowering does most to quantized models, and finds few of the nodes that it expects in damaged ones.
test('damaged quantized files', async () => {
  const random = new Random('damaged quantized files');
  const { image } = good.feeds;
  const calibration = [{ image: new Tensor(image.type, image.data, image.dims) }];
  for (const options of [{ mode: 'dynamic' }, { mode: 'static', calibration }]) {
    const { model } = await octet.quantize(good.bytes, options);
    let refused = 0;
    for (let i = 0; i < quantizedDamageCount; ++i) {
      const name = random.pick(Object.keys(damages));
      const bytes = new Uint8Array(damages[name](random, model));
      if (await outcomeOf(bytes, good.feeds, damageCodes, `${i}: ${name}`)) ++refused;
    }
    assert.ok(refused > 0 && refused < quantizedDamageCount, `${refused} refused`);
  }
  await assertUsable();
});

test('a model without outputs runs', async () => {
  const model = decodeModel(good.bytes);
  model.graph.output = [];
  assert.deepEqual(await runOnce(library, encodeMessage(model), good.feeds), {});
});

/** A node of the graph or of a subgraph, picked among those that `suits` accepts. */
function pickNode(random, graph, suits = () => true) {
  const nodesOf = ({ node }) =>
    node.flatMap((one) => [one, ...one.attribute.flatMap(({ g }) => (g ? nodesOf(g) : []))]);
  return random.pick(nodesOf(graph).filter(suits));
}

const hasInputs = ({ input }) => input.length > 0 && input[0] !== '';
const hasAttributes = ({ attribute }) => attribute.length > 0;

/** Mistakes in a well-formed file that no engine can run. */
const mistakes = {
  'an unknown operator'(random, { graph }) {
    pickNode(random, graph).opType = 'NoSuchOperator';
    return ['unsupported-operator'];
  },
  'an unknown domain'(random, { graph }) {
    pickNode(random, graph).domain = 'no.such.domain';
    return ['unsupported-operator', 'invalid-model'];
  },
  'an operator set that cannot be'(_random, model) {
    model.opsetImport[0].version = -1;
    return ['invalid-model'];
  },
  'no operator set'(_random, model) {
    model.opsetImport = [];
    return ['invalid-model'];
  },
  'no graph'(_random, model) {
    model.graph = null;
    return ['invalid-model'];
  },
  'an input that nobody makes'(random, { graph }) {
    pickNode(random, graph, hasInputs).input[0] = 'nobody makes this';
    return ['invalid-model'];
  },
  'no inputs at all'(random, { graph }) {
    pickNode(random, graph, hasInputs).input = [];
    return ['invalid-model'];
  },
  'two nodes of one output'(_random, { graph }) {
    const [first, second] = graph.node;
    second.output[0] = first.output[0];
    return ['invalid-model'];
  },
  'a cycle'(_random, { graph }) {
    const first = graph.node.find(hasInputs);
    first.input[0] = graph.node.at(-1).output[0];
    return ['invalid-model'];
  },
  'an output that nobody makes'(_random, { graph }) {
    graph.output[0].name = 'nobody makes this';
    return ['invalid-model'];
  },
  'an initializer with too few bytes'(random, { graph }) {
    const tensor = random.pick(graph.initializer.filter(({ rawData }) => rawData.length > 4));
    tensor.rawData = tensor.rawData.subarray(0, tensor.rawData.length - 4);
    return ['invalid-model'];
  },
  'an initializer of negative size'(random, { graph }) {
    random.pick(graph.initializer.filter(({ dims }) => dims.length > 0)).dims[0] = -1;
    return ['invalid-model'];
  },
  'an initializer larger than any memory'(random, { graph }) {
    random.pick(graph.initializer.filter(({ dims }) => dims.length > 0)).dims = [2 ** 40, 2 ** 40];
    return ['invalid-model', 'out-of-memory'];
  },
  'an element type that does not exist'(random, { graph }) {
    random.pick(graph.initializer).dataType = 99;
    return ['invalid-model', 'unsupported-operator'];
  },
  'an attribute without a value'(random, { graph }) {
    const { attribute } = pickNode(random, graph, hasAttributes);
    const [{ name }] = attribute;
    attribute[0] = { name, type: 99 };
    return ['invalid-model', 'unsupported-operator', 'invalid-input'];
  },
};

test('models with mistakes', async (t) => {
  const random = new Random('models with mistakes');
  const [suitable] = [victims.filter(({ name }) => name !== 'silero_vad_v5')];
  for (let round = 0; round < mistakeRounds; ++round) {
    for (const [name, make] of Object.entries(mistakes)) {
      const victim = suitable[round % suitable.length];
      const model = decodeModel(victim.bytes);
      const codes = make(random, model);
      await t.test(`${name} in ${victim.name}, round ${round}`, async () => {
        const error = await outcomeOf(encodeMessage(model), victim.feeds, codes, name);
        assert.ok(error, `${name} went unnoticed`);
        await assertUsable(round === 0);
      });
    }
  }
});

const image = () => new Tensor('float32', new Float32Array(784), [1, 1, 28, 28]);

/** Wrong feeds of the MNIST network, whose input is `image`, float32 [batch, 1, 28, 28]. */
const wrongFeeds = {
  'a missing input': () => ({}),
  'an extra input': () => ({ image: image(), extra: image() }),
  'a misspelt input': () => ({ Image: image() }),
  'a wrong type': () => ({ image: new Tensor('int32', new Int32Array(784), [1, 1, 28, 28]) }),
  'a wrong extent': () => ({
    image: new Tensor('float32', new Float32Array(27 * 28), [1, 1, 27, 28]),
  }),
  'a wrong rank': () => ({ image: new Tensor('float32', new Float32Array(784), [28, 28]) }),
  'dims that do not fit the data': () => ({
    image: { type: 'float32', dims: [2, 1, 28, 28], data: new Float32Array(784) },
  }),
  'dims larger than any memory': () => ({
    image: { type: 'float32', dims: [2 ** 40, 1, 28, 28], data: new Float32Array(784) },
  }),
  'negative dims': () => ({
    image: { type: 'float32', dims: [-1, 1, 28, -28], data: new Float32Array(784) },
  }),
  'a detached buffer'() {
    const tensor = image();
    structuredClone(tensor.data, { transfer: [tensor.data.buffer] });
    return { image: tensor };
  },
  'an array instead of a tensor': () => ({ image: new Float32Array(784) }),
  'a number instead of a tensor': () => ({ image: 5 }),
  null: () => ({ image: null }),
  'a disposed tensor'() {
    const tensor = image();
    tensor.dispose();
    return { image: tensor };
  },
  'no object': () => null,
};

for (const [name, makeFeeds] of Object.entries(wrongFeeds)) {
  test(`wrong feeds: ${name}`, async () => {
    const feeds = makeFeeds();
    await assert.rejects(goodSession.run(feeds), (error) => {
      assert.ok(error instanceof OctetError, error.stack);
      assert.equal(error.code, 'invalid-input', error.message);
      return true;
    });
    await assertUsable();
  });
}

const text = (data, dims = [data.length]) => ({ type: 'string', dims, data });
const number = (dims = [1]) => ({ type: 'float32', dims, data: new Float32Array(1) });

/** Wrong feeds of a model whose inputs are `x`, a list of strings, and `y`, one of numbers. */
const wrongTexts = {
  'an element that is no string': () => ({ x: new Tensor('string', ['a', 1]), y: number() }),
  'an element that is not there': () => ({ x: text(new Array(1)), y: number() }),
  'data that is no array': () => ({ x: { ...text(['a']), data: 'a' }, y: number() }),
  'dims that do not fit the data': () => ({ x: text(['a'], [3]), y: number() }),
  'a wrong feed behind the strings': () => ({ x: text(['a']), y: number([3]) }),
  'a disposed tensor'() {
    const x = new Tensor('string', ['a']);
    x.dispose();
    return { x, y: number() };
  },
};

test('wrong feeds of strings leave nothing behind', async (t) => {
  const graph = new GraphBuilder('texts');
  for (const [name, type] of Object.entries({ x: 'string', y: 'float32' }))
    graph.output(
      graph.add('Identity', [graph.input(name, type, ['n'])], {}, [`${name} again`]),
      type,
    );
  const session = await InferenceSession.create(encodeModel(graph));
  for (const [name, makeFeeds] of Object.entries(wrongTexts))
    await t.test(name, async () => {
      await assert.rejects(session.run(makeFeeds()), (error) => {
        assert.ok(error instanceof OctetError, error.stack);
        assert.equal(error.code, 'invalid-input', error.message);
        return true;
      });
      const answer = await session.run({ x: text(['one', 'two']), y: number() });
      assert.deepEqual(answer['x again'].data, ['one', 'two']);
      await assertUsable(false);
    });
  await session.release();
});

test('halves of surrogate pairs become U+FFFD, and what follows them stays', async () => {
  const graph = new GraphBuilder('texts');
  graph.output(graph.add('Identity', [graph.input('x', 'string', ['n'])], {}, ['y']), 'string');
  const session = await InferenceSession.create(encodeModel(graph));
  const { y } = await session.run({ x: text(['a\ud83db', '\ude00', '\ud83d\ude00']) });
  assert.deepEqual(y.data, ['a\ufffdb', '\ufffd', '\ud83d\ude00']);
  await session.release();
});

/** Other misuse, and the code that it must have. */
const misuse = {
  'data that does not fit its dims': [
    () => new Tensor('float32', new Float32Array(5), [2, 3]),
    'invalid-input',
  ],
  'an unknown output': [() => goodSession.run({ image: image() }, ['nothing']), 'invalid-input'],
  'a released session': [
    async () => {
      const session = await InferenceSession.create(good.bytes);
      await session.release();
      await session.run({ image: image() });
    },
    'invalid-input',
  ],
  'an empty file': [() => InferenceSession.create(new Uint8Array(0)), 'invalid-model'],
  'a file that is not a model': [
    () => InferenceSession.create(new TextEncoder().encode('<!doctype html><title>404</title>')),
    'invalid-model',
  ],
  'a file that is not there': [
    () => InferenceSession.create('/no/such/file.onnx'),
    'invalid-input',
  ],
  'an unknown option': [() => InferenceSession.create(good.bytes, { no: 1 }), 'invalid-option'],
  'no provider for us': [
    () => InferenceSession.create(good.bytes, { executionProviders: ['webgpu'] }),
    'invalid-option',
  ],
  'an unknown mode of quantization': [
    () => octet.quantize(good.bytes, { mode: 'magic' }),
    'invalid-option',
  ],
  'an aborted quantization': [
    () => octet.quantize(good.bytes, { mode: 'dynamic', signal: AbortSignal.abort() }),
    'aborted',
  ],
};

for (const [name, [act, code]] of Object.entries(misuse)) {
  test(`misuse: ${name}`, async () => {
    await assert.rejects(
      async () => act(),
      (error) => {
        assert.ok(error instanceof OctetError, error.stack);
        assert.equal(error.code, code, error.message);
        return true;
      },
    );
    await assertUsable();
  });
}
