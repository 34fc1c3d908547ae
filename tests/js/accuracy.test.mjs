/** What quantization costs on real tasks: digits, text lines, voice activity and wake words (tests/accuracy). */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { before, describe, test } from 'node:test';
import { outputSqnr, runAll, samplesOf } from '../accuracy/lab.mjs';
import { task } from '../accuracy/tasks.mjs';
import { voiceNets } from '../accuracy/voice_activity.mjs';
import { spectrogramStep, wakeCalibration, wakeTest } from '../accuracy/wake_words.mjs';
import { casesOf, network } from '../models/networks.mjs';
import { octet } from './package_under_test.mjs';

const weightTypes = ['int8', 'uint8'];

/** A test per quantization: it loses at most so many points of a hundred. `check` looks at what was opened. */
function holds(name, { dynamic = [], most }, check) {
  const { title, most: staticMost, open } = task(name);
  describe(title, () => {
    let opened;
    before(async () => {
      opened = await open();
    });

    test('what is judged', (t) => {
      t.diagnostic(opened.about);
      check(opened);
    });

    const loses = (label, points, options) =>
      test(`${label} loses at most ${points} points`, async (t) => {
        const lost = await opened.lost(options);
        t.diagnostic(`${lost.toFixed(2)} points lost`);
        assert.ok(lost <= points, `${lost} points`);
      });
    for (const type of dynamic)
      loses(`dynamic ${type}`, most, { mode: 'dynamic', weights: { type } });
    loses('static int8', staticMost, { mode: 'static' });
  });
}

holds('digits', { dynamic: weightTypes, most: 0.3 }, ({ float }) => assert.ok(float >= 97));

holds('text', { dynamic: weightTypes, most: 1 }, ({ float, samples }) => {
  assert.ok(float >= 95, `float reads ${float} %`);
  assert.equal(samples.length, 20);
});

for (const name of Object.keys(voiceNets))
  holds(name, { dynamic: weightTypes, most: 1 }, ({ speech }) =>
    assert.ok(speech > 30 && speech < 90, `speech in ${speech} % of the frames`),
  );

holds('wake-words', {}, ({ expected }) => {
  for (const [word, heard] of Object.entries(expected)) {
    const count = heard.filter((what) => what !== 0).length;
    assert.ok(count >= 10 && count < heard.length / 4, `${word}: ${count} of ${heard.length}`);
  }
});

describe('front ends', () => {
  const because = 'a logarithm of the spectrum follows';
  const floatNodesOf = ({ floatNodes }) =>
    floatNodes.map(({ opType, reason }) => `${opType}: ${reason}`);
  let source, steps, calibration;
  before(async () => {
    source = fs.readFileSync(await network('melspectrogram').locate());
    steps = casesOf(network('melspectrogram'))[0].steps;
    calibration = await samplesOf(source, steps);
  });
  const sqnrOf = async (model, steps) => outputSqnr(model, steps, await runAll(source, steps));

  test('a log-mel spectrogram stays in float, and the report says why', async () => {
    const { report } = await octet.quantize(source, { mode: 'dynamic' });
    assert.deepEqual(report.tensors, []);
    assert.deepEqual(floatNodesOf(report), [
      `Conv: ${because}`,
      `Conv: ${because}`,
      `MatMul: ${because}`,
    ]);
  });

  test('static quantization reads the signal as int16, and the report says why', async () => {
    const { model, report } = await octet.quantize(source, { mode: 'static', calibration });
    assert.deepEqual(
      report.tensors.map(({ role, node, type, reason }) => [role, node, type, reason]),
      [
        ['weights', 'Conv_2', 'int8', undefined],
        ['weights', 'Conv_3', 'int8', undefined],
        [
          'activations',
          'Conv_2',
          'int16',
          'a logarithm of its spectrum follows, for which 8 bits are too few',
        ],
      ],
    );
    assert.deepEqual(floatNodesOf(report), [`MatMul: ${because}`]);
    const sqnrDb = await sqnrOf(model, steps);
    assert.ok(sqnrDb >= 60, `${sqnrDb} dB`);
  });

  test('of speech, whose loud and quiet bands lie 60 dB apart, int16 signals keep 40 dB', async (t) => {
    const samples = await samplesOf(source, [spectrogramStep(wakeCalibration())]);
    const { model } = await octet.quantize(source, { mode: 'static', calibration: samples });
    const sqnrDb = await sqnrOf(model, [spectrogramStep(wakeTest())]);
    t.diagnostic(`${sqnrDb.toFixed(1)} dB`);
    assert.ok(sqnrDb >= 40, `${sqnrDb} dB`);
  });

  test('a type of 8 bits that was asked for leaves the spectrogram in float', async () => {
    const activations = { type: 'uint8' };
    const { report } = await octet.quantize(source, { mode: 'static', activations, calibration });
    assert.deepEqual(report.tensors, []);
  });
});
