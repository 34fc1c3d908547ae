/** "Your model", driven as a person would: files that come and go, and what is told of them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { loadDigits } from '../models/mnist_data.mjs';
import { GraphBuilder, encodeModel } from '../models/onnx_builder.mjs';
import {
  agreeing,
  choose,
  digitsFile,
  download,
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
} from './model_panel.mjs';
import { hand, startBrowser, visiting } from './page_under_test.mjs';

function unknownOperator() {
  const graph = new GraphBuilder('unknown');
  graph.input('x', 'float32', [1, 4]);
  graph.output(graph.add('Frobnicate', ['x']), 'float32', [1, 4]);
  return Buffer.from(encodeModel(graph));
}

describe('any model', () => {
  let browser;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser?.close());

  test('a dropped file is inspected, quantized, compared and downloaded', () =>
    visiting(browser, {}, async (page) => {
      await hand(page, 'drop', fileOf('digits.onnx', digitsFile));
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
      await quantized(page);
      const [, , sqnr, cosine, , agreement] = await outputCells(page, 'probabilities');
      assert.ok(Number(sqnr) > 25, sqnr);
      assert.ok(Number(cosine) > 0.99, cosine);
      assert.equal(agreement, '100.0 %');
      const { name, bytes } = await downloadModel(page);
      assert.equal(name, 'digits.int8.onnx');
      assert.ok(bytes.length < digitsFile.length / 3, `${bytes.length} bytes`);
      const same = await agreeing(digitsFile, bytes, loadDigits().test.slice(0, 200));
      assert.ok(same >= 198, `${same} of 200 digits are the same in onnxruntime`);
    }));

  test('weights may be uint8, asymmetric, with one scale', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await choose(page, 'digits.onnx', digitsFile);
      await field(page, 'Weights', 'Type').selectOption('uint8');
      await field(page, 'Weights', 'Scales').selectOption('one per tensor');
      await moreOptions(page);
      await field(page, 'Weights', 'Zero').selectOption('anywhere (asymmetric)');
      await quantize(page);
      await quantized(page);
      const { tensors } = await downloadReport(page);
      assert.deepEqual(
        tensors.map(({ type, granularity }) => [type, granularity]),
        [
          ['uint8', 'per-tensor'],
          ['uint8', 'per-tensor'],
        ],
      );
    }));

  test("samples may come from files, and must fit the input's shape", () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await choose(page, 'digits.onnx', digitsFile);
      await page.getByLabel('Values of image').selectOption('files');
      await quantize(page);
      await problem(page).filter({ hasText: "Choose files for input 'image'" }).waitFor();
      const files = page.getByLabel('The files for image');
      await files.setInputFiles(fileOf('short.bin', Buffer.alloc(100)));
      await quantize(page);
      await problem(page)
        .filter({ hasText: /input 'image' takes 3136 .*\(invalid-input\)/ })
        .waitFor();
      const digits = loadDigits().test.slice(0, 3);
      await files.setInputFiles(
        digits.map(({ image }, i) => fileOf(`digit${i}.bin`, Buffer.from(image.buffer))),
      );
      await quantize(page);
      await quantized(page);
      assert.equal(await problem(page).innerText(), '');
      assert.equal((await downloadReport(page)).samples, 3);
    }));

  test("the page's own models are quantized at the press of a button", () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await page.getByRole('button', { name: 'Text detector' }).click();
      await quantize(page);
      await quantized(page);
      assert.match(await reportText(page), /3\.\d× smaller/);
      assert.equal(await problem(page).innerText(), '');
    }));

  test('the report can be taken along as a page that runs nothing', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await choose(page, 'digits.onnx', digitsFile);
      await quantize(page);
      await quantized(page);
      const { name, bytes } = await download(page, 'Report as a page');
      assert.equal(name, 'digits.int8.report.html');
      const shown = await report(page).getByRole('heading').allInnerTexts();
      const opened = await page.context().newPage();
      await opened.setContent(String(bytes));
      assert.deepEqual(await opened.getByRole('heading').allInnerTexts(), shown);
      assert.equal(await opened.locator('script').count(), 0);
    }));

  test('broken files are refused with a reason, and the next good one works', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      const flipped = Buffer.from(digitsFile);
      for (let at = 0; at < 200; at += 3) flipped[at] ^= 0x55;
      const broken = {
        'cut.onnx': digitsFile.subarray(0, 1000),
        'flipped.onnx': flipped,
        'text.onnx': Buffer.from('This is not a model.'),
        'empty.onnx': Buffer.alloc(0),
      };
      for (const [name, bytes] of Object.entries(broken)) {
        await page.locator('#model-file').setInputFiles(fileOf(name, bytes));
        await problem(page)
          .filter({ hasText: new RegExp(`^${name}: .*\\(invalid-model\\)`) })
          .waitFor();
        assert.equal(await page.locator('#model-form').isVisible(), false, name);
        await choose(page, 'digits.onnx', digitsFile);
        assert.equal(await problem(page).innerText(), '');
      }
    }));

  test('an unknown operator is named', () =>
    visiting(browser, { hash: '#model' }, async (page) => {
      await choose(page, 'unknown.onnx', unknownOperator());
      await page.getByText("Octet can't run Frobnicate yet").waitFor();
      await quantize(page);
      await quantized(page);
      assert.match(await reportText(page), /were not measured: .*Frobnicate/);
      await page.getByLabel('Static').check();
      await quantize(page);
      await problem(page)
        .filter({ hasText: /Frobnicate.*\(unsupported-operator\)/ })
        .waitFor();
      assert.equal(await report(page).count(), 0);
    }));
});
