import { mkdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  InferenceSession,
  OctetError,
  type QuantizationReport,
  type QuantizeOptions,
  compare,
  env,
  inspect,
  quantize,
  renderReport,
} from './index.js';
import { UsageError } from './errors.js';
import { feedsFrom, randomFeeds, samplesFrom } from './feeds.js';
import { type Output, readInput, writeOutput, writeOutputs } from './files.js';
import { writeNpy } from './npy.js';

const usage = `usage: octet COMMAND …

  quantize IN -o OUT --mode dynamic [--weights int8|uint8] [--symmetric|--asymmetric]
           [--per-channel|--per-tensor] [--include NAME]… [--exclude NAME]… [--op-types A,B]
           [--equalize] [--bias-correction] [--smooth-quant ALPHA]
           [--calibration DIR|random:N [--dim NAME=SIZE]…] [--report FILE.json|FILE.html]
  quantize IN -o OUT --mode static --calibration DIR|random:N [--dim NAME=SIZE]…
           [--activations uint8|int8] [--percentile P] [--fixed-scales]
           [--method minmax|moving-average|percentile|entropy|mse]
           [--weights-method minmax|adaround] and as above
  quantize IN -o OUT --mode weight-only [--weights int8|uint8|int4|uint4|float16] [--block SIZE]
           [--method minmax|mean|mse|gptq] [--format qdq|qoperator] [--equalize]
           [--calibration DIR|random:N [--dim NAME=SIZE]…] and as above
  quantize IN -o OUT --mode mixed --calibration DIR|random:N [--dim NAME=SIZE]…
           [--max-size BYTES|SHARE%] [--min-sqnr DB] [--max-latency MS]
           [--include NAME]… [--exclude NAME]… [--report FILE.json]
  --force quantizes what a quantized model left in float
  run MODEL --input NAME=FILE.npy|FILE.pb|random … [--dim NAME=SIZE]… [--output DIR]
  inspect MODEL [--dim NAME=SIZE]… [--json]
  compare REFERENCE CANDIDATE --samples DIR|random:N [--dim NAME=SIZE]… [--json]
  bench MODEL [--runs N] [--dim NAME=SIZE]… [--json]

'-' stands for standard input or output. Exit codes: 0, 1 for a failure, 2 for wrong usage, 130 after
Ctrl-C. Files appear whole or not at all.
`;

type Values = Record<string, string | boolean | string[] | undefined>;

interface Command {
  options: NonNullable<Parameters<typeof parseArgs>[0]>['options'];
  /** Names of the positional arguments, all required. */
  arguments: string[];
  /** `signal`: Ctrl-C. */
  run(positionals: string[], values: Values, signal: AbortSignal): Promise<void>;
}

const dim = { dim: { type: 'string', multiple: true } } as const;
const json = { json: { type: 'boolean' } } as const;

