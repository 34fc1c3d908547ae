/**
 * What Octet writes, given to it again: `inspect` names the operators of quantized arithmetic, `quantize` refuses and says why,
 * and with `force` it changes only what was left in float.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeModel, encodeModel, GraphBuilder, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { sqnr } from './closeness.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, reference, runOnce } from './sessions.mjs';

const random = new Random('quantized again');
const feeds = { x: tensor('float32', [4, 32], random.normals(128)) };
const samples = [{ x: new octet.Tensor('float32', feeds.x.data, feeds.x.dims) }];

/** A Gemm and a MatMul, to be quantized one after the other. */
function model() {
  const graph = new GraphBuilder('two products');
  const weights = (name) =>
    graph.initializer(name, tensor('float32', [32, 32], random.normals(1024, 0, 0.2)));
  const bias = graph.initializer('bias', tensor('float32', [32], random.normals(32)));
  const x = graph.input('x', 'float32', [4, 32]);
  const first = graph.add('Gemm', [x, weights('a'), bias], {}, ['first']);
  const relu = graph.add('Relu', [first], {}, ['relu']);
  graph.output(graph.add('MatMul', [relu, weights('b')], {}, ['y']), 'float32', [4, 32]);
  return encodeModel(graph, { opset: 21 });
}
const source = model();

const weightOnly = (type, format) => ({ mode: 'weight-only', weights: { type }, format });
const asStatic = { mode: 'static', calibration: samples };
/** Each with operators that its files have. */
const forms = [
  [{ mode: 'dynamic' }, ['DynamicQuantizeLinear', 'MatMulInteger']],
  [{ mode: 'dynamic', weights: { type: 'uint8', perChannel: false } }, ['MatMulInteger']],
  [asStatic, ['QuantizeLinear', 'DequantizeLinear']],
  [{ ...asStatic, activations: { type: 'int8' } }, ['QuantizeLinear', 'DequantizeLinear']],
  [{ ...asStatic, format: 'qoperator' }, ['com.microsoft.QGemm']],
  [{ ...asStatic, activations: { type: 'uint16' } }, ['QuantizeLinear', 'DequantizeLinear']],
  ...['int4', 'uint4', 'int8', 'uint8'].flatMap((type) => [
    [weightOnly(type, 'qoperator'), ['com.microsoft.MatMulNBits']],
    [weightOnly(type, 'qdq'), ['DequantizeLinear']],
  ]),
  [{ mode: 'mixed', target: { maxSizeBytes: 0.4 * source.length }, calibration: samples }, []],
];
const again = [{ mode: 'dynamic' }, asStatic, weightOnly('int4'), weightOnly('float16')];

const nameOf = ({ mode, weights, activations, format }) =>
  [mode, weights?.type, activations?.type, format].filter(Boolean).join(' ');

const outputOf = async (bytes) => (await runOnce(candidate(octet), bytes, feeds)).y.data;

const isMixed = ({ mode }) => mode === 'mixed';

for (const [options, operators] of forms) {
  describe(nameOf(options), async () => {
    const { model } = await octet.quantize(source, options);

    test('inspect names what is quantized', async () => {
      const { quantized } = await octet.inspect(model);
      for (const operator of operators) assert.ok(quantized[operator] > 0, operator);
      assert.ok(Object.keys(quantized).length > 0);
      const written = decodeModel(model).graph.node.map(({ opType, domain }) =>
        domain ? `${domain}.${opType}` : opType,
      );
      for (const [operator, count] of Object.entries(quantized))
        assert.equal(count, written.filter((name) => name === operator).length, operator);
    });

    test('quantizing again is refused', async () => {
      for (const other of again)
        await assert.rejects(octet.quantize(model, other), {
          code: 'invalid-option',
          message: /^the model is quantized already: node '[^']+' is a \w+; force quantizes what/,
        });
    });

    test(
      'with force nothing is left to do, and nothing changes',
      { skip: isMixed(options) },
      async () => {
        for (const other of [{ mode: 'dynamic' }, weightOnly('int4')]) {
          const forced = await octet.quantize(model, { ...other, force: true });
          assert.deepEqual(await outputOf(forced.model), await outputOf(model));
        }
      },
    );

    test('force quantizes what was left in float', { skip: isMixed(options) }, async () => {
      const { nodeList } = await octet.inspect(source);
      const gemm = nodeList.find(({ opType }) => opType === 'Gemm').name;
      const partial = await octet.quantize(source, { ...options, exclude: [gemm] });
      const expected = (await runOnce(reference, source, feeds)).y;
      for (const other of again) {
        const forced = await octet.quantize(partial.model, { ...other, force: true });
        assert.ok(forced.report.tensors.some(({ name }) => name === 'a'));
        const { y } = await runOnce(candidate(octet), forced.model, feeds);
        assert.ok(sqnr([y], [expected]) > 10, nameOf(other));
      }
    });
  });
}

test('halves are floats: they are not refused', async () => {
  const { model } = await octet.quantize(source, weightOnly('float16'));
  assert.deepEqual((await octet.inspect(model)).quantized, {});
  await octet.quantize(model, { mode: 'dynamic' });
});
