/**
 * The flags of `octet quantize` that set an option of `quantize`, one row for each. Help, parsing, completion and the test that
 * no option is out of reach follow from this table.
 */
import type { Flag } from './command.js';
import { UsageError } from './errors.js';
import type { QuantizeOptions } from './index.js';

type Given = string | string[] | boolean;
type ModelBytes = () => Promise<number>;

interface QuantizeFlag extends Flag {
  option: string;
  /** What a switch sets the option to. */
  is?: boolean;
  /** The option's value; the argument itself unless told. Asks for the model's size where it needs that. */
  read?: (given: Given, flag: string, modelBytes: ModelBytes) => unknown;
}

function number(given: Given, flag: string): number {
  const value = Number(given);
  if (given === '' || Number.isNaN(value))
    throw new UsageError(`--${flag} ${given}: a number expected`);
  return value;
}

const words = (given: Given) => (given as string).split(',');

async function size(given: Given, flag: string, modelBytes: ModelBytes): Promise<number> {
  const text = given as string;
  return text.endsWith('%')
    ? (number(text.slice(0, -1), flag) / 100) * (await modelBytes())
    : number(text, flag);
}

/** Nodes by name, or by /pattern/flags. */
function nodes(given: Given, flag: string) {
  const tests = (given as string[]).map((text) => {
    const pattern = /^\/(.+)\/([a-z]*)$/.exec(text);
    if (!pattern) return (name: string) => name === text;
    try {
      const expression = new RegExp(pattern[1], pattern[2].replace(/[gy]/g, ''));
      return (name: string) => expression.test(name);
    } catch (error) {
      throw new UsageError(`--${flag} ${text}: ${(error as Error).message}`);
    }
  });
  return ({ name }: { name: string }) => tests.some((test) => test(name));
}

export const quantizeFlags: readonly QuantizeFlag[] = [
  {
    flag: 'mode',
    option: 'mode',
    argument: 'dynamic|static|weight-only|mixed',
    help: 'how; dynamic unless told',
  },
  {
    flag: 'weights',
    option: 'weights.type',
    argument: 'int8|uint8|int4|uint4|float16',
    help: 'type of the weights',
  },
  { flag: 'symmetric', option: 'weights.symmetric', is: true, help: 'weights around zero' },
  { flag: 'asymmetric', option: 'weights.symmetric', is: false, help: 'weights with a zero point' },
  {
    flag: 'weights-reduce-range',
    option: 'weights.reduceRange',
    is: true,
    help: 'weights of 7 bits, for processors without VNNI',
  },
  {
    flag: 'per-channel',
    option: 'weights.perChannel',
    is: true,
    help: 'a scale per output channel',
  },
  { flag: 'per-tensor', option: 'weights.perChannel', is: false, help: 'one scale' },
  {
    flag: 'block',
    option: 'weights.blockSize',
    argument: 'SIZE',
    read: number,
    help: 'weights that share a scale',
  },
  {
    flag: 'weights-method',
    option: 'weights.method',
    argument: 'minmax|mean|mse|gptq|adaround',
    help: 'how their range or codes are chosen',
  },
  {
    flag: 'activations',
    option: 'activations.type',
    argument: 'uint8|int8|uint16|int16',
    help: 'type of what flows between layers',
  },
  {
    flag: 'scheme',
    option: 'activations.scheme',
    argument: 'linear|log2',
    help: 'its levels: evenly spaced, or powers of two',
  },
  {
    flag: 'symmetric-activations',
    option: 'activations.symmetric',
    is: true,
    help: 'it lies around zero',
  },
  {
    flag: 'asymmetric-activations',
    option: 'activations.symmetric',
    is: false,
    help: 'it has a zero point',
  },
  {
    flag: 'method',
    option: 'activations.method',
    argument: 'minmax|moving-average|mean|percentile|entropy|mse',
    help: "how its range is chosen; of mode weight-only the weights' method",
  },
  {
    flag: 'percentile',
    option: 'activations.percentile',
    argument: 'P',
    read: number,
    help: 'of method percentile alone: of 100 values, how many the range keeps',
  },
  {
    flag: 'fixed-scales',
    option: 'activations.adaptive',
    is: false,
    help: 'no range is measured at each run',
  },
  {
    flag: 'equalize',
    option: 'correct.equalize',
    is: true,
    help: 'even out weights between convolutions',
  },
  {
    flag: 'bias-correction',
    option: 'correct.biasCorrection',
    is: true,
    help: 'make up for what rounding does to means',
  },
  {
    flag: 'smooth-quant',
    option: 'correct.smoothQuant',
    argument: 'ALPHA',
    read: number,
    help: 'move outliers to the weights',
  },
  { flag: 'format', option: 'format', argument: 'qdq|qoperator', help: 'how the file spells it' },
  {
    flag: 'max-size',
    option: 'target.maxSizeBytes',
    argument: 'BYTES|SHARE%',
    read: size,
    help: 'of mode mixed',
  },
  {
    flag: 'min-sqnr',
    option: 'target.minSqnrDb',
    argument: 'DB',
    read: number,
    help: 'of mode mixed',
  },
  {
    flag: 'max-latency',
    option: 'target.maxLatencyMs',
    argument: 'MS',
    read: number,
    help: 'of mode mixed',
  },
  {
    flag: 'include',
    option: 'include',
    argument: 'NAME|/PATTERN/',
    multiple: true,
    read: nodes,
    help: 'only these nodes',
  },
  {
    flag: 'exclude',
    option: 'exclude',
    argument: 'NAME|/PATTERN/',
    multiple: true,
    read: nodes,
    help: 'all but these nodes',
  },
  {
    flag: 'op-types',
    option: 'opTypes',
    argument: 'A,B',
    read: words,
    help: 'only nodes of these operators',
  },
  {
    flag: 'force',
    option: 'force',
    is: true,
    help: 'quantize what a quantized model left in float',
  },
  {
    flag: 'no-measure',
    option: 'measure',
    is: false,
    help: 'do not run the models for the report',
  },
];

function set(options: Record<string, unknown>, path: string, value: unknown): void {
  const [key, inner] = path.split('.');
  if (inner === undefined) options[key] = value;
  else options[key] = { ...(options[key] as object), [inner]: value };
}

/** The options that the flags given ask for; what does not fit the mode is left for `quantize` to refuse. */
export async function quantizeOptionsFrom(
  values: Record<string, Given | undefined>,
  modelBytes: ModelBytes,
): Promise<QuantizeOptions> {
  const options: Record<string, unknown> = { mode: 'dynamic' };
  const setBy = new Map<string, string>();
  for (const { flag, option, is, read } of quantizeFlags) {
    const given = values[flag];
    if (given === undefined) continue;
    const isWeights = flag === 'method' && values.mode === 'weight-only';
    const path = isWeights ? 'weights.method' : option;
    const other = setBy.get(path);
    if (other) throw new UsageError(`--${other} and --${flag} exclude each other`);
    setBy.set(path, flag);
    set(options, path, is ?? (await read?.(given, flag, modelBytes)) ?? given);
  }
  return options as unknown as QuantizeOptions;
}
