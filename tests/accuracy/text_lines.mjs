/** Lines of text that Chromium renders in several fonts and sizes; the text itself is the ground truth. */
import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

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

const lineOf = (text, i, j) => ({
  text,
  font: `${styles[(i + j) % styles.length]} ${sizes[(i + 2 * j) % sizes.length]}px "${fonts[j]}"`,
});

/** What quantization is calibrated on: none of these sentences is among those that are judged. */
export const calibrationLines = [
  'Meeting moved to room 317 on the third floor',
  'Total due: 86.20 GBP, payable within 30 days',
  'Fragile glassware, this side up at all times',
  'My favourite colours are indigo and violet',
  'Order #58213 ships Monday, 3 March 2025',
  'Five quacking zephyrs jolt my wax bed',
  'Temperature 21.5 C, humidity 48 percent',
  'Contact: desk@example.org or +44 20 7946 0991',
  'Do not exceed 4 tablets in any 24 hours',
  'How vexingly quick daft zebras jump!',
  'Platform 9, coach H, seat 62 (window)',
  'Copyright 1998-2019, all rights reserved',
  'Sphinx of black quartz, judge my vow',
  'Exit through the gift shop; mind the step',
  'Version 4.10.2-beta, build 77615',
  'Warning: high voltage behind this panel',
  'Rye bread 2.35, oat milk 1.89, figs 3.40',
  'The answer to question (c) is 3/8 or 37.5%',
  'Library hours: Mon-Fri 8:00 to 20:30',
  'Grumpy wizards make toxic brew for the queen',
].map((text, i) => lineOf(text, i, i % fonts.length));

/** What is judged: every sentence in every font. */
export const testLines = [
  'The quick brown fox jumps over the lazy dog',
  'Invoice 2024-0817: total 1,348.50 EUR',
  'Please return by Friday, 16 May 2025',
  'Quantized networks run on every phone',
  'Gate B42 closes at 09:35, boarding now',
  'Jackdaws love my big sphinx of quartz',
  'Serial number XK7-9934-QZ, revision 3',
  'Keep away from fire; store below 25 degrees',
  'Chapter 12: Of Harbours, Ships and Weather',
  'Pack my box with five dozen liquor jugs',
  'Delivery between 14:00 and 16:30 on Tuesday',
  'Battery at 73%, about 2 h 40 min remaining',
  'Lot 0056/A expires 11/2027, made in Norway',
  'We promptly judged antique ivory buckles',
  'Room service: dial 0, reception: dial 9',
  'Balance carried forward 20,915.07 USD',
  'Crazy Fredrick bought many very exquisite opal jewels',
  'Turn left after 350 m, then keep right',
].flatMap((text, i) => fonts.map((_, j) => lineOf(text, i, j)));

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
 * @param {{ text: string, font: string }[]} lines
 * @param {number} height of every image
 * @returns {Promise<{ text: string, font: string, width: number, height: number, rgba: Uint8Array }[]>}
 */
export async function renderLines(lines, height) {
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
