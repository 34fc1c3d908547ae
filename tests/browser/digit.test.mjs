/** "Draw a digit", driven as a person would. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { answers, draw, startBrowser, visiting } from './page_under_test.mjs';

/** Points on an arc, from and to in turns, clockwise from the right. */
const arc = (cx, cy, rx, ry, from, to) =>
  Array.from({ length: 13 }, (_, i) => {
    const angle = 2 * Math.PI * (from + ((to - from) * i) / 12);
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
  });

const digits = {
  0: [arc(0.5, 0.5, 0.2, 0.3, 0, 1)],
  1: [
    [
      [0.52, 0.2],
      [0.48, 0.8],
    ],
  ],
  2: [[...arc(0.5, 0.35, 0.16, 0.14, 0.5, 1.1), [0.34, 0.78], [0.7, 0.78]]],
  3: [[...arc(0.48, 0.34, 0.15, 0.13, 0.55, 1.2), ...arc(0.48, 0.64, 0.18, 0.16, 0.8, 1.45)]],
  4: [
    [
      [0.36, 0.22],
      [0.33, 0.52],
      [0.68, 0.5],
    ],
    [
      [0.62, 0.22],
      [0.58, 0.82],
    ],
  ],
  7: [
    [
      [0.3, 0.25],
      [0.7, 0.25],
      [0.45, 0.8],
    ],
  ],
};

describe('draw a digit', () => {
  let browser;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser?.close());

  test('float and INT8 give the digit that was drawn', () =>
    visiting(browser, {}, async (page) => {
      for (const [digit, strokes] of Object.entries(digits)) {
        await draw(page, strokes);
        assert.deepEqual(await answers(page), [digit, digit]);
        await page.getByRole('button', { name: 'Clear' }).click();
        await page.locator('#digit-tiles .tile').first().waitFor({ state: 'detached' });
      }
    }));

  test('probabilities, sizes and times are shown', () =>
    visiting(browser, {}, async (page) => {
      await draw(page, digits[7]);
      await answers(page);
      for (const name of ['float', 'INT8']) {
        const rows = page.getByRole('list', { name: `Probabilities in ${name}` }).locator('li');
        const shares = (await rows.locator('.value').allInnerTexts()).map(Number.parseFloat);
        assert.equal(shares.length, 10);
        assert.ok(Math.abs(shares.reduce((a, b) => a + b) - 100) < 1, `${shares}`);
        assert.ok(shares[7] > 50, `${shares}`);
      }
      const tiles = await page.locator('#digit-tiles .tile').allInnerTexts();
      assert.match(tiles[0], /same answer/);
      assert.match(tiles[1], /3\.\d× smaller/);
      assert.match(tiles[2], /[\d.]+ ms[^]*[\d.]+ ms[^]*Median of \d+ runs/);
    }));

  test('a finger draws too', () =>
    visiting(browser, { hasTouch: true, isMobile: true }, async (page) => {
      const box = await page.locator('#digit-canvas').boundingBox();
      const session = await page.context().newCDPSession(page);
      const touch = (type, points) =>
        session.send('Input.dispatchTouchEvent', {
          type,
          touchPoints: points.map(([x, y]) => ({
            x: box.x + x * box.width,
            y: box.y + y * box.height,
          })),
        });
      await touch('touchStart', [[0.52, 0.2]]);
      for (let y = 0.25; y < 0.85; y += 0.05) await touch('touchMove', [[0.5, y]]);
      await touch('touchEnd', []);
      assert.deepEqual(await answers(page), ['1', '1']);
    }));
});
