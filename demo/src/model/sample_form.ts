/** The part of the form that says what the samples are made of. */
import type { ModelSummary, PortSummary } from 'octet-web';
import { type Filling, type SamplePlan, openDimensions, planInputs } from '../samples/plan.ts';
import { byId, make } from '../ui/dom.ts';

const choices = {
  picture: 'a sample picture',
  random: 'random values',
  value: 'one value',
  files: 'files',
};

/** The sample picture of the model shown, if it has one. */
let samplePicture: (() => HTMLCanvasElement) | undefined;

function dimensionField({ key, size }: { key: string; size: number }): HTMLElement {
  const input = make('input', { type: 'number', min: '1', max: '65536', 'data-dimension': key });
  input.value = String(size);
  input.required = true;
  const label = make('label', { for: `size-${key}` }, make('code', {}, key));
  input.id = `size-${key}`;
  return make('div', { class: 'field' }, label, input);
}

/** One input: how to fill it, and the control that this way needs. */
function inputField({ name }: PortSummary): HTMLElement {
  const offered = Object.entries(choices).filter(([kind]) => kind !== 'picture' || samplePicture);
  const select = make(
    'select',
    { 'aria-label': `Values of ${name}` },
    ...offered.map(([value, text]) => make('option', { value }, text)),
  );
  const number = make('input', {
    type: 'number',
    step: 'any',
    value: '0',
    'aria-label': `The value of ${name}`,
  });
  const files = make('input', {
    type: 'file',
    multiple: '',
    accept: 'image/*,.npy,.npz,.bin,.raw',
    'aria-label': `The files for ${name}`,
  });
  const update = () => {
    number.hidden = select.value !== 'value';
    files.hidden = select.value !== 'files';
  };
  select.addEventListener('change', update);
  update();
  const code = make('code', {}, name);
  return make('div', { class: 'field', 'data-input': name }, code, select, number, files);
}

const inputFields = () =>
  document.querySelectorAll<HTMLElement>('#model-input-fields [data-input]');

function showCount(): void {
  const selects = [...inputFields()].map((field) => field.querySelector('select')!);
  byId('model-count-field').hidden = !selects.some(({ value }) => value === 'random');
}

/** Shows fields for the model's open dimensions and inputs. `sample` draws a picture that the model makes sense of. */
export function fitSamples(summary: ModelSummary, sample?: () => HTMLCanvasElement): void {
  samplePicture = sample;
  const dimensions = openDimensions(summary).map(dimensionField);
  byId('model-dimensions').hidden = dimensions.length === 0;
  byId('model-dimension-fields').replaceChildren(...dimensions);
  byId('model-input-fields').replaceChildren(...summary.inputs.map(inputField));
  byId('model-input-fields').onchange = showCount;
  showCount();
}

/** Sizes of the open dimensions by their keys. */
export function dimensionSizes(): Map<string, number> {
  const fields = document.querySelectorAll<HTMLInputElement>('#model-dimensions [data-dimension]');
  return new Map([...fields].map((field) => [field.dataset.dimension!, Number(field.value)]));
}

async function fillingOf(field: HTMLElement): Promise<[string, Filling]> {
  const name = field.dataset.input!;
  const kind = field.querySelector('select')!.value;
  const [number, files] = field.querySelectorAll('input');
  if (kind === 'picture')
    return [name, { kind, picture: await createImageBitmap(samplePicture!()) }];
  if (kind === 'files') return [name, { kind, files: [...files.files!] }];
  return [name, kind === 'value' ? { kind, value: Number(number.value) } : { kind: 'random' }];
}

/** What the samples are to be made of. */
export async function samplePlan(summary: ModelSummary): Promise<SamplePlan> {
  const fillings = new Map(await Promise.all([...inputFields()].map(fillingOf)));
  return {
    inputs: planInputs(summary, dimensionSizes(), fillings),
    count: Number(byId<HTMLInputElement>('model-count').value),
  };
}
