/** "Your model", driven as a person would. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import ort from 'onnxruntime-node';
import { loadDigits } from '../models/mnist_data.mjs';
import { encodeModel, GraphBuilder } from '../models/onnx_builder.mjs';
import { hand, idle, startBrowser, visiting } from './page_under_test.mjs';

const fixture = fs.readFileSync(new URL('../fixtures/mnist_cnn.onnx', import.meta.url));
const onnxFile = (name, buffer) => ({ name, mimeType: 'application/octet-stream', buffer });

function unknownOperator() {
  const graph = new GraphBuilder('unknown');
  graph.input('x', 'float32', [1, 4]);
  graph.output(graph.add('Frobnicate', ['x']), 'float32', [1, 4]);
  return Buffer.from(encodeModel(graph));
}

const choose = (page, name, buffer) =>
  page.locator('#model-file').setInputFiles(onnxFile(name, buffer));
const quantize = (page) => page.getByRole('button', { name: 'Quantize and compare' }).click();
const problem = (page) => page.locator('#model-problem');
const outputRow = (page) =>
  page
    .getByRole('table', { name: 'Outputs of the quantized model' })
    .getByRole('row')
    .filter({ hasText: 'probabilities' });

async function download(page) {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download the quantized model' }).click(),
  ]);
  return { name: file.suggestedFilename(), bytes: fs.readFileSync(await file.path()) };
}

/** The digits that onnxruntime reads with a model. */
async function classify(model, samples) {
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
  const image = Float32Array.from(samples.flatMap((sample) => [...sample.image]));
  const feeds = { image: new ort.Tensor('float32', image, [samples.length, 1, 28, 28]) };
  const { data } = (await session.run(feeds)).probabilities;
  await session.release();
  return samples.map((_, i) => {
    const row = data.slice(10 * i, 10 * i + 10);
    return row.indexOf(Math.max(...row));
  });
}

describe('any model', () => {
  let browser;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser?.close());

  test('a dropped file is inspected, quantized, compared and downloaded', () =>
    visiting(browser, {}, async (page) => {
      await hand(page, 'drop', onnxFile('digits.onnx', fixture));
      const summary = page.locator('#model-summary');
      await summary.getByRole('heading', { name: 'digits.onnx' }).waitFor();
      assert.match(
        await summary.innerText(),
        /Parameters\s+54\.4K[^]*image[^]*\[batch, 1, 28, 28\]/,
      );
      for (const operator of ['Conv', 'MaxPool', 'Gemm', 'Softmax'])
        assert.equal(await summary.getByRole('listitem').filter({ hasText: operator }).count(), 1);
      await page.getByLabel('batch').fill('3');
      await quantize(page);
      await outputRow(page).waitFor();
      const [, sqnr, cosine, , agreement] = await outputRow(page).getByRole('cell').allInnerTexts();
      assert.ok(Number.parseFloat(sqnr) > 25, sqnr);
      assert.ok(Number.parseFloat(cosine) > 0.99, cosine);
      assert.equal(agreement, '100.0 %');
      const { name, bytes } = await download(page);
      assert.equal(name, 'digits.int8.onnx');
      assert.ok(bytes.length < fixture.length / 3, `${bytes.length} bytes`);
      const samples = loadDigits().test.slice(0, 200);
      const [float, int8] = [await classify(fixture, samples), await classify(bytes, samples)];
      const same = float.filter((digit, i) => digit === int8[i]).length;
      assert.ok(same >= 198, `${same} of 200 digits are the same in onnxruntime`);
    }));

  test('weights may be uint8, asymmetric, with one scale', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await choose(page, 'digits.onnx', fixture);
      await page.getByLabel('Type').selectOption('uint8');
      await page.getByLabel('symmetric').uncheck();
      await page.getByLabel('a scale per channel').uncheck();
      await quantize(page);
      await outputRow(page).waitFor();
      await page.getByText(/Quantized weights/).click();
      const weights = page.getByRole('table', { name: 'Weights that were quantized' });
      const types = await weights.locator('tbody td:nth-child(3)').allInnerTexts();
      assert.deepEqual(types, ['uint8, per-tensor', 'uint8, per-tensor']);
    }));

  test("values may come from a file, and must fit the input's shape", () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await choose(page, 'digits.onnx', fixture);
      await page.getByLabel('Values of image').selectOption('a file');
      await quantize(page);
      await problem(page).filter({ hasText: "Choose a file for input 'image'" }).waitFor();
      const file = page.getByLabel('The file for image');
      await file.setInputFiles(onnxFile('short.bin', Buffer.alloc(100)));
      await quantize(page);
      await problem(page).filter({ hasText: "input 'image' takes 3136" }).waitFor();
      const [digit] = loadDigits().test;
      await file.setInputFiles(onnxFile('digit.bin', Buffer.from(digit.image.buffer)));
      await quantize(page);
      await outputRow(page).waitFor();
      assert.equal(await problem(page).innerText(), '');
    }));

  test("the page's own models are quantized at the press of a button", () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await page.getByRole('button', { name: 'Text detector' }).click();
      await quantize(page);
      await idle(page, 'model');
      await page.locator('#model-results .tile').nth(2).waitFor();
      assert.match(await page.locator('#model-results').innerText(), /3\.\d× smaller/);
      assert.equal(await problem(page).innerText(), '');
    }));

  test('quantizing can be cancelled and started again', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await page.getByRole('button', { name: 'Text recogniser' }).click();
      await quantize(page);
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByText('Cancelled.').waitFor();
      const compared = page.getByRole('table', { name: 'Outputs of the quantized model' });
      assert.equal(await compared.count(), 0);
      assert.equal(await problem(page).innerText(), '');
      await choose(page, 'digits.onnx', fixture);
      await quantize(page);
      await outputRow(page).waitFor();
    }));

  test('broken files are refused with a reason, and the next good one works', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      const flipped = Buffer.from(fixture);
      for (let at = 0; at < 200; at += 3) flipped[at] ^= 0x55;
      const broken = {
        'cut.onnx': fixture.subarray(0, 1000),
        'flipped.onnx': flipped,
        'text.onnx': Buffer.from('This is not a model.'),
        'empty.onnx': Buffer.alloc(0),
      };
      for (const [name, bytes] of Object.entries(broken)) {
        await choose(page, name, bytes);
        await problem(page)
          .filter({ hasText: new RegExp(`^${name}: .*\\(invalid-model\\)`) })
          .waitFor();
        assert.equal(await page.locator('#model-form').isVisible(), false, name);
        await choose(page, 'digits.onnx', fixture);
        await page.getByRole('heading', { name: 'digits.onnx' }).waitFor();
        assert.equal(await problem(page).innerText(), '');
      }
    }));

  test('an unknown operator is named', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await choose(page, 'unknown.onnx', unknownOperator());
      await page.getByText("Octet can't run Frobnicate yet").waitFor();
      await quantize(page);
      await problem(page)
        .filter({ hasText: /Frobnicate.*\(unsupported-operator\)/ })
        .waitFor();
    }));
});
