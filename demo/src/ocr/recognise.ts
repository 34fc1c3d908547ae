/** Text recognition: a box of the picture → network input; class probabilities → text (CTC, greedy). */
import { type Box, type Pixels, samplePlanes } from './image.ts';

const lineHeight = 48;
/** Widths are padded to a multiple of this, so that lines share plans. */
const widthStep = 64;
const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

export interface RecognitionInput {
  data: Float32Array;
  /** [1, 3, 48, width] */
  dims: [number, number, number, number];
}

/** Cuts a box out of the picture, turned upright and scaled to the network's line height. */
export function recognitionInput(image: Pixels, box: Box): RecognitionInput {
  const filled = Math.max(8, Math.ceil((lineHeight * box.width) / box.height));
  const width = Math.ceil(filled / widthStep) * widthStep;
  const [cos, sin] = [Math.cos(box.angle), Math.sin(box.angle)];
  const data = samplePlanes(image, width, lineHeight, filled, normalisation, (i, j) => {
    const u = ((i + 0.5) / filled - 0.5) * box.width;
    const v = ((j + 0.5) / lineHeight - 0.5) * box.height;
    return [box.cx + u * cos - v * sin - 0.5, box.cy + u * sin + v * cos - 0.5];
  });
  return { data, dims: [1, 3, lineHeight, width] };
}

/** A whole picture as one line. */
export function lineInput(image: Pixels): RecognitionInput {
  const { width, height } = image;
  return recognitionInput(image, { cx: width / 2, cy: height / 2, width, height, angle: 0 });
}

/** Characters by class: 0 is CTC's blank, then the dictionary's lines, then the space. */
export function characters(dictionary: string): string[] {
  const lines = dictionary.split(/\r?\n/);
  if (lines[lines.length - 1] === '') lines.pop();
  return ['', ...lines, ' '];
}

export interface Line {
  text: string;
  /** Mean probability of the characters. */
  confidence: number;
}

/** Takes the likeliest class of each step, drops repeats and blanks. `probabilities`: [steps, classes]. */
export function decode(
  probabilities: ArrayLike<number>,
  classes: number,
  alphabet: string[],
): Line {
  let text = '';
  let sum = 0;
  let count = 0;
  let previous = 0;
  for (let start = 0; start + classes <= probabilities.length; start += classes) {
    let best = 0;
    for (let c = 1; c < classes; ++c)
      if (probabilities[start + c] > probabilities[start + best]) best = c;
    if (best !== 0 && best !== previous) {
      text += alphabet[best] ?? '';
      sum += probabilities[start + best];
      count += 1;
    }
    previous = best;
  }
  return { text, confidence: count ? sum / count : 0 };
}
