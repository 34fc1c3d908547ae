/**
 * openWakeWord's nets over a recording, as its authors run them: a spectrogram of 16-bit samples with a frame every 10 ms, an
 * embedding of 76 frames every 80 ms, and for each wake word a net that reads the last embeddings.
 */
import { tensor } from '../models/onnx_builder.mjs';
import { calibrationUtterances, makeSpeech, testUtterances } from './speech.mjs';

const bands = 32;
const window = 76;
const hop = 8;
const features = 96;
const threshold = 0.5;

/** Nets, and how many embeddings each reads. The net of timers tells what kind of timer was asked for; its class 0 is none. */
export const wakeWords = {
  alexa: { frames: 16, input: 'onnx::Flatten_0' },
  hey_jarvis: { frames: 16, input: 'x.1' },
  hey_mycroft: { frames: 16, input: 'onnx::Flatten_0' },
  hey_rhasspy: { frames: 16, input: 'onnx::Flatten_0' },
  timer: { frames: 34, input: 'onnx::Flatten_0' },
  weather: { frames: 22, input: 'onnx::Flatten_0' },
};

/** Spellings that espeak-ng speaks so that the nets hear their words. */
const phrases = [
  'alexa',
  'hey jarvis',
  'hey my croft',
  'hey rhasspy',
  'set a timer for ten minutes',
  "what's the weather like today?",
];

const spoken = (voices) =>
  phrases.flatMap((text) => voices.map(([voice, speed]) => ({ voice, speed, text })));

const calibrationVoices = [
  ['en-gb', 145],
  ['en-us+f5', 160],
];
const testVoices = [
  ['en-us', 150],
  ['en-gb', 165],
  ['en-gb+f2', 150],
  ['en-us+f3', 140],
];

/** Wake words and other speech. */
export const wakeCalibration = () =>
  makeSpeech([...spoken(calibrationVoices), ...calibrationUtterances]);
export const wakeTest = () => makeSpeech([...spoken(testVoices), ...testUtterances]);

export const spectrogramStep = (samples) => ({
  feeds: {
    input: tensor(
      'float32',
      [1, samples.length],
      samples.map((sample) => Math.round(32767 * sample)),
    ),
  },
});

/** One step per embedding, of the spectrogram's [1, 1, frames, 32]. */
export function embeddingSteps({ data }) {
  const scaled = data.map((value) => value / 10 + 2);
  const count = Math.floor((data.length / bands - window) / hop) + 1;
  return Array.from({ length: count }, (_, i) => {
    const start = i * hop * bands;
    const values = scaled.slice(start, start + window * bands);
    return { feeds: { input_1: tensor('float32', [1, window, bands, 1], values) } };
  });
}

/** One step per decision of a wake word's net, of all embeddings. */
export function wordSteps({ frames, input }, embeddings) {
  const all = Float32Array.from(embeddings.flatMap((data) => [...data]));
  return Array.from({ length: embeddings.length - frames + 1 }, (_, i) => {
    const values = all.slice(i * features, (i + frames) * features);
    return { feeds: { [input]: tensor('float32', [1, frames, features], values) } };
  });
}

/** What was heard at each step: nothing is 0. */
export const wordsHeard = (outputs) =>
  outputs.map((named) => {
    const [{ data }] = Object.values(named);
    return data.length === 1 ? Number(data[0] >= threshold) : data.indexOf(Math.max(...data));
  });
