import {
  type Comparison,
  type ModelSide,
  type TensorComparison,
  compare as compareModels,
} from './index.js';
import { type Command, type Flag, dim, json, listOf, preprocess } from './command.js';
import { UsageError } from './errors.js';
import { modelFrom } from './files.js';
import { sampleFlagsFrom, samplesFrom } from './samples.js';
import { withSession } from './session.js';
import { bold, decibels, kilobytes, print, printJson, showProgress } from './terminal.js';

const samples: Flag = {
  flag: 'samples',
  argument: 'DIR|FILE|PATTERN|random:N',
  multiple: true,
  help: 'what both models run; required',
};

const line = ({ name, sqnrDb, cosine, maxError, top1Agreement }: TensorComparison) =>
  `  ${name}: SQNR ${decibels(sqnrDb)}, cosine ${cosine.toFixed(6)}, ` +
  `max error ${maxError.toPrecision(3)}, top-1 ${(top1Agreement * 100).toFixed(1)} %`;
const side = (name: string, { bytes, latencyMs }: ModelSide) =>
  `${name}: ${kilobytes(bytes)}, ${latencyMs.toFixed(2)} ms`;

const textOf = (result: Comparison) =>
  [
    `${result.samples} samples`,
    bold('outputs'),
    ...result.outputs.map(line),
    bold('layers'),
    ...result.layers.map(line),
    side('reference', result.reference),
    side('candidate', result.candidate),
  ].join('\n');

export const compare: Command = {
  summary: 'measure how far a model is from another',
  arguments: ['REFERENCE', 'CANDIDATE'],
  more: samples.flag,
  flags: [samples, preprocess, dim, json],
  async run([reference, candidate], values) {
    const specs = listOf(values, samples);
    if (!specs.length) throw new UsageError(`--${samples.flag} is required`);
    if (reference === '-' && candidate === '-')
      throw new UsageError('only one model can come from standard input');
    const [first, second] = [await modelFrom(reference), await modelFrom(candidate)];
    const result = await withSession(first, async (session) => {
      const feeds = await samplesFrom(session, specs, sampleFlagsFrom(values));
      return compareModels(first, second, feeds, { onProgress: showProgress });
    });
    await (values.json ? printJson(result) : print(textOf(result)));
  },
};
