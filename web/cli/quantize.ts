import { basename } from 'node:path';
import {
  type QuantizationReport,
  type QuantizeOptions,
  type Source,
  inspect,
  quantize as quantizeModel,
  renderReport,
} from './index.js';
import {
  type Command,
  type Flag,
  type Values,
  dim,
  json,
  listOf,
  preprocess,
  required,
} from './command.js';
import { UsageError } from './errors.js';
import { type Output, modelFrom, writeOutputs } from './files.js';
import { quantizeFlags, quantizeOptionsFrom } from './quantize_flags.js';
import { type SampleFlags, sampleFlagsFrom, samplesFrom } from './samples.js';
import { withSession } from './session.js';
import { decibels, kilobytes, print, printJson, showProgress, warn } from './terminal.js';

const output: Flag = { flag: 'output', short: 'o', argument: 'OUT', help: 'where the model goes' };
const report: Flag = {
  flag: 'report',
  argument: 'FILE.json|FILE.html',
  help: 'what was done, for programs or people',
};
const calibration: Flag = {
  flag: 'calibration',
  argument: 'DIR|FILE|PATTERN|random:N',
  multiple: true,
  option: 'calibration',
  help: 'samples to run',
};
const externalData: Flag = {
  flag: 'external-data',
  argument: 'FILE',
  multiple: true,
  option: 'externalData',
  help: 'a data file of the model',
};

/** Quantizes, with the samples of --calibration where there are any, or have to be. */
async function quantizeSampled(model: Source, options: QuantizeOptions, values: Values) {
  const specs = listOf(values, calibration);
  const needed = ['static', 'mixed'].includes(options.mode) || options.weights?.method === 'gptq';
  if (needed && !specs.length) throw new UsageError(`--${calibration.flag} is required`);
  if (!specs.length) return quantizeModel(model, options);
  const flags: SampleFlags = sampleFlagsFrom(values);
  return withSession(
    model,
    async (session) => {
      const samples = await samplesFrom(session, specs, flags);
      return quantizeModel(model, { ...options, calibration: samples });
    },
    options.externalData,
  );
}

/** Data files lie beside the model under the name that it has for them. */
const externalDataFrom = (values: Values): QuantizeOptions['externalData'] =>
  listOf(values, externalData).map((file) => ({ path: basename(file), data: file }));

/** Of the file, or of the weights where these lie outside. */
async function bytesOf(model: Source, externalData: QuantizeOptions['externalData']) {
  const { bytes, parameterBytes } = await inspect(model, { externalData });
  return Math.max(bytes, parameterBytes);
}

const reportText = (path: string, done: QuantizationReport): string =>
  /\.html?$/.test(path) ? renderReport(done) : `${JSON.stringify(done, null, 2)}\n`;

const summaryOf = ({
  tensors,
  floatNodes,
  bytesBefore,
  bytesAfter,
  schemes = [],
  ranges = [],
}: QuantizationReport) =>
  [
    `${tensors.length} tensors quantized, ${floatNodes.length} nodes left in float; ` +
      `${kilobytes(bytesBefore)} → ${kilobytes(bytesAfter)}`,
    ...schemes.map(({ scheme, sqnrDb }) => `activations ${scheme}: ${decibels(sqnrDb)}`),
    ...ranges.map(
      ({ reduceRange, sqnrDb }) => `weights of ${reduceRange ? 7 : 8} bits: ${decibels(sqnrDb)}`,
    ),
  ].join('\n');

export const quantize: Command = {
  summary: 'make a model smaller and faster',
  arguments: ['IN'],
  more: calibration.flag,
  flags: [output, ...quantizeFlags, calibration, preprocess, dim, externalData, report, json],
  async run([input], values) {
    const place = required(values, output);
    const reportPlace = values[report.flag] as string | undefined;
    const printed = [place === '-', reportPlace === '-', values.json].filter(Boolean).length;
    if (printed > 1) throw new UsageError('only one thing can go to standard output');
    const model = await modelFrom(input);
    const externalData = externalDataFrom(values);
    const options = {
      ...(await quantizeOptionsFrom(values, () => bytesOf(model, externalData))),
      externalData,
      onProgress: showProgress,
    };
    const done = await quantizeSampled(model, options, values);
    const outputs: Output[] = [{ path: place, data: done.model }];
    if (reportPlace !== undefined)
      outputs.push({ path: reportPlace, data: reportText(reportPlace, done.report) });
    await writeOutputs(outputs);
    if (done.report.search && !done.report.search.met)
      warn('nothing met the target; this came nearest');
    if (values.json) await printJson(done.report);
    else if (!printed) await print(summaryOf(done.report));
  },
};
