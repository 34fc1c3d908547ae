import detectUrl from '#ocr-models/ch_PP-OCRv4_det_infer.onnx?url';
import recogniseUrl from '#ocr-models/ch_PP-OCRv4_rec_infer.onnx?url';
import dictionaryUrl from '#ocr-models/ppocr_keys_v1.txt?url';
import { call } from './engine.ts';
import { detectionInput, textBoxes } from './ocr/detect.ts';
import type { Box, Pixels } from './ocr/image.ts';
import { type Line, characters, decode, recognitionInput } from './ocr/recognise.ts';
import {
  acceptDrops,
  attempt,
  byId,
  bytes,
  card,
  facts,
  fetchBytes,
  make,
  milliseconds,
} from './page.ts';
import { sampleLines } from './sample.ts';

const longestSide = 1600;
const detectRepeats = 3;

interface Network {
  session: number;
  input: string;
  output: string;
}

/** Both networks in one precision. */
interface Reader {
  detect: Network;
  recognise: Network;
  bytes: number;
}

interface Reading {
  boxes: Box[];
  lines: Line[];
  detectMs: number;
  recogniseMs: number;
}

async function openNetwork(model: Uint8Array): Promise<Network> {
  const { session, inputs, outputs } = await call('open', [model]);
  return { session, input: inputs[0].name, output: outputs[0] };
}

async function openReader(detect: Uint8Array, recognise: Uint8Array): Promise<Reader> {
  return {
    detect: await openNetwork(detect),
    recognise: await openNetwork(recognise),
    bytes: detect.byteLength + recognise.byteLength,
  };
}

const quantized = async (model: Uint8Array) =>
  (await call('quantize', [model, { type: 'int8', perChannel: true }])).model;

async function loadReaders(report: (text: string, share?: number) => void) {
  const load = (what: string, url: string) =>
    fetchBytes(url, (share) => report(`Loading ${what} …`, share));
  const detect = await load('the detector', detectUrl);
  const recognise = await load('the reader', recogniseUrl);
  const dictionary = new TextDecoder().decode(await fetchBytes(dictionaryUrl));
  report('Quantizing both networks on this device …');
  const float = await openReader(detect, recognise);
  const int8 = await openReader(await quantized(detect), await quantized(recognise));
  return { float, int8, alphabet: characters(dictionary) };
}

type Readers = Awaited<ReturnType<typeof loadReaders>>;

async function runNetwork(
  network: Network,
  input: { data: Float32Array; dims: readonly number[] },
  repeats: number,
) {
  const feeds = { [network.input]: { type: 'float32', data: input.data, dims: input.dims } };
  const { outputs, milliseconds: time } = await call('run', [network.session, feeds, repeats]);
  return { output: outputs[network.output], time };
}

async function read(reader: Reader, alphabet: string[], image: Pixels): Promise<Reading> {
  const detection = await runNetwork(reader.detect, detectionInput(image), detectRepeats);
  const [, , height, width] = detection.output.dims;
  const boxes = textBoxes(detection.output.data as Float32Array, width, height, image);
  const lines: Line[] = [];
  let recogniseMs = 0;
  for (const box of boxes) {
    const { output, time } = await runNetwork(reader.recognise, recognitionInput(image, box), 1);
    lines.push(decode(output.data as Float32Array, output.dims[2], alphabet));
    recogniseMs += time;
  }
  return { boxes, lines, detectMs: detection.time, recogniseMs };
}

function drawBoxes(canvas: HTMLCanvasElement, boxes: Box[]): void {
  const context = canvas.getContext('2d')!;
  context.strokeStyle = '#2350d8';
  context.lineWidth = Math.max(2, canvas.width / 400);
  for (const { cx, cy, width, height, angle } of boxes) {
    context.save();
    context.translate(cx, cy);
    context.rotate(angle);
    context.strokeRect(-width / 2, -height / 2, width, height);
    context.restore();
  }
}

function readingCard(
  kind: 'float' | 'int8',
  title: string,
  reader: Reader,
  reading: Reading,
): HTMLElement {
  return card(
    kind,
    title,
    facts([
      ['size', bytes(reader.bytes)],
      ['finding lines', `${milliseconds(reading.detectMs)} (median of ${detectRepeats})`],
      ['reading lines', `${milliseconds(reading.recogniseMs)} for ${reading.lines.length}`],
    ]),
  );
}

