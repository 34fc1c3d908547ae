/** Every option of `quantize` has a flag of the command line, and every flag reaches its option. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { network } from '../models/networks.mjs';
import { projectDirectory } from './package_under_test.mjs';

const web = new URL('../../web/', import.meta.url);
const { default: ts } = await import(
  pathToFileURL(createRequire(new URL('package.json', web)).resolve('typescript'))
);
const command = path.join(projectDirectory, 'node_modules/.bin/octet');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-flags-'));
after(() => fs.rmSync(folder, { recursive: true }));
const octet = (...parameters) => spawnSync(command, parameters, { encoding: 'utf8' });

/** Reached without a flag, as the usage tells: by Ctrl-C, and by what is shown on a terminal. */
const flagless = ['signal', 'onProgress'];
/** Objects that are options of their own, not groups of options. */
const whole = ['calibration', 'include', 'exclude', 'opTypes', 'externalData'];

/** The keys of an interface, those of the objects in it behind a dot. */
function keysOf(name) {
  const file = new URL('src/quantize.ts', web).pathname;
  const program = ts.createProgram([file], {
    strict: true,
    target: 99,
    moduleResolution: 100,
    module: 99,
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const found = source.statements.find((one) => one.name?.text === name);
  const isGroup = (type) =>
    type.isClassOrInterface() || (type.symbol?.flags ?? 0) & ts.SymbolFlags.TypeLiteral;
  return checker
    .getTypeAtLocation(found)
    .getProperties()
    .flatMap((property) => {
      const type = checker.getNonNullableType(checker.getTypeOfSymbol(property));
      if (whole.includes(property.name) || flagless.includes(property.name) || !isGroup(type))
        return [property.name];
      return type.getProperties().map((inner) => `${property.name}.${inner.name}`);
    });
}

const { stdout: usage } = octet('--help');
/** Options by flag. */
const flags = new Map(
  [...usage.matchAll(/^ {2}--([a-z-]+)(?: \S+)? {2,}([a-zA-Z.]+) {2,}\S/gm)].map(
    ([, flag, option]) => [flag, option],
  ),
);

test('no option is out of reach', () => {
  const keys = keysOf('QuantizeOptions');
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
  assert.match(usage, /progress is shown; Ctrl-C stops/);
});

/** Values that the option refuses, and modes that have it: the message that comes back names the option. */
const refused = {
  mode: ['magic', 'dynamic'],
  weights: ['float8', 'dynamic'],
  block: ['7777', 'weight-only'],
  'weights-method': ['magic', 'static'],
  activations: ['int3', 'static'],
  method: ['magic', 'static'],
  percentile: ['1000', 'static'],
  'smooth-quant': ['7', 'static'],
  format: ['binary', 'static'],
  'max-size': ['-1', 'mixed'],
  'min-sqnr': ['-1', 'mixed'],
  'max-latency': ['-1', 'mixed'],
  'op-types': ['Frobnicate', 'dynamic'],
};

const model = await network('mnist').locate();
for (const [flag, [value, mode]] of Object.entries(refused))
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
      `--${flag}`,
      value,
    );
    assert.equal(status, 2, stderr);
    const option = flags.get(flag).split('.').at(-1);
    assert.ok(stderr.includes(option), stderr);
    assert.ok(!fs.existsSync(output));
  });

test('flags that set one option exclude each other; patterns choose nodes', () => {
  const output = path.join(folder, 'some.onnx');
  const quantize = (...more) =>
    octet('quantize', model, '-o', output, '--mode', 'dynamic', ...more);
  assert.match(quantize('--symmetric', '--asymmetric').stderr, /exclude each other/);
  assert.match(quantize('--include', '/(/').stderr, /--include \/\(\//);
  const report = path.join(folder, 'some.json');
  assert.equal(quantize('--exclude', '/^conv/i', '--report', report).status, 0);
  const { floatNodes, tensors } = JSON.parse(fs.readFileSync(report));
  assert.equal(floatNodes.length, 1);
  assert.equal(tensors.length, 1);
});
