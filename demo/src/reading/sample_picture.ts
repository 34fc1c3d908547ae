/** The sample picture of the text panel: lines drawn by the browser, so that the true text is known. */
import { make } from '../ui/dom.ts';

export const sampleLines = [
  { text: 'Octet reads this text in INT8.', font: '34px "Liberation Sans", Arial, sans-serif' },
  {
    text: 'No server, no upload: 100% local.',
    font: 'italic 30px "Liberation Serif", Georgia, serif',
  },
  {
    text: 'Total: 1,234.50 EUR, paid 2026-11-23',
    font: '28px "Liberation Mono", Menlo, Consolas, monospace',
  },
  {
    text: 'Quantized weights are 4x smaller',
    font: 'bold 32px "DejaVu Sans", Verdana, sans-serif',
  },
];
const [width, height] = [720, 340];
const tilt = -0.035;

export function samplePicture(): HTMLCanvasElement {
  const canvas = make('canvas', { width: String(width), height: String(height) });
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#fdfcf8';
  context.fillRect(0, 0, width, height);
  context.fillStyle = '#1b1b1f';
  context.translate(0, 24);
  context.rotate(tilt);
  sampleLines.forEach(({ text, font }, i) => {
    context.font = font;
    context.fillText(text, 36, 64 + i * 70);
  });
  return canvas;
}
