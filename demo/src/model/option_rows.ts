/**
 * The options of `quantize` that the form offers: one row for each. What the form shows, when, and what it gives to `quantize`
 * follow from this table; conditions look at the settings of the rows above.
 */
import type { ModelSummary } from 'octet-web';
import { matcher } from './node_patterns.ts';

/** What a person has set, by option. */
export type Settings = Readonly<Record<string, string | boolean>>;

type Condition = (settings: Settings) => boolean;

export interface Choice {
  /** The option's value; undefined leaves it to `quantize`. */
  is: unknown;
  label: string;
  hint?: string;
  when?: Condition;
}

interface Shared {
  /** Where it goes in the options, keys separated by dots. */
  option: string;
  label: string;
  group: Group;
  /** Not among "More options". */
  isBasic?: boolean;
  hint?: string;
  when?: (settings: Settings, model: ModelSummary) => boolean;
}

/** The first choice that applies is the default. */
export interface ChoiceRow extends Shared {
  kind: 'choice' | 'cards';
  choices: Choice[];
}

/** Given to `quantize` when it is not as it was at first. */
export interface SwitchRow extends Shared {
  kind: 'switch';
  initial: boolean;
}

/** Left to `quantize` when it is empty. */
export interface TextRow extends Shared {
  kind: 'number' | 'words' | 'nodes';
  initial: string;
  placeholder?: string;
  range?: { min?: string; max?: string; step?: string };
  /** Throws for what can't be read. */
  read: (text: string, model: ModelSummary) => unknown;
}

export type Row = ChoiceRow | SwitchRow | TextRow;

export const groups = {
  mode: 'Mode',
  target: 'What the result must meet',
  weights: 'Weights',
  activations: 'Between layers',
  correct: 'Making up for losses',
  nodes: 'Which nodes',
  file: 'File and report',
} as const;
export type Group = keyof typeof groups;

const has =
  (option: string, ...values: string[]): Condition =>
  (settings) =>
    values.includes(String(settings[option]));
const isMode = (...modes: string[]) => has('mode', ...modes);
const all =
  (...conditions: Condition[]): Condition =>
  (settings) =>
    conditions.every((condition) => condition(settings));
const not =
  (condition: Condition): Condition =>
  (settings) =>
    !condition(settings);

const isLog2 = has('activations.scheme', 'log2');
const isWide = has('activations.type', 'uint16', 'int16');
const areHalves = has('weights.type', 'float16');

/** Choices whose names are their values. */
const named = (values: unknown[], when?: Condition): Choice[] =>
  values.map((is) => ({ is, label: String(is), when }));

const symmetry = (option: string, group: Group, when: Condition): ChoiceRow => ({
  option,
  label: 'Zero',
  group,
  kind: 'choice',
  choices: [
    { is: undefined, label: 'as the type has it' },
    { is: true, label: 'in the middle (symmetric)' },
    { is: false, label: 'anywhere (asymmetric)' },
  ],
  when,
});

