/** The form: how to quantize, and what to compare on. */
import type { ModelSummary, PortSummary, QuantizeOptions } from 'octet-web';
import { byId, make } from '../ui/dom.ts';
import { decodePicture } from '../ui/files.ts';
import { type Filling, openDimensions } from './inputs.ts';

const choices = {
  sample: 'a sample picture',
  random: 'random values',
  value: 'one value',
  file: 'a file',
};

/** The sample picture of the model shown, if it has one. */
let samplePicture: (() => HTMLCanvasElement) | undefined;

export function weightOptions(): NonNullable<QuantizeOptions['weights']> {
  return {
    type: byId<HTMLSelectElement>('model-type').value as 'int8' | 'uint8',
    symmetric: byId<HTMLInputElement>('model-symmetric').checked,
    perChannel: byId<HTMLInputElement>('model-per-channel').checked,
  };
}

function dimensionField({ key, size }: { key: string; size: number }): HTMLElement {
  const input = make('input', { type: 'number', min: '1', max: '65536', 'data-dimension': key });
  input.value = String(size);
  input.required = true;
  return make('label', {}, make('code', {}, key), input);
}

/** One input: how to fill it, and the control that this way needs. */
function inputField(port: PortSummary): HTMLElement {
  const offered = Object.entries(choices).filter(([kind]) => kind !== 'sample' || samplePicture);
  const select = make(
    'select',
    { 'aria-label': `Values of ${port.name}` },
    ...offered.map(([value, text]) => make('option', { value }, text)),
  );
  const number = make('input', {
    type: 'number',
    step: 'any',
    value: '0',
    'aria-label': `The value of ${port.name}`,
  });
  const file = make('input', {
    type: 'file',
    accept: 'image/*,.npy,.bin,.raw',
    'aria-label': `The file for ${port.name}`,
  });
  const update = () => {
    number.hidden = select.value !== 'value';
    file.hidden = select.value !== 'file';
  };
  select.addEventListener('change', update);
  update();
  return make(
    'div',
    { class: 'input', 'data-input': port.name },
    make('code', {}, port.name),
    select,
    number,
    file,
  );
}

/** Shows fields for the model's open dimensions and inputs. `sample` draws a picture that the model makes sense of. */
export function showOptions(summary: ModelSummary, sample?: () => HTMLCanvasElement): void {
  samplePicture = sample;
  const dimensions = openDimensions(summary).map(dimensionField);
  byId('model-dimensions').hidden = dimensions.length === 0;
  byId('model-dimension-fields').replaceChildren(...dimensions);
  byId('model-input-fields').replaceChildren(...summary.inputs.map(inputField));
  byId('model-form').hidden = false;
}

/** Sizes of the open dimensions by their keys. */
export function dimensionSizes(): Map<string, number> {
  const fields = document.querySelectorAll<HTMLInputElement>('#model-dimensions [data-dimension]');
  return new Map([...fields].map((field) => [field.dataset.dimension!, Number(field.value)]));
}

function pictureFilling(picture: CanvasImageSource): Filling {
  return {
    kind: 'picture',
    draw(width, height) {
      const canvas = make('canvas', { width: String(width), height: String(height) });
      const context = canvas.getContext('2d')!;
      context.drawImage(picture, 0, 0, width, height);
      return context.getImageData(0, 0, width, height);
    },
  };
}

async function fileFilling(name: string, file: File | undefined): Promise<Filling> {
  if (!file) throw new Error(`Choose a file for input '${name}'.`);
  if (!file.type.startsWith('image/'))
    return { kind: 'bytes', bytes: new Uint8Array(await file.arrayBuffer()) };
  return pictureFilling(await decodePicture(file));
}

async function fillingOf(field: HTMLElement): Promise<[string, Filling]> {
  const name = field.dataset.input!;
  const kind = field.querySelector('select')!.value;
  const [number, file] = field.querySelectorAll('input');
  if (kind === 'sample' && samplePicture) return [name, pictureFilling(samplePicture())];
  if (kind === 'file') return [name, await fileFilling(name, file.files?.[0])];
  return [name, kind === 'value' ? { kind, value: Number(number.value) } : { kind: 'random' }];
}

/** What every input is filled with. */
export async function inputFillings(): Promise<Map<string, Filling>> {
  const fields = document.querySelectorAll<HTMLElement>('#model-input-fields [data-input]');
  return new Map(await Promise.all([...fields].map(fillingOf)));
}
