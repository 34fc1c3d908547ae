/** Speech that espeak-ng speaks, with silences in between. */
import { execFileSync } from 'node:child_process';
import { Random } from '../models/random.mjs';

export const sampleRate = 16000;
const silenceSeconds = 2;
const noiseLevel = 0.0005;

const say = (voice, speed, text) => ({ voice, speed, text });

/** What quantization is calibrated on: other sentences, voices and speeds than those that are judged. */
export const calibrationUtterances = [
  say('en-gb', 165, 'The kettle is on, and there are biscuits in the blue tin.'),
  say('en-us+m2', 140, 'Seventeen boats came back before the storm reached the harbour.'),
  say('de', 165, 'Am Sonntag bleibt das Museum wegen Umbau geschlossen.'),
  say('en-us+f2', 155, 'Please leave a message after the tone.'),
  say('fr', 140, 'Le marche ouvre a huit heures et demie.'),
];

/** What is judged. */
export const testUtterances = [
  say('en-us', 150, 'Good morning. The train to the coast leaves from platform four.'),
  say('en-gb', 175, 'Would you open the window, please? It is rather warm in here.'),
  say('en-us+f3', 130, 'Remember to water the plants twice a week, but never at noon.'),
  say('de', 150, 'Der Bericht wird morgen frueh im grossen Saal vorgestellt.'),
  say('en-gb+f2', 160, 'Nine, eight, seven, six, five, four, three, two, one, zero.'),
  say('fr', 150, 'Nous avons reserve une table pour quatre personnes ce soir.'),
];

/** The samples of a mono 16-bit WAVE file, from −1 to 1. */
function parseWave(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const data = file.indexOf('data') + 8;
  // espeak-ng cannot know the length when it writes to a pipe, so the file's end counts.
  const count = Math.floor((file.length - data) / 2);
  return {
    rate: view.getUint32(24, true),
    samples: Float32Array.from(
      { length: count },
      (_, i) => view.getInt16(data + 2 * i, true) / 32768,
    ),
  };
}

/** Linear interpolation is enough here: both precisions hear the same. */
function resample({ rate, samples }) {
  const step = rate / sampleRate;
  return Float32Array.from({ length: Math.floor((samples.length - 1) / step) }, (_, i) => {
    const position = i * step;
    const before = Math.floor(position);
    const weight = position - before;
    return (1 - weight) * samples[before] + weight * samples[before + 1];
  });
}

function speak({ voice, speed, text }) {
  const parameters = ['--stdout', '-v', voice, '-s', String(speed), text];
  return resample(parseWave(execFileSync('espeak-ng', parameters, { maxBuffer: 2 ** 26 })));
}

/** Silence, an utterance, silence, and so on, at 16 kHz, with a little noise all over. */
export function makeSpeech(utterances) {
  const random = new Random('speech');
  const silence = new Float32Array(silenceSeconds * sampleRate);
  const parts = [silence, ...utterances.flatMap((utterance) => [speak(utterance), silence])];
  const samples = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    samples.set(part, offset);
    offset += part.length;
  }
  return samples.map((sample) => 0.5 * sample + random.normal(0, noiseLevel));
}