const print = (text: string) => writeOutput('-', text.endsWith('\n') ? text : `${text}\n`);
const kilobytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} KB`;
const decibels = (value: number | null) =>
  value === null || value === Infinity ? 'exact' : `${value.toFixed(1)} dB`;

function sizesFrom(values: Values): Record<string, number> {
  return Object.fromEntries(
    ((values.dim as string[] | undefined) ?? []).map((spec) => {
      const [name, size] = spec.split('=');
      if (!name || !/^\d+$/.test(size ?? ''))
        throw new UsageError(`--dim ${spec}: NAME=SIZE expected`);
      return [name, Number(size)];
    }),
  );
}

function required(values: Values, name: string): string {
  const value = values[name];
  if (typeof value !== 'string') throw new UsageError(`--${name} is required`);
  return value;
}

function progressLine(): QuantizeOptions['onProgress'] {
  if (!process.stderr.isTTY) return undefined;
  return ({ phase, done, total }) =>
    process.stderr.write(`\r${phase}: ${done}/${total}${done === total ? '\n' : ''}`);
}

function activationOptions(values: Values): QuantizeOptions['activations'] {
  type Activations = NonNullable<QuantizeOptions['activations']>;
  return {
    type: values.activations as Activations['type'],
    method: values.method as Activations['method'],
    ...(values.percentile !== undefined && { percentile: Number(values.percentile) }),
    adaptive: values['fixed-scales'] !== true,
  };
}

function corrections(values: Values): QuantizeOptions['correct'] {
  return {
    equalize: values.equalize === true,
    biasCorrection: values['bias-correction'] === true,
    ...(values['smooth-quant'] !== undefined && { smoothQuant: Number(values['smooth-quant']) }),
  };
}

function blockOptions(values: Values): QuantizeOptions['weights'] {
  return {
    method: values.method as 'gptq' | undefined,
    ...(values.block !== undefined && { blockSize: countOf('--block', values.block) }),
  };
}

function sizeLimit(given: string, fileBytes: number): number {
  return given.endsWith('%') ? (Number(given.slice(0, -1)) / 100) * fileBytes : Number(given);
}

/** Of mode 'mixed', which chooses by itself what the other modes are told. */
function mixedOptions(values: Values, fileBytes: number): QuantizeOptions {
  const limits = {
    maxSizeBytes: values['max-size'] && sizeLimit(values['max-size'] as string, fileBytes),
    minSqnrDb: values['min-sqnr'] && Number(values['min-sqnr']),
    maxLatencyMs: values['max-latency'] && Number(values['max-latency']),
  };
  return {
    mode: 'mixed',
    target: Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined)),
    include: values.include as string[] | undefined,
    exclude: values.exclude as string[] | undefined,
    onProgress: progressLine(),
  };
}

function quantizeOptions(values: Values, fileBytes: number): QuantizeOptions {
  if (values.mode === 'mixed') return mixedOptions(values, fileBytes);
  if (values.symmetric && values.asymmetric)
    throw new UsageError('--symmetric and --asymmetric exclude each other');
  if (values['per-channel'] && values['per-tensor'])
    throw new UsageError('--per-channel and --per-tensor exclude each other');
  const symmetric = values.symmetric ? true : values.asymmetric ? false : undefined;
  const opTypes = values['op-types'];
  return {
    mode: required(values, 'mode') as 'dynamic',
    ...(values.mode === 'static' && { activations: activationOptions(values) }),
    correct: corrections(values),
    weights: {
      type: (values.weights as 'int8' | undefined) ?? 'int8',
      ...(values.mode === 'weight-only'
        ? blockOptions(values)
        : { perChannel: values['per-tensor'] !== true }),
      ...(values['weights-method'] !== undefined && {
        method: values['weights-method'] as 'adaround',
      }),
      ...(symmetric === undefined ? {} : { symmetric }),
    },
    format: values.format as QuantizeOptions['format'],
    force: values.force === true,
    include: values.include as string[] | undefined,
    exclude: values.exclude as string[] | undefined,
    opTypes: typeof opTypes === 'string' ? opTypes.split(',') : [],
    onProgress: progressLine(),
  };
}

async function withSession<T>(
  model: Uint8Array,
  body: (session: InferenceSession) => Promise<T>,
): Promise<T> {
  const session = await InferenceSession.create(model);
  try {
    return await body(session);
  } finally {
    await session.release();
  }
}

/** Quantizes, with the samples of --calibration where the mode wants them. */
async function quantizeSampled(bytes: Uint8Array, options: QuantizeOptions, values: Values) {
  const needed = ['static', 'mixed'].includes(options.mode) || options.weights?.method === 'gptq';
  if (!needed && values.calibration === undefined) return quantize(bytes, options);
  const spec = required(values, 'calibration');
  return withSession(bytes, (session) => {
    const samples = () => samplesFrom(session, spec, sizesFrom(values));
    return quantize(bytes, { ...options, calibration: { [Symbol.asyncIterator]: samples } });
  });
}

/** The report as JSON, or as a page that also compares the models on the samples of --calibration. */
async function reportText(
  values: Values,
  before: Uint8Array,
  after: Uint8Array,
  report: QuantizationReport,
  signal: AbortSignal,
): Promise<string> {
  if (!/\.html?$/.test(values.report as string)) return `${JSON.stringify(report, null, 2)}\n`;
  const spec = values.calibration;
  if (typeof spec !== 'string') return renderReport(report);
  return withSession(before, async (session) =>
    renderReport(
      report,
      await compare(before, after, samplesFrom(session, spec, sizesFrom(values)), { signal }),
    ),
  );
}

function countOf(option: string, given: unknown): number {
  const count = Number(given);
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`${option}: a number above 0 expected`);
  return count;
}

const commands: Record<string, Command> = {
  quantize: {
    options: {
      output: { type: 'string', short: 'o' },
      mode: { type: 'string' },
      weights: { type: 'string' },
      symmetric: { type: 'boolean' },
      asymmetric: { type: 'boolean' },
      'per-channel': { type: 'boolean' },
      'per-tensor': { type: 'boolean' },
      include: { type: 'string', multiple: true },
      exclude: { type: 'string', multiple: true },
      'op-types': { type: 'string' },
      report: { type: 'string' },
      calibration: { type: 'string' },
      activations: { type: 'string' },
      method: { type: 'string' },
      'weights-method': { type: 'string' },
      equalize: { type: 'boolean' },
      'bias-correction': { type: 'boolean' },
      'smooth-quant': { type: 'string' },
      percentile: { type: 'string' },
      'fixed-scales': { type: 'boolean' },
      block: { type: 'string' },
      format: { type: 'string' },
      force: { type: 'boolean' },
      'max-size': { type: 'string' },
      'min-sqnr': { type: 'string' },
      'max-latency': { type: 'string' },
      ...dim,
    },
    arguments: ['IN'],
    async run([input], values, signal) {
      const output = required(values, 'output');
      const bytes = await readInput(input, signal);
      const options = { ...quantizeOptions(values, bytes.byteLength), signal };
      const { model, report } = await quantizeSampled(bytes, options, values);
      const outputs: Output[] = [{ path: output, data: model }];
      if (typeof values.report === 'string')
        outputs.push({
          path: values.report,
          data: await reportText(values, bytes, model, report, signal),
        });
      await writeOutputs(outputs, signal);
      if (report.search && !report.search.met)
        process.stderr.write('octet: nothing met the target; this came nearest\n');
      if (output !== '-')
        await print(
          `${report.tensors.length} tensors quantized, ${report.floatNodes.length} nodes left in float; ` +
            `${kilobytes(report.bytesBefore)} → ${kilobytes(report.bytesAfter)}`,
        );
    },
  },

  run: {
    options: { input: { type: 'string', multiple: true }, output: { type: 'string' }, ...dim },
    arguments: ['MODEL'],
    async run([path], values, signal) {
      await withSession(await readInput(path, signal), async (session) => {
        const specs = (values.input as string[] | undefined) ?? [];
        const results = await session.run(await feedsFrom(session, specs, sizesFrom(values)));
        await setImmediate(undefined, { signal });
        const folder = values.output;
        const outputs: Output[] = [];
        const lines: string[] = [];
        for (const [name, value] of Object.entries(results)) {
          const tensor = value as Parameters<typeof writeNpy>[0];
          if (typeof folder === 'string') {
            const path = join(folder, `${name.replace(/[/\\]/g, '_')}.npy`);
            outputs.push({ path, data: writeNpy(tensor) });
          }
          const shown = Array.from(tensor.data as Float32Array)
            .slice(0, 8)
            .join(', ');
          lines.push(
            `${name}: ${tensor.type} [${tensor.dims}] ${shown}${tensor.size > 8 ? ', …' : ''}`,
          );
        }
        if (typeof folder === 'string') await mkdir(folder, { recursive: true });
        await writeOutputs(outputs, signal);
        await print(lines.join('\n'));
      });
    },
  },

  inspect: {
    options: { ...dim, ...json },
    arguments: ['MODEL'],
    async run([path], values, signal) {
      const summary = await inspect(await readInput(path, signal), {
        freeDimensions: sizesFrom(values),
      });
      if (values.json) return print(JSON.stringify(summary, null, 2));
      const port = (p: (typeof summary.inputs)[number]) =>
        `  ${p.name}: ${p.type} [${p.shape?.map((d) => d ?? '?') ?? '…'}]`;
      const counts = Object.entries(summary.operators).sort((a, b) => b[1] - a[1]);
      const lines = [
        `producer ${summary.producer || 'unknown'}, opset ${summary.opsets['ai.onnx']}`,
        'inputs',
        ...summary.inputs.map(port),
        'outputs',
        ...summary.outputs.map(port),
        `${summary.nodes} nodes: ${counts.map(([op, n]) => `${op} ×${n}`).join(', ')}`,
        `${summary.parameters} parameters, ${kilobytes(summary.bytes)}, ` +
          `${summary.macs === null ? 'unknown' : (summary.macs / 1e6).toFixed(1)} million multiply-adds`,
      ];
      const missing = Object.keys(summary.unsupported);
      if (missing.length) lines.push(`operators that Octet can't run: ${missing.join(', ')}`);
      const quantized = Object.keys(summary.quantized);
      if (quantized.length) lines.push(`quantized already: ${quantized.join(', ')}`);
      await print(lines.join('\n'));
    },
  },

  compare: {
    options: { samples: { type: 'string' }, ...dim, ...json },
    arguments: ['REFERENCE', 'CANDIDATE'],
    async run([reference, candidate], values, signal) {
      const first = await readInput(reference, signal);
      const second = await readInput(candidate, signal);
      const spec = required(values, 'samples');
      await withSession(first, async (session) => {
        const samples = samplesFrom(session, spec, sizesFrom(values));
        const result = await compare(first, second, samples, { signal });
        if (values.json) return print(JSON.stringify(result, null, 2));
        const line = (t: (typeof result.outputs)[number]) =>
          `  ${t.name}: SQNR ${decibels(t.sqnrDb)}, cosine ${t.cosine.toFixed(6)}, ` +
          `max error ${t.maxError.toPrecision(3)}, top-1 ${(t.top1Agreement * 100).toFixed(1)} %`;
        const side = (name: string, s: typeof result.reference) =>
          `${name}: ${kilobytes(s.bytes)}, ${s.latencyMs.toFixed(2)} ms`;
        await print(
          [
            `${result.samples} samples`,
            'outputs',
            ...result.outputs.map(line),
            'layers',
            ...result.layers.map(line),
            side('reference', result.reference),
            side('candidate', result.candidate),
          ].join('\n'),
        );
      });
    },
  },

  bench: {
    options: { runs: { type: 'string' }, threads: { type: 'string' }, ...dim, ...json },
    arguments: ['MODEL'],
    async run([path], values, signal) {
      const runs = countOf('--runs', values.runs ?? 20);
      if (values.threads !== undefined) env.wasm.numThreads = countOf('--threads', values.threads);
      const bytes = await readInput(path, signal);
      const sizes = sizesFrom(values);
      const { macs } = await inspect(bytes, { freeDimensions: sizes });
      const start = performance.now();
      await withSession(bytes, async (session) => {
        const createMs = performance.now() - start;
        const feeds = randomFeeds(session, sizes);
        const times: number[] = [];
        for (let i = 0; i <= runs; ++i) {
          await setImmediate(undefined, { signal });
          const begin = performance.now();
          await session.run(feeds);
          times.push(performance.now() - begin);
        }
        const [firstMs] = times;
        const rest = times.slice(1).sort((a, b) => a - b);
        const medianMs = rest[rest.length >> 1];
        const rate = macs === null ? null : macs / medianMs / 1e6;
        const { threads } = env.octet;
        const result = {
          createMs,
          firstMs,
          medianMs,
          minMs: rest[0],
          runs,
          threads,
          gmacPerSecond: rate,
        };
        if (values.json) return print(JSON.stringify(result, null, 2));
        await print(
          `create ${createMs.toFixed(1)} ms, first run ${firstMs.toFixed(1)} ms, ` +
            `median ${medianMs.toFixed(2)} ms, best ${rest[0].toFixed(2)} ms, threads: ${threads}` +
            (rate === null ? '' : `, ${rate.toFixed(1)} GMAC/s`),
        );
      });
    },
  },
};

