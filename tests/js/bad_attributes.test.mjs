/**
 * Attributes that no operator can make sense of, in the models of one node of js/operators and of the ONNX backend tests: an
 * OctetError that names the node, and for a wrong type the attribute; never a trap, and the engine goes on.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { toPackage } from '../conformance/package_values.mjs';
import { debianData, findTests } from '../conformance/test_data.mjs';
import { decodeModel, encodeMessage } from '../models/onnx_builder.mjs';
import { enumValues } from '../models/onnx_schema.mjs';
import { arrays } from './operators/arrays.mjs';
import { attentions, microsoftAttentions } from './operators/attention.mjs';
import { borrowed } from './operators/borrowed.mjs';
import { blocks } from './operators/blocks.mjs';
import { elementwise } from './operators/elementwise.mjs';
import { experts } from './operators/experts.mjs';
import { fusions } from './operators/fusions.mjs';
import { general } from './operators/general.mjs';
import { integer } from './operators/integer.mjs';
import { layers } from './operators/layers.mjs';
import { machineLearning } from './operators/machine_learning.mjs';
import { newer, withoutReference } from './operators/newer.mjs';
import { quantizedMicrosoft } from './operators/quantized.mjs';
import { states } from './operators/states.mjs';
import { stringOperators } from './operators/strings.mjs';
import { octet } from './package_under_test.mjs';
import { casesOf } from './single_node.mjs';

const { InferenceSession, OctetError, Tensor } = octet;
const types = enumValues('AttributeProto.AttributeType');

const tables = [
  elementwise,
  arrays,
  layers,
  general,
  integer,
  stringOperators,
  attentions,
  machineLearning,
  blocks,
  microsoftAttentions,
  fusions,
  borrowed,
  quantizedMicrosoft,
  experts,
  states,
  newer,
  withoutReference,
];

/** Attributes that the cases leave out, by the field of their type. */
const leftOut = {
  ints: {
    DeformConv: ['dilations', 'strides'],
    LpPool: ['dilations', 'pads'],
    MaxUnpool: ['pads'],
    Resize: ['axes'],
    Scan: [
      'scan_input_axes',
      'scan_input_directions',
      'scan_output_axes',
      'scan_output_directions',
    ],
  },
  floats: {
    GRU: ['activation_alpha', 'activation_beta'],
    LSTM: ['activation_alpha', 'activation_beta'],
    RNN: ['activation_alpha', 'activation_beta'],
  },
  strings: { GRU: ['activations'], LSTM: ['activations'], RNN: ['activations'] },
  i: {
    Attention: [
      'left_window_size',
      'qk_matmul_output_mode',
      'right_window_size',
      'softmax_precision',
    ],
    Cast: ['saturate'],
    CausalConvWithState: ['ndim', 'state_window'],
    DequantizeLinear: ['block_size', 'output_dtype'],
    GRU: ['linear_before_reset'],
    GroupNormalization: ['stash_type'],
    LSTM: ['input_forget'],
    LayerNormalization: ['stash_type'],
    LinearAttention: ['chunk_size', 'state_window'],
    LinearClassifier: ['multi_class'],
    LpPool: ['ceil_mode'],
    MaxPool: ['storage_order'],
    MoE: ['swiglu_fusion'],
    QuantizeLinear: ['block_size', 'output_dtype', 'precision', 'saturate'],
    RMSNormalization: ['stash_type'],
    RandomNormalLike: ['dtype'],
    RandomUniformLike: ['dtype'],
    ReduceL1: ['noop_with_empty_axes'],
    ReduceMean: ['noop_with_empty_axes'],
    ReduceSum: ['noop_with_empty_axes'],
    Resize: ['antialias'],
    RotaryEmbedding: ['rotary_embedding_dim'],
    SVMRegressor: ['one_class'],
  },
  f: {
    'ai.onnx.preview.training.Adagrad': ['decay_factor', 'epsilon', 'norm_coefficient'],
    'ai.onnx.preview.training.Adam': [
      'alpha',
      'beta',
      'epsilon',
      'norm_coefficient',
      'norm_coefficient_post',
    ],
    GRU: ['clip'],
    LSTM: ['clip'],
    'ai.onnx.preview.training.Momentum': ['alpha', 'beta', 'norm_coefficient'],
    RNN: ['clip'],
    RandomNormalLike: ['mean', 'scale', 'seed'],
    RandomUniformLike: ['high', 'low', 'seed'],
    Resize: ['extrapolation_value'],
  },
  s: {
    Cast: ['round_mode'],
    ConvInteger: ['auto_pad'],
    GRU: ['direction'],
    LinearRegressor: ['post_transform'],
    LpPool: ['auto_pad'],
    'ai.onnx.preview.training.Momentum': ['mode'],
    QLinearConv: ['auto_pad'],
    RNN: ['direction'],
    Resize: ['keep_aspect_ratio_policy'],
    RoiAlign: ['mode'],
    SVMClassifier: ['post_transform'],
    SVMRegressor: ['post_transform'],
  },
};
const typeOfField = {
  i: types.INT,
  f: types.FLOAT,
  s: types.STRING,
  ints: types.INTS,
  floats: types.FLOATS,
  strings: types.STRINGS,
};

