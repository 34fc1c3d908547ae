/** The panel "Your model", as the tests of it handle it. */
import fs from 'node:fs';
import ort from 'onnxruntime-node';

export const digitsFile = fs.readFileSync(new URL('../fixtures/mnist_cnn.onnx', import.meta.url));

export const fileOf = (name, buffer, mimeType = 'application/octet-stream') => ({
  name,
  mimeType,
  buffer,
});

/** Chooses a model and waits until it is shown. */
export async function choose(page, name, buffer) {
  await page.locator('#model-file').setInputFiles(fileOf(name, buffer));
  await page.getByRole('heading', { name, exact: true }).waitFor();
}

export const quantize = (page) =>
  page.getByRole('button', { name: 'Quantize and compare' }).click();
export const quantized = (page) => page.getByText('Done; the report is below.').waitFor();
export const problem = (page) => page.locator('#model-problem');
export const status = (page) => page.locator('#model-status');
export const report = (page) => page.locator('#model-report');
export const reportText = (page) => report(page).locator('.octet-report').innerText();

/** A field of the form, by the legend of its group and its label. */
export const field = (page, group, label) =>
  page.getByRole('group', { name: group, exact: true }).getByLabel(label, { exact: true });

export const moreOptions = (page) => page.getByText('More options').click();

/** The cells of the output's row: name, bar, SQNR in dB, cosine, largest error, same top 1. */
export const outputCells = (page, name) =>
  report(page)
    .locator('section')
    .filter({ hasText: /^\s*Outputs over/ })
    .getByRole('row')
    .filter({ hasText: name })
    .getByRole('cell')
    .allInnerTexts();

/** What is downloaded by a link. */
export async function download(page, link) {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: link }).click(),
  ]);
  return { name: file.suggestedFilename(), bytes: fs.readFileSync(await file.path()) };
}

export const downloadModel = (page) => download(page, 'Download the quantized model');
export const downloadReport = async (page) =>
  JSON.parse((await download(page, 'Report as JSON')).bytes);

/** The digits that onnxruntime reads with a model. */
export async function classify(model, samples) {
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

/** How many of the samples two models read alike. */
export async function agreeing(one, other, samples) {
  const [first, second] = [await classify(one, samples), await classify(other, samples)];
  return first.filter((digit, i) => digit === second[i]).length;
}
