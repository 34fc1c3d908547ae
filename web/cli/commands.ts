import { mkdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { basename, join } from 'node:path';
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
import { quantizeFlagOptions, quantizeFlagUsage, quantizeOptionsFrom } from './quantize_flags.js';

const usage = `usage: octet COMMAND …

  quantize IN -o OUT --mode dynamic|static|weight-only|mixed [--calibration DIR|random:N]
           [--dim NAME=SIZE]… [--external-data FILE]… [--report FILE.json|FILE.html] and the flags below
  run MODEL --input NAME=FILE.npy|FILE.pb|random … [--dim NAME=SIZE]… [--output DIR]
  inspect MODEL [--dim NAME=SIZE]… [--json]
  compare REFERENCE CANDIDATE --samples DIR|random:N [--dim NAME=SIZE]… [--json]
  bench MODEL [--runs N] [--dim NAME=SIZE]… [--json]

'-' stands for standard input or output. Exit codes: 0, 1 for a failure, 2 for wrong usage, 130 after
Ctrl-C. Files appear whole or not at all. On a terminal the progress is shown; Ctrl-C stops every command.

Flags of quantize, and the options of the package's quantize() that they set:
${quantizeFlagUsage}
  --calibration DIR|random:N                                   calibration              samples to run
  --external-data FILE                                         externalData             a data file of the model
  -o OUT, --report FILE.json|FILE.html                                                  the model; what was done
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

async function withSession<T>(
  model: Uint8Array,
  body: (session: InferenceSession) => Promise<T>,
  externalData?: QuantizeOptions['externalData'],
): Promise<T> {
  const session = await InferenceSession.create(model, { externalData });
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
  return withSession(
    bytes,
    (session) => {
      const samples = () => samplesFrom(session, spec, sizesFrom(values));
      return quantize(bytes, { ...options, calibration: { [Symbol.asyncIterator]: samples } });
    },
    options.externalData,
  );
}

/** Data files lie beside the model under the name that it has for them. */
const externalDataFrom = (values: Values): QuantizeOptions['externalData'] =>
  (values['external-data'] as string[] | undefined)?.map((file) => ({
    path: basename(file),
    data: file,
  }));

const reportText = (path: string, report: QuantizationReport): string =>
  /\.html?$/.test(path) ? renderReport(report) : `${JSON.stringify(report, null, 2)}\n`;

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
      report: { type: 'string' },
      calibration: { type: 'string' },
      'external-data': { type: 'string', multiple: true },
      ...quantizeFlagOptions,
      ...dim,
    },
    arguments: ['IN'],
    async run([input], values, signal) {
      const output = required(values, 'output');
      const bytes = await readInput(input, signal);
      const options = {
        ...quantizeOptionsFrom(values, bytes.byteLength),
        externalData: externalDataFrom(values),
        onProgress: progressLine(),
        signal,
      };
      const { model, report } = await quantizeSampled(bytes, options, values);
      const outputs: Output[] = [{ path: output, data: model }];
      if (typeof values.report === 'string')
        outputs.push({ path: values.report, data: reportText(values.report, report) });
      await writeOutputs(outputs, signal);
      if (report.search && !report.search.met)
        process.stderr.write('octet: nothing met the target; this came nearest\n');
      if (output !== '-')
        await print(
          `${report.tensors.length} tensors quantized, ${report.floatNodes.length} nodes left in float; ` +
            `${kilobytes(report.bytesBefore)} → ${kilobytes(report.bytesAfter)}` +
            (report.schemes ?? [])
              .map(({ scheme, sqnrDb }) => `\nactivations ${scheme}: ${decibels(sqnrDb)}`)
              .join(''),
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
