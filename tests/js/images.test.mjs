/** Models with an ImageDecoder in Node, which decodes nothing, and those that are refused everywhere. browser/images.test.mjs decodes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeModel, GraphBuilder, int64s, tensor } from '../models/onnx_builder.mjs';
import { octet } from './package_under_test.mjs';

const { InferenceSession, Tensor } = octet;
const bytes = (length = 8) => new Tensor('uint8', new Uint8Array(length), [length]);

/** A model whose image is made of what `streamOf` adds to the graph. */
function modelOf(streamOf, attributes = {}) {
  const graph = new GraphBuilder('image');
  graph.output(graph.add('ImageDecoder', [streamOf(graph)], attributes), 'uint8');
  return encodeModel(graph, { opset: 20 });
}
const fed = (graph) => graph.input('stream', 'uint8', ['bytes']);

test('the inputs are those of the model', async () => {
  const session = await InferenceSession.create(modelOf(fed));
  assert.deepEqual(session.inputNames, ['stream']);
  assert.deepEqual(session.inputMetadata, [
    { name: 'stream', isTensor: true, type: 'uint8', shape: ['bytes'] },
  ]);
  await session.release();
});

test('a run says that there is no decoder, and names the node, the input and formats', async () => {
  const session = await InferenceSession.create(modelOf(fed));
  await assert.rejects(session.run({ stream: bytes() }), {
    name: 'OctetError',
    code: 'unsupported-operator',
    message: /ImageDecoder 'ImageDecoder': input 'stream' .* no decoder; browsers decode BMP, JPEG/,
  });
  const wrong = new Tensor('uint8', new Uint8Array(4), [2, 2]);
  await assert.rejects(session.run({ stream: wrong }), {
    code: 'invalid-input',
    message: /stream/,
  });
  await session.release();
});

test('so does a calibration, of its sample', async () => {
  const samples = [{ stream: bytes() }];
  await assert.rejects(octet.quantize(modelOf(fed), { mode: 'static', calibration: samples }), {
    code: 'unsupported-operator',
    message: /^calibration\[0\]: ImageDecoder/,
  });
});

/** What `ImageDecoder` may not be made of, and what the error says. */
const refused = {
  'a stream that is a constant': [
    (graph) => graph.initializer('bytes', tensor('uint8', [3], [1, 2, 3])),
    'unsupported-operator',
    /not an input of the model/,
  ],
  'a stream that the model makes': [
    (graph) => graph.add('Slice', [fed(graph), ...[0, 8].map((i) => graph.constant(int64s(i)))]),
    'unsupported-operator',
    /not an input of the model/,
  ],
  'the image of another node': [
    (graph) => graph.add('ImageDecoder', [fed(graph)]),
    'unsupported-operator',
    /not an input of the model/,
  ],
  'a stream of two dimensions': [
    (graph) => graph.input('stream', 'uint8', [2, 'bytes']),
    'invalid-model',
    /'stream' is uint8 \[2, \?\]; uint8 of one dimension expected/,
  ],
  'a stream of floats': [
    (graph) => graph.input('stream', 'float32', ['bytes']),
    'invalid-model',
    /'stream' is float32 .* uint8 of one dimension expected/,
  ],
  'another pixel format': [fed, 'invalid-model', /pixel_format 'CMYK'/, { pixel_format: 'CMYK' }],
};

for (const [name, [streamOf, code, message, attributes]] of Object.entries(refused))
  test(`${name} is refused when the session is made`, async () => {
    const model = modelOf(streamOf, attributes);
    await assert.rejects(InferenceSession.create(model), (error) => {
      assert.equal(error.code, code);
      assert.match(error.message, /^ImageDecoder 'ImageDecoder(_1)?'/);
      assert.match(error.message, message);
      return true;
    });
  });

test('one in a branch is refused too', async () => {
  const graph = new GraphBuilder('branches');
  const stream = fed(graph);
  const branches = ['then_branch', 'else_branch'].map((name) => {
    const branch = graph.subgraph(name);
    branch.output(branch.add('ImageDecoder', [stream]), 'uint8');
    return [name, branch];
  });
  const condition = graph.input('condition', 'bool', []);
  graph.output(graph.add('If', [condition], Object.fromEntries(branches)), 'uint8');
  await assert.rejects(InferenceSession.create(encodeModel(graph, { opset: 20 })), {
    code: 'unsupported-operator',
    message: /not an input of the model/,
  });
});
