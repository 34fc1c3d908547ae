/** Speech that espeak-ng speaks, with silences in between. */
import { execFileSync } from 'node:child_process';
import { Random } from '../models/random.mjs';

export const sampleRate = 16000;
const silenceSeconds = 2;
const noiseLevel = 0.0005;

const utterances = [
  {
    voice: 'en-us',
    speed: 150,
    text: 'Good morning. The train to the coast leaves from platform four.',
  },
  {
    voice: 'en-gb',
    speed: 175,
    text: 'Would you open the window, please? It is rather warm in here.',
  },
  {
    voice: 'en-us+f3',
    speed: 130,
    text: 'Remember to water the plants twice a week, but never at noon.',
  },
  { voice: 'de', speed: 150, text: 'Der Bericht wird morgen frueh im grossen Saal vorgestellt.' },
  {
    voice: 'en-gb+f2',
    speed: 160,
    text: 'Nine, eight, seven, six, five, four, three, two, one, zero.',
  },
  { voice: 'fr', speed: 150, text: 'Nous avons reserve une table pour quatre personnes ce soir.' },
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
export function makeSpeech() {
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
