/** "Draw a digit": one drawing, answered by the MNIST network in float and in INT8. */
import mnistUrl from '#fixtures/mnist_cnn.onnx?url';
import type { Engine } from '../engine/engine.ts';
import { bar, byId, make } from '../ui/dom.ts';
import { panelFeedback } from '../ui/feedback.ts';
import { fetchBlob } from '../ui/fetch_blob.ts';
import { median, percent } from '../ui/format.ts';
import { once } from '../ui/once.ts';
import { type Pair, agreementTile, sizeTile, tiles, timeTile } from '../ui/tiles.ts';
import { turns } from '../ui/turns.ts';
import { mnistInput, mnistSide } from './mnist_input.ts';
import { startPen } from './pen.ts';

const repeats = 51;
/** Milliseconds after the last stroke before the networks look. */
const pause = 100;

interface Network {
  session: number;
  input: string;
  output: string;
}

interface Networks {
  float: Network;
  int8: Network;
  size: Pair;
}

interface Answer {
  probabilities: Float32Array;
  time: number;
}

async function openNetwork(engine: Engine, model: Blob): Promise<Network> {
  const { session, inputs, outputs } = await engine.call('open', [model]);
  return { session, input: inputs[0], output: outputs[0] };
}

async function loadNetworks(engine: Engine): Promise<Networks> {
  const file = await fetchBlob(mnistUrl);
  const { model } = await engine.call('quantize', [{ model: file, data: [] }, { mode: 'dynamic' }]);
  return {
    float: await openNetwork(engine, file),
    int8: await openNetwork(engine, model),
    size: { float: file.size, int8: model.size },
  };
}

async function classify(
  engine: Engine,
  network: Network,
  data: Float32Array,
  signal: AbortSignal,
): Promise<Answer> {
  const feeds = {
    [network.input]: { type: 'float32', data, dims: [1, 1, mnistSide, mnistSide] },
  };
  const { outputs, times } = await engine.call('run', [network.session, feeds, repeats], {
    signal,
  });
  return {
    probabilities: outputs[network.output].data as Float32Array,
    time: median(times),
  };
}

function likeliest(probabilities: Float32Array): number {
  return probabilities.indexOf(Math.max(...probabilities));
}

function showAnswer(kind: keyof Pair, answer?: Answer): void {
  const card = byId(`digit-${kind}`);
  const digit = answer && likeliest(answer.probabilities);
  card.querySelector('output')!.textContent = digit === undefined ? '–' : String(digit);
  const rows = Array.from({ length: 10 }, (_, i) => {
    const share = answer?.probabilities[i] ?? 0;
    return make(
      'li',
      i === digit ? { class: 'likeliest' } : {},
      make('span', { class: 'label' }, String(i)),
      bar(share),
      make('span', { class: 'value' }, answer ? percent(share) : ''),
    );
  });
  card.querySelector('ol')!.replaceChildren(...rows);
}

function showTiles(size: Pair, float: Answer, int8: Answer): void {
  const same = likeliest(float.probabilities) === likeliest(int8.probabilities);
  const furthest = Math.max(
    ...float.probabilities.map((p, i) => Math.abs(p - int8.probabilities[i])),
  );
  byId('digit-tiles').replaceChildren(
    tiles(
      agreementTile(
        same,
        same ? 'same answer' : 'different answers',
        `Largest difference of a probability: ${(furthest * 100).toFixed(2)} points`,
      ),
      sizeTile(size),
      timeTile({ float: float.time, int8: int8.time }, repeats),
    ),
  );
}

/** Shows the 28 × 28 numbers that the networks get. */
function showInput(data: Float32Array | undefined): void {
  const canvas = byId<HTMLCanvasElement>('digit-input');
  const context = canvas.getContext('2d')!;
  const picture = context.createImageData(mnistSide, mnistSide);
  for (let i = 0; i < mnistSide * mnistSide; ++i) {
    const value = (data?.[i] ?? 0) * 255;
    picture.data.set([value, value, value, 255], i * 4);
  }
  context.putImageData(picture, 0, 0);
}

export function startDigit(engine: Engine): { shown: () => void } {
  const networks = once(() => loadNetworks(engine));
  const { attempt } = panelFeedback('digit', () => {
    engine.stop();
    networks.forget();
  });
  let timer: number | undefined;
  const { start, stop } = turns();
  const panel = byId('panel-digit');

  const reset = () => {
    showAnswer('float');
    showAnswer('int8');
    byId('digit-tiles').replaceChildren();
  };
  const look = async (data: Float32Array, signal: AbortSignal) => {
    const { float, int8, size } = await networks.get();
    const first = await classify(engine, float, data, signal);
    const second = await classify(engine, int8, data, signal);
    showAnswer('float', first);
    showAnswer('int8', second);
    showTiles(size, first, second);
  };
  const answer = async (signal: AbortSignal) => {
    const data = mnistInput(drawing.pixels());
    showInput(data);
    await attempt(async () => (data ? look(data, signal) : reset()));
    if (!signal.aborted) panel.ariaBusy = 'false';
  };
  const drawing = startPen(byId('digit-canvas'), byId('digit-pen'), (isEmpty) => {
    byId('digit-hint').hidden = !isEmpty;
    panel.ariaBusy = 'true';
    stop();
    clearTimeout(timer);
    timer = window.setTimeout(() => start(answer), pause);
  });
  byId('digit-clear').addEventListener('click', drawing.clear);
  reset();
  return { shown: () => void attempt(networks.get) };
}
