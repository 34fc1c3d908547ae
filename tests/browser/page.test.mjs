/** The page itself: keyboard, small screens, settings of the user's, and what it may load. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { quantized } from './model_panel.mjs';
import { answers, draw, idle, readLines, startBrowser, visiting } from './page_under_test.mjs';

const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

async function press(page, key, times = 1) {
  for (let i = 0; i < times; ++i) await page.keyboard.press(key);
}

/** Presses Tab until an element of this role and name has the focus. */
async function tabTo(page, role, name) {
  const target = page.getByRole(role, { name });
  for (let i = 0; i < 30; ++i) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`the Tab key does not reach the ${role} "${name}"`);
}

describe('the page', () => {
  let browser;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser?.close());

  test('everything works by keyboard', () =>
    visiting(browser, {}, async (page) => {
      await tabTo(page, 'application', /Drawing area/);
      await press(page, 'ArrowUp', 2);
      await press(page, 'Space');
      await press(page, 'ArrowDown', 16);
      await press(page, 'Space');
      assert.deepEqual(await answers(page), ['1', '1']);
      await press(page, 'Delete');
      await page.locator('#digit-tiles .tile').first().waitFor({ state: 'detached' });

      await page.keyboard.press('Shift+Tab');
      await press(page, 'ArrowRight');
      await tabTo(page, 'button', 'Read the sample');
      await press(page, 'Enter');
      assert.equal((await readLines(page)).int8.length, 4);

      await page.keyboard.press('Shift+Tab');
      await press(page, 'End');
      await tabTo(page, 'button', /Digits/);
      await press(page, 'Enter');
      await page.getByRole('heading', { name: 'mnist_cnn.onnx' }).waitFor();
      await tabTo(page, 'button', 'Quantize and compare');
      await press(page, 'Enter');
      await quantized(page);
      await tabTo(page, 'link', 'Download the quantized model');
      const [file] = await Promise.all([page.waitForEvent('download'), press(page, 'Enter')]);
      assert.equal(file.suggestedFilename(), 'mnist_cnn.int8.onnx');
    }));

  test('a phone of 360 pixels shows all of it without scrolling sideways', () =>
    visiting(browser, phone, async (page) => {
      await draw(page, [
        [
          [0.5, 0.2],
          [0.5, 0.8],
        ],
      ]);
      await answers(page);
      assert.equal(await overflow(page), 0);
      await page.getByRole('tab', { name: 'Read text' }).tap();
      await page.getByRole('button', { name: 'Read the sample' }).tap();
      await readLines(page);
      await idle(page, 'text');
      assert.equal(await overflow(page), 0);
      await page.getByRole('tab', { name: 'Your model' }).tap();
      await page.getByRole('button', { name: 'Text detector' }).tap();
      await page.getByRole('button', { name: 'Quantize and compare' }).tap();
      await quantized(page);
      for (const details of await page.locator('details summary:visible').all())
        await details.tap();
      for (const details of (await page.locator('.tensor summary').all()).slice(0, 3))
        await details.tap();
      assert.equal(await overflow(page), 0);
    }));

  test('dark and light, still and moving, as the user has it', () =>
    visiting(browser, {}, async (page) => {
      const style = (selector, property, pseudo) =>
        page.evaluate(
          ([s, p, pseudo]) => getComputedStyle(document.querySelector(s), pseudo)[p],
          [selector, property, pseudo],
        );
      const luminance = (colour) =>
        colour
          .match(/\d+/g)
          .slice(0, 3)
          .reduce((sum, part) => sum + Number(part), 0);
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' });
      assert.ok(luminance(await style('body', 'backgroundColor')) > 600);
      assert.ok(luminance(await style('body', 'color')) < 200);
      assert.notEqual(await style('.bar', 'transitionDuration', '::before'), '0s');
      await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
      assert.ok(luminance(await style('body', 'backgroundColor')) < 200);
      assert.ok(luminance(await style('body', 'color')) > 600);
      assert.equal(await style('.bar', 'transitionDuration', '::before'), '0s');
    }));

  test('the address keeps the tab', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      const selected = () => page.getByRole('tab', { selected: true }).innerText();
      assert.equal(await selected(), 'Your model');
      await page.getByRole('tab', { name: 'Read text' }).click();
      assert.match(page.url(), /#text$/);
      await page.reload();
      assert.equal(await selected(), 'Read text');
    }));

  test('the policy forbids other origins and eval', async () => {
    const { page } = await browser.open();
    const refusals = await page.evaluate(async () => {
      const refused = [];
      document.addEventListener('securitypolicyviolation', (event) =>
        refused.push(event.effectiveDirective),
      );
      await fetch('http://127.0.0.1:1/').catch(() => {});
      const script = document.createElement('script');
      script.textContent = 'window.inlineRan = true';
      document.body.append(script);
      // A string for a handler is compiled like eval's, in an event of its own that the driver has no part in.
      setTimeout('window.evalRan = true', 0);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return [...refused, String(window.inlineRan), String(window.evalRan)];
    });
    await page.context().close();
    for (const expected of ['connect-src', 'script-src-elem', 'script-src', 'undefined'])
      assert.ok(refusals.includes(expected), `${expected} is not in ${refusals}`);
    assert.ok(!refusals.includes('true'), `${refusals}`);
  });
});
