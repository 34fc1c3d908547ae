import type { ModelSummary, QuantizationReport } from 'octet-web';
import { call } from './engine.ts';
import { acceptDrops, attempt, byId, bytes, card, facts, make, milliseconds } from './page.ts';
import type { PlainFeeds, PlainTensor } from './protocol.ts';

const sampleCount = 5;

interface Chosen {
  name: string;
  file: Uint8Array;
  summary: ModelSummary;
}

/** Free dimensions of the inputs: symbols, and a name of our own for those without one. */
function openDimensions(summary: ModelSummary): Map<string, string> {
  const out = new Map<string, string>();
  for (const port of summary.inputs)
    port.shape?.forEach((dim, i) => {
      if (typeof dim !== 'number')
        out.set(dim ?? `${port.name}#${i}`, dim ?? `${port.name}, axis ${i}`);
    });
  return out;
}

function showSummary({ name, summary }: Chosen): void {
  const shape = (dims: (number | string | null)[] | null) =>
    `[${(dims ?? ['…']).map((d) => d ?? '?').join(', ')}]`;
  const ports = (list: ModelSummary['inputs']) =>
    list.map((p) => `${p.name}: ${p.type} ${shape(p.shape)}`).join('; ');
  const counts = (of: Record<string, number>) =>
    Object.entries(of)
      .sort((a, b) => b[1] - a[1])
      .map(([op, n]) => `${op} ×${n}`)
      .join(', ');
  const rows: [string, string][] = [
    ['file', `${name}, ${bytes(summary.bytes)}`],
    [
      'opset',
      Object.entries(summary.opsets)
        .map(([domain, v]) => `${domain} ${v}`)
        .join(', '),
    ],
    ['inputs', ports(summary.inputs)],
    ['outputs', ports(summary.outputs)],
    ['operators', counts(summary.operators)],
    ['parameters', `${summary.parameters.toLocaleString('en')} (${bytes(summary.parameterBytes)})`],
  ];
  if (summary.macs !== null)
    rows.push([
      'multiply-adds',
      `${(summary.macs / 1e6).toFixed(1)} million, open dimensions as 1`,
    ]);
  const quantized = counts(summary.quantized);
  rows.push(['quantized already', quantized || 'nothing']);
  const missing = counts(summary.unsupported);
  if (missing) rows.push(['not supported', missing]);
  byId('model-summary').replaceChildren(make('div', { class: 'card' }, facts(rows)));
}

function showDimensionFields(summary: ModelSummary): void {
  const box = byId<HTMLFieldSetElement>('model-dims');
  const open = openDimensions(summary);
  box.replaceChildren(
    make('legend', {}, 'Sizes of open dimensions'),
    ...[...open].map(([key, label]) =>
      make(
        'label',
        {},
        `${label} `,
        make('input', { type: 'number', min: '1', max: '100000', value: '1', 'data-dim': key }),
      ),
    ),
  );
  box.hidden = open.size === 0;
}

function dimensionSizes(): Map<string, number> {
  const fields = byId('model-dims').querySelectorAll<HTMLInputElement>('input');
  return new Map(
    [...fields].map((field) => [field.dataset.dim ?? '', Math.max(1, Number(field.value) || 1)]),
  );
}

/** The array that holds an element type, with how a random element is made. */
const kinds: Record<
  string,
  [new (buffer: ArrayBuffer) => PlainTensor['data'], () => number | bigint]
> = {
  float32: [Float32Array, () => Math.random() * 2 - 1],
  float64: [Float64Array, () => Math.random() * 2 - 1],
  int64: [BigInt64Array as never, () => BigInt(Math.random() < 0.5 ? 0 : 1)],
  int32: [Int32Array, () => (Math.random() < 0.5 ? 0 : 1)],
  uint8: [Uint8Array, () => Math.floor(Math.random() * 256)],
  int8: [Int8Array, () => Math.floor(Math.random() * 256) - 128],
  bool: [Uint8Array, () => (Math.random() < 0.5 ? 0 : 1)],
};

type Filling = 'random' | 'zeros' | 'file';

function inputTensor(
  port: ModelSummary['inputs'][number],
  sizes: Map<string, number>,
  filling: Filling,
  raw: ArrayBuffer | undefined,
): PlainTensor {
  const kind = kinds[port.type];
  if (!kind) throw new Error(`input '${port.name}' holds ${port.type}, which this page can't make`);
  const dims = (port.shape ?? []).map((dim, i) =>
    typeof dim === 'number' ? dim : (sizes.get(dim ?? `${port.name}#${i}`) ?? 1),
  );
  const [array, random] = kind;
  const count = dims.reduce((product, dim) => product * dim, 1);
  const width = new array(new ArrayBuffer(8)).BYTES_PER_ELEMENT;
  if (filling === 'file') {
    if (raw?.byteLength !== count * width)
      throw new Error(
        `the file has ${raw?.byteLength ?? 0} bytes; input '${port.name}' takes ${count * width}`,
      );
    return { type: port.type, data: new array(raw), dims };
  }
  const data = new array(new ArrayBuffer(count * width));
  if (filling === 'random') for (let i = 0; i < count; ++i) data[i] = random();
  return { type: port.type, data, dims };
}