function parse(name: string, command: Command, args: string[]) {
  try {
    const parsed = parseArgs({ args, options: command.options, allowPositionals: true });
    if (parsed.positionals.length !== command.arguments.length)
      throw new UsageError(`${name} takes ${command.arguments.join(' ')}`);
    return parsed;
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError((error as Error).message);
  }
}

/** The exit code for an error, of which it says one line. */
function explain(error: unknown, signal: AbortSignal): number {
  const interrupted = 128 + constants.signals.SIGINT;
  const message = signal.aborted ? 'interrupted' : (error as Error).message.split('\n')[0];
  // The terminal has shown ^C, and maybe a progress line.
  const isInLine = signal.aborted && process.stderr.isTTY;
  process.stderr.write(`${isInLine ? '\n' : ''}octet: ${message}\n`);
  if (signal.aborted) return interrupted;
  if (error instanceof UsageError) process.stderr.write(usage);
  const isUsage =
    error instanceof UsageError || (error instanceof OctetError && error.code === 'invalid-option');
  return isUsage ? 2 : 1;
}

/** Runs a command line and returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    await print(usage);
    return 0;
  }
  const stop = new AbortController();
  const { signal } = stop;
  // A second Ctrl-C ends the process at once.
  process.once('SIGINT', () => stop.abort());
  try {
    const command = name === undefined ? undefined : commands[name];
    if (!command)
      throw new UsageError(name ? `there is no command '${name}'` : 'a command is missing');
    const { positionals, values } = parse(name, command, rest);
    await command.run(positionals, values as Values, signal);
    return 0;
  } catch (error) {
    return explain(error, signal);
  }
}
