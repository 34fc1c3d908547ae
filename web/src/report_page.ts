import type { Comparison, ModelSide } from './compare.js';
import type { TensorComparison } from './closeness.js';
import type { MixedReport } from './mixed.js';
import type { QuantizationReport } from './report.js';

/** HTML, as opposed to text, which `html` escapes. */
class Markup {
  constructor(readonly text: string) {}
}

type Part = Markup | string | number | readonly Part[];

function escaped(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (Array.isArray(part)) return part.map(escaped).join('');
  return String(part).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

const html = (strings: TemplateStringsArray, ...parts: Part[]): Markup =>
  new Markup(String.raw({ raw: strings }, ...parts.map(escaped)));

const decibels = (value: number | null) =>
  value === null || value === Infinity ? 'exact' : value.toFixed(1);
const kilobytes = (bytes: number) => (bytes / 1024).toFixed(1);
const scale = (value: number) => value.toPrecision(3);

function table(heads: readonly string[], rows: readonly (readonly Part[])[]): Markup {
  const cell = (part: Part) =>
    typeof part === 'number' || /^-?[\d.]+$|^exact$/.test(String(part))
      ? html`<td class="number">${part}</td>`
      : html`<td>${part}</td>`;
  return html`<table>
    <thead>
      <tr>
        ${heads.map((head) => html`<th>${head}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            ${row.map(cell)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

const section = (title: string, ...parts: Part[]) =>
  html`<section>
    <h2>${title}</h2>
    ${parts}
  </section>`;

/** A bar per layer, in the model's order; the worst ones are what to look at. */
function layerBars(layers: readonly TensorComparison[]): Markup {
  const most = 80;
  const rowHeight = 16;
  const bars = layers.map(({ name, sqnrDb, cosine }, i) => {
    const length = Math.max(0, Math.min(most, sqnrDb)) * 5;
    const y = i * rowHeight;
    return html`<g>
      <title>${name}: ${decibels(sqnrDb)} dB, cosine ${cosine.toFixed(6)}</title>
      <text x="290" y="${y + 12}" text-anchor="end">${name.slice(-44)}</text>
      <rect x="300" y="${y + 2}" width="${length}" height="${rowHeight - 4}" />
      <text x="${306 + length}" y="${y + 12}">${decibels(sqnrDb)}</text>
    </g>`;
  });
  return html`<svg
    class="bars"
    viewBox="0 0 780 ${layers.length * rowHeight}"
    role="img"
    aria-label="SQNR of every layer"
  >
    ${bars}
  </svg>`;
}

const measures = ['SQNR, dB', 'cosine', 'largest error', 'same top 1, %'];
const measured = ({ sqnrDb, cosine, maxError, top1Agreement }: TensorComparison) => [
  decibels(sqnrDb),
  cosine.toFixed(6),
  scale(maxError),
  (100 * top1Agreement).toFixed(1),
];

function comparisonSections({ samples, outputs, layers, reference, candidate }: Comparison): Part {
  const side = (name: string, { bytes, latencyMs }: ModelSide) => [
    name,
    kilobytes(bytes),
    latencyMs.toFixed(2),
  ];
  return [
    section(
      'Size and time',
      table(['model', 'KB', 'a run, ms'], [side('before', reference), side('after', candidate)]),
    ),
    section(
      `Outputs over ${samples} samples`,
      table(
        ['output', ...measures],
        outputs.map((one) => [one.name, ...measured(one)]),
      ),
    ),
    layers.length ? section('Layers: SQNR in dB', layerBars(layers)) : '',
  ];
}

function searchSection({ points, chosen, met, sensitivity }: MixedReport): Part {
  const rows = points.map((point, i) => [
    Object.entries(point.nodes)
      .map(([scheme, count]) => `${scheme} ×${count}`)
      .join(', '),
    kilobytes(point.sizeBytes),
    decibels(point.sqnrDb),
    point.latencyMs.toFixed(2),
    point.meetsTarget ? 'yes' : 'no',
    point.pareto ? 'yes' : 'no',
    i === chosen ? 'chosen' : '',
  ]);
  return [
    section(
      met ? 'Search: the target was met' : 'Search: nothing met the target',
      table(['nodes by scheme', 'KB', 'SQNR, dB', 'a run, ms', 'meets target', 'Pareto', ''], rows),
    ),
    sensitivity.length
      ? section(
          'Sensitivity: only this node quantized',
          table(
            ['node', 'scheme', 'SQNR, dB'],
            sensitivity.map((one) => [one.node, one.scheme, decibels(one.sqnrDb)]),
          ),
        )
      : '',
  ];
}

const style = new Markup(`
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
  body { max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
  section { margin-top: 2rem; overflow-x: auto; }
  table { border-collapse: collapse; }
  th, td { padding: .2rem .8rem .2rem 0; text-align: left; border-bottom: 1px solid #8884; }
  .number { text-align: right; font-variant-numeric: tabular-nums; }
  .bars { width: 100%; font-size: 11px; fill: currentColor; }
  .bars rect { fill: #3a7bd5; }
`);

/**
 * The report of a quantization as a page of its own, which loads nothing: what it did tensor by tensor, what stayed float and
 * why; with `comparison`, of the model before and after, also what that cost at the outputs and layers, and what it gained.
 */
export function renderReport(report: QuantizationReport, comparison?: Comparison): string {
  const { mode, bytesBefore, bytesAfter, tensors, floatNodes, search } = report;
  const tensorRows = tensors.map((one) => [
    one.name,
    one.node,
    one.type,
    one.granularity,
    one.method,
    one.scale.min === one.scale.max
      ? scale(one.scale.min)
      : `${scale(one.scale.min)} – ${scale(one.scale.max)}`,
    one.sqnrDb === null ? '' : decibels(one.sqnrDb),
    one.outputSqnrDb === null ? '' : decibels(one.outputSqnrDb),
  ]);
  const share = ((100 * bytesAfter) / bytesBefore).toFixed(1);
  return escaped(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width" />
          <title>Quantization report</title>
          <style>
            ${style}
          </style>
        </head>
        <body>
          <h1>Quantization report: ${mode}</h1>
          <p>${kilobytes(bytesBefore)} KB → ${kilobytes(bytesAfter)} KB (${share} %)</p>
          ${comparison ? comparisonSections(comparison) : ''} ${search ? searchSection(search) : ''}
          ${section(
            `Quantized tensors: ${tensors.length}`,
            table(
              [
                'tensor',
                'node',
                'type',
                'granularity',
                'method',
                'scale',
                'SQNR, dB',
                'results, dB',
              ],
              tensorRows,
            ),
          )}
          ${section(
            `Nodes left in float: ${floatNodes.length}`,
            table(
              ['node', 'operator', 'reason'],
              floatNodes.map(({ name, opType, reason }) => [name, opType, reason]),
            ),
          )}
        </body>
      </html> `,
  );
}
