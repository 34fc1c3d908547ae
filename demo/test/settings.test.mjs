import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as octet from 'octet-web';
import { load } from './load.mjs';
import { smallModel } from './small_model.mjs';

const { optionRows } = await load('model/option_rows.ts');
const { choicesOf, keyOf, optionsFrom, settled, usesSamples } = await load('model/settings.ts');
const { matcher } = await load('model/node_patterns.ts');
const { randomNumbers } = await load('samples/element_types.ts');

const file = smallModel(randomNumbers(3));
const model = await octet.inspect(file);
const modes = ['dynamic', 'static', 'weight-only', 'mixed'];

/** The options that the form gives once these settings are made. */
const options = (settings, of = model) => optionsFrom(settled(settings, of), of);

/** A setting that is not the default, the settings that it needs, and what `quantize` is to get. */
const settings = {
  mode: ['static', {}, 'static'],
  'target.maxSizeBytes': ['25', { mode: 'mixed' }, Math.floor(file.length * 0.25)],
  'target.minSqnrDb': ['35.5', { mode: 'mixed' }, 35.5],
  'target.maxLatencyMs': ['2', { mode: 'mixed' }, 2],
  'weights.type': ['uint4', { mode: 'weight-only' }, 'uint4'],
  'weights.reduceRange': [true, { mode: 'dynamic' }, true],
  'weights.perChannel': ['false', { mode: 'dynamic' }, false],
  'weights.blockSize': ['128', { mode: 'weight-only' }, 128],
  'weights.method': ['gptq', { mode: 'weight-only' }, 'gptq'],
  'weights.symmetric': ['false', { mode: 'dynamic' }, false],
  'activations.method': ['percentile', { mode: 'static' }, 'percentile'],
  'activations.percentile': ['99.5', { mode: 'static', 'activations.method': 'percentile' }, 99.5],
  'activations.scheme': ['log2', { mode: 'static' }, 'log2'],
  'activations.type': ['int16', { mode: 'static' }, 'int16'],
  'activations.symmetric': ['true', { mode: 'mixed' }, true],
  'activations.adaptive': ['false', { mode: 'static' }, false],
  'correct.equalize': [true, { mode: 'weight-only' }, true],
  'correct.biasCorrection': [true, { mode: 'static' }, true],
  'correct.smoothQuant': ['0.5', { mode: 'dynamic' }, 0.5],
  exclude: ['conv\n/^dense/', { mode: 'static' }, /(?:^conv$)|(?:^dense)/],
  include: ['/gemm/', { mode: 'mixed' }, /(?:gemm)/],
  opTypes: ['Conv, Gemm', { mode: 'static' }, ['Conv', 'Gemm']],
  format: ['qoperator', { mode: 'static' }, 'qoperator'],
  force: [true, { mode: 'static' }, true],
  measure: [false, { mode: 'dynamic' }, false],
};
const quantized = { ...model, quantized: { QLinearConv: 1 } };

