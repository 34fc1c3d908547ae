/** Every option of `quantize` has a flag of the command line, and every flag reaches its option. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { network } from '../models/networks.mjs';
import { optionKeys } from './option_keys.mjs';
import { projectDirectory } from './package_under_test.mjs';

const command = path.join(projectDirectory, 'node_modules/.bin/octet');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-flags-'));
after(() => fs.rmSync(folder, { recursive: true }));
const octet = (...parameters) => spawnSync(command, parameters, { encoding: 'utf8' });

/** Reached without a flag, as the usage tells: by Ctrl-C, and by what is shown on a terminal. */
const flagless = ['signal', 'onProgress'];

const { stdout: usage } = octet('quantize', '--help');
/** Options by flag. */
const flags = new Map(
  [...usage.matchAll(/^ {2}--([a-z-]+)(?: \S+)? {2,}([a-zA-Z.]+) {2,}\S/gm)].map(
    ([, flag, option]) => [flag, option],
  ),
);

test('no option is out of reach', () => {
  const keys = optionKeys();
  assert.ok(keys.includes('activations.percentile') && keys.includes('mode'), keys.join());
  const reached = new Set([...flags.values(), ...flagless]);
  assert.deepEqual(
    keys.filter((key) => !reached.has(key)),
    [],
  );
  assert.deepEqual(
    [...reached].filter((key) => !keys.includes(key)),
    [],
  );
  assert.match(octet('--help').stdout, /progress is shown; Ctrl-C stops/);
});

/** Values that the option refuses, modes that have it, and flags that it goes with: the message that comes back names the option. */
const refused = {
  mode: ['magic', 'dynamic'],
  weights: ['float8', 'dynamic'],
  block: ['7777', 'weight-only'],
  'weights-method': ['magic', 'static'],
  activations: ['int3', 'static'],
  method: ['magic', 'static'],
  percentile: ['1000', 'static', '--method=percentile'],
  'smooth-quant': ['7', 'static'],
  format: ['binary', 'static'],
  'max-size': ['-1', 'mixed'],
  'min-sqnr': ['-1', 'mixed'],
  'max-latency': ['-1', 'mixed'],
  'op-types': ['Frobnicate', 'dynamic'],
};

const model = await network('mnist').locate();
for (const [flag, [value, mode, ...more]] of Object.entries(refused))
  test(`--${flag} reaches ${flags.get(flag)}`, () => {
    const given = flag === 'mode' ? [] : ['--mode', mode];
    const samples =
      mode === 'dynamic' || mode === 'weight-only' ? [] : ['--calibration', 'random:1'];
    const output = path.join(folder, 'never.onnx');
    const { status, stderr } = octet(
      'quantize',
      model,
      '-o',
      output,
      ...given,
      ...samples,
      ...more,
      `--${flag}=${value}`,
    );
    assert.equal(status, 2, stderr);
    const option = flags.get(flag).split('.').at(-1);
    assert.ok(stderr.includes(option), stderr);
    assert.ok(!fs.existsSync(output));
  });

test('flags that set one option exclude each other, others go together; patterns choose nodes', () => {
  const output = path.join(folder, 'some.onnx');
  const quantize = (...more) =>
    octet('quantize', model, '-o', output, '--mode', 'dynamic', ...more);
  assert.match(quantize('--symmetric', '--asymmetric').stderr, /exclude each other/);
  assert.match(
    quantize('--mode=static', '--calibration=random:1', '--percentile=99').stderr,
    /percentile: only method 'percentile' has one/,
  );
  assert.match(quantize('--include', '/(/').stderr, /--include \/\(\//);
  const report = path.join(folder, 'some.json');
  assert.equal(quantize('--exclude', '/^conv/i', '--report', report).status, 0);
  const { floatNodes, tensors } = JSON.parse(fs.readFileSync(report));
  assert.equal(floatNodes.length, 1);
  assert.equal(tensors.length, 1);
});
