/**
 * The operators of com.microsoft in float16, as the files of published models have them: the cases of the tables, rounded, against
 * onnxruntime, which computes some of them in float16 and most in float32, as Octet does all.
 */
import { test } from 'node:test';
import { tensor } from '../models/onnx_builder.mjs';
import { assertOutputsClose } from './closeness.mjs';
import { microsoftAttentions } from './operators/attention.mjs';
import { blocks } from './operators/blocks.mjs';
import { borrowed } from './operators/borrowed.mjs';
import { fusions } from './operators/fusions.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, reference, runOnce } from './sessions.mjs';
import { casesOf } from './single_node.mjs';

/** A few units of the eleven bits that a float16 has. */
const tolerance = { relative: 4e-3, absolute: 4e-3 };

const operators = {
  ...microsoftAttentions,
  ...blocks,
  BiasGelu: fusions.BiasGelu,
  EmbedLayerNormalization: fusions.EmbedLayerNormalization,
  FastGelu: fusions.FastGelu,
  FusedMatMul: fusions.FusedMatMul,
  GatherBlockQuantized: borrowed.GatherBlockQuantized,
  Gelu: fusions.Gelu,
  QuickGelu: fusions.QuickGelu,
  SkipLayerNormalization: fusions.SkipLayerNormalization,
  SkipSimplifiedLayerNormalization: fusions.SkipSimplifiedLayerNormalization,
};

function roundHalfEven(x) {
  const down = Math.floor(x);
  const isUp = x - down > 0.5 || (x - down === 0.5 && down % 2 === 1);
  return isUp ? down + 1 : down;
}

/** The bits of the float16 nearest to a number that is in its range. */
function bitsOf(x) {
  const magnitude = Math.abs(x);
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  const steps = roundHalfEven(magnitude / 2 ** (exponent - 10));
  // Carries into the exponent; below 1024 steps it is a subnormal, of exponent 0.
  const bits = magnitude === 0 ? 0 : ((exponent + 14) << 10) + steps;
  return (x < 0 ? 0x8000 : 0) | bits;
}

function numberOf(bits) {
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  const magnitude = exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14;
  return bits & 0x8000 ? -magnitude : magnitude;
}

const narrowed = (value) =>
  value?.type === 'float32'
    ? tensor('float16', value.dims, Uint16Array.from(value.data, bitsOf))
    : value;

function widened(outputs) {
  const entries = Object.entries(outputs).map(([name, { type, dims, data }]) => {
    if (type !== 'float16') return [name, { type, dims, data }];
    const bits = new Uint16Array(data.buffer, data.byteOffset, data.length);
    return [name, { type: 'float32', dims, data: Float32Array.from(bits, numberOf) }];
  });
  return Object.fromEntries(entries);
}

const inHalves = (definition) => ({
  ...definition,
  make(...given) {
    const { outputs = ['float32'], inputs, ...rest } = definition.make(...given);
    return {
      ...rest,
      inputs: inputs.map(narrowed),
      outputs: outputs.map((type) => (type === 'float32' ? 'float16' : type)),
    };
  },
});

for (const [opType, definition] of Object.entries(operators))
  test(`com.microsoft ${opType} in float16`, async (t) => {
    for (const { label, model, feeds } of casesOf(opType, inHalves(definition)))
      await t.test(label, async () => {
        const expected = await runOnce(reference, model, feeds);
        const actual = await runOnce(candidate(octet), model, feeds);
        assertOutputsClose(widened(actual), widened(expected), tolerance, opType);
      });
  });
