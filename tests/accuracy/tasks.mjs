/** Real tasks for quantized nets: what float makes of them, and how much of that a quantization loses. */
import { makeDigits } from './digits.mjs';
import { Sqnr, fileOf, octet, runAll, samplesOf, visitAll } from './lab.mjs';
import {
  characterAccuracy,
  decodeText,
  lineHeight,
  loadCharacters,
  toRecognitionInput,
} from './recognition.mjs';
import { calibrationUtterances, makeSpeech, testUtterances } from './speech.mjs';
import { calibrationLines, renderLines, testLines } from './text_lines.mjs';
import { decisionsOf, voiceNets, voiceSteps } from './voice_activity.mjs';
import {
  embeddingSteps,
  spectrogramStep,
  wakeCalibration,
  wakeTest,
  wakeWords,
  wordSteps,
  wordsHeard,
} from './wake_words.mjs';

/** Only the modes that run samples are given them. */
async function quantize(float, samples, options) {
  const calibration = options.mode === 'static' ? { calibration: samples } : {};
  const { model } = await octet.quantize(float, { ...calibration, ...options });
  return model;
}

const percentDifferent = (a, b) => (100 * a.filter((item, i) => item !== b[i]).length) / a.length;

async function openDigits() {
  const float = await fileOf('mnist');
  const { calibration, steps, accuracyOf } = makeDigits();
  const samples = await samplesOf(float, calibration);
  const accuracy = accuracyOf(await runAll(float, steps));
  return {
    about: `${steps.length} digits`,
    float: 100 * accuracy,
    async lost(options) {
      const outputs = await runAll(await quantize(float, samples, options), steps);
      return 100 * (accuracy - accuracyOf(outputs));
    },
  };
}

const recognitionSteps = (lines) =>
  lines.map((line) => ({ feeds: { x: toRecognitionInput(line) } }));

/** Lines of text for OCR's recognition net; `judge` tells the points that a model loses and the SQNR of its outputs. */
export async function openText() {
  const float = await fileOf('ocr_rec');
  const characters = loadCharacters();
  const steps = recognitionSteps(await renderLines(testLines, lineHeight));
  const texts = testLines.map(({ text }) => text);
  const samples = await samplesOf(
    float,
    recognitionSteps(await renderLines(calibrationLines, lineHeight)),
  );
  const answers = (await runAll(float, steps)).map((named) => Object.values(named)[0]);
  const read = answers.map((answer) => decodeText(answer, characters));
  const accuracy = characterAccuracy(read, texts);

  async function judge(model) {
    const sqnr = new Sqnr();
    const recognised = [];
    await visitAll(model, steps, (named, i) => {
      const [answer] = Object.values(named);
      sqnr.add(answer.data, answers[i].data);
      recognised.push(decodeText(answer, characters));
    });
    return {
      lost: 100 * (accuracy - characterAccuracy(recognised, texts)),
      sqnrDb: sqnr.decibels,
    };
  }
  return {
    about: `${steps.length} lines, ${texts.join('').length} characters`,
    float: 100 * accuracy,
    source: float,
    samples,
    judge,
    lost: async (options) => (await judge(await quantize(float, samples, options))).lost,
  };
}

async function openVoice(name) {
  const float = await fileOf(name);
  const net = voiceNets[name];
  const samples = await samplesOf(float, voiceSteps(net, makeSpeech(calibrationUtterances)));
  const steps = voiceSteps(net, makeSpeech(testUtterances));
  const decisions = decisionsOf(await runAll(float, steps));
  const speech = (100 * decisions.filter(Boolean).length) / decisions.length;
  return {
    about: `${steps.length} frames, ${speech.toFixed(0)} % speech`,
    speech,
    async lost(options) {
      const outputs = await runAll(await quantize(float, samples, options), steps);
      return percentDifferent(decisions, decisionsOf(outputs));
    },
  };
}

/** The three nets of a recording: what `models` says, by the names of networks.mjs, hear in it. */
async function listen(models, recording) {
  const [spectrogram] = await runAll(models.melspectrogram, [spectrogramStep(recording)]);
  const windows = embeddingSteps(Object.values(spectrogram)[0]);
  const embeddings = (await runAll(models.wake_word_embedding, windows)).map(
    (named) => Object.values(named)[0].data,
  );
  const steps = { melspectrogram: [spectrogramStep(recording)], wake_word_embedding: windows };
  const heard = {};
  for (const [word, net] of Object.entries(wakeWords)) {
    steps[word] = wordSteps(net, embeddings);
    heard[word] = wordsHeard(await runAll(models[word], steps[word]));
  }
  return { steps, heard };
}

/** All nets are quantized, and read what the quantized ones before them give; the worst wake word counts. */
async function openWakeWords() {
  const names = ['melspectrogram', 'wake_word_embedding', ...Object.keys(wakeWords)];
  const float = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await fileOf(name)])),
  );
  const { steps } = await listen(float, wakeCalibration());
  const recording = wakeTest();
  const { heard: expected } = await listen(float, recording);
  const count = expected.alexa.length;
  const shares = Object.entries(expected).map(
    ([word, heard]) => `${word} in ${heard.filter((what) => what !== 0).length}`,
  );
  return {
    about: `${count} steps, heard ${shares.join(', ')}`,
    expected,
    async lost(options) {
      const models = {};
      for (const name of names) {
        const samples = await samplesOf(float[name], steps[name]);
        models[name] = await quantize(float[name], samples, options);
      }
      const { heard } = await listen(models, recording);
      return Math.max(
        ...Object.keys(wakeWords).map((word) => percentDifferent(expected[word], heard[word])),
      );
    },
  };
}

/**
 * `most`: the points of a hundred that static INT8 may lose. An opened task tells `about` its inputs, what `float` gets right
 * (where float itself is not the measure), and the points `lost` by a quantization with given options.
 */
export const tasks = [
  { name: 'digits', title: 'MNIST: digits read', most: 0.2, open: openDigits },
  { name: 'text', title: 'OCR recognition: characters read', most: 0.5, open: openText },
  ...Object.keys(voiceNets).map((name) => ({
    name,
    title: `${name}: decisions as in float`,
    most: 1,
    open: () => openVoice(name),
  })),
  {
    name: 'wake-words',
    title: 'Wake words: decisions as in float',
    most: 1,
    open: openWakeWords,
  },
];

export const task = (name) => tasks.find((each) => each.name === name);
