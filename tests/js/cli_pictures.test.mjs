/** Pictures as inputs of the command line: decoded as others decode them, and made into tensors as --preprocess says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { bmp, jpeg } from '../browser/image_files.mjs';
import { GraphBuilder, encodeModel, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { fed, identity, octet, succeed, write } from './octet_command.mjs';
import { reference, runOnce } from './sessions.mjs';

const [width, height] = [5, 3];
const rgb = new Random('pixels').integers(width * height * 3, 0, 255);
const raw = sharp(Uint8Array.from(rgb), { raw: { width, height, channels: 3 } });
const any = identity('any', ['x', 'float32', [1, 3, 'h', 'w']]);
const bytes = identity('bytes', ['x', 'uint8', ['h', 'w', 3]]);
const fixed = identity('fixed', ['x', 'float32', [1, 3, 4, 6]]);

const pixelsOf = (file) => fed(bytes, '--input', `x=${file}`).x;
const lossless = {
  png: () => raw.clone().png().toBuffer(),
  'png of a palette': () => raw.clone().png({ palette: true, colours: 256 }).toBuffer(),
  'png with transparency': () => raw.clone().ensureAlpha(1).png().toBuffer(),
  webp: () => raw.clone().webp({ lossless: true }).toBuffer(),
  bmp: () => bmp({ width, height, data: [...rgb] }),
};
for (const [name, encode] of Object.entries(lossless))
  test(`${name} has the pixels that were written`, async () => {
    const { type, dims, data } = pixelsOf(write(name.replaceAll(' ', '_'), await encode()));
    assert.deepEqual(
      { type, dims, data },
      { type: 'uint8', dims: [height, width, 3], data: [...rgb] },
    );
  });

test('png of 16 bits has them as nearly as libvips wrote them', async () => {
  const file = write('wide.png', await raw.clone().toColourspace('rgb16').png().toBuffer());
  assert.equal((await sharp(file).metadata()).depth, 'ushort');
  pixelsOf(file).data.forEach((value, i) => assert.ok(Math.abs(value - rgb[i]) <= 1, `${i}`));
});

test('jpeg has the colours of its blocks', async () => {
  const file = write(
    'blocks.jpg',
    jpeg({
      blocks: [
        [
          [128, 128, 128],
          [60, 128, 128],
        ],
      ],
    }),
  );
  const { dims, data } = pixelsOf(file);
  assert.deepEqual(dims, [8, 16, 3]);
  const { data: expected } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  data.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) <= 1, `${i}: ${value}`));
});

test('a photograph of lossy webp and jpeg is what libvips decodes', async () => {
  const large = sharp(
    Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => 128 + 100 * Math.sin(i / 40)),
    {
      raw: { width: 64, height: 48, channels: 3 },
    },
  );
  for (const [format, most] of [
    ['jpeg', 3],
    ['webp', 3],
  ]) {
    const file = write(`photo.${format}`, await large.clone().toFormat(format).toBuffer());
    const expected = await sharp(file).removeAlpha().raw().toBuffer();
    const { data } = pixelsOf(file);
    const worst = Math.max(...data.map((value, i) => Math.abs(value - expected[i])));
    assert.ok(worst <= most, `${format}: ${worst}`);
  }
});

const photo = write('photo.png', await raw.clone().png().toBuffer());
/** One channel after the other, as floats of 0 to 1. */
const planar = [0, 1, 2].flatMap((c) =>
  Array.from({ length: width * height }, (_, i) => Math.fround(rgb[3 * i + c] / 255)),
);
const near = (actual, expected, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]) <= tolerance, `${i}: ${value}, not ${expected[i]}`),
  );
};
const given = (model, spec) =>
  fed(model, '--input', `x=${photo}`, ...(spec ? ['--preprocess', spec] : [])).x;

test('go into floats of 0 to 1, channel by channel, unless told', () => {
  const { dims, data } = given(any);
  assert.deepEqual(dims, [1, 3, height, width]);
  near(data, planar);
});

test('have ranges, means, deviations, an order of channels', () => {
  near(
    given(any, 'range=-1:1').data,
    planar.map((v) => 2 * v - 1),
  );
  const [mean, std] = [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ];
  const area = width * height;
  const normal = planar.map((v, i) => (v - mean[Math.floor(i / area)]) / std[Math.floor(i / area)]);
  near(given(any, 'imagenet').data, normal);
  near(given(any, `mean=${mean.join(':')},std=${std.join(':')}`).data, normal);
  near(
    given(any, 'range=0:255,mean=127.5,std=2').data,
    planar.map((v) => (255 * v - 127.5) / 2),
    1e-4,
  );
  const reversed = [2, 1, 0].flatMap((c) => planar.slice(c * area, (c + 1) * area));
  near(given(any, 'channels=bgr').data, reversed);
});

