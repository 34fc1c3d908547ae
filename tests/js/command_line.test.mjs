/** The package's command, run as a user runs it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { casesOf, network } from '../models/networks.mjs';
import { projectDirectory } from './package_under_test.mjs';
import { reference, runOnce } from './sessions.mjs';
import { snippetInputs } from './snippets.mjs';

const command = path.join(projectDirectory, 'node_modules/.bin/octet');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-'));
after(() => fs.rmSync(folder, { recursive: true }));

const model = await network('mnist').locate();
const inFolder = (name) => path.join(folder, name);

function octet(...parameters) {
  const input = parameters.at(-1) instanceof Uint8Array ? parameters.pop() : undefined;
  const { status, stdout, stderr } = spawnSync(command, parameters, { input });
  return { status, stdout, stderr: stderr.toString(), text: stdout.toString() };
}

function succeed(...parameters) {
  const result = octet(...parameters);
  assert.equal(result.status, 0, result.stderr);
  return result;
}

/** A float32 array as numpy writes it (NPY format 1.0). */
function writeNpy(file, { dims, data }) {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims.join(', ')},), }`;
  const padded = `${header.padEnd(64 * Math.ceil((11 + header.length) / 64) - 11)}\n`;
  const prefix = Buffer.from([
    0x93,
    ...Buffer.from('NUMPY'),
    1,
    0,
    padded.length % 256,
    padded.length >> 8,
  ]);
  fs.writeFileSync(file, Buffer.concat([prefix, Buffer.from(padded), Buffer.from(data.buffer)]));
}

function readNpy(file) {
  const bytes = fs.readFileSync(file);
  assert.equal(bytes.toString('latin1', 1, 6), 'NUMPY');
  const start = 10 + bytes.readUInt16LE(8);
  assert.match(bytes.toString('latin1', 10, start), /'descr': '<f4'/);
  return new Float32Array(
    bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length),
  );
}

test('quantize writes a smaller model and a report', () => {
  const [output, report] = [inFolder('int8.onnx'), inFolder('report.json')];
  succeed('quantize', model, '-o', output, '--mode', 'dynamic', '--report', report);
  assert.ok(fs.statSync(output).size < fs.statSync(model).size / 2);
  const { tensors, bytesAfter } = JSON.parse(fs.readFileSync(report));
  assert.equal(tensors.length, 2);
  assert.equal(bytesAfter, fs.statSync(output).size);
});

test('quantize reads standard input and writes standard output', () => {
  const parameters = ['--mode', 'dynamic', '--weights', 'uint8', '--per-tensor'];
  const { stdout } = succeed('quantize', '-', '-o', '-', ...parameters, fs.readFileSync(model));
  const output = inFolder('piped.onnx');
  fs.writeFileSync(output, stdout);
  assert.equal(JSON.parse(succeed('inspect', output, '--json').text).quantized.ConvInteger, 1);
});

test('quantize makes weights alone small, by samples', () => {
  const output = inFolder('int4.onnx');
  const flags = ['--mode', 'weight-only', '--weights', 'int4', '--block', '16', '--format', 'qdq'];
  const samples = ['--method', 'gptq', '--calibration', 'random:2'];
  const report = inFolder('int4.json');
  succeed('quantize', model, '-o', output, ...flags, ...samples, '--report', report);
  const { tensors } = JSON.parse(fs.readFileSync(report));
  assert.ok(tensors.every(({ method, outputSqnrDb }) => method === 'gptq' && outputSqnrDb > 10));
  const again = octet('quantize', output, '-o', inFolder('never.onnx'), '--mode', 'weight-only');
  assert.match(again.stderr, /^octet: the model is quantized already: [^\n]+\n$/);
  succeed('quantize', output, '-o', inFolder('forced.onnx'), '--mode', 'weight-only', '--force');
});

test('quantize writes operators on codes and 16 bits', () => {
  const samples = ['--mode', 'static', '--calibration', 'random:2', '--fixed-scales'];
  const quantizedOf = (name, ...flags) => {
    const output = inFolder(`${name}.onnx`);
    succeed('quantize', model, '-o', output, ...samples, ...flags);
    return JSON.parse(succeed('inspect', output, '--json').text);
  };
  const codes = quantizedOf('codes', '--format', 'qoperator', '--weights-method', 'mse');
  assert.equal(codes.quantized.QLinearConv, 1);
  const wide = quantizedOf('wide', '--activations', 'uint16', '--method', 'mean');
  assert.ok(wide.quantized['com.microsoft.QuantizeLinear'] > 0);
});

test('quantize writes its report as a page', () => {
  const page = inFolder('report.html');
  const flags = ['--mode', 'static', '--calibration', 'random:2', '--report', page];
  succeed('quantize', model, '-o', inFolder('static.onnx'), ...flags);
  assert.match(
    fs.readFileSync(page, 'utf8'),
    /^<!doctype html>[^]*Outputs over 2 samples[^]*<rect /,
  );
});

test('quantize searches for a model that meets a target, and says when there is none', () => {
  const output = inFolder('mixed.onnx');
  const flags = [
    '--mode',
    'mixed',
    '--calibration',
    'random:2',
    '--report',
    inFolder('mixed.json'),
  ];
  succeed('quantize', model, '-o', output, ...flags, '--max-size', '50%', '--min-sqnr', '30');
  const { search } = JSON.parse(fs.readFileSync(inFolder('mixed.json')));
  const { size } = fs.statSync(output);
  assert.ok(search.met && size <= fs.statSync(model).size / 2);
  assert.equal(search.points[search.chosen].sizeBytes, size);
  const { stderr, status } = octet('quantize', model, '-o', output, ...flags, '--max-size', '100');
  assert.equal(status, 0);
  assert.equal(stderr, 'octet: nothing met the target; this came nearest\n');
});

test('inspect tells what a model holds', () => {
  assert.match(succeed('inspect', model).text, /image: float32 .*28.*\n[^]*Conv ×1/);
  assert.equal(JSON.parse(succeed('inspect', model, '--json').text).macs, 248768);
});

test('run computes what onnxruntime computes', async () => {
  const { feeds } = casesOf(network('mnist'))[0].steps[0];
  writeNpy(inFolder('image.npy'), feeds.image);
  succeed('run', model, '--input', `image=${inFolder('image.npy')}`, '--output', inFolder('out'));
  const [[name, expected]] = Object.entries(await runOnce(reference, model, feeds));
  readNpy(inFolder(`out/${name}.npy`)).forEach((value, i) => {
    assert.ok(Math.abs(value - expected.data[i]) <= 1e-5, `${value} and ${expected.data[i]}`);
  });
});

test('a model has its data files beside it, or where a flag says', () => {
  const { outside, weights } = snippetInputs();
  fs.mkdirSync(inFolder('apart'));
  const [together, alone] = ['outside.onnx', 'apart/outside.onnx'].map(inFolder);
  for (const place of [together, alone]) fs.writeFileSync(place, outside);
  fs.writeFileSync(inFolder('weights.bin'), weights);
  succeed('run', together, '--input', 'x=random');
  succeed('bench', together, '--runs', '1');
  assert.match(succeed('inspect', together).text, /^12 parameters/m);
  const quantize = (place, ...flags) =>
    octet('quantize', place, '-o', inFolder('in.onnx'), ...flags);
  assert.equal(quantize(together).status, 0);
  assert.match(quantize(alone).stderr, /weights\.bin/);
  const flag = ['--external-data', inFolder('weights.bin')];
  const calibration = ['--mode', 'static', '--calibration', 'random:2'];
  for (const flags of [flag, [...flag, ...calibration]])
    assert.equal(quantize(alone, ...flags).status, 0);
  assert.equal(quantize(together, ...calibration).status, 0);
});

test('compare measures two models', () => {
  const output = inFolder('compared.onnx');
  succeed('quantize', model, '-o', output, '--mode', 'dynamic');
  const { text } = succeed('compare', model, output, '--samples', 'random:3', '--json');
  const { samples, outputs } = JSON.parse(text);
  assert.equal(samples, 3);
  assert.ok(outputs[0].sqnrDb > 15, `${outputs[0].sqnrDb} dB`);
});

test('bench times a model on as many threads as it is told', () => {
  for (const threads of [1, 2]) {
    const flags = ['--runs', '3', '--threads', String(threads), '--json'];
    const result = JSON.parse(succeed('bench', model, ...flags).text);
    assert.equal(result.runs, 3);
    assert.equal(result.threads, threads);
    assert.ok(result.medianMs > 0);
  }
});

test('help is no failure', () => {
  assert.match(succeed('--help').text, /^usage: octet/);
});

const misused = {
  'no command': [],
  'an unknown command': ['fly'],
  'an unknown option': ['inspect', model, '--loudly'],
  'threads that are no number': ['bench', model, '--threads', 'many'],
  'a missing argument': ['inspect'],
  'an unknown mode': ['quantize', model, '-o', inFolder('never.onnx'), '--mode', 'magic'],
  'a block that is no number': [
    ...['quantize', model, '-o', inFolder('never.onnx')],
    ...['--mode', 'weight-only', '--block', 'big'],
  ],
  'a target that is no number': [
    ...['quantize', model, '-o', inFolder('never.onnx'), '--mode', 'mixed'],
    ...['--calibration', 'random:1', '--max-size', 'half'],
  ],
  'a missing output': ['quantize', model, '--mode', 'dynamic'],
};
for (const [name, parameters] of Object.entries(misused)) {
  test(`${name} is wrong usage`, () => {
    const { status, stderr } = octet(...parameters);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /^octet: /);
  });
}

test('a failure is one line, and leaves no output behind', () => {
  const broken = inFolder('broken.onnx');
  fs.writeFileSync(broken, fs.readFileSync(model).subarray(0, 5000));
  const output = inFolder('never.onnx');
  for (const source of [broken, inFolder('nothing.onnx')]) {
    const { status, stderr } = octet('quantize', source, '-o', output, '--mode', 'dynamic');
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^octet: [^\n]+\n$/);
    assert.ok(!fs.existsSync(output));
  }
});