describe('what is set in the form', () => {
  const valueAt = (object, path) => path.split('.').reduce((part, key) => part?.[key], object);

  for (const { option } of optionRows)
    test(`${option} reaches quantize`, () => {
      const [setting, needed, expected] = settings[option];
      const before = options(needed, quantized);
      const given = options({ ...needed, [option]: setting }, quantized);
      assert.deepEqual(valueAt(given, option), expected);
      assert.notDeepEqual(valueAt(before, option), expected);
    });

  test('nothing set is what quantize does by itself', () => {
    for (const mode of modes) {
      const { mode: given, target, weights, activations, format, ...others } = options({ mode });
      assert.equal(given, mode);
      assert.deepEqual(others, {});
      assert.deepEqual(
        target,
        mode === 'mixed'
          ? { maxSizeBytes: Math.floor(file.length * 0.5), minSqnrDb: 30 }
          : undefined,
      );
      assert.equal(weights?.type, mode === 'mixed' ? undefined : 'int8');
      assert.equal(activations?.type, ['static', 'mixed'].includes(mode) ? 'uint8' : undefined);
      assert.equal(format, { static: 'qdq', 'weight-only': 'qoperator' }[mode]);
    }
  });

  test('text that is no pattern is refused, and names are no patterns', () => {
    assert.throws(() => options({ mode: 'static', exclude: 'conv\n/(/' }), /^Error: \/\(\/: /);
    assert.ok(matcher('a.b(c)').test('a.b(c)'));
    for (const other of ['aXb(c)', 'a.b(c)d', 'xa.b(c)'])
      assert.ok(!matcher('a.b(c)').test(other), other);
  });

  test('samples are made where they are used', () => {
    const isUsed = (given) => usesSamples(options({ measure: false, ...given }));
    assert.ok(!isUsed({ mode: 'dynamic' }));
    assert.ok(!isUsed({ mode: 'weight-only' }));
    assert.ok(isUsed({ mode: 'dynamic', measure: true }));
    assert.ok(isUsed({ mode: 'dynamic', 'correct.biasCorrection': true }));
    assert.ok(isUsed({ mode: 'weight-only', 'weights.method': 'gptq' }));
    assert.ok(isUsed({ mode: 'static' }));
    assert.ok(isUsed({ mode: 'mixed' }));
  });
});

describe('what does not go together', () => {
  test('what a mode does not have falls back or is left out', () => {
    const { weights } = options({ mode: 'dynamic', 'weights.type': 'int4' });
    assert.equal(weights.type, 'int8');
    assert.equal(options({ mode: 'dynamic', 'activations.type': 'int8' }).activations, undefined);
    assert.equal(options({ mode: 'mixed', 'weights.type': 'uint8' }).weights, undefined);
    assert.equal(options({ mode: 'weight-only', 'target.minSqnrDb': '30' }).target, undefined);
    assert.equal(options({ mode: 'static', force: true }).force, undefined);
  });

  test('powers of two have neither a zero point nor ranges measured at each run', () => {
    const log2 = { mode: 'static', 'activations.scheme': 'log2' };
    const { activations } = options({ ...log2, 'activations.symmetric': 'false' });
    assert.equal(activations.scheme, 'log2');
    assert.deepEqual(Object.keys(activations).sort(), ['method', 'scheme', 'type']);
    const entropy = options({ ...log2, 'activations.method': 'entropy' });
    assert.equal(entropy.activations.scheme, 'linear');
  });

  test('16 bits have neither operators on codes nor ranges measured at each run', () => {
    const wide = { mode: 'static', 'activations.type': 'int16', format: 'qoperator' };
    const { activations, format } = options(wide);
    assert.equal(activations.type, 'int16');
    assert.equal(activations.adaptive, undefined);
    assert.equal(format, 'qdq');
    assert.equal(options({ ...wide, 'activations.type': 'int8' }).format, 'qoperator');
    assert.equal(options({ ...wide, mode: 'mixed' }).activations.type, 'uint8');
  });

  test('a percentile is asked for by its method alone; float16 has no blocks', () => {
    const given = { mode: 'static', 'activations.percentile': '99' };
    assert.equal(options(given).activations.percentile, undefined);
    const halves = options({ mode: 'weight-only', 'weights.type': 'float16' });
    assert.deepEqual(halves.weights, { type: 'float16' });
  });

  test('whatever is chosen, quantize takes it', async () => {
    const random = randomNumbers(7);
    const pick = (list) => list[Math.floor(random() * list.length)];
    const feeds = () => ({
      x: new octet.Tensor('float32', Float32Array.from({ length: 32 }, random), [1, 32]),
    });
    const calibration = [feeds(), feeds()];
    for (let round = 0; round < 60; ++round) {
      const given = { mode: modes[round % 3] };
      for (const row of optionRows) {
        if (row.kind === 'choice') given[row.option] = keyOf(pick(row.choices));
        if (row.kind === 'switch') given[row.option] = random() < 0.5;
      }
      if (random() < 0.3) given['correct.smoothQuant'] = '0.5';
      const chosen = options(given);
      const result = await octet.quantize(file, { ...chosen, calibration }).catch((error) => {
        assert.fail(`${JSON.stringify(chosen)}: ${error.message}`);
      });
      const { tensors, floatNodes } = result.report;
      assert.ok(tensors.length + floatNodes.length > 0, JSON.stringify(chosen));
    }
  });

  test('every choice can be made', () => {
    for (const row of optionRows)
      for (const choice of row.choices ?? [])
        assert.ok(
          modes.some((mode) => choicesOf(row, settled({ mode }, model)).includes(choice)),
          `${row.option}: ${choice.label}`,
        );
  });
});
