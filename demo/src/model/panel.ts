/** "Your model": inspect, quantize, compare and download any ONNX file. */
import detectorUrl from '#ocr-models/ch_PP-OCRv4_det_infer.onnx?url';
import recogniserUrl from '#ocr-models/ch_PP-OCRv4_rec_infer.onnx?url';
import mnistUrl from '#fixtures/mnist_cnn.onnx?url';
import type { ModelSummary } from 'octet-web';
import type { Engine } from '../engine/engine.ts';
import type { Progress } from '../engine/protocol.ts';
import { byId } from '../ui/dom.ts';
import { panelFeedback } from '../ui/feedback.ts';
import { fetchBytes } from '../ui/fetch_bytes.ts';
import { onPick } from '../ui/files.ts';
import { makeSamples } from './inputs.ts';
import { dimensionSizes, inputFillings, showOptions, weightOptions } from './options.ts';
import { showResults } from './results.ts';
import { showSummary } from './summary.ts';

const sampleCount = 7;
/** Models that come with the page, by the ids of their buttons. */
const ownModels = {
  'model-mnist': { name: 'mnist_cnn.onnx', url: mnistUrl },
  'model-detector': { name: 'ch_PP-OCRv4_det.onnx', url: detectorUrl },
  'model-recogniser': { name: 'ch_PP-OCRv4_rec.onnx', url: recogniserUrl },
};

interface Chosen {
  name: string;
  file: Uint8Array;
  summary: ModelSummary;
}

export function startModel(engine: Engine): { take(file: File): void } {
  const form = byId<HTMLFormElement>('model-form');
  const cancel = byId<HTMLButtonElement>('model-cancel');
  const start = byId<HTMLButtonElement>('model-quantize');
  const { report, attempt } = panelFeedback('model', () => engine.stop());
  let chosen: Chosen | undefined;
  let stop: AbortController | undefined;

  const inspect = (file: Uint8Array) =>
    engine.call('inspect', [file, Object.fromEntries(dimensionSizes())]);

  const open = async (name: string, file: Uint8Array) => {
    report(`Reading ${name} …`);
    const summary = await engine.call('inspect', [file, {}]);
    showOptions(summary);
    chosen = { name, file, summary };
    showSummary(name, await inspect(file));
  };
  const choose = (name: string, load: () => Promise<Uint8Array>) => {
    stop?.abort();
    return attempt(async () => {
      chosen = undefined;
      form.hidden = true;
      byId('model-summary').replaceChildren();
      byId('model-results').replaceChildren();
      report(`Loading ${name} …`);
      await open(name, await load());
    });
  };
  const take = (file: File) =>
    void choose(file.name, async () => new Uint8Array(await file.arrayBuffer()));

  const quantize = async ({ name, file, summary }: Chosen, signal: AbortSignal) => {
    const samples = makeSamples(summary, dimensionSizes(), await inputFillings(), sampleCount);
    const follow = (text: string) => ({
      signal,
      onProgress: ({ done, total }: Progress) => report(text, done / total),
    });
    report('Quantizing …', 0);
    const result = await engine.call('quantize', [file, weightOptions()], follow('Quantizing …'));
    showResults(name, result);
    const comparison = await engine.call(
      'compare',
      [file, result.model, samples],
      follow('Comparing float and INT8 …'),
    );
    showResults(name, result, comparison);
  };
  const submit = async (model: Chosen) => {
    stop = new AbortController();
    const { signal } = stop;
    [start.disabled, cancel.hidden] = [true, false];
    byId('model-results').replaceChildren();
    await attempt(() => quantize(model, signal));
    [start.disabled, cancel.hidden] = [false, true];
    if (signal.aborted) byId('model-status').textContent = 'Cancelled.';
  };

  onPick(byId('model-file'), take);
  for (const [id, { name, url }] of Object.entries(ownModels))
    byId(id).addEventListener(
      'click',
      () => void choose(name, () => fetchBytes(url, (share) => report(`Loading ${name} …`, share))),
    );
  byId('model-dimensions').addEventListener('change', () => {
    const model = chosen;
    if (!model || !form.checkValidity()) return;
    void attempt(async () => showSummary(model.name, await inspect(model.file)));
  });
  cancel.addEventListener('click', () => stop?.abort());
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (chosen) void submit(chosen);
  });
  return { take };
}
