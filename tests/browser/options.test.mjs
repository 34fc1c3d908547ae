/** "Your model" with every option of `quantize`, driven as a person would. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { optionKeys } from '../js/option_keys.mjs';
import { loadDigits } from '../models/mnist_data.mjs';
import {
  agreeing,
  choose,
  digitsFile,
  downloadModel,
  downloadReport,
  field,
  fileOf,
  moreOptions,
  outputCells,
  problem,
  quantize,
  quantized,
  report,
  reportText,
  status,
} from './model_panel.mjs';
import { startBrowser, visiting } from './page_under_test.mjs';

const digits = loadDigits();

/** Offered by other means: the samples' fields, files chosen with the model, the button Cancel, and the progress bar. */
const elsewhere = ['calibration', 'externalData', 'signal', 'onProgress'];

/** Gives the model digits to be calibrated with, all in one file. */
async function calibrateOnDigits(page, count) {
  const images = digits.train.slice(0, count).map(({ image }) => Buffer.from(image.buffer));
  await page.getByLabel('Values of image').selectOption('files');
  await page
    .getByLabel('The files for image')
    .setInputFiles(fileOf('digits.bin', Buffer.concat(images)));
}

const press = (page, mode) => page.getByRole('radio', { name: mode }).check();

/**
 * Runs in the page: presses Cancel when the progress bar is about there, and tells how many milliseconds it took until the page
 * said so, and had its button back.
 */
function cancelAt(share) {
  const byId = (id) => document.getElementById(id);
  return new Promise((resolve) => {
    const look = setInterval(() => {
      if (byId('model-status').textContent.startsWith('Done')) resolve('it was done before');
      if (!(byId('model-progress').value >= share)) return;
      clearInterval(look);
      const start = performance.now();
      new MutationObserver(() => {
        if (byId('model-status').textContent === 'Cancelled.' && !byId('model-quantize').disabled)
          resolve(performance.now() - start);
      }).observe(byId('model-status'), { childList: true, characterData: true, subtree: true });
      byId('model-cancel').click();
    }, 1);
  });
}

