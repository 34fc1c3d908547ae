/** The runner of the ONNX backend tests itself: that it reads data rightly, tells wrong results, and survives its children. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { difference } from '../conformance/compare.mjs';
import { elementsOf } from '../conformance/elements.mjs';
import { runInPool } from '../conformance/pool.mjs';
import { runTests } from '../conformance/run_tests.mjs';
import { findTests } from '../conformance/test_data.mjs';
import { toleranceOf } from '../conformance/tolerances.mjs';
import { bytesOf, elementTypes, readValue } from '../conformance/values.mjs';
import {
  decodeReply,
  decodeRequest,
  encodeError,
  encodeOutputs,
  encodeRequest,
} from '../conformance/wire.mjs';
import { encodeModel, GraphBuilder } from '../models/onnx_builder.mjs';
import { messageType } from '../models/onnx_schema.mjs';

const typeNumber = (name) =>
  Number(Object.keys(elementTypes).find((number) => elementTypes[number].name === name));

const encode = (message, fields) => messageType(message).encode(fields).finish();
const tensorType = (name) => ({ tensorType: { elemType: typeNumber(name) } });

const readTensor = (name, dims, fields) =>
  readValue(
    encode('TensorProto', { dataType: typeNumber(name), dims, ...fields }),
    tensorType(name),
  );

const float32 = (dims, values) => ({
  type: typeNumber('float32'),
  dims,
  bytes: bytesOf(Float32Array.from(values)),
});

describe('elements of every type', () => {
  // Codes and what the formats' specifications say they are: onnx.ai/onnx/technical/float8.html, float4.html, IEEE 754.
  const rows = {
    uint8: [
      [255, 1],
      [255, 1],
    ],
    int8: [
      [-128, 127],
      [-128, 127],
    ],
    uint16: [[65535], [65535]],
    int16: [[-32768], [-32768]],
    int32: [
      [-2147483648, 7],
      [-2147483648, 7],
    ],
    bool: [
      [1, 0],
      [1, 0],
    ],
    float16: [
      [0x3c00, 0x7bff, 0x0001, 0xfc00, 0x7e00],
      [1, 65504, 2 ** -24, -Infinity, NaN],
    ],
    bfloat16: [
      [0x3f80, 0xc000, 0x0001, 0x7f80, 0x7fc0],
      [1, -2, 2 ** -133, Infinity, NaN],
    ],
    float8e4m3fn: [
      [0x7e, 0x01, 0xb8, 0x7f, 0xff],
      [448, 2 ** -9, -1, NaN, NaN],
    ],
    float8e4m3fnuz: [
      [0x7f, 0x01, 0xc0, 0x80],
      [240, 2 ** -10, -1, NaN],
    ],
    float8e5m2: [
      [0x7b, 0x01, 0xbc, 0x7c, 0x7e],
      [57344, 2 ** -16, -1, Infinity, NaN],
    ],
    float8e5m2fnuz: [
      [0x7f, 0x01, 0xc0, 0x80],
      [57344, 2 ** -17, -1, NaN],
    ],
    float8e8m0: [
      [0x7f, 0x00, 0xfe, 0xff],
      [1, 2 ** -127, 2 ** 127, NaN],
    ],
    uint4: [
      [0x21, 0xf3],
      [1, 2, 3, 15],
    ],
    int4: [
      [0x87, 0x0f],
      [7, -8, -1],
    ],
    uint2: [
      [0b11100100, 0b10],
      [0, 1, 2, 3, 2],
    ],
    int2: [[0b11100100], [0, 1, -2, -1]],
    float4e2m1: [
      [0x10, 0x32, 0x54, 0x76, 0xff],
      [0, 0.5, 1, 1.5, 2, 3, 4, 6, -6, -6],
    ],
  };

  for (const [name, [codes, expected]] of Object.entries(rows)) {
    test(`${name} in int32_data and in raw_data`, () => {
      const typed = readTensor(name, [expected.length], { int32Data: codes });
      assert.deepEqual(elementsOf(typed), expected);
      const raw = readTensor(name, [expected.length], { rawData: typed.bytes });
      assert.deepEqual(raw, typed);
    });
  }

  test('the other fields', () => {
    const elements = (name, fields) => elementsOf(readTensor(name, [2], fields));
    assert.deepEqual(elements('float32', { floatData: [0.5, -1] }), [0.5, -1]);
    assert.deepEqual(elements('float64', { doubleData: [0.1, -1] }), [0.1, -1]);
    assert.deepEqual(elements('complex64', { floatData: [1, 2, 3, 4] }), [1, 2, 3, 4]);
    assert.deepEqual(elements('uint32', { uint64Data: [4294967295, 1] }), [4294967295, 1]);
    assert.deepEqual(elements('int64', { int64Data: [-1, 5] }), [-1n, 5n]);
    assert.deepEqual(elements('string', { stringData: [Buffer.from('é'), Buffer.from('')] }), [
      'é',
      '',
    ]);
  });

  test('too few bytes are refused', () => {
    assert.throws(() => readTensor('float32', [2], { floatData: [1] }), /\[2\] in 4 bytes/);
  });
});

describe('sequences and optionals', () => {
  const tensorFields = { dataType: typeNumber('float32'), dims: [1], floatData: [3] };
  const tensor = float32([1], [3]);

  test('are read', () => {
    const sequence = encode('SequenceProto', { tensorValues: [tensorFields, tensorFields] });
    assert.deepEqual(readValue(sequence, { sequenceType: {} }), [tensor, tensor]);
    const read = (fields) => readValue(encode('OptionalProto', fields), { optionalType: {} });
    assert.deepEqual(read({ tensorValue: tensorFields }), tensor);
    assert.deepEqual(read({ sequenceValue: { tensorValues: [tensorFields] } }), [tensor]);
    assert.equal(read({}), null);
  });

  test('travel to the child and back', () => {
    const strings = { type: typeNumber('string'), dims: [2], strings: ['a b', ''] };
    const empty = { type: typeNumber('float32'), dims: [0, 2], bytes: new Uint8Array() };
    const values = [tensor, [tensor, [strings]], null, empty, []];
    const feeds = values.map((value, i) => [`input ${i}`, value]);
    assert.deepEqual(decodeRequest(encodeRequest('/a b/ü.onnx', feeds)), {
      model: '/a b/ü.onnx',
      feeds,
    });
    assert.deepEqual(decodeReply(encodeOutputs(values)), { outputs: values });
    assert.deepEqual(decodeReply(encodeError('internal', 'why not?')), {
      error: { code: 'internal', message: 'why not?' },
    });
  });
});

describe('what differs', () => {
  const tolerance = toleranceOf('test_any');
  const compare = (result, expected) =>
    difference(float32([result.length], result), float32([expected.length], expected), tolerance);
  const int32 = (values) => ({
    type: typeNumber('int32'),
    dims: [values.length],
    bytes: bytesOf(Int32Array.from(values)),
  });

  test('floats have a tolerance', () => {
    assert.equal(compare([1000.9, 1e-6, NaN, Infinity], [1000, 0, NaN, Infinity]), undefined);
    assert.match(compare([1, 1001.1], [1, 1000]), /has 1001\.09\d* instead of 1000 at 1$/);
    assert.match(compare([2e-5], [0]), /instead of 0/);
    for (const pair of [
      [1, Infinity],
      [Infinity, 1],
      [-Infinity, Infinity],
      [NaN, 1],
      [1, NaN],
    ]) {
      assert.match(compare([pair[0]], [pair[1]]), /instead of/, `${pair}`);
    }
  });

  test('integers and strings have none', () => {
    assert.equal(difference(int32([100000]), int32([100000]), tolerance), undefined);
    assert.match(
      difference(int32([100001]), int32([100000]), tolerance),
      /100001 instead of 100000/,
    );
    const strings = (text) => ({ type: typeNumber('string'), dims: [1], strings: [text] });
    assert.match(difference(strings('a'), strings('b'), tolerance), /"a" instead of "b"/);
  });

  test('types, shapes and kinds are exact', () => {
    assert.match(difference(int32([1]), float32([1], [1]), tolerance), /is int32, not float32/);
    const column = float32([2, 1], [1, 2]);
    assert.match(difference(column, float32([2], [1, 2]), tolerance), /shape \[2,1\], not \[2\]/);
    assert.match(difference([], column, tolerance), /a sequence, not a tensor/);
    assert.match(difference(null, column, tolerance), /an empty optional, not a tensor/);
    assert.match(difference([column], [column, column], tolerance), /1 values, not 2/);
    assert.match(difference([column, int32([1])], [column, column], tolerance), /at 1 is int32/);
  });
});

describe('children', () => {
  const script = `
    process.stdin.on('data', (text) => {
      if (text.includes('crash')) { console.error('an error of its own'); process.abort(); }
      if (text.includes('hang')) for (;;);
      process.stdout.write('echo ' + text);
    });`;
  const command = [process.execPath, '-e', script];
  const ask = async (line, child) => child.ask(line);

  test('a crash or a hang costs one answer', async () => {
    const work = ['a', 'crash', 'b', 'hang', 'c'];
    const [a, crash, b, hang, c] = await runInPool(work, ask, { command, size: 1, seconds: 5 });
    assert.deepEqual([a, b, c], [{ line: 'echo a' }, { line: 'echo b' }, { line: 'echo c' }]);
    assert.equal(crash.failure, 'ended with SIGABRT: an error of its own');
    assert.equal(hang.failure, 'no answer after 5 s');
  });

  test('one that does not start is told', async () => {
    const [result] = await runInPool(['a'], ask, { command: ['/nowhere'], size: 1, seconds: 5 });
    assert.match(result.failure, /ENOENT/);
  });
});

describe('tests in folders', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'conformance-'));
  after(() => fs.rmSync(root, { recursive: true }));

  const graph = new GraphBuilder('negation');
  graph.input('x', 'float32', [1]);
  graph.output(graph.add('Neg', ['x']), 'float32', [1]);
  const model = encodeModel(graph);

  /** `dataSets`: pairs of the input's and the output's element. */
  function writeTest(name, dataSets, bytes = model) {
    const folder = path.join(root, 'node', name);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'model.onnx'), bytes);
    for (const [i, [input, output]] of dataSets.entries()) {
      const set = path.join(folder, `test_data_set_${i}`);
      fs.mkdirSync(set);
      const write = (file, element) => {
        const fields = { dataType: typeNumber('float32'), dims: [1], floatData: [element] };
        fs.writeFileSync(path.join(set, file), encode('TensorProto', fields));
      };
      write('input_0.pb', input);
      write('output_0.pb', output);
    }
  }

  writeTest('test_neg', [[1, -2]]);
  writeTest('test_neg_expanded', [[1, -2]], encodeModel(new GraphBuilder('nothing')));
  writeTest('test_second', [
    [1, -2],
    [1, -3],
  ]);
  writeTest('test_no_data', []);
  writeTest('test_no_model', [[1, -2]], Uint8Array.of(0x3a, 0x7f));
  const tests = findTests(root);
  const childThatAnswers = (reply) => ({
    command: [process.execPath, '-e', `process.stdin.on('data', () => console.log('${reply}'))`],
  });

  test('are found, with their operators', () => {
    assert.deepEqual(
      tests.map(({ name, subject }) => [name, subject]),
      [
        ['test_neg', 'Neg'],
        ['test_neg_expanded', 'Neg'],
        ['test_no_data', 'Neg'],
        ['test_no_model', '(node)'],
        ['test_second', 'Neg'],
      ],
    );
    assert.deepEqual(
      findTests(root, 'neg').map(({ name }) => name),
      ['test_neg', 'test_neg_expanded'],
    );
  });

  test('pass when all their data sets do', async () => {
    const reply = encodeOutputs([float32([1], [-2])]);
    const [neg, expanded, noData, noModel, second] = await runTests(tests, childThatAnswers(reply));
    assert.equal(neg.status, 'passed');
    assert.match(expanded.reason, /1 files for 0 inputs/);
    assert.match(noData.reason, /no test_data_set/);
    assert.match(noModel.reason, /its model can't be read/);
    assert.match(second.reason, /has -2 instead of -3 at 0/);
    assert.deepEqual(
      [expanded, noData, noModel, second].map(({ status }) => status),
      ['failed', 'failed', 'failed', 'failed'],
    );
  });

  test('are unsupported only when an operator or a type is', async () => {
    const statusOf = async (code) => {
      const child = childThatAnswers(encodeError(code, 'so it is'));
      const [{ status }] = await runTests(tests.slice(0, 1), child);
      return status;
    };
    assert.equal(await statusOf('unsupported-operator'), 'unsupported');
    assert.equal(await statusOf('no-tensor-type'), 'unsupported');
    for (const code of ['invalid-model', 'invalid-input', 'out-of-memory', 'internal']) {
      assert.equal(await statusOf(code), 'failed', code);
    }
  });
});
