/** Exported files of every mode, format and network: in onnxruntime, against our own run, and as ONNX's checker sees them. */
import { sqnr } from '../js/closeness.mjs';
import { withOutputs } from '../js/integer_layers.mjs';
import { checkModel } from '../js/onnx_checker.mjs';
import {
  candidate,
  exactReference,
  onnxruntime,
  runOnce,
  runSteps,
  unoptimized,
  withSession,
} from '../js/sessions.mjs';
import { casesOf, networks } from '../models/networks.mjs';
import { decodeModel } from '../models/onnx_builder.mjs';
import { fileOf, octet, samplesOf } from './lab.mjs';

/** dB that two runs of one file agree to, unless rounding in another order carries further. */
export const leastSqnr = 35;

/** onnxruntime rounds activations to 8 bits where it fuses DequantizeLinear and MatMul, unless it is told not to. */
export const floatReference = onnxruntime({
  extra: { session: { qdq_matmulnbits_accuracy_level: '0' } },
});

const dynamic = (weights) => ({ mode: 'dynamic', weights });
const onCodes = { format: 'qoperator' };
const fixed = (weights, activations, more) => ({ mode: 'static', weights, activations, ...more });
const stored = (type, format, more) => ({
  mode: 'weight-only',
  weights: { type, ...more },
  format,
});

export const variants = {
  'dynamic int8 per channel': dynamic({ type: 'int8' }),
  'dynamic uint8 per tensor': dynamic({ type: 'uint8', perChannel: false }),
  'static by default': { mode: 'static' },
  'static uint8 per tensor': fixed({ type: 'uint8', perChannel: false }, { type: 'uint8' }),
  'static int8, fixed ranges': fixed({ type: 'int8' }, { type: 'int8', adaptive: false }),
  'static int8, operators on codes': fixed({ type: 'int8' }, { type: 'uint8' }, onCodes),
  'static uint8 per tensor, operators on codes': fixed(
    { type: 'uint8', perChannel: false },
    { type: 'uint8', adaptive: false },
    onCodes,
  ),
  'static int8 activations, operators on codes': fixed({ type: 'int8' }, { type: 'int8' }, onCodes),
  'dynamic int8 of 7 bits': dynamic({ type: 'int8', reduceRange: true }),
  'static int8 of 7 bits': fixed({ type: 'int8', reduceRange: true }, { type: 'uint8' }),
  'static uint8 of 7 bits, operators on codes': fixed(
    { type: 'uint8', perChannel: false, reduceRange: true },
    { type: 'uint8' },
    onCodes,
  ),
  'static, uint16 activations': fixed({ type: 'int8' }, { type: 'uint16' }),
  'static, int16 activations': fixed({ type: 'int8' }, { type: 'int16' }),
  'weight-only int4': stored('int4', 'qoperator'),
  'weight-only uint8': stored('uint8', 'qoperator', { blockSize: 64 }),
  'weight-only uint4 qdq': stored('uint4', 'qdq'),
  'weight-only int8 qdq': stored('int8', 'qdq'),
  'weight-only float16': stored('float16', 'qoperator'),
};

/** A quantized file; null where the mode leaves everything in float. */
export async function exportAs(source, steps, options) {
  const calibration =
    options.mode === 'static' ? { calibration: await samplesOf(source, steps) } : {};
  const { model, report } = await octet.quantize(source, {
    ...options,
    ...calibration,
    measure: false,
  });
  return report.tensors.length > 0 ? model : null;
}

/** All outputs of all steps. */
const outputsOf = (library, model, steps) =>
  withSession(library, model, async (session) =>
    (await runSteps(library, session, steps)).flatMap((outputs) =>
      session.outputNames.map((name) => outputs[name]),
    ),
  );

/**
 * Exact products take the weights as uint8, which QLinearConv does not multiply with int8 activations; those that it makes of
 * them where it fuses nodes saturate on processors without VNNI, those of the nodes themselves do not.
 */
function libraryOf({ mode, format, activations }) {
  if (mode === 'weight-only') return floatReference;
  return format === 'qoperator' && activations.type === 'int8' ? unoptimized : exactReference;
}

/** How near onnxruntime's answers are to ours, in dB. */
export async function agreementOf(model, steps, options) {
  return sqnr(
    await outputsOf(candidate(octet), model, steps),
    await outputsOf(libraryOf(options), model, steps),
  );
}

/** Values between layers as codes, in order: what DequantizeLinear nodes make of them, with their scales, or the codes themselves. */
function codedValues(model) {
  const { node, initializer } = decodeModel(model).graph;
  const constants = new Map(initializer.map((tensor) => [tensor.name, tensor]));
  const coded = new Set(
    node.filter(({ opType }) => opType === 'QuantizeLinear').map(({ output }) => output[0]),
  );
  return node.flatMap(({ opType, input, output }) => {
    const dequantizes = opType === 'DequantizeLinear' && coded.has(input[0]);
    if (dequantizes)
      return [{ name: output[0], scale: numberOf(constants.get(input[1])), type: 'float32' }];
    return opType.startsWith('QLinear') ? [{ name: output[0], scale: 1, type: 'codes' }] : [];
  });
}

function numberOf({ floatData, rawData }) {
  if (floatData?.length) return floatData[0];
  return new DataView(rawData.buffer, rawData.byteOffset).getFloat32(0, true);
}

/**
 * The first value between layers whose codes in onnxruntime are not ours: the share of its elements that differ, and by how many
 * steps at most. Rounding that meets a tie in another order shows as few elements one step apart; what deep nets make of these
 * says nothing about their layers. Nothing when all codes are equal.
 */
export async function firstDifference(model, [step], options) {
  const values = codedValues(model).map((value) =>
    value.type === 'codes' ? { ...value, type: options.activations.type } : value,
  );
  const theirs = await runOnce(libraryOf(options), withOutputs(model, values), step.feeds);
  for (const value of values) {
    const { name, scale } = value;
    const ours = await runOnce(candidate(octet), withOutputs(model, [value]), step.feeds);
    const steps = Array.from(ours[name].data, (each, i) =>
      Math.round(Math.abs(each - theirs[name].data[i]) / scale),
    );
    const share = steps.filter((each) => each !== 0).length / steps.length;
    if (share > 0) return { name, share, steps: steps.reduce((a, b) => Math.max(a, b), 0) };
  }
  return undefined;
}

export async function run(table) {
  const rows = [];
  table.header([
    'network',
    'file',
    'SQNR to onnxruntime, dB',
    'below 35 dB: first codes that differ',
    'checker',
  ]);
  for (const network of networks) {
    const source = await fileOf(network.name);
    const [{ steps }] = casesOf(network);
    for (const [label, options] of Object.entries(variants)) {
      const model = await exportAs(source, steps, options);
      if (model === null) continue;
      const agreementDb = await agreementOf(model, steps, options);
      const first =
        options.mode === 'static' && agreementDb < leastSqnr
          ? await firstDifference(model, steps, options)
          : undefined;
      const checker = await checkModel(model);
      rows.push({ name: network.name, label, agreementDb, first, checker });
      table.row([
        network.name,
        label,
        agreementDb.toFixed(1),
        first ? `${(100 * first.share).toFixed(4)} % by ${first.steps}` : '',
        checker,
      ]);
    }
  }
  return rows;
}
