/** Lines of text that Chromium renders in several fonts and sizes; the text itself is the ground truth. */
import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

const sentences = [
  'The quick brown fox jumps over the lazy dog',
  'Invoice 2024-0817: total 1,348.50 EUR',
  'Please return by Friday, 16 May 2025',
  'Quantized networks run on every phone',
  'Gate B42 closes at 09:35, boarding now',
  'Jackdaws love my big sphinx of quartz',
  'Serial number XK7-9934-QZ, revision 3',
  'Keep away from fire; store below 25 degrees',
];

const fonts = [
  'DejaVu Sans',
  'DejaVu Serif',
  'DejaVu Sans Mono',
  'Liberation Sans',
  'Liberation Serif',
  'Liberation Mono',
];

const sizes = [18, 24, 32, 48];
const styles = ['', 'bold', 'italic', ''];

/** Every sentence in every font. */
const lines = sentences.flatMap((text, i) =>
  fonts.map((family, j) => ({
    text,
    font: `${styles[(i + j) % styles.length]} ${sizes[(i + 2 * j) % sizes.length]}px "${family}"`,
  })),
);

/** Runs in the page: draws dark text on a light ground, scales it to `height`, and returns RGBA in base64. */
function drawLine({ text, font, height }) {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d');
  context.font = font;
  const {
    width: textWidth,
    fontBoundingBoxAscent: ascent,
    fontBoundingBoxDescent: descent,
  } = context.measureText(text);
  const margin = 4;
  canvas.width = Math.ceil(textWidth) + 2 * margin;
  canvas.height = Math.ceil(ascent + descent) + 2;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.font = font;
  context.fillStyle = '#111';
  context.fillText(text, margin, 1 + ascent);
  const scaled = document.createElement('canvas');
  scaled.width = Math.ceil((height * canvas.width) / canvas.height);
  scaled.height = height;
  const target = scaled.getContext('2d');
  target.imageSmoothingQuality = 'high';
  target.drawImage(canvas, 0, 0, scaled.width, height);
  const { data } = target.getImageData(0, 0, scaled.width, height);
  let binary = '';
  for (const byte of data) binary += String.fromCharCode(byte);
  return { width: scaled.width, pixels: btoa(binary) };
}

/**
 * @param {number} height of every image
 * @returns {Promise<{ text: string, font: string, width: number, height: number, rgba: Uint8Array }[]>}
 */
export async function renderLines(height) {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    const images = [];
    for (const { text, font } of lines) {
      const { width, pixels } = await page.evaluate(drawLine, { text, font, height });
      images.push({
        text,
        font,
        width,
        height,
        rgba: new Uint8Array(Buffer.from(pixels, 'base64')),
      });
    }
    return images;
  } finally {
    await browser.close();
  }
}
