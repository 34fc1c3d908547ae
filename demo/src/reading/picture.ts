/** The picture that is read, on the page's canvas, with the boxes over it. */
import type { LinePair } from '../ocr/agreement.ts';
import { corners } from '../ocr/geometry.ts';
import type { Pixels } from '../ocr/pixels.ts';
import { byId } from '../ui/dom.ts';
import type { ReadLine } from './reader.ts';

const longestSide = 2000;
const svgNamespace = 'http://www.w3.org/2000/svg';

export type Picture = HTMLCanvasElement | ImageBitmap;

/** Draws a picture on the canvas, no larger than needed, and returns its pixels. */
export function placePicture(picture: Picture): Pixels {
  const { width, height } = picture;
  const canvas = byId<HTMLCanvasElement>('text-canvas');
  const scale = Math.min(1, longestSide / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  byId('text-boxes').replaceChildren();
  byId('text-picture').hidden = false;
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

function outline({ box }: ReadLine, kind: 'float' | 'int8', number: number): SVGPolygonElement {
  const polygon = document.createElementNS(svgNamespace, 'polygon');
  polygon.setAttribute('points', corners(box).join(' '));
  polygon.setAttribute('class', kind);
  polygon.dataset.line = String(number);
  return polygon;
}

/** Outlines the lines found, numbered as in the table. */
export function showBoxes(pairs: readonly LinePair<ReadLine>[]): void {
  const canvas = byId<HTMLCanvasElement>('text-canvas');
  const overlay = document.getElementById('text-boxes')!;
  overlay.setAttribute('viewBox', `0 0 ${canvas.width} ${canvas.height}`);
  overlay.replaceChildren(
    ...pairs.flatMap(({ first, second }, i) => [
      ...(first ? [outline(first, 'float', i)] : []),
      ...(second ? [outline(second, 'int8', i)] : []),
    ]),
  );
}

/** Sets off the boxes of one line; of none without a number. */
export function highlightBoxes(number?: number): void {
  for (const polygon of document.querySelectorAll<SVGPolygonElement>('#text-boxes polygon'))
    polygon.classList.toggle('chosen', polygon.dataset.line === String(number));
}