describe('the options of any model', () => {
  let browser;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser?.close());

  test('none is out of reach, and those that do not apply are hidden', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await choose(page, 'digits.onnx', digitsFile);
      const fields = page.locator('[data-option]');
      const offered = await fields.evaluateAll((all) => all.map((each) => each.dataset.option));
      assert.deepEqual([...offered, ...elsewhere].sort(), optionKeys().sort());

      await moreOptions(page);
      const visible = async () => {
        const shown = await page.locator('[data-option]:visible').all();
        return Promise.all(shown.map((each) => each.getAttribute('data-option')));
      };
      const dynamic = await visible();
      assert.ok(dynamic.includes('weights.perChannel'), `${dynamic}`);
      assert.ok(!dynamic.some((option) => /activations|target|block|force/.test(option)));
      await press(page, 'Weights only');
      assert.ok((await visible()).includes('weights.blockSize'));
      await press(page, 'Mixed');
      const mixed = (await visible()).filter((option) => /weights|format/.test(option));
      assert.deepEqual(mixed, ['weights.reduceRange']);
      await press(page, 'Static');
      assert.ok(!(await visible()).includes('activations.percentile'));
      await field(page, 'Between layers', 'Ranges').selectOption('percentile');
      assert.ok((await visible()).includes('activations.percentile'));
    }));

  test('static, by percentile and per channel: report, file, and the file again', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await choose(page, 'digits.onnx', digitsFile);
      await press(page, 'Static');
      await field(page, 'Weights', 'Scales').selectOption('one per channel');
      await field(page, 'Between layers', 'Ranges').selectOption('percentile');
      await field(page, 'Between layers', 'Percentile').fill('99.9');
      await calibrateOnDigits(page, 12);
      await quantize(page);
      await quantized(page);

      const [, , sqnr] = await outputCells(page, 'probabilities');
      assert.ok(Number(sqnr) > 15, sqnr);
      const histogram = report(page).getByRole('img', { name: /^Values of conv\.weight/ });
      assert.equal(await histogram.isVisible(), false);
      await report(page).locator('summary').filter({ hasText: 'conv.weight' }).click();
      assert.equal(await histogram.isVisible(), true);
      const { samples, tensors, layers } = await downloadReport(page);
      assert.equal(samples, 12);
      assert.ok(layers.every(({ sqnrDb }) => sqnrDb > 10));
      const kinds = new Set(tensors.map((one) => `${one.role} ${one.granularity} ${one.method}`));
      assert.deepEqual([...kinds].sort(), [
        'activations per-tensor percentile',
        'weights per-channel minmax',
      ]);
      const { bytes } = await downloadModel(page);
      const same = await agreeing(digitsFile, bytes, digits.test.slice(0, 200));
      assert.ok(same >= 196, `${same} of 200 digits are the same in onnxruntime`);

      await choose(page, 'digits.int8.onnx', bytes);
      const facts = await page.locator('#model-summary').innerText();
      assert.match(facts, /Quantized nodes\s+[1-9]/);
      await quantize(page);
      await problem(page)
        .filter({ hasText: /quantized already.*\(invalid-option\)/ })
        .waitFor();
      await moreOptions(page);
      await page.getByLabel(/quantized already/).check();
      await quantize(page);
      await quantized(page);
    }));

  test('weights in four bits, in blocks', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await choose(page, 'digits.onnx', digitsFile);
      await press(page, 'Weights only');
      await field(page, 'Weights', 'Type').selectOption('int4');
      await field(page, 'Weights', 'Weights that share a scale').selectOption('16');
      await moreOptions(page);
      await field(page, 'Weights', 'Ranges or codes').selectOption('least squared error');
      await page.getByLabel('Compare with the original on the samples').uncheck();
      await quantize(page);
      await quantized(page);
      assert.match(await reportText(page), /were not measured: the options say so/);
      const { tensors } = await downloadReport(page);
      assert.ok(tensors.every(({ method }) => method === 'mse'));
      assert.deepEqual(
        tensors.map(({ type, granularity }) => `${type} ${granularity}`),
        ['int8 per-channel', 'int4 per-block'],
      );
      const { name, bytes } = await downloadModel(page);
      assert.equal(name, 'digits.int4.onnx');
      assert.ok(bytes.length < digitsFile.length / 5, `${bytes.length} bytes`);
      const same = await agreeing(digitsFile, bytes, digits.test.slice(0, 200));
      assert.ok(same >= 194, `${same} of 200 digits are the same in onnxruntime`);
    }));

  test('mixed precision meets its target', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await choose(page, 'digits.onnx', digitsFile);
      await press(page, 'Mixed');
      await field(page, 'What the result must meet', 'Largest size, % of the original').fill('40');
      await field(page, 'What the result must meet', 'Least SQNR, dB').fill('20');
      await calibrateOnDigits(page, 4);
      await quantize(page);
      await quantized(page);
      await report(page).getByRole('heading', { name: 'Search: the target was met' }).waitFor();
      const { search } = await downloadReport(page);
      assert.deepEqual(search.target, {
        maxSizeBytes: Math.floor(digitsFile.length * 0.4),
        minSqnrDb: 20,
      });
      const { bytes } = await downloadModel(page);
      assert.equal(bytes.length, search.points[search.chosen].sizeBytes);
      assert.ok(bytes.length <= search.target.maxSizeBytes);
    }));

  test('nodes stay in float, and what is wrong is told at its field', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await choose(page, 'digits.onnx', digitsFile);
      await moreOptions(page);
      const kept = page.getByLabel('Nodes to keep in float', { exact: true });
      await kept.fill('/(/');
      await quantize(page);
      await problem(page).filter({ hasText: '/(/' }).waitFor();
      await kept.fill('');
      await page.getByLabel('Add to: Nodes to keep in float').selectOption('Conv (Conv)');
      await page.getByText('1 of 6 nodes.').waitFor();
      const operators = page.getByLabel('Only nodes of these operators');
      await operators.fill('Frobnicate');
      await moreOptions(page);
      await quantize(page);
      await problem(page)
        .filter({ hasText: /^opTypes: Frobnicate.*\(invalid-option\)/ })
        .waitFor();
      assert.equal(await operators.getAttribute('aria-invalid'), 'true');
      assert.ok(await operators.evaluate((input) => input === document.activeElement));
      await operators.fill('');
      const smoothing = page.getByLabel('SmoothQuant’s α');
      await smoothing.fill('7');
      await moreOptions(page);
      await quantize(page);
      await page.waitForFunction(() => document.activeElement.id === 'option-correct.smoothQuant');
      await smoothing.fill('');
      await quantize(page);
      await quantized(page);
      assert.equal(await operators.getAttribute('aria-invalid'), null);
      const { floatNodes, tensors } = await downloadReport(page);
      assert.deepEqual(
        floatNodes.map(({ opType }) => opType),
        ['Conv'],
      );
      assert.equal(tensors.length, 1);
    }));

  test('Cancel is answered within 100 ms, wherever the work is, and the next one works', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await page.getByRole('button', { name: 'Text recogniser' }).click();
      await page.getByRole('heading', { name: 'ch_PP-OCRv4_rec.onnx' }).waitFor();
      await press(page, 'Static');
      await page.getByLabel('Values of x').selectOption('random values');
      await page.getByLabel('How many').fill('20');
      for (const share of [0.01, 0.2, 0.5]) {
        const waited = page.evaluate(cancelAt, share);
        await quantize(page);
        const milliseconds = await waited;
        assert.ok(milliseconds < 100, `at ${share}: ${milliseconds} ms`);
        assert.equal(await report(page).count(), 0);
        assert.equal(await page.getByRole('link', { name: /Download|Report/ }).count(), 0);
        assert.equal(await problem(page).innerText(), '');
        assert.equal(await status(page).innerText(), 'Cancelled.');
      }
      await page.getByLabel('How many').fill('1');
      await quantize(page);
      await quantized(page);
      await choose(page, 'digits.onnx', digitsFile);
      assert.equal(await report(page).count(), 0);
    }));
});
