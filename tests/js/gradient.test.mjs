/** ai.onnx.preview.training's Gradient against differences of what onnxruntime computes, and what it refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeModel, GraphBuilder, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, reference, runOnce } from './sessions.mjs';

const training = 'ai.onnx.preview.training';
const opset = 17;

/** Functions of a [2, 3] and b, by the nodes that make them; each yields the name of y. */
const functions = {
  'Add, broadcast': { dims: [3], y: (graph) => graph.add('Add', ['a', 'b']) },
  Sub: { dims: [2, 1], y: (graph) => graph.add('Sub', ['a', 'b']) },
  'Mul, twice': {
    dims: [2, 3],
    y: (graph) => graph.add('Mul', [graph.add('Mul', ['a', 'b']), 'a']),
  },
  Pow: { dims: [3], y: (graph) => graph.add('Pow', ['a', 'b']) },
  Div: { dims: [3], y: (graph) => graph.add('Div', ['a', 'b']) },
  MatMul: { dims: [3, 4], y: (graph) => graph.add('MatMul', ['a', 'b']) },
  'MatMul, broadcast': { dims: [2, 3, 4], y: (graph) => graph.add('MatMul', ['a', 'b']) },
  'a layer': {
    dims: [3, 4],
    y: (graph) => graph.add('Sigmoid', [graph.add('Tanh', [graph.add('MatMul', ['a', 'b'])])]),
  },
  ...Object.fromEntries(
    ['Neg', 'Exp', 'Log', 'Sqrt', 'Sin', 'Cos', 'Abs', 'Relu', 'Sigmoid', 'Tanh', 'Identity'].map(
      (opType) => [
        opType,
        { dims: [3], y: (graph) => graph.add(opType, [graph.add('Mul', ['a', 'b'])]) },
      ],
    ),
  ),
};

function forward({ dims, y }) {
  const graph = new GraphBuilder('forward');
  graph.input('a', 'float64', [2, 3]);
  graph.input('b', 'float64', dims);
  graph.add('ReduceSum', [y(graph)], { keepdims: 0 }, ['total']);
  graph.output('total', 'float64', []);
  return encodeModel(graph, { opset });
}

function backward({ dims, y }, attributes = {}) {
  const graph = new GraphBuilder('backward');
  graph.input('a', 'float64', [2, 3]);
  graph.input('b', 'float64', dims);
  const name = y(graph);
  graph.add(
    'Gradient',
    ['a', 'b'],
    { xs: ['a', 'b'], y: name, ...attributes },
    ['da', 'db'],
    training,
  );
  graph.output('da', 'float64');
  graph.output('db', 'float64');
  return encodeModel(graph, { opset, domains: { [training]: 1 } });
}

const positive = (random, dims) =>
  tensor(
    'float64',
    dims,
    random.uniforms(
      dims.reduce((a, b) => a * b, 1),
      0.5,
      1.5,
    ),
  );

/** Central differences of the sum of y in every element of an input. */
async function differences(model, feeds, name) {
  const step = 1e-5;
  const total = async (data) =>
    (await runOnce(reference, model, { ...feeds, [name]: { ...feeds[name], data } })).total.data[0];
  const out = [];
  for (let i = 0; i < feeds[name].data.length; ++i) {
    const shifted = (by) => feeds[name].data.with(i, feeds[name].data[i] + by);
    out.push(((await total(shifted(step))) - (await total(shifted(-step)))) / (2 * step));
  }
  return out;
}

for (const [name, definition] of Object.entries(functions)) {
  test(`the gradient of ${name}`, async () => {
    const random = new Random(name);
    const feeds = { a: positive(random, [2, 3]), b: positive(random, definition.dims) };
    const actual = await runOnce(candidate(octet), backward(definition), feeds);
    for (const input of ['a', 'b']) {
      const expected = await differences(forward(definition), feeds, input);
      const { dims, data } = actual[`d${input}`];
      assert.deepEqual([...dims], feeds[input].dims);
      expected.forEach((value, i) =>
        assert.ok(Math.abs(data[i] - value) < 1e-4, `d${input}[${i}] is ${data[i]}, not ${value}`),
      );
    }
  });
}

test('an operand that y does not depend on has a gradient of zeros', async () => {
  const onlyA = { dims: [3], y: (graph) => graph.add('Neg', ['a']) };
  const feeds = { a: positive(new Random(1), [2, 3]), b: positive(new Random(2), [3]) };
  const { da, db } = await runOnce(candidate(octet), backward(onlyA), feeds);
  assert.deepEqual([...da.data], Array(6).fill(-1));
  assert.deepEqual([...db.data], [0, 0, 0]);
});

test('the gradient of a gradient', async () => {
  const graph = new GraphBuilder('twice');
  graph.input('a', 'float64', [3]);
  graph.add('Mul', [graph.add('Mul', ['a', 'a']), 'a'], {}, ['y']);
  const gradient = (y, output) =>
    graph.add('Gradient', ['a'], { xs: ['a'], y }, [output], training);
  gradient('y', 'first');
  gradient('first', 'second');
  graph.output('second', 'float64');
  const model = encodeModel(graph, { opset, domains: { [training]: 1 } });
  const a = tensor('float64', [3], [1, -2, 0.5]);
  const { second } = await runOnce(candidate(octet), model, { a });
  second.data.forEach((value, i) => assert.ok(Math.abs(value - 6 * a.data[i]) < 1e-9));
});

test('what has no known derivative, and names that are not there, are refused', async () => {
  const feeds = { a: positive(new Random(1), [2, 3]), b: positive(new Random(2), [3]) };
  const refuses = (definition, attributes, code) =>
    assert.rejects(
      runOnce(candidate(octet), backward(definition, attributes), feeds),
      (error) => error.code === code && error.message.includes('Gradient'),
    );
  const floor = { dims: [3], y: (graph) => graph.add('Floor', [graph.add('Add', ['a', 'b'])]) };
  await refuses(floor, {}, 'unsupported-operator');
  const second = {
    dims: [3],
    y: (graph) => {
      graph.add('TopK', ['a', graph.initializer('k', tensor('int64', [1], [1n]))], {}, ['t', 'u']);
      return graph.add('Mul', [graph.add('Cast', ['u'], { to: 11 }), 'b']);
    },
  };
  await refuses(second, {}, 'unsupported-operator');
  await refuses(functions.Div, { y: 'nowhere' }, 'invalid-model');
  await refuses(functions.Div, { xs: ['a'] }, 'invalid-model');
  await assert.rejects(octet.quantize(backward(functions.MatMul), { mode: 'dynamic' }), {
    code: 'unsupported-operator',
    message: /Gradient/,
  });
});
