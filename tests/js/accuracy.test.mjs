/** What quantization costs on real tasks: digits, text lines, voice activity and wake words (tests/accuracy). */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { before, describe, test } from 'node:test';
import { task } from '../accuracy/tasks.mjs';
import { voiceNets } from '../accuracy/voice_activity.mjs';
import { network } from '../models/networks.mjs';
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
  test('a log-mel spectrogram stays in float, and the report says why', async () => {
    const source = fs.readFileSync(await network('melspectrogram').locate());
    const { report } = await octet.quantize(source, { mode: 'dynamic' });
    assert.deepEqual(report.tensors, []);
    const reasons = report.floatNodes.map(({ opType, reason }) => `${opType}: ${reason}`);
    const because = 'a logarithm of the spectrum follows';
    assert.deepEqual(reasons, [`Conv: ${because}`, `Conv: ${because}`, `MatMul: ${because}`]);
  });
});