/** What the cases of an operator leave out, as attributes without a value. */
const leftOutOf = (opType) =>
  Object.entries(leftOut).flatMap(([field, operators]) =>
    (operators[opType] ?? []).map((name) => ({ name, type: typeOfField[field] })),
  );

/** Cases of each operator that are broken; those in between only differ in shapes. */
const casesEach = 4;

/** Models of one node with what to feed them, by operator. */
const subjects = new Map();

function addSubject(opType, model, feeds) {
  const cases = subjects.get(opType) ?? [];
  const { node } = decodeModel(model).graph;
  const isBreakable = node[0].attribute.length > 0 || leftOutOf(opType).length > 0;
  if (node.length === 1 && isBreakable) subjects.set(opType, [...cases, { model, feeds }]);
}

for (const [opType, definition] of tables.flatMap(Object.entries)) {
  for (const { model, feeds } of casesOf(opType, definition).slice(0, casesEach)) {
    const entries = Object.entries(feeds).map(([name, { type, dims, data }]) => [
      name,
      new Tensor(type, data, dims),
    ]);
    addSubject(opType, model, Object.fromEntries(entries));
  }
}
for (const one of findTests(debianData)) {
  // The feeds of those of CastLike contradict the model.
  const isUsable = one.nodes.length === 1 && one.subject !== 'CastLike';
  if (!isUsable || (subjects.get(one.subject)?.length ?? 0) >= 2 * casesEach) continue;
  const { feeds } = one.readDataSet(one.dataSets[0]);
  const entries = feeds.map(([name, value]) => [name, toPackage(Tensor, value)]);
  addSubject(one.subject, fs.readFileSync(one.model), Object.fromEntries(entries));
}

const codes = ['invalid-model', 'unsupported-operator', 'invalid-input', 'out-of-memory'];
const nodeName = 'the node';

/** An attribute of another type. */
const retyped = ({ name, type }) =>
  type === types.STRING
    ? { name, type: types.INT, i: 7 }
    : { name, type: types.STRING, s: Buffer.from('seven') };

/** Strings that are text, not the name of something. */
const texts = ['default_string', 'delimiter', 'pattern', 'locale', 'value_string'];
/** Names that are only looked at where others say so, and those of activations that are nothing. */
const idle = ['nearest_mode', 'keep_aspect_ratio_policy', 'map_form', 'activation'];

/** Attributes that any value suits: an axis is only looked at where scales are many, a diagonal may lie outside of the matrix. */
const free = {
  QuantizeLinear: ['axis'],
  DequantizeLinear: ['axis'],
  EyeLike: ['k'],
};

/** What lies outside of the range of an attribute, whatever the operator. */
const outOfRange = {
  axis: [-100, 100],
  batch_axis: [-1, 2],
  time_axis: [-1, 2],
  batch_dims: [-100, 100],
  to: [-1, 99],
  dtype: [-1, 99],
  group: [0, -1, 1000],
  num_groups: [0, -1, 1000],
  num_heads: [-1],
  blocksize: [0, -1],
  n_targets: [0, -1, 2 ** 40],
  k: [0, -1, 1000],
  hidden_size: [-1, 1000],
  axes: [[100], [-100]],
  perm: [[9], [0, 0, 0]],
  kernel_shape: [
    [0, 0],
    [-1, 2],
    [1, 1, 1, 1, 1],
  ],
  strides: [
    [0, 0],
    [-1, 1],
    [1, 1, 1, 1, 1],
  ],
  dilations: [
    [0, 0],
    [-1, 1],
    [1, 1, 1, 1, 1],
  ],
  pads: [[1], [1, 2, 3, 4, 5, 6, 7]],
};

