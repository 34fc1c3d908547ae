/** ImageDecoder by Chromium's own decoders: exact pixels, streams that are none, and quantization of a model with one. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { encodeModel, GraphBuilder, int64s, tensor } from '../models/onnx_builder.mjs';
import { bmp, exifTurned, jpeg, png } from './image_files.mjs';
import { openPackagePage } from './package_page.mjs';

const [width, height] = [5, 3];
const rgba = Array.from({ length: width * height * 4 }, (_, i) =>
  i % 4 === 3 ? [255, 128, 1, 0, 17][(i >> 2) % 5] : (i * 37 + 11) % 256,
);
const rgb = rgba.filter((_, i) => i % 4 !== 3);
const pixelsOf = (data) =>
  Array.from({ length: data.length / 3 }, (_, i) => data.slice(3 * i, 3 * i + 3));
const png24 = (more) => png({ width, height, channels: 3, data: rgb, more });

/** Pillow's convert('L'): the thousandths of ITU-R 601-2 in 16 bits. */
const luma = ([r, g, b]) => (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;

/** A model that decodes its input `stream`, and does the rest by `build`. */
function modelOf(pixel_format, build = (graph, image) => graph.output(image, 'uint8')) {
  const graph = new GraphBuilder('image');
  const stream = graph.input('stream', 'uint8', ['bytes']);
  build(graph, graph.add('ImageDecoder', [stream], pixel_format && { pixel_format }, ['image']));
  return encodeModel(graph, { opset: 20 });
}

/** Runs in the page: the outputs, or the error. */
async function runInPage({ model, stream, without }) {
  for (const name of without ?? []) delete globalThis[name];
  const { InferenceSession, Tensor } = await import('/octet/index.js');
  const load = async (url) => (await fetch(url)).arrayBuffer();
  const session = await InferenceSession.create(await load(model));
  try {
    const data = new Uint8Array(await load(stream));
    const outputs = await session.run({ stream: new Tensor('uint8', data, [data.length]) });
    return Object.entries(outputs).map(([name, { type, dims, data }]) => [
      name,
      { type, dims, data: [...data] },
    ]);
  } catch (error) {
    return { name: error.name, code: error.code, message: error.message };
  } finally {
    await session.release();
  }
}

/** Runs in the page: a file of another format with these pixels. */
async function encodeInPage({ type, width, height, rgba }) {
  const canvas = new OffscreenCanvas(width, height);
  const pixels = new ImageData(Uint8ClampedArray.from(rgba), width, height);
  canvas.getContext('2d').putImageData(pixels, 0, 0);
  const blob = await canvas.convertToBlob({ type, quality: 1 });
  return blob.type === type ? [...new Uint8Array(await blob.arrayBuffer())] : [];
}

/** Runs in the page: static quantization with images for samples, and what both models make of one. */
async function quantizeInPage({ model, streams }) {
  const { InferenceSession, Tensor, compare, quantize } = await import('/octet/index.js');
  const load = async (url) => (await fetch(url)).arrayBuffer();
  const samples = await Promise.all(
    streams.map(async (url) => {
      const data = new Uint8Array(await load(url));
      return { stream: new Tensor('uint8', data, [data.length]) };
    }),
  );
  const float = await load(model);
  const quantized = await quantize(float, { mode: 'static', calibration: samples });
  const session = await InferenceSession.create(quantized.model);
  const inputs = session.inputMetadata.map(({ name, type, shape }) => ({ name, type, shape }));
  await session.release();
  const { outputs } = await compare(float, quantized.model, samples);
  return { inputs, sqnrDb: outputs[0].sqnrDb };
}

describe('ImageDecoder in Chromium', () => {
  let host;
  before(async () => {
    host = await openPackagePage();
  });
  after(() => host?.close());

  const answerTo = (stream, { model = modelOf('RGB'), without } = {}) => {
    const files = { model: host.publish('/model', model), stream: host.publish('/stream', stream) };
    return host.page.evaluate(runInPage, { ...files, without });
  };
  const assertImage = async (answer, dims, data) =>
    assert.deepEqual(await answer, [['image', { type: 'uint8', dims, data }]]);

  test('PNG, BMP and lossless WebP have the pixels that were written', async () => {
    const opaque = rgba.map((value, i) => (i % 4 === 3 ? 255 : value));
    const picture = { type: 'image/webp', width, height, rgba: opaque };
    const webp = Uint8Array.from(await host.page.evaluate(encodeInPage, picture));
    assert.ok(webp.length > 0, 'Chromium writes WebP');
    for (const file of [png24(), bmp({ width, height, data: rgb }), webp])
      await assertImage(answerTo(file), [height, width, 3], rgb);
  });

  test('every pixel format', async () => {
    const bgr = pixelsOf(rgb).flatMap((pixel) => pixel.toReversed());
    const grey = pixelsOf(rgb).map(luma);
    const answer = (format) => answerTo(png24(), { model: modelOf(format) });
    await assertImage(answer(undefined), [height, width, 3], rgb);
    await assertImage(answer('BGR'), [height, width, 3], bgr);
    await assertImage(answer('Grayscale'), [height, width, 1], grey);
  });

  test('colours are as stored: whatever the opacity, the gamma and the orientation', async () => {
    const see = png({ width, height, channels: 4, data: rgba });
    const gamma = png24({ gAMA: [0, 0, 0x40, 0] });
    for (const file of [see, gamma, png24({ eXIf: exifTurned })])
      await assertImage(answerTo(file), [height, width, 3], rgb);
  });

  test('one channel becomes three', async () => {
    const data = rgb.slice(0, width * height);
    const file = png({ width, height, channels: 1, data });
    await assertImage(
      answerTo(file),
      [height, width, 3],
      data.flatMap((value) => [value, value, value]),
    );
  });

  test('JPEG of grey blocks', async () => {
    const blocks = [[[17], [200], [128]]];
    const row = blocks[0].flatMap(([y]) => Array(8).fill(y));
    const data = Array(8).fill(row).flat();
    for (const exif of [undefined, exifTurned]) {
      const answer = answerTo(jpeg({ blocks, exif }), { model: modelOf('Grayscale') });
      await assertImage(answer, [8, 24, 1], data);
    }
  });

  test('JPEG of coloured blocks, by the formulas of JFIF', async () => {
    const blocks = [[[120, 90, 160]], [[60, 150, 110]]];
    const [[, { dims, data }]] = await answerTo(jpeg({ blocks }));
    assert.deepEqual(dims, [16, 8, 3]);
    const wanted = blocks.flatMap(([[y, cb, cr]]) => {
      const pixel = [
        y + 1.402 * (cr - 128),
        y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128),
        y + 1.772 * (cb - 128),
      ];
      return Array(64).fill(pixel).flat();
    });
    // Half a level of rounding, and what the fixed point of decoders adds.
    for (const [i, value] of wanted.entries())
      assert.ok(Math.abs(data[i] - value) <= 0.51, `byte ${i}: ${data[i]}, ${value} expected`);
  });

  test('streams that several nodes read, by way of an Identity too', async () => {
    const graph = new GraphBuilder('shared');
    const stream = graph.input('stream', 'uint8', ['bytes']);
    const same = graph.add('Identity', [graph.add('Identity', [stream])]);
    const grey = graph.add('ImageDecoder', [same], { pixel_format: 'Grayscale' });
    graph.output(graph.add('Shape', [graph.add('ImageDecoder', [stream])], {}, ['shape']), 'int64');
    graph.output(graph.add('Cast', [grey], { to: 6 }, ['grey']), 'int32');
    graph.output(graph.add('Size', [stream], {}, ['size']), 'int64');
    const file = png24();
    const answer = await host.page.evaluate(
      async ({ model, stream }) => {
        const { InferenceSession, Tensor } = await import('/octet/index.js');
        const load = async (url) => (await fetch(url)).arrayBuffer();
        const session = await InferenceSession.create(await load(model));
        const data = new Uint8Array(await load(stream));
        const feeds = { stream: new Tensor('uint8', data, [data.length]) };
        const { shape, grey, size } = await session.run(feeds);
        return {
          inputs: session.inputNames,
          shape: [...shape.data].map(Number),
          grey: [...grey.data],
          size: Number(size.data[0]),
        };
      },
      {
        model: host.publish('/model', encodeModel(graph, { opset: 20 })),
        stream: host.publish('/stream', file),
      },
    );
    assert.deepEqual(answer, {
      inputs: ['stream'],
      shape: [height, width, 3],
      grey: pixelsOf(rgb).map(luma),
      size: file.length,
    });
  });

  test('what is no image is refused by name, and the engine goes on', async () => {
    const whole = png24();
    const broken = whole.map((byte, i) => (i > 45 && i < 60 ? byte ^ 0xff : byte));
    for (const stream of [whole.subarray(0, 40), broken, Buffer.from('P6 1 1 255 abc'), []]) {
      const answer = await answerTo(Buffer.from(stream));
      assert.equal(answer.code, 'invalid-input');
      assert.match(answer.message, /^ImageDecoder 'ImageDecoder': input 'stream' is no image/);
      assert.match(answer.message, /BMP, JPEG, PNG and WebP/);
    }
    await assertImage(answerTo(whole), [height, width, 3], rgb);
  });

  test('a model with one is quantized with images for samples', async () => {
    const model = modelOf('RGB', (graph, image) => {
      const real = graph.add('Cast', [image], { to: 1 });
      const planes = graph.add('Transpose', [real], { perm: [2, 0, 1] });
      const batch = graph.add('Unsqueeze', [planes, graph.initializer('first', int64s(0))]);
      const weights = tensor(
        'float32',
        [4, 3, 1, 1],
        Array.from({ length: 12 }, () => graph.random.normal()),
      );
      graph.output(graph.add('Conv', [batch, graph.initializer('w', weights)]), 'float32');
    });
    const streams = [png24(), bmp({ width, height, data: rgb.toReversed() })];
    const { inputs, sqnrDb } = await host.page.evaluate(quantizeInPage, {
      model: host.publish('/model', model),
      streams: streams.map((stream, i) => host.publish(`/stream${i}`, stream)),
    });
    assert.deepEqual(inputs, [{ name: 'stream', type: 'uint8', shape: ['bytes'] }]);
    assert.ok(sqnrDb > 30 && sqnrDb < 80, `${sqnrDb} dB`);
  });

  test('on pages without frames a canvas reads opaque images', async () => {
    try {
      await assertImage(answerTo(png24(), { without: ['VideoFrame'] }), [height, width, 3], rgb);
    } finally {
      await host.reload();
    }
  });

  test('on platforms without a decoder the error says so', async () => {
    await host.reload();
    try {
      const answer = await answerTo(png24(), { without: ['createImageBitmap'] });
      assert.equal(answer.code, 'unsupported-operator');
      assert.match(answer.message, /'ImageDecoder'.*'stream'.*no decoder/);
    } finally {
      await host.reload();
    }
  });
});
