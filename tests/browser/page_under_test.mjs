/** The built demo page on its own server, in Chromium. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { launchChromium } from './chromium.mjs';

const demo = new URL('../../demo/', import.meta.url);
/** Milliseconds for what takes a network; generous, for busy machines. */
export const patience = 120_000;

async function startServer() {
  if (!fs.existsSync(new URL('dist/index.html', demo)))
    throw new Error('demo/dist is missing: run ./octet build, then npm run build in demo');
  const vite = createRequire(new URL('package.json', demo)).resolve('vite');
  const { preview } = await import(pathToFileURL(vite));
  const root = fileURLToPath(demo);
  return preview({ root, logLevel: 'warn', preview: { host: '127.0.0.1', port: 8180 } });
}

/** Starts the server and the browser; `close` ends both. */
export async function startBrowser() {
  const server = await startServer();
  const address = server.resolvedUrls.local[0];
  const browser = await launchChromium();
  return {
    address,
    /**
     * Opens the page in a fresh profile. `complaints` collects errors on the console, exceptions and requests that leave the
     * page's origin; there should be none.
     */
    async open({ hash = '', ...options } = {}) {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      page.setDefaultTimeout(patience);
      const complaints = [];
      page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`));
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
      });
      context.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(address) && !url.startsWith('blob:') && !url.startsWith('data:'))
          complaints.push(`foreign request: ${url}`);
      });
      await page.goto(address + hash);
      return { page, complaints };
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** Runs `visit` on an opened page and closes it; the page must not have complained. */
export async function visiting(browser, options, visit) {
  const { page, complaints } = await browser.open(options);
  try {
    await visit(page);
    assert.deepEqual(complaints, []);
  } finally {
    await page.context().close();
  }
}

/** Draws strokes, lists of points from 0 to 1, on the digit's canvas with the mouse. */
export async function draw(page, strokes) {
  const box = await page.locator('#digit-canvas').boundingBox();
  const place = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
  for (const [first, ...rest] of strokes) {
    await page.mouse.move(...place(first));
    await page.mouse.down();
    for (const point of rest) await page.mouse.move(...place(point), { steps: 8 });
    await page.mouse.up();
  }
}

/** The digits that the page answers to the finished drawing, in float and in INT8. */
export async function answers(page) {
  await page.locator('#panel-digit[aria-busy=false] .tile').first().waitFor();
  return Promise.all(
    ['#digit-float', '#digit-int8'].map((card) => page.locator(`${card} output`).innerText()),
  );
}

/** The lines in the table of the text panel, once they are there. */
export async function readLines(page) {
  await page.locator('#text-results tbody tr').first().waitFor();
  const columns = ['float', 'int8'].map((kind) =>
    page.locator(`#text-results td.${kind}`).allInnerTexts(),
  );
  const [float, int8] = await Promise.all(columns);
  return { float, int8 };
}

/** Waits until the panel has nothing more to do. */
export function idle(page, panel) {
  return page.waitForFunction(
    (id) => document.getElementById(id).textContent === '',
    `${panel}-status`,
  );
}

/** Drops or pastes a file, as the browser would hand it over. */
export async function hand(page, type, { name, mimeType, buffer }) {
  await page.evaluate(
    ([event, name, mimeType, base64]) => {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const files = new DataTransfer();
      files.items.add(new File([bytes], name, { type: mimeType }));
      const options = { bubbles: true, cancelable: true };
      document.body.dispatchEvent(
        event === 'paste'
          ? new ClipboardEvent(event, { ...options, clipboardData: files })
          : new DragEvent(event, { ...options, dataTransfer: files }),
      );
    },
    [type, name, mimeType, Buffer.from(buffer).toString('base64')],
  );
}

/** A PNG file of lines of text `{ text, font, x, y }`, drawn by the browser. */
export async function renderText(page, width, height, lines) {
  const base64 = await page.evaluate(
    async ([width, height, lines]) => {
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('2d');
      context.fillStyle = '#fff';
      context.fillRect(0, 0, width, height);
      context.fillStyle = '#111';
      for (const { text, font, x, y } of lines) {
        context.font = font;
        context.fillText(text, x, y);
      }
      const blob = await canvas.convertToBlob();
      const bytes = new Uint8Array(await blob.arrayBuffer());
      return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
    },
    [width, height, lines],
  );
  return { name: 'text.png', mimeType: 'image/png', buffer: Buffer.from(base64, 'base64') };
}