function linesTable(float: Reading, int8: Reading): HTMLElement {
  const rows = Array.from({ length: Math.max(float.lines.length, int8.lines.length) }, (_, i) => {
    const [a, b] = [float.lines[i]?.text ?? '', int8.lines[i]?.text ?? ''];
    const mark: Record<string, string> = a === b ? {} : { class: 'differs' };
    return make(
      'tr',
      {},
      make('td', { 'data-kind': 'float' }, a),
      make('td', { ...mark, 'data-kind': 'int8' }, b),
    );
  });
  const head = make(
    'tr',
    {},
    make('th', { scope: 'col' }, 'Float'),
    make('th', { scope: 'col' }, 'INT8'),
  );
  return make(
    'div',
    { class: 'scroll' },
    make('table', { class: 'lines' }, make('thead', {}, head), make('tbody', {}, ...rows)),
  );
}

function showReadings(readers: Readers, float: Reading, int8: Reading): void {
  const agreeing = float.lines.filter((line, i) => line.text === int8.lines[i]?.text).length;
  byId('ocr-results').replaceChildren(
    make(
      'div',
      { class: 'pair' },
      readingCard('float', 'Float', readers.float, float),
      readingCard('int8', 'INT8', readers.int8, int8),
    ),
    make('p', {}, `${agreeing} of ${float.lines.length} lines read the same.`),
    linesTable(float, int8),
  );
}

/** Draws a picture on the canvas, no larger than needed, and returns its pixels. */
function place(
  canvas: HTMLCanvasElement,
  picture: CanvasImageSource,
  width: number,
  height: number,
): Pixels {
  const scale = Math.min(1, longestSide / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

function samplePicture(): HTMLCanvasElement {
  const canvas = make('canvas', { width: '720', height: '360' });
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = '#111';
  sampleLines.forEach(({ text, font }, i) => {
    context.font = font;
    context.fillText(text, 40, 70 + i * 70);
  });
  return canvas;
}

export function startOcr(isShown: () => boolean): void {
  const canvas = byId<HTMLCanvasElement>('ocr-canvas');
  const status = byId('ocr-status');
  const progress = byId<HTMLProgressElement>('ocr-progress');
  let readers: Promise<Readers> | undefined;

  const report = (text: string, share?: number) => {
    status.textContent = text;
    progress.hidden = text === '';
    if (share === undefined) progress.removeAttribute('value');
    else progress.value = share;
  };
  const readPicture = (open: () => Promise<Pixels>) =>
    attempt('ocr', async () => {
      byId('ocr-results').replaceChildren();
      try {
        const pixels = await open();
        readers ??= loadReaders(report);
        const loaded = await readers.catch((error: unknown) => {
          readers = undefined;
          throw error;
        });
        report('Reading in float …');
        const float = await read(loaded.float, loaded.alphabet, pixels);
        report('Reading in INT8 …');
        const int8 = await read(loaded.int8, loaded.alphabet, pixels);
        drawBoxes(canvas, int8.boxes);
        showReadings(loaded, float, int8);
      } finally {
        report('');
      }
    });
  const readFile = (file: File) =>
    readPicture(async () => {
      const bitmap = await createImageBitmap(file).catch(() => {
        throw new Error(`${file.name || 'the file'} is not a picture that this browser can open`);
      });
      return place(canvas, bitmap, bitmap.width, bitmap.height);
    });

  byId('ocr-sample').addEventListener('click', () =>
    readPicture(async () => {
      const picture = samplePicture();
      return place(canvas, picture, picture.width, picture.height);
    }),
  );
  byId<HTMLInputElement>('ocr-file').addEventListener('change', (event) => {
    const file = (event.target as HTMLInputElement).files?.[0];
    if (file) readFile(file);
  });
  acceptDrops(byId('panel-ocr'), readFile);
  document.addEventListener('paste', (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((f) => f.type.startsWith('image/'));
    if (file && isShown()) readFile(file);
  });
}
