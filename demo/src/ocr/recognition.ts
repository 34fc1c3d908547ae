/** Text recognition around PaddleOCR's recogniser: a box of the picture → network input; probabilities → text. */
import type { Box } from './geometry.ts';
import { type NetworkInput, type Pixels, samplePlanes } from './pixels.ts';

const lineHeight = 48;
/** Shorter lines are padded to the width that the network was trained on. */
const leastWidth = 320;
/** Longer ones to a multiple of this, so that lines share memory plans. */
const widthMultiple = 64;
const mostWidth = 3200;
/** Of the box's height: ground around the text, half of it on either side. Tight crops lose their spaces. */
const margin = 0.25;
const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;

/** Cuts a box and some ground around it out of the picture, turned upright and scaled to the network's line height. */
export function lineInput(image: Pixels, box: Box): NetworkInput {
  const boxHeight = box.height * (1 + margin);
  const boxWidth = box.width + box.height * margin;
  const natural = Math.ceil((lineHeight * boxWidth) / boxHeight);
  const filled = Math.min(mostWidth, Math.max(1, natural));
  const width = Math.max(leastWidth, Math.ceil(filled / widthMultiple) * widthMultiple);
  const [cos, sin] = [Math.cos(box.angle), Math.sin(box.angle)];
  const [du, dv] = [boxWidth / filled, boxHeight / lineHeight];
  const [u0, v0] = [(du - boxWidth) / 2, (dv - boxHeight) / 2];
  const placement = {
    x0: box.cx - 0.5 + u0 * cos - v0 * sin,
    xi: du * cos,
    xj: -dv * sin,
    y0: box.cy - 0.5 + u0 * sin + v0 * cos,
    yi: du * sin,
    yj: dv * cos,
  };
  return samplePlanes(image, placement, normalisation, [width, lineHeight, filled]);
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

/**
 * Greedy decoding of connectionist temporal classification (Graves et al. 2006): the likeliest class of each step, without
 * repeats, blanks, and spaces at the ends. `probabilities` has a row of `classes` numbers for each step.
 */
export function decode(
  probabilities: ArrayLike<number>,
  classes: number,
  alphabet: readonly string[],
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
  return { text: text.trim(), confidence: count ? sum / count : 0 };
}