export const optionRows: readonly Row[] = [
  {
    option: 'mode',
    label: 'Mode',
    group: 'mode',
    kind: 'cards',
    isBasic: true,
    choices: [
      {
        is: 'dynamic',
        label: 'Dynamic',
        hint: 'Needs no samples: ranges are measured at each run.',
      },
      { is: 'static', label: 'Static', hint: 'Fastest: samples fix the ranges between layers.' },
      {
        is: 'weight-only',
        label: 'Weights only',
        hint: 'Down to 4 bits; the arithmetic stays float.',
      },
      {
        is: 'mixed',
        label: 'Mixed',
        hint: 'A scheme for each node, found so that a target is met.',
      },
    ],
  },
  {
    option: 'target.maxSizeBytes',
    label: 'Largest size, % of the original',
    group: 'target',
    kind: 'number',
    isBasic: true,
    initial: '50',
    range: { min: '1', step: 'any' },
    read: (text, model) => Math.floor((Number(text) / 100) * model.bytes),
    when: isMode('mixed'),
  },
  {
    option: 'target.minSqnrDb',
    label: 'Least SQNR, dB',
    group: 'target',
    kind: 'number',
    isBasic: true,
    initial: '30',
    range: { min: '1', step: 'any' },
    read: Number,
    when: isMode('mixed'),
  },
  {
    option: 'target.maxLatencyMs',
    label: 'Longest run, ms',
    group: 'target',
    kind: 'number',
    isBasic: true,
    initial: '',
    placeholder: 'any',
    range: { min: '0.001', step: 'any' },
    read: Number,
    when: isMode('mixed'),
  },
  {
    option: 'weights.type',
    label: 'Type',
    group: 'weights',
    kind: 'choice',
    isBasic: true,
    choices: [
      ...named(['int8', 'uint8']),
      ...named(['int4', 'uint4', 'float16'], isMode('weight-only')),
    ],
    when: isMode('dynamic', 'static', 'weight-only'),
  },
  {
    option: 'weights.perChannel',
    label: 'Scales',
    group: 'weights',
    kind: 'choice',
    isBasic: true,
    choices: [
      { is: true, label: 'one per channel' },
      { is: false, label: 'one per tensor' },
    ],
    when: isMode('dynamic', 'static'),
  },
  {
    option: 'weights.blockSize',
    label: 'Weights that share a scale',
    group: 'weights',
    kind: 'choice',
    isBasic: true,
    choices: named([32, 16, 64, 128, 256]),
    when: all(isMode('weight-only'), not(areHalves)),
  },
  {
    option: 'activations.method',
    label: 'Ranges',
    group: 'activations',
    kind: 'choice',
    isBasic: true,
    choices: [
      { is: 'minmax', label: 'smallest to largest' },
      { is: 'moving-average', label: 'moving average' },
      { is: 'mean', label: 'mean of the samples' },
      { is: 'percentile', label: 'percentile' },
      { is: 'entropy', label: 'entropy' },
      { is: 'mse', label: 'least squared error' },
    ],
    when: isMode('static', 'mixed'),
  },
  {
    option: 'activations.percentile',
    label: 'Percentile',
    group: 'activations',
    kind: 'number',
    isBasic: true,
    initial: '99.99',
    range: { min: '0.01', max: '100', step: 'any' },
    read: Number,
    when: has('activations.method', 'percentile'),
  },
  {
    option: 'weights.method',
    label: 'Ranges or codes',
    group: 'weights',
    kind: 'choice',
    choices: [
      { is: 'minmax', label: 'smallest to largest' },
      { is: 'mean', label: 'by the mean' },
      { is: 'mse', label: 'least squared error' },
      { is: 'gptq', label: 'GPTQ (runs the samples)', when: isMode('weight-only') },
      { is: 'adaround', label: 'AdaRound (runs the samples)', when: isMode('static') },
    ],
    when: all(isMode('dynamic', 'static', 'weight-only'), not(areHalves)),
  },
  symmetry(
    'weights.symmetric',
    'weights',
    all(isMode('dynamic', 'static', 'weight-only'), not(areHalves)),
  ),
  {
    option: 'weights.reduceRange',
    label: 'Reduced to 7 bits',
    group: 'weights',
    kind: 'switch',
    initial: false,
    hint: 'Half as precise; faster on processors without VNNI.',
    when: isMode('dynamic', 'static', 'mixed'),
  },
  {
    option: 'activations.scheme',
    label: 'Levels',
    group: 'activations',
    kind: 'choice',
    choices: [
      { is: 'linear', label: 'evenly spaced' },
      {
        is: 'log2',
        label: 'powers of two',
        when: not(has('activations.method', 'entropy', 'mse')),
      },
    ],
    when: isMode('static'),
  },
  {
    option: 'activations.type',
    label: 'Type',
    group: 'activations',
    kind: 'choice',
    choices: [
      ...named(['uint8', 'int8']),
      ...named(['uint16', 'int16'], all(isMode('static'), not(isLog2))),
    ],
    when: isMode('static', 'mixed'),
  },
  symmetry('activations.symmetric', 'activations', all(isMode('static', 'mixed'), not(isLog2))),
  {
    option: 'activations.adaptive',
    label: 'Where samples differ widely',
    group: 'activations',
    kind: 'choice',
    choices: [
      { is: true, label: 'measure at each run' },
      { is: false, label: 'keep fixed scales' },
    ],
    when: all(isMode('static', 'mixed'), not(isLog2), not(isWide)),
  },
  {
    option: 'correct.equalize',
    label: 'Equalize layers',
    group: 'correct',
    kind: 'switch',
    initial: false,
    when: isMode('dynamic', 'static', 'weight-only'),
  },
  {
    option: 'correct.biasCorrection',
    label: 'Correct biases',
    group: 'correct',
    kind: 'switch',
    initial: false,
    when: isMode('dynamic', 'static'),
  },
  {
    option: 'correct.smoothQuant',
    label: 'SmoothQuant’s α',
    group: 'correct',
    kind: 'number',
    initial: '',
    placeholder: 'off',
    range: { min: '0.05', max: '1', step: '0.05' },
    hint: 'For transformers; 0.5 is a good start.',
    read: Number,
    when: isMode('dynamic', 'static'),
  },
  {
    option: 'exclude',
    label: 'Nodes to keep in float',
    group: 'nodes',
    kind: 'nodes',
    initial: '',
    hint: 'Names or /patterns/, one a line.',
    read: matcher,
  },
  {
    option: 'include',
    label: 'Only these nodes',
    group: 'nodes',
    kind: 'nodes',
    initial: '',
    hint: 'Also those that would stay in float by themselves.',
    read: matcher,
  },
  {
    option: 'opTypes',
    label: 'Only nodes of these operators',
    group: 'nodes',
    kind: 'words',
    initial: '',
    placeholder: 'Conv, MatMul',
    read: (text) => text.split(/[\s,]+/).filter(Boolean),
    when: isMode('dynamic', 'static', 'weight-only'),
  },
  {
    option: 'format',
    label: 'Spelt with',
    group: 'file',
    kind: 'choice',
    choices: [
      { is: 'qoperator', label: 'own operators (QOperator)', when: isMode('weight-only') },
      { is: 'qdq', label: 'pairs of nodes (QDQ)' },
      {
        is: 'qoperator',
        label: 'own operators (QOperator)',
        when: all(isMode('static'), not(isLog2), not(isWide)),
      },
    ],
    when: isMode('static', 'weight-only'),
  },
  {
    option: 'force',
    label: 'Quantize what it left in float, though it is quantized already',
    group: 'file',
    kind: 'switch',
    initial: false,
    when: ({ mode }, { quantized }) => mode !== 'mixed' && Object.keys(quantized).length > 0,
  },
  {
    option: 'measure',
    label: 'Compare with the original on the samples',
    group: 'file',
    kind: 'switch',
    initial: true,
  },
];
