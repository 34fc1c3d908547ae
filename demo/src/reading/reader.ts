/** PaddleOCR's detector and recogniser, in float and in INT8, on one engine. */
import detectorUrl from '#ocr-models/ch_PP-OCRv4_det_infer.onnx?url';
import recogniserUrl from '#ocr-models/ch_PP-OCRv4_rec_infer.onnx?url';
import dictionaryUrl from '#ocr-models/ppocr_keys_v1.txt?url';
import type { Engine } from '../engine/engine.ts';
import { type PlacedLine } from '../ocr/agreement.ts';
import { detectionInput, textBoxes } from '../ocr/detection.ts';
import type { NetworkInput, Pixels } from '../ocr/pixels.ts';
import { type Line, characters, decode, lineInput } from '../ocr/recognition.ts';
import type { Report } from '../ui/feedback.ts';
import { fetchBlob } from '../ui/fetch_blob.ts';
import type { Pair } from '../ui/tiles.ts';

interface Network {
  session: number;
  input: string;
  output: string;
}

export interface ReadLine extends Line, PlacedLine {}

export interface Reading {
  lines: ReadLine[];
  /** Milliseconds in the networks. */
  detecting: number;
  recognising: number;
}

/** Reads pictures in one precision. */
export class Reader {
  readonly #engine: Engine;
  readonly #alphabet: readonly string[];
  readonly #detector: Network;
  readonly #recogniser: Network;

  constructor(engine: Engine, alphabet: readonly string[], detector: Network, recogniser: Network) {
    this.#engine = engine;
    this.#alphabet = alphabet;
    this.#detector = detector;
    this.#recogniser = recogniser;
  }

  async read(image: Pixels, signal: AbortSignal): Promise<Reading> {
    const detection = await this.#run(this.#detector, detectionInput(image), signal);
    const [, , height, width] = detection.dims;
    const lines: ReadLine[] = [];
    let recognising = 0;
    for (const box of textBoxes({ data: detection.data, width, height }, image)) {
      const { data, dims, time } = await this.#run(this.#recogniser, lineInput(image, box), signal);
      lines.push({ box, ...decode(data, dims[2], this.#alphabet) });
      recognising += time;
    }
    return { lines, detecting: detection.time, recognising };
  }

  async #run(
    { session, input, output }: Network,
    { data, dims }: NetworkInput,
    signal: AbortSignal,
  ) {
    const feeds = { [input]: { type: 'float32', data, dims } };
    const { outputs, times } = await this.#engine.call('run', [session, feeds, 1], { signal });
    const result = outputs[output];
    return { data: result.data as Float32Array, dims: result.dims, time: times[0] };
  }
}

export interface Readers {
  float: Reader;
  int8: Reader;
  size: Pair;
}

async function openNetwork(engine: Engine, model: Blob): Promise<Network> {
  const { session, inputs, outputs } = await engine.call('open', [model]);
  return { session, input: inputs[0], output: outputs[0] };
}

/** Loads both networks, and quantizes them here. */
export async function loadReaders(engine: Engine, report: Report): Promise<Readers> {
  const load = (what: string, url: string) =>
    fetchBlob(url, (share) => report(`Loading ${what} …`, share));
  const quantized = async (what: string, model: Blob) => {
    const onProgress = ({ done, total }: { done: number; total: number }) =>
      report(`Quantizing ${what} on this device …`, done / total);
    const files = { model, data: [] };
    return (await engine.call('quantize', [files, { mode: 'dynamic' }], { onProgress })).model;
  };
  const open = async (detector: Blob, recogniser: Blob) =>
    new Reader(
      engine,
      alphabet,
      await openNetwork(engine, detector),
      await openNetwork(engine, recogniser),
    );

  const detector = await load('the detector', detectorUrl);
  const recogniser = await load('the recogniser', recogniserUrl);
  const alphabet = characters(await (await fetchBlob(dictionaryUrl)).text());
  const small = [
    await quantized('the detector', detector),
    await quantized('the recogniser', recogniser),
  ];
  report('Starting the networks …');
  return {
    float: await open(detector, recogniser),
    int8: await open(small[0], small[1]),
    size: {
      float: detector.size + recogniser.size,
      int8: small[0].size + small[1].size,
    },
  };
}
