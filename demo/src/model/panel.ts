/** "Your model": inspect, quantize, compare and download any ONNX file. */
import type { ModelSummary } from 'octet-web';
import { type Engine, EngineError } from '../engine/engine.ts';
import type { ModelFiles, Progress } from '../engine/protocol.ts';
import { byId } from '../ui/dom.ts';
import { panelFeedback } from '../ui/feedback.ts';
import { fetchBlob } from '../ui/fetch_blob.ts';
import { onPick } from '../ui/files.ts';
import { turns } from '../ui/turns.ts';
import { optionForm } from './option_form.ts';
import { type OwnModel, ownModels } from './own_models.ts';
import { phaseShare, phaseText } from './progress.ts';
import { hideResults, showResults } from './results.ts';
import { dimensionSizes, fitSamples, samplePlan } from './sample_form.ts';
import { usesSamples } from './settings.ts';
import { showSummary } from './summary.ts';

interface Chosen {
  name: string;
  files: ModelFiles;
  summary: ModelSummary;
}

export function startModel(engine: Engine): { take(files: File[]): void } {
  const form = byId<HTMLFormElement>('model-form');
  const cancel = byId<HTMLButtonElement>('model-cancel');
  const submit = byId<HTMLButtonElement>('model-quantize');
  const { report, attempt, conclude } = panelFeedback('model', () => engine.stop());
  const optionFields = optionForm();
  let chosen: Chosen | undefined;
  const { start, stop } = turns();

  const inspect = (files: ModelFiles, signal: AbortSignal) =>
    engine.call('inspect', [files, Object.fromEntries(dimensionSizes())], { signal });

  const open = async (
    name: string,
    files: ModelFiles,
    signal: AbortSignal,
    picture?: OwnModel['picture'],
  ) => {
    report(`Reading ${name} …`);
    const summary = await engine.call('inspect', [files, {}], { signal });
    fitSamples(summary, picture);
    optionFields.fit(summary);
    form.hidden = false;
    chosen = { name, files, summary };
    showSummary(name, await inspect(files, signal));
  };
  const choose = (name: string, load: () => Promise<ModelFiles>, picture?: OwnModel['picture']) => {
    start((signal) =>
      attempt(async () => {
        chosen = undefined;
        form.hidden = true;
        byId('model-summary').replaceChildren();
        hideResults();
        report(`Loading ${name} …`);
        await open(name, await load(), signal, picture);
      }, name),
    );
  };
  const take = (files: File[]) => {
    const model = files.find((file) => file.name.endsWith('.onnx')) ?? files[0];
    const data = files.filter((file) => file !== model);
    choose(model.name, async () => ({ model, data }));
  };

  const quantize = async ({ name, files, summary }: Chosen, signal: AbortSignal) => {
    const options = optionFields.options(summary);
    const samples = usesSamples(options) ? await samplePlan(summary) : undefined;
    const onProgress = (progress: Progress) => report(phaseText(progress), phaseShare(progress));
    report('Quantizing …');
    const following = { signal, onProgress };
    const result = await engine.call('quantize', [files, options, samples], following);
    const rendered = await engine.call('render', [result.report], { signal });
    const isRandom = !!samples?.inputs.some(({ filling }) => filling.kind === 'random');
    showResults({ name, options, ...result, rendered, isRandom });
  };
  const work = async (model: Chosen, signal: AbortSignal) => {
    form.ariaBusy = 'true';
    [submit.disabled, cancel.hidden] = [true, false];
    cancel.focus();
    hideResults();
    optionFields.mark('');
    let isDone = false;
    await attempt(async () => {
      try {
        await quantize(model, signal);
        isDone = true;
      } catch (error) {
        if (error instanceof EngineError && error.code === 'invalid-option')
          optionFields.mark(error.message);
        throw error;
      }
    });
    const hadFocus = document.activeElement === cancel;
    [submit.disabled, cancel.hidden] = [false, true];
    if (hadFocus) submit.focus();
    form.ariaBusy = 'false';
    if (signal.aborted) conclude('Cancelled.');
    else if (isDone) conclude('Done; the report is below.');
  };

  onPick(byId('model-file'), take);
  for (const { id, name, url, picture } of ownModels) {
    const load = async () => {
      const model = await fetchBlob(url, (share) => report(`Loading ${name} …`, share));
      return { model, data: [] };
    };
    byId(id).addEventListener('click', () => choose(name, load, picture));
  }
  byId('model-dimensions').addEventListener('change', () => {
    const model = chosen;
    if (!model || !form.checkValidity()) return;
    start((signal) =>
      attempt(async () => showSummary(model.name, await inspect(model.files, signal))),
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