/** Values at the edges of all that can be written. */
const extremes = {
  [types.INT]: [-(2 ** 53) + 1, -(2 ** 31), -1, 0, 3, 2 ** 31, 2 ** 53 - 1].map((i) => ({ i })),
  [types.FLOAT]: [Number.NaN, Infinity, -1, 0, 3e38].map((f) => ({ f })),
  [types.STRING]: ['', 'no such thing', '\u{1f419}'].map((s) => ({ s: Buffer.from(s) })),
  [types.INTS]: [
    [],
    [0],
    [-1, -1],
    [2 ** 31, 2 ** 31, 2 ** 31, 2 ** 31],
    [-(2 ** 53) + 1, 2 ** 53 - 1],
  ].map((ints) => ({ ints })),
  [types.FLOATS]: [[], [Number.NaN, Infinity], [3e38, 3e38, 3e38, 3e38]].map((floats) => ({
    floats,
  })),
  [types.STRINGS]: [[], ['']].map((strings) => ({ strings: strings.map((s) => Buffer.from(s)) })),
};

const shown = (value) =>
  JSON.stringify(value, (_, part) =>
    part?.type === 'Buffer' ? Buffer.from(part).toString() : part,
  );

async function run(model, feeds) {
  const session = await InferenceSession.create(model);
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** The error, if any, that the model ends in with something else in the place of an attribute. */
async function outcomeOf({ model, feeds }, index, attribute, where) {
  const broken = decodeModel(model);
  broken.graph.node[0].name = nodeName;
  broken.graph.node[0].attribute[index] = attribute;
  try {
    await run(encodeMessage(broken), feeds);
  } catch (error) {
    assert.ok(error instanceof OctetError, `${where}: ${error.stack}`);
    assert.ok(codes.includes(error.code), `${where}: ${error.code}, ${error.message}`);
    return error;
  }
  return undefined;
}

function assertNames(error, parts, where) {
  assert.ok(error, `${where} went unnoticed`);
  for (const part of parts) assert.ok(error.message.includes(part), `${where}: ${error.message}`);
}

/** Breaks one attribute in every way that there is for it. */
async function breakAttribute(opType, one, index, attribute) {
  const put = (value) =>
    outcomeOf(one, index, { ...attribute, ...value }, `${attribute.name} ${shown(value)}`);
  assertNames(
    await outcomeOf(one, index, retyped(attribute), `${attribute.name} retyped`),
    [`'${nodeName}'`, `'${attribute.name}'`],
    `${attribute.name} of another type`,
  );
  const isName = attribute.type === types.STRING && !texts.includes(attribute.name);
  if (isName && !idle.includes(attribute.name)) {
    const unknown = { s: Buffer.from('no such thing') };
    assertNames(await put(unknown), [nodeName], `${attribute.name} of an unknown name`);
  }
  const isFree = free[opType]?.includes(attribute.name);
  for (const value of (!isFree && outOfRange[attribute.name]) || []) {
    const field = Array.isArray(value) ? { ints: value } : { i: value };
    assertNames(await put(field), [nodeName], `${attribute.name} ${shown(value)}`);
  }
  for (const value of extremes[attribute.type] ?? []) await put(value);
}

test('what the cases leave out is of operators that have cases', () => {
  const operators = Object.values(leftOut).flatMap(Object.keys);
  assert.deepEqual(
    operators.filter((opType) => !subjects.has(opType)),
    [],
  );
});

const [good] = subjects.get('Conv');
let answer;
const answerOfGood = async () => (await run(good.model, good.feeds)).y0.data;

for (const [opType, cases] of subjects) {
  test(opType, async () => {
    answer ??= await answerOfGood();
    for (const one of cases) {
      await run(one.model, one.feeds);
      const [{ attribute }] = decodeModel(one.model).graph.node;
      const names = attribute.map(({ name }) => name);
      const more = leftOutOf(opType).filter(({ name }) => !names.includes(name));
      for (const [index, old] of attribute.entries()) await breakAttribute(opType, one, index, old);
      for (const absent of more) await breakAttribute(opType, one, attribute.length, absent);
    }
    assert.deepEqual(await answerOfGood(), answer);
  });
}
