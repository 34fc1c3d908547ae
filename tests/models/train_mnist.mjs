/**
 * Trains the MNIST network and writes it to tests/fixtures/mnist_cnn.onnx: `node tests/models/train_mnist.mjs`. Takes a
 * few minutes, and gives the same file at every run.
 *
 *   image [batch, 1, 28, 28] → Conv 32 of 3×3, ReLU → MaxPool 2×2 → Flatten → Dense 10 → Softmax
 *
 * Cross-entropy, minimised by Adam (Kingma & Ba 2014) on images moved by up to one pixel.
 */
import fs from 'node:fs';
import { encodeModel, float, GraphBuilder, tensor } from './onnx_builder.mjs';
import { imageSize, loadDigits } from './mnist_data.mjs';
import { Random } from './random.mjs';

const fixture = new URL('../fixtures/mnist_cnn.onnx', import.meta.url);

const side = 28;
const kernel = 3;
const taps = kernel * kernel;
const filters = 32;
const pooledSide = (side - kernel + 1) / 2;
const pooledArea = pooledSide * pooledSide;
const features = filters * pooledArea;
const classes = 10;

const epochs = 10;
const batchSize = 50;
const firstRate = 2e-3;

/** A trainable array with its gradient and Adam's two moments. */
class Parameter {
  constructor(values) {
    this.values = values;
    this.gradient = new Float32Array(values.length);
    this.mean = new Float32Array(values.length);
    this.square = new Float32Array(values.length);
  }

  /** Takes Adam's step number `step` (from 1) and clears the gradient. */
  update(rate, step) {
    const [decay1, decay2] = [0.9, 0.999];
    const correctedRate = (rate * Math.sqrt(1 - decay2 ** step)) / (1 - decay1 ** step);
    for (let i = 0; i < this.values.length; ++i) {
      const g = this.gradient[i] / batchSize;
      this.mean[i] += (1 - decay1) * (g - this.mean[i]);
      this.square[i] += (1 - decay2) * (g * g - this.square[i]);
      this.values[i] -= (correctedRate * this.mean[i]) / (Math.sqrt(this.square[i]) + 1e-8);
    }
    this.gradient.fill(0);
  }
}

function createParameters(random) {
  return {
    convWeight: new Parameter(random.normals(filters * taps, 0, Math.sqrt(2 / taps))),
    convBias: new Parameter(new Float32Array(filters)),
    denseWeight: new Parameter(random.normals(classes * features, 0, Math.sqrt(1 / features))),
    denseBias: new Parameter(new Float32Array(classes)),
  };
}

/**
 * Convolution, ReLU and pooling of one image. `winners` receives where in the image each pooled value comes from, or −1
 * where ReLU cut it off.
 */
function convolve({ convWeight, convBias }, image, pooled, winners) {
  for (let f = 0; f < filters; ++f) {
    const w = convWeight.values.subarray(f * taps, (f + 1) * taps);
    const bias = convBias.values[f];
    for (let p = 0; p < pooledArea; ++p) {
      const top = 2 * Math.floor(p / pooledSide);
      const left = 2 * (p % pooledSide);
      let best = 0;
      let winner = -1;
      for (let corner = 0; corner < 4; ++corner) {
        const o = (top + (corner >> 1)) * side + left + (corner & 1);
        const value =
          bias +
          (w[0] * image[o] + w[1] * image[o + 1] + w[2] * image[o + 2]) +
          (w[3] * image[o + 28] + w[4] * image[o + 29] + w[5] * image[o + 30]) +
          (w[6] * image[o + 56] + w[7] * image[o + 57] + w[8] * image[o + 58]);
        if (value > best) {
          best = value;
          winner = o;
        }
      }
      pooled[f * pooledArea + p] = best;
      winners[f * pooledArea + p] = winner;
    }
  }
}

/** The probabilities of the classes. */
function classify({ denseWeight, denseBias }, pooled) {
  const logits = Float64Array.from(denseBias.values);
  for (let c = 0; c < classes; ++c) {
    let sum = 0;
    for (let i = 0; i < features; ++i) sum += denseWeight.values[c * features + i] * pooled[i];
    logits[c] += sum;
  }
  const top = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp(logit - top));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/** Adds the gradient of one image's loss, whose derivative by the logits is `delta`. */
