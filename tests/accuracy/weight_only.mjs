/** Weights alone in 4 bits, in blocks of 32: GPTQ beside rounding to the nearest code, on inputs that it has not seen. */
import { vocabulary } from '../models/encoder.mjs';
import { tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { fileOf, octet, outputSqnr, runAll, samplesOf } from './lab.mjs';
import { lineHeight, toRecognitionInput } from './recognition.mjs';
import { calibrationLines, renderLines, testLines } from './text_lines.mjs';

const length = 128;

/** Sentences for the encoder, whose weights are random: words by chance are as good as any. */
export const sentences = (count, seed) => {
  const random = new Random(seed);
  const dims = [1, length];
  const filled = (value) => tensor('int64', dims, new Array(length).fill(value));
  return Array.from({ length: count }, () => ({
    feeds: {
      input_ids: tensor('int64', dims, random.integers(length, 0, vocabulary - 1)),
      attention_mask: filled(1),
      token_type_ids: filled(0),
    },
  }));
};

async function textSteps(lines) {
  const rendered = await renderLines(lines, lineHeight);
  return rendered.map((line) => ({ feeds: { x: toRecognitionInput(line) } }));
}

/** Steps to calibrate on, and unseen ones. */
const inputs = {
  encoder: () => [sentences(8, 'calibration'), sentences(2, 'unseen')],
  ocr_rec: async () => [
    await textSteps(calibrationLines.slice(0, 10)),
    await textSteps(testLines.slice(0, 10)),
  ],
};

export const weightOnlyNets = Object.keys(inputs);
const methods = ['minmax', 'mean', 'mse', 'gptq'];

/** SQNR of a net's outputs by each method, in dB. */
export async function compareMethods(name) {
  const float = await fileOf(name);
  const [known, unseen] = await inputs[name]();
  const answers = await runAll(float, unseen);
  const decibels = {};
  for (const method of methods) {
    const options = { mode: 'weight-only', weights: { type: 'int4', blockSize: 32, method } };
    if (method === 'gptq') options.calibration = await samplesOf(float, known);
    const { model } = await octet.quantize(float, options);
    decibels[method] = await outputSqnr(model, unseen, answers);
  }
  return decibels;
}

export async function run(table) {
  const rows = [];
  table.header(['network', ...methods.map((method) => `${method}, dB`), 'gptq − minmax']);
  for (const name of weightOnlyNets) {
    const decibels = await compareMethods(name);
    rows.push({ name, decibels });
    table.row([
      name,
      ...methods.map((method) => decibels[method].toFixed(2)),
      (decibels.gptq - decibels.minmax).toFixed(2),
    ]);
  }
  return rows;
}