test('are gray for an input of one channel', async () => {
  const one = identity('one', ['x', 'float32', ['n', 1, 'h', 'w']]);
  const { dims, data } = given(one, 'range=0:255');
  assert.deepEqual(dims, [1, 1, height, width]);
  near(
    data,
    Array.from(
      { length: width * height },
      (_, i) => 0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2],
    ),
    1e-4,
  );
});

/** onnxruntime's Resize with antialiasing, of the picture cut to a box. */
async function resizedBy(sizes, box = { x: 0, y: 0, width, height }) {
  const graph = new GraphBuilder('resize');
  const operands = [
    graph.input('x', 'float32', [1, 3, box.height, box.width]),
    '',
    '',
    graph.initializer('sizes', tensor('int64', [4], [1, 3, ...sizes].map(BigInt))),
  ];
  graph.output(
    graph.add('Resize', operands, { mode: 'linear', antialias: 1, exclude_outside: 1 }, ['y']),
    'float32',
    [1, 3, ...sizes],
  );
  const data = Float32Array.from({ length: 3 * box.width * box.height }, (_, i) => {
    const [c, y, x] = [
      Math.floor(i / (box.width * box.height)),
      Math.floor(i / box.width) % box.height,
      i % box.width,
    ];
    return planar[(c * height + box.y + y) * width + box.x + x];
  });
  const feeds = { x: { type: 'float32', dims: [1, 3, box.height, box.width], data } };
  return (await runOnce(reference, encodeModel(graph, { opset: 18 }), feeds)).y.data;
}

for (const [w, h] of [
  [6, 4],
  [2, 2],
  [10, 2],
  [3, 7],
])
  test(`are resized to ${w}x${h} as onnxruntime's Resize does`, async () => {
    const { dims, data } = given(any, `size=${w}x${h}`);
    assert.deepEqual(dims, [1, 3, h, w]);
    near(data, await resizedBy([h, w]), 1e-5);
  });

test("take the input's own size, where it has one", async () => {
  const { dims, data } = given(fixed);
  assert.deepEqual(dims, [1, 3, 4, 6]);
  near(data, await resizedBy([4, 6]), 1e-5);
});

test('are cut to fit, or have zeros around them', async () => {
  near(
    given(any, 'size=3x3,fit=cover').data,
    await resizedBy([3, 3], { x: 1, y: 0, width: 3, height: 3 }),
    1e-5,
  );
  const { data } = given(any, 'size=5x5,fit=contain');
  const framed = [0, 1, 2].flatMap((c) => [
    ...Array(width).fill(0),
    ...planar.slice(c * width * height, (c + 1) * width * height),
    ...Array(width).fill(0),
  ]);
  near(data, framed);
});

test('are samples of a calibration, from a pattern', () => {
  const flags = ['--samples', 'pho*.{png,webp,jpeg}', '--preprocess', 'size=8x8', '--json'];
  assert.equal(JSON.parse(succeed(['compare', any, any, ...flags])).samples, 3);
});

const refused = {
  'size=0x3': /a value for size expected/,
  'size=3': /a value for size expected/,
  'fit=round': /a value for fit expected/,
  'std=0': /a value for std expected/,
  'mean=1:2': /a value for mean expected/,
  'colour=red': /'colour=red' is not understood; size, fit/,
  constructor: /is not understood/,
};
for (const [spec, message] of Object.entries(refused))
  test(`--preprocess ${spec} is refused`, () => {
    const { status, stderr } = octet(['run', any, '--input', `x=${photo}`, '--preprocess', spec]);
    assert.equal(status, 2, stderr);
    assert.match(stderr, message);
  });

test('that are damaged, or for inputs that take none, are told in one line', async () => {
  const formats = { png: await raw.png().toBuffer(), webp: await raw.webp().toBuffer() };
  formats.jpeg = await raw.jpeg().toBuffer();
  formats.bmp = bmp({ width, height, data: [...rgb] });
  for (const [format, file] of Object.entries(formats)) {
    const damaged = write(`damaged.${format}`, file.subarray(0, file.length / 3));
    const { status, stderr } = octet(['run', any, '--input', `x=${damaged}`]);
    assert.equal(status, 1, `${format}: ${stderr}`);
    assert.match(
      stderr,
      new RegExp(`^octet: .*damaged\\.${format}: no ${format} that can be decoded[^\n]*\n$`),
    );
  }
  const row = identity('row', ['x', 'float32', [1, 2]]);
  assert.match(octet(['run', row, '--input', `x=${photo}`]).stderr, /input 'x' is no picture/);
});
