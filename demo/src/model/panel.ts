/** "Your model": inspect, quantize, compare and download any ONNX file. */
import type { ModelSummary } from 'octet-web';
import type { Engine } from '../engine/engine.ts';
import type { Progress } from '../engine/protocol.ts';
import { byId } from '../ui/dom.ts';
import { panelFeedback } from '../ui/feedback.ts';
import { fetchBytes } from '../ui/fetch_bytes.ts';
import { onPick } from '../ui/files.ts';
import { turns } from '../ui/turns.ts';
import { makeSamples } from './inputs.ts';
import { dimensionSizes, inputFillings, showOptions, weightOptions } from './options.ts';
import { type OwnModel, ownModels } from './own_models.ts';
import { showResults } from './results.ts';
import { showSummary } from './summary.ts';

const sampleCount = 7;

interface Chosen {
  name: string;
  file: Uint8Array;
  summary: ModelSummary;
}

export function startModel(engine: Engine): { take(file: File): void } {
  const form = byId<HTMLFormElement>('model-form');
  const cancel = byId<HTMLButtonElement>('model-cancel');
  const submit = byId<HTMLButtonElement>('model-quantize');
  const { report, attempt } = panelFeedback('model', () => engine.stop());
  let chosen: Chosen | undefined;
  const { start, stop } = turns();

  const inspect = (file: Uint8Array, signal: AbortSignal) =>
    engine.call('inspect', [file, Object.fromEntries(dimensionSizes())], { signal });

  const open = async (
    name: string,
    file: Uint8Array,
    signal: AbortSignal,
    picture?: OwnModel['picture'],
  ) => {
    report(`Reading ${name} …`);
    const summary = await engine.call('inspect', [file, {}], { signal });
    showOptions(summary, picture);
    chosen = { name, file, summary };
    showSummary(name, await inspect(file, signal));
  };
  const choose = (name: string, load: () => Promise<Uint8Array>, picture?: OwnModel['picture']) => {
    start((signal) =>
      attempt(async () => {
        chosen = undefined;
        form.hidden = true;
        byId('model-summary').replaceChildren();
        byId('model-results').replaceChildren();
        report(`Loading ${name} …`);
        await open(name, await load(), signal, picture);
      }, name),
    );
  };
  const take = (file: File) =>
    choose(file.name, async () => new Uint8Array(await file.arrayBuffer()));

  const quantize = async ({ name, file, summary }: Chosen, signal: AbortSignal) => {
    const fillings = await inputFillings();
    const isRandom = [...fillings.values()].some(({ kind }) => kind === 'random');
    const samples = makeSamples(summary, dimensionSizes(), fillings, sampleCount);
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
    showResults(name, result, { ...comparison, isRandom });
  };
  const work = async (model: Chosen, signal: AbortSignal) => {
    [submit.disabled, cancel.hidden] = [true, false];
    byId('model-results').replaceChildren();
    await attempt(() => quantize(model, signal));
    [submit.disabled, cancel.hidden] = [false, true];
    if (signal.aborted) byId('model-status').textContent = 'Cancelled.';
  };

  onPick(byId('model-file'), take);
  for (const { id, name, url, picture } of ownModels) {
    const load = () => fetchBytes(url, (share) => report(`Loading ${name} …`, share));
    byId(id).addEventListener('click', () => choose(name, load, picture));
  }
  byId('model-dimensions').addEventListener('change', () => {
    const model = chosen;
    if (!model || !form.checkValidity()) return;
    start((signal) =>
      attempt(async () => showSummary(model.name, await inspect(model.file, signal))),
    );
  });
  cancel.addEventListener('click', stop);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const model = chosen;
    if (model) start((signal) => work(model, signal));
  });
  return { take };
}
