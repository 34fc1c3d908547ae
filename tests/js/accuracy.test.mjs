/** What quantization costs on real tasks: digits, text lines and speech. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { before, describe, test } from 'node:test';
import {
  characterAccuracy,
  decodeText,
  lineHeight,
  loadCharacters,
  toRecognitionInput,
} from '../accuracy/recognition.mjs';
import { makeSpeech, sampleRate } from '../accuracy/speech.mjs';
import { renderLines } from '../accuracy/text_lines.mjs';
import { decisionsOf, voiceNets, voiceSteps } from '../accuracy/voice_activity.mjs';
import { loadDigits } from '../models/mnist_data.mjs';
import { network } from '../models/networks.mjs';
import { tensor } from '../models/onnx_builder.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, runSteps, withSession } from './sessions.mjs';

const weightTypes = ['int8', 'uint8'];

/** Steps as samples for a calibration; states that the steps carry over come from a run. */
async function samplesOf(name, steps) {
  const float = fs.readFileSync(await network(name).locate());
  const outputs = steps.some(({ carry }) => carry) ? await runAll(float, steps) : [];
  return steps.map(({ feeds, carry = {} }, i) => {
    const given = Object.entries(feeds).map(([key, { type, dims, data }]) => [
      key,
      new octet.Tensor(type, data, dims),
    ]);
    const carried = Object.entries(carry).map(([to, from]) => [to, outputs[i - 1][from]]);
    return Object.fromEntries([...given, ...carried]);
  });
}

/** A network's files: as it is, and quantized. */
async function bothPrecisions(name, options) {
  const float = new Uint8Array(fs.readFileSync(await network(name).locate()));
  const { model: int8 } = await octet.quantize(float, { mode: 'dynamic', ...options });
  return { float, int8 };
}

const runAll = (model, steps) =>
  withSession(candidate(octet), model, (session) => runSteps(candidate(octet), session, steps));

/** The outputs of both precisions for the same steps. */
async function runBoth(name, options, steps) {
  const { float, int8 } = await bothPrecisions(name, options);
  return [await runAll(float, steps), await runAll(int8, steps)];
}

const percent = (share) => `${(100 * share).toFixed(2)} %`;

describe('handwritten digits', () => {
  const samples = loadDigits().test;
  const steps = samples.map(({ image }) => ({
    feeds: { image: tensor('float32', [1, 1, 28, 28], image) },
  }));

  function accuracy(outputs) {
    const right = outputs.filter((named, i) => {
      const [{ data }] = Object.values(named);
      return data.indexOf(Math.max(...data)) === samples[i].label;
    });
    return right.length / samples.length;
  }

  for (const type of weightTypes) {
    test(`${type} is within 0.3 points of float`, async (t) => {
      const [float, int8] = (await runBoth('mnist', { weights: { type } }, steps)).map(accuracy);
      t.diagnostic(`float ${percent(float)}, ${type} ${percent(int8)}`);
      assert.ok(float >= 0.97, `float: ${percent(float)}`);
      assert.ok(Math.abs(int8 - float) <= 0.003, `${percent(int8)} and ${percent(float)}`);
    });
  }

  test('static int8, calibrated on 100 training digits, is within 0.2 points of float', async (t) => {
    const training = loadDigits()
      .train.slice(0, 100)
      .map(({ image }) => ({ feeds: { image: tensor('float32', [1, 1, 28, 28], image) } }));
    const options = { mode: 'static', calibration: await samplesOf('mnist', training) };
    const [float, int8] = (await runBoth('mnist', options, steps)).map(accuracy);
    t.diagnostic(`float ${percent(float)}, static ${percent(int8)}`);
    assert.ok(Math.abs(int8 - float) <= 0.002, `${percent(int8)} and ${percent(float)}`);
  });
});

describe('lines of text', () => {
  let lines;
  let steps;
  before(async () => {
    lines = await renderLines(lineHeight);
    steps = lines.map((line) => ({ feeds: { x: toRecognitionInput(line) } }));
  });

  /** The shares of characters read rightly, in float and quantized. */
  async function accuracies(options, from = 0) {
    const characters = loadCharacters();
    const texts = lines.slice(from).map(({ text }) => text);
    const both = await runBoth('ocr_rec', options, steps.slice(from));
    return both.map((outputs) => {
      const read = outputs.map((named) => decodeText(Object.values(named)[0], characters));
      return characterAccuracy(read, texts);
    });
  }

  for (const type of weightTypes) {
    test(`${type} is within 1 point of float`, async (t) => {
      assert.ok(lines.length >= 40);
      const [float, int8] = await accuracies({ weights: { type } });
      t.diagnostic(`float ${percent(float)}, ${type} ${percent(int8)}`);
      assert.ok(float >= 0.9, `float: ${percent(float)}`);
      assert.ok(int8 >= float - 0.01, `${percent(int8)} and ${percent(float)}`);
    });
  }

  test('static int8, calibrated on two other sentences, is within 0.5 points of float', async (t) => {
    const calibrated = lines.findIndex(({ text }) => text !== lines[0].text) * 2;
    const calibration = await samplesOf('ocr_rec', steps.slice(0, calibrated));
    const [float, int8] = await accuracies({ mode: 'static', calibration }, calibrated);
    t.diagnostic(`float ${percent(float)}, static ${percent(int8)}`);
    assert.ok(int8 >= float - 0.005, `${percent(int8)} and ${percent(float)}`);
  });
});

const shareOfEqual = (a, b) => a.filter((item, i) => item === b[i]).length / a.length;

describe('voice activity', () => {
  const samples = makeSpeech();
  for (const [name, net] of Object.entries(voiceNets)) {
    for (const type of weightTypes) {
      test(`${name}: ${type} decides as float on 99 % of the frames`, async (t) => {
        const steps = voiceSteps(net, samples);
        const [float, int8] = (await runBoth(name, { weights: { type } }, steps)).map(decisionsOf);
        const speech = float.filter(Boolean).length / float.length;
        const agreement = shareOfEqual(float, int8);
        t.diagnostic(
          `${float.length} frames, ${percent(speech)} speech, ${percent(agreement)} agree`,
        );
        assert.ok(speech > 0.3 && speech < 0.9, `speech in ${percent(speech)} of the frames`);
        assert.ok(agreement >= 0.99, percent(agreement));
      });
    }

    test(`${name}: static int8 decides as float on 99 % of the frames`, async (t) => {
      const calibration = await samplesOf(name, voiceSteps(net, samples.slice(0, 8 * sampleRate)));
      const options = { mode: 'static', calibration };
      const [float, int8] = (await runBoth(name, options, voiceSteps(net, samples))).map(
        decisionsOf,
      );
      const agreement = shareOfEqual(float, int8);
      t.diagnostic(`${percent(agreement)} of ${float.length} frames agree`);
      assert.ok(agreement >= 0.99, percent(agreement));
    });
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
