/** The part of a report that shows tensors: their ranges, their values, and which ranges are measured at each run. */
import { histogramChart } from './report_charts.js';
import {
  type Markup,
  type Part,
  details,
  html,
  nothing,
  numeric,
  section,
  table,
} from './report_markup.js';
import { decibels, percent, precise } from './report_numbers.js';
import type { QuantizationReport, QuantizedTensorReport } from './report.js';

/** Groups of more tensors are folded up. */
const unfolded = 24;

const scaleOf = ({ scale: { min, max } }: QuantizedTensorReport) =>
  min === max ? precise(min) : `${precise(min)} – ${precise(max)}`;

const clippedOf = ({ clipping }: QuantizedTensorReport) =>
  clipping ? percent(clipping.share) : 'each run';

function facts(tensor: QuantizedTensorReport): Markup {
  const { node, granularity, method, clipping, drift, outputSqnrDb, role, levels, reason } = tensor;
  const rows: [string, string][] = [
    ['read by', node],
    ['scale', scaleOf(tensor)],
    ['granularity', granularity],
    ['method', method],
    [
      'clipping range',
      clipping ? `${precise(clipping.min)} to ${precise(clipping.max)}` : 'measured at each run',
    ],
    ['clipped', clippedOf(tensor)],
  ];
  if (reason !== undefined) rows.push(['type', `${tensor.type}: ${reason}`]);
  if (levels !== undefined) rows.push(['levels', `${levels} powers of two`]);
  if (role === 'weights') rows.push(['SQNR of the weights', `${decibels(tensor.sqnrDb)} dB`]);
  if (outputSqnrDb !== null) rows.push(['SQNR of the results', `${decibels(outputSqnrDb)} dB`]);
  if (role === 'activations')
    rows.push([
      'widest sample',
      drift === null ? 'most are all zeros' : `${precise(drift)}× the median one`,
    ]);
  return html`<dl class="facts">
    ${rows.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

function tensorDetails(tensor: QuantizedTensorReport): Markup {
  const { name, type, method, sqnrDb, role, histogram, clipping } = tensor;
  const quality = role === 'weights' ? `${decibels(sqnrDb)} dB` : method;
  return html`<details class="tensor">
    <summary>
      <span>${name}</span><span class="soft">${type}, ${tensor.granularity}</span
      ><span class="number">${quality}</span><span class="number">${clippedOf(tensor)}</span>
    </summary>
    ${facts(tensor)}
    ${histogram
      ? histogramChart(histogram, clipping, `Values of ${name}`)
      : html`<p class="note">No values to show.</p>`}
  </details>`;
}

function group(title: string, columns: string, tensors: readonly QuantizedTensorReport[]): Part {
  if (tensors.length === 0) return nothing;
  const list = html`<div class="tensors">${tensors.map(tensorDetails)}</div>`;
  const heading = `${title}: ${tensors.length}`;
  const note = html`<p class="note">${columns}</p>`;
  if (tensors.length <= unfolded)
    return html`<div class="group">
      <h3>${heading}</h3>
      ${note} ${list}
    </div>`;
  return html`<div class="group">${details(heading, note, list)}</div>`;
}

export function tensorsSection({ tensors }: QuantizationReport): Markup {
  const of = (role: QuantizedTensorReport['role']) => tensors.filter((one) => one.role === role);
  return section(
    `Quantized tensors: ${tensors.length}`,
    html`<p class="note">
      Open one for its values: how often they occur (logarithmic), and between the two lines what
      its codes reach; values beyond are clipped.
    </p>`,
    group('Weights', 'Name, type, SQNR of the rounded weights, share clipped.', of('weights')),
    group('Between layers', 'Name, type, method, share clipped.', of('activations')),
  );
}

/** Which tensors have ranges of each run, and what told so. */
export function driftSection({ tensors, driftThreshold }: QuantizationReport): Part {
  const known = tensors.filter(
    ({ role, drift, reason }) => role === 'activations' && drift !== null && reason === undefined,
  );
  const dynamic = tensors.filter(
    ({ role, method }) => role === 'activations' && method === 'dynamic',
  );
  if (driftThreshold === null || (known.length === 0 && dynamic.length === 0)) return nothing;
  const rule = `Where the widest sample's range is more than ${driftThreshold} times that of the median one, a scale for all would leave few codes to most: the range is measured at each run.`;
  const widest = Math.max(...known.map(({ drift }) => drift!));
  if (dynamic.length === 0)
    return section(
      'Ranges measured at each run: none',
      html`<p class="note">${rule} Here the widest drift is ${precise(widest)}×.</p>`,
    );
  return section(
    `Ranges measured at each run: ${dynamic.length}`,
    html`<p class="note">${rule}</p>`,
    table(
      ['tensor', 'read by', 'drift', 'threshold'],
      dynamic.map(({ name, node, drift }) => [
        name,
        node,
        numeric(drift === null ? 'most samples are all zeros' : `${precise(drift)}×`),
        numeric(`${driftThreshold}×`),
      ]),
    ),
  );
}
