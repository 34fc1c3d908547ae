/** "Read text", driven as a person would. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { editDistance } from '../accuracy/recognition.mjs';
import { hand, idle, readLines, renderText, startBrowser, visiting } from './page_under_test.mjs';

const sample = [
  'Octet reads this text in INT8.',
  'No server, no upload: 100% local.',
  'Total: 1,234.50 EUR, paid 2026-11-23',
  'Quantized weights are 4x smaller',
].join('\n');

const texts = [
  'The quick brown fox jumps over the lazy dog',
  'Pack my box with five dozen liquor jugs',
  'Invoice 2048: total 1,234.50 EUR',
  'Neural networks run in eight bits',
  'Every device can be its own server',
  'Sphinx of black quartz, judge my vow',
  'Meeting at 09:45 in room B-117',
  'How vexingly quick daft zebras jump',
  'Integers are faster than floats',
  'Please keep this ticket until 31/12/2027',
  'Weights: 15.6 MB before, 4.2 MB after',
  'Bright vixens jump; dozy fowl quack',
];
const fonts = [
  'px "Liberation Sans"',
  'px "Liberation Serif"',
  'px "Liberation Mono"',
  'px "DejaVu Sans"',
  'px "DejaVu Serif"',
  'px "DejaVu Sans Mono"',
];
const sizes = [16, 20, 24, 32];
const [pageWidth, pageHeight] = [900, 760];

/** Twelve lines; the fonts and sizes differ from page to page. */
const pageOf = (number) =>
  texts.map((text, i) => ({
    text,
    font: `${number === 3 ? 'italic ' : ''}${sizes[(i + number) % 4]}${fonts[(i * 5 + number) % 6]}`,
    x: 30,
    y: 50 + 60 * i,
  }));

describe('read text', () => {
  let browser;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser?.close());

  test('the sample is read right in float and in INT8, and measured', () =>
    visiting(browser, { hash: '#text' }, async (page) => {
      await page.getByRole('button', { name: 'Read the sample' }).click();
      const { float, int8 } = await readLines(page);
      for (const lines of [float, int8]) {
        const wrong = editDistance(lines.join('\n'), sample);
        assert.ok(wrong <= 2, `${wrong} characters are wrong: ${lines.join(' | ')}`);
      }
      await idle(page, 'text');
      const tiles = await page.locator('#text-results .tile').allInnerTexts();
      assert.match(tiles[0], /[34] of 4 lines/);
      assert.match(tiles[1], /3\.\d× smaller/);
      assert.match(tiles[2], /[\d.]+ ms[^]*[\d.]+ ms[^]*Median of 3 runs/);
      assert.equal(await page.locator('#text-boxes polygon.int8').count(), 4);
    }));

  test('on 48 lines in several fonts and sizes, INT8 is within a point of float', (t) =>
    visiting(browser, { hash: '#text' }, async (page) => {
      const wrong = { float: 0, int8: 0 };
      let length = 0;
      for (let number = 0; number < 4; ++number) {
        const lines = pageOf(number);
        const picture = await renderText(page, pageWidth, pageHeight, lines);
        await page.locator('#text-file').setInputFiles(picture);
        await page.locator('#text-results tbody tr').first().waitFor({ state: 'detached' });
        const read = await readLines(page);
        const truth = lines.map(({ text }) => text).join(' ');
        length += truth.length;
        for (const kind of ['float', 'int8'])
          wrong[kind] += editDistance(read[kind].join(' '), truth);
      }
      const [float, int8] = [wrong.float, wrong.int8].map((count) => 100 * (1 - count / length));
      t.diagnostic(`characters right: float ${float.toFixed(2)} %, INT8 ${int8.toFixed(2)} %`);
      assert.ok(float >= 98, `float: ${float} %`);
      assert.ok(int8 >= float - 1, `float: ${float} %, INT8: ${int8} %`);
    }));

  test('pictures may be pasted and dropped, on any tab', () =>
    visiting(browser, {}, async (page) => {
      for (const [event, text] of [
        ['paste', 'Pasted from elsewhere'],
        ['drop', 'Dropped on the page'],
      ]) {
        const line = { text, font: '32px "Liberation Sans"', x: 40, y: 80 };
        await page.getByRole('tab', { name: 'Draw a digit' }).click();
        await hand(page, event, await renderText(page, 480, 140, [line]));
        await page.getByRole('cell', { name: text }).first().waitFor();
        assert.deepEqual(await readLines(page), { float: [text], int8: [text] });
      }
    }));

  test('a file that is no picture is refused, and the next one read', () =>
    visiting(browser, { hash: '#text' }, async (page) => {
      const broken = {
        name: 'notes.png',
        mimeType: 'image/png',
        buffer: Buffer.from('no picture'),
      };
      await page.locator('#text-file').setInputFiles(broken);
      const alert = page.getByRole('alert').filter({ hasText: 'notes.png is not a picture' });
      await alert.waitFor();
      const blank = await renderText(page, 200, 100, []);
      await page.locator('#text-file').setInputFiles(blank);
      await page.getByText('No text was found in this picture.').waitFor();
      assert.equal(await page.locator('#text-problem').innerText(), '');
    }));

  test('the page answers while the networks work', () =>
    visiting(browser, { hash: '#text' }, async (page) => {
      await page.evaluate(() => {
        let last = performance.now();
        window.longestPause = 0;
        const tick = (now) => {
          window.longestPause = Math.max(window.longestPause, now - last);
          last = now;
          requestAnimationFrame(tick);
        };
        requestAnimationFrame(tick);
      });
      await page.getByRole('button', { name: 'Read the sample' }).click();
      await readLines(page);
      await idle(page, 'text');
      const pause = await page.evaluate(() => window.longestPause);
      assert.ok(pause < 1000, `the page stood still for ${pause} ms`);
    }));
});
