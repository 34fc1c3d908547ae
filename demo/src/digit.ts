import mnistUrl from '#fixtures/mnist_cnn.onnx?url';
import { call } from './engine.ts';
import { attempt, byId, bytes, card, facts, fetchBytes, make, milliseconds } from './page.ts';
import { digitInput } from './digit_input.ts';

const size = 280;
const penWidth = 20;
const step = 8;
const repeats = 9;

interface Variant {
  session: number;
  bytes: number;
  input: string;
  output: string;
  shape: number[];
}

async function open(model: Uint8Array): Promise<Variant> {
  const { session, inputs, outputs } = await call('open', [model]);
  const shape = inputs[0].shape.map((dim) => (typeof dim === 'number' ? dim : 1));
  return { session, bytes: model.byteLength, input: inputs[0].name, output: outputs[0], shape };
}

async function loadVariants(): Promise<{ float: Variant; int8: Variant }> {
  const file = await fetchBytes(mnistUrl);
  const { model } = await call('quantize', [file, { type: 'int8', perChannel: true }]);
  return { float: await open(file), int8: await open(model) };
}

function bars(probabilities: ArrayLike<number>): HTMLElement {
  const rows = Array.from({ length: 10 }, (_, digit) => {
    const share = probabilities[digit];
    const label = `${(share * 100).toFixed(1)} %`;
    const meter = make(
      'meter',
      { min: '0', max: '1', value: String(share), 'aria-label': `digit ${digit}` },
      label,
    );
    return [make('span', {}, String(digit)), meter, make('span', {}, label)];
  });
  return make('div', { class: 'bars' }, ...rows.flat());
}

/** The likeliest digit. */
function top(probabilities: ArrayLike<number>): number {
  return Array.from(probabilities).reduce((best, p, i, all) => (p > all[best] ? i : best), 0);
}

async function classify(variant: Variant, data: Float32Array) {
  const feeds = { [variant.input]: { type: 'float32', data, dims: variant.shape } };
  const { outputs, milliseconds: time } = await call('run', [variant.session, feeds, repeats]);
  return {
    probabilities: outputs[variant.output].data as Float32Array,
    time,
    bytes: variant.bytes,
  };
}

type Answer = Awaited<ReturnType<typeof classify>>;

function showAnswer(kind: 'float' | 'int8', title: string, answer: Answer): HTMLElement {
  const digit = top(answer.probabilities);
  return card(
    kind,
    title,
    make('div', { class: 'answer', 'data-digit': String(digit) }, String(digit)),
    bars(answer.probabilities),
    facts([
      ['size', bytes(answer.bytes)],
      ['time', `${milliseconds(answer.time)} (median of ${repeats})`],
    ]),
  );
}

/** The pen, by pointer and by keyboard. */
function startPen(canvas: HTMLCanvasElement, onChange: () => void, clear: () => void): void {
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  let last: [number, number] | undefined;
  const pen = { x: size / 2, y: size / 4, down: false };
  const stroke = (from: [number, number], to: [number, number]) => {
    context.strokeStyle = '#fff';
    context.lineWidth = penWidth;
    context.lineCap = 'round';
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
    onChange();
  };
  const at = (event: PointerEvent): [number, number] => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * size) / box.width,
      ((event.clientY - box.top) * size) / box.height,
    ];
  };
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    stroke(last, last);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!last) return;
    const next = at(event);
    stroke(last, next);
    last = next;
  });
  for (const name of ['pointerup', 'pointercancel'] as const)
    canvas.addEventListener(name, () => (last = undefined));
  canvas.addEventListener('keydown', (event) => {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step],
    };
    const move = moves[event.key];
    if (event.key === ' ') {
      pen.down = !pen.down;
      if (pen.down) stroke([pen.x, pen.y], [pen.x, pen.y]);
    } else if (event.key === 'Delete') {
      pen.down = false;
      clear();
    } else if (move) {
      const from: [number, number] = [pen.x, pen.y];
      pen.x = Math.min(Math.max(pen.x + move[0], 0), size);
      pen.y = Math.min(Math.max(pen.y + move[1], 0), size);
      if (pen.down) stroke(from, [pen.x, pen.y]);
    } else return;
    event.preventDefault();
  });
}

export function startDigit(): void {
  const canvas = byId<HTMLCanvasElement>('digit-canvas');
  const answers = byId('digit-answers');
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  let variants: ReturnType<typeof loadVariants> | undefined;
  let drawing = 0; // counts changes, so that only the latest drawing is shown
  let timer: number | undefined;

  const look = () =>
    attempt('digit', async () => {
      const mine = drawing;
      const data = digitInput(context.getImageData(0, 0, size, size));
      if (!data) return;
      variants ??= loadVariants();
      const loaded = await variants.catch((error: unknown) => {
        variants = undefined;
        throw error;
      });
      const float = await classify(loaded.float, data);
      const int8 = await classify(loaded.int8, data);
      if (mine !== drawing) return;
      answers.replaceChildren(
        showAnswer('float', 'Float', float),
        showAnswer('int8', 'INT8', int8),
      );
    });
  const changed = () => {
    drawing += 1;
    clearTimeout(timer);
    timer = window.setTimeout(look, 120);
  };
  const clear = () => {
    context.fillStyle = '#000';
    context.fillRect(0, 0, size, size);
    drawing += 1;
    answers.replaceChildren();
  };
  clear();
  startPen(canvas, changed, clear);
  byId('digit-clear').addEventListener('click', clear);
}