function accumulate(
  { convWeight, convBias, denseWeight, denseBias },
  image,
  pooled,
  winners,
  delta,
) {
  const pooledGradient = new Float32Array(features);
  for (let c = 0; c < classes; ++c) {
    denseBias.gradient[c] += delta[c];
    const start = c * features;
    for (let i = 0; i < features; ++i) {
      denseWeight.gradient[start + i] += delta[c] * pooled[i];
      pooledGradient[i] += delta[c] * denseWeight.values[start + i];
    }
  }
  for (let i = 0; i < features; ++i) {
    if (winners[i] < 0) continue;
    const f = Math.floor(i / pooledArea);
    const g = pooledGradient[i];
    convBias.gradient[f] += g;
    for (let tap = 0; tap < taps; ++tap) {
      const o = winners[i] + Math.floor(tap / kernel) * side + (tap % kernel);
      convWeight.gradient[f * taps + tap] += g * image[o];
    }
  }
}

/** The image moved by up to one pixel each way. */
function jitter(random, image) {
  const offset = random.integer(-1, 1) * side + random.integer(-1, 1);
  const moved = new Float32Array(imageSize);
  for (let i = 0; i < imageSize; ++i) moved[i] = image[i + offset] ?? 0;
  return moved;
}

function train(samples, random) {
  const parameters = createParameters(random);
  const pooled = new Float32Array(features);
  const winners = new Int32Array(features);
  let step = 0;
  for (let epoch = 0; epoch < epochs; ++epoch) {
    const rate = 0.5 * firstRate * (1 + Math.cos((Math.PI * epoch) / epochs));
    let loss = 0;
    random.shuffled(samples).forEach(({ image, label }, i) => {
      const input = jitter(random, image);
      convolve(parameters, input, pooled, winners);
      const delta = classify(parameters, pooled);
      loss -= Math.log(delta[label]);
      delta[label] -= 1;
      accumulate(parameters, input, pooled, winners, delta);
      if ((i + 1) % batchSize !== 0) return;
      ++step;
      for (const parameter of Object.values(parameters)) parameter.update(rate, step);
    });
    console.log(`epoch ${epoch + 1}: loss ${(loss / samples.length).toFixed(4)}`);
  }
  return parameters;
}

function accuracy(parameters, samples) {
  const pooled = new Float32Array(features);
  const winners = new Int32Array(features);
  const right = samples.filter(({ image, label }) => {
    convolve(parameters, image, pooled, winners);
    const probabilities = classify(parameters, pooled);
    return probabilities.indexOf(Math.max(...probabilities)) === label;
  });
  return right.length / samples.length;
}

function toOnnx({ convWeight, convBias, denseWeight, denseBias }) {
  const graph = new GraphBuilder('mnist_cnn');
  const weight = (name, dims, { values }) =>
    graph.initializer(name, tensor('float32', dims, values));
  const image = graph.input('image', 'float32', ['batch', 1, side, side]);
  const conv = graph.add(
    'Conv',
    [
      image,
      weight('conv.weight', [filters, 1, kernel, kernel], convWeight),
      weight('conv.bias', [filters], convBias),
    ],
    { kernel_shape: [kernel, kernel] },
  );
  const pool = graph.add('MaxPool', [graph.add('Relu', [conv])], {
    kernel_shape: [2, 2],
    strides: [2, 2],
  });
  const logits = graph.add(
    'Gemm',
    [
      graph.add('Flatten', [pool], { axis: 1 }),
      weight('dense.weight', [classes, features], denseWeight),
      weight('dense.bias', [classes], denseBias),
    ],
    { alpha: float(1), beta: float(1), transB: 1 },
  );
  graph.add('Softmax', [logits], { axis: 1 }, ['probabilities']);
  graph.output('probabilities', 'float32', ['batch', classes]);
  return encodeModel(graph, { opset: 13 });
}

const { train: trainSamples, test: testSamples } = loadDigits();
const parameters = train(trainSamples, new Random('mnist training'));
console.log(
  `accuracy on the test digits: ${(100 * accuracy(parameters, testSamples)).toFixed(2)} %`,
);
fs.mkdirSync(new URL('.', fixture), { recursive: true });
fs.writeFileSync(fixture, toOnnx(parameters));
