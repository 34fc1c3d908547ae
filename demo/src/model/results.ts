/** What quantization did to a model: the download, the three tiles, and the details. */
import type { Comparison, QuantizationReport, TensorComparison } from 'octet-web';
import { bar, byId, make, table } from '../ui/dom.ts';
import { decibels, percent } from '../ui/format.ts';
import { agreementTile, sizeTile, tiles, timeTile } from '../ui/tiles.ts';

const layersShown = 30;
/** A bar of this length stands for no visible difference. */
const fullBarDb = 60;

/** Below this the answers have little in common. */
const poorDb = 10;

/** A comparison, and whether it was made on random inputs. */
export interface Compared extends Comparison {
  isRandom: boolean;
}

let downloadUrl: string | undefined;

function details(title: string, ...children: HTMLElement[]): HTMLElement {
  return make('details', {}, make('summary', {}, title), ...children);
}

function downloadLink(name: string, model: Uint8Array): HTMLElement {
  if (downloadUrl) URL.revokeObjectURL(downloadUrl);
  const type = 'application/octet-stream';
  downloadUrl = URL.createObjectURL(new Blob([model as Uint8Array<ArrayBuffer>], { type }));
  return make(
    'a',
    {
      id: 'model-download',
      class: 'button primary',
      href: downloadUrl,
      download: name.replace(/(\.onnx)?$/, '.int8.onnx'),
    },
    'Download the quantized model',
  );
}

function cells(...texts: string[]): HTMLElement {
  return make('tr', {}, ...texts.map((text) => make('td', {}, text)));
}

function outputsTable(outputs: readonly TensorComparison[]): HTMLElement {
  return table(
    'Outputs of the quantized model against the original',
    ['Output', 'SQNR', 'Cosine', 'Largest error', 'Same top-1'],
    outputs.map((output) =>
      cells(
        output.name,
        decibels(output.sqnrDb),
        output.cosine.toFixed(5),
        output.maxError.toPrecision(3),
        percent(output.top1Agreement),
      ),
    ),
  );
}

function layerBars(layers: readonly TensorComparison[]): HTMLElement {
  const loss = (layer: TensorComparison) => layer.sqnrDb ?? Infinity;
  const worst = [...layers].sort((a, b) => loss(a) - loss(b)).slice(0, layersShown);
  const rows = worst.map((layer) =>
    make(
      'li',
      { class: 'int8' },
      make('span', { class: 'label' }, layer.name),
      bar(loss(layer) / fullBarDb),
      make('span', { class: 'value' }, decibels(layer.sqnrDb)),
    ),
  );
  return make('ol', { class: 'bars operators' }, ...rows);
}

function weightsTable({ tensors }: QuantizationReport): HTMLElement {
  return table(
    'Weights that were quantized',
    ['Weight', 'Node', 'Type', 'Scales', 'SQNR'],
    tensors.map((tensor) =>
      cells(
        tensor.name,
        tensor.node,
        `${tensor.type}, ${tensor.granularity}`,
        [...new Set([tensor.scale.min, tensor.scale.max])].map((s) => s.toPrecision(3)).join(' … '),
        decibels(tensor.sqnrDb),
      ),
    ),
  );
}

function floatNodesTable({ floatNodes }: QuantizationReport): HTMLElement {
  return table(
    'Nodes with weights that stay in float',
    ['Node', 'Operator', 'Reason'],
    floatNodes.map(({ name, opType, reason }) => cells(name, opType, reason)),
  );
}

function reportDetails(report: QuantizationReport): HTMLElement[] {
  const { tensors, floatNodes } = report;
  const out = [details(`Quantized weights (${tensors.length})`, weightsTable(report))];
  if (floatNodes.length)
    out.push(details(`Nodes left in float (${floatNodes.length})`, floatNodesTable(report)));
  return out;
}

/** The tile shows the output that lost most. */
function comparisonTile({ outputs, isRandom }: Compared): HTMLElement {
  const loss = (output: TensorComparison) => output.sqnrDb ?? Infinity;
  const worst = [...outputs].sort((a, b) => loss(a) - loss(b))[0];
  if (!worst) return agreementTile(false, 'no output to compare');
  return agreementTile(
    loss(worst) >= poorDb,
    decibels(worst.sqnrDb),
    `signal to quantization noise of '${worst.name}'`,
    `Cosine ${worst.cosine.toFixed(5)}, same top-1 in ${percent(worst.top1Agreement)}`,
    ...(isRandom ? ['On random inputs, which say little about real ones.'] : []),
  );
}

/** `comparison` comes later than the model, or never when the model can't be run. */
export function showResults(
  name: string,
  { model, report }: { model: Uint8Array; report: QuantizationReport },
  comparison?: Compared,
): void {
  const size = sizeTile({ float: report.bytesBefore, int8: report.bytesAfter });
  const download = make('p', { class: 'row' }, downloadLink(name, model));
  const results = byId('model-results');
  if (!comparison) {
    results.replaceChildren(tiles(size), download, ...reportDetails(report));
    return;
  }
  const { reference, candidate, samples, outputs, layers } = comparison;
  const time = { float: reference.latencyMs, int8: candidate.latencyMs };
  results.replaceChildren(
    tiles(comparisonTile(comparison), size, timeTile(time, samples)),
    download,
    make('div', { class: 'card' }, outputsTable(outputs)),
    ...(layers.length
      ? [details(`Layers, those that lost most first (${layers.length})`, layerBars(layers))]
      : []),
    ...reportDetails(report),
  );
}