async function makeSamples(summary: ModelSummary): Promise<PlainFeeds[]> {
  const sizes = dimensionSizes();
  const filling = document.querySelector<HTMLInputElement>('input[name=input]:checked')!
    .value as Filling;
  const file = byId<HTMLInputElement>('model-input').files?.[0];
  if (filling === 'file' && summary.inputs.length !== 1)
    throw new Error('a file of values can feed a model with one input only');
  const raw = filling === 'file' ? await file?.arrayBuffer() : undefined;
  return Array.from({ length: sampleCount }, () =>
    Object.fromEntries(
      summary.inputs.map((port) => [port.name, inputTensor(port, sizes, filling, raw)]),
    ),
  );
}

const decibels = (value: number) => (value === Infinity ? 'exact' : `${value.toFixed(1)} dB`);

function downloadLink({ name }: Chosen, model: Uint8Array): HTMLAnchorElement {
  const url = URL.createObjectURL(
    new Blob([new Uint8Array(model)], { type: 'application/octet-stream' }),
  );
  const link = make('a', {
    href: url,
    class: 'button',
    download: name.replace(/(\.onnx)?$/, '.int8.onnx'),
    id: 'model-download',
  });
  link.textContent = 'Download the quantized model';
  return link;
}

async function showResults(
  chosen: Chosen,
  model: Uint8Array,
  report: QuantizationReport,
): Promise<void> {
  const results = byId('model-results');
  results.replaceChildren(make('div', { class: 'row' }, downloadLink(chosen, model)));
  const comparison = await call('compare', [chosen.file, model, await makeSamples(chosen.summary)]);
  const rows = comparison.outputs.map((output) =>
    make(
      'tr',
      {},
      make('td', {}, output.name),
      make('td', {}, decibels(output.sqnrDb)),
      make('td', {}, output.cosine.toFixed(5)),
      make('td', {}, output.maxError.toPrecision(3)),
      make('td', {}, `${(output.top1Agreement * 100).toFixed(1)} %`),
    ),
  );
  const head = ['Output', 'SQNR', 'Cosine', 'Largest error', 'Top-1 agreement'].map((text) =>
    make('th', { scope: 'col' }, text),
  );
  results.prepend(
    make(
      'div',
      { class: 'pair' },
      card(
        'float',
        'Float',
        facts([
          ['size', bytes(report.bytesBefore)],
          ['time', milliseconds(comparison.reference.latencyMs)],
        ]),
      ),
      card(
        'int8',
        'INT8',
        facts([
          ['size', bytes(report.bytesAfter)],
          ['time', milliseconds(comparison.candidate.latencyMs)],
        ]),
      ),
    ),
    make(
      'p',
      {},
      `${report.tensors.length} tensors quantized, ${report.floatNodes.length} nodes with weights left in float. Times are medians of ${comparison.samples} runs.`,
    ),
    make(
      'div',
      { class: 'scroll' },
      make(
        'table',
        { class: 'lines' },
        make('thead', {}, make('tr', {}, ...head)),
        make('tbody', {}, ...rows),
      ),
    ),
  );
}

export function startModel(): void {
  const form = byId<HTMLFormElement>('model-form');
  const status = byId('model-status');
  const progress = byId<HTMLProgressElement>('model-progress');
  const cancel = byId<HTMLButtonElement>('model-cancel');
  const start = byId<HTMLButtonElement>('model-quantize');
  let chosen: Chosen | undefined;
  let stop: AbortController | undefined;

  const choose = (file: File) =>
    attempt('model', async () => {
      chosen = undefined;
      form.hidden = true;
      byId('model-summary').replaceChildren();
      byId('model-results').replaceChildren();
      status.textContent = `Reading ${file.name} …`;
      try {
        const data = new Uint8Array(await file.arrayBuffer());
        chosen = { name: file.name, file: data, summary: await call('inspect', [data]) };
      } finally {
        status.textContent = '';
      }
      showSummary(chosen);
      showDimensionFields(chosen.summary);
      form.hidden = false;
    });

  const quantize = (model: Chosen) =>
    attempt('model', async () => {
      stop = new AbortController();
      const { signal } = stop;
      [start.disabled, cancel.hidden, progress.hidden] = [true, false, false];
      progress.removeAttribute('value');
      status.textContent = 'Quantizing …';
      byId('model-results').replaceChildren();
      try {
        const weights = {
          type: byId<HTMLSelectElement>('model-type').value as 'int8' | 'uint8',
          symmetric: byId<HTMLInputElement>('model-symmetric').checked,
          perChannel: byId<HTMLInputElement>('model-per-channel').checked,
        };
        const onProgress = ({ done, total }: { done: number; total: number }) => {
          progress.max = total;
          progress.value = done;
        };
        const { model: result, report } = await call('quantize', [model.file, weights], {
          signal,
          onProgress,
        });
        status.textContent = 'Comparing …';
        progress.removeAttribute('value');
        await showResults(model, result, report);
      } finally {
        [start.disabled, cancel.hidden, progress.hidden] = [false, true, true];
        status.textContent = signal.aborted ? 'Cancelled.' : '';
      }
    });

  acceptDrops(byId('panel-model'), choose);
  byId<HTMLInputElement>('model-file').addEventListener('change', (event) => {
    const file = (event.target as HTMLInputElement).files?.[0];
    if (file) choose(file);
  });
  byId('model-input').addEventListener('change', () => {
    byId<HTMLInputElement>('model-input-choice').checked = true;
  });
  cancel.addEventListener('click', () => stop?.abort());
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (chosen) quantize(chosen);
  });
}
