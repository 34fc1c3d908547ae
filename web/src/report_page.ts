import type { Comparison } from './compare.js';
import type { CorrectionEffect, RangeEffect, SchemeEffect } from './correct.js';
import type { MixedReport } from './mixed.js';
import { bar, layerProfile, searchChart } from './report_charts.js';
import {
  Markup,
  type Part,
  details,
  escaped,
  html,
  nothing,
  numeric,
  section,
  table,
} from './report_markup.js';
import { bytes, change, decibels, milliseconds, percent, precise } from './report_numbers.js';
import { pageStyle, reportStyle } from './report_style.js';
import { driftSection, tensorsSection } from './report_tensors.js';
import {
  type MeasuredTensor,
  type Measurement,
  type QuantizationReport,
  measuredTensor,
} from './report.js';

/** Below this, little of a value is left. */
const poorDb = 10;
/** A bar of this length stands for no visible difference. */
const fullBarDb = 60;
/** Tables of more layers are folded up. */
const unfolded = 24;

const levelOf = ({ sqnrDb, maxError }: MeasuredTensor) =>
  maxError === 0 ? Infinity : (sqnrDb ?? -Infinity);
const shownLevel = (one: MeasuredTensor) => {
  const level = levelOf(one);
  return level === -Infinity ? 'none' : decibels(level);
};
const levelBar = (level: number) => bar(level / fullBarDb, level < poorDb ? 'poor' : 'int8');

function tile(title: string, headline: string, isGood: boolean, ...body: Part[]): Markup {
  return html`<div class="tile">
    <h3>${title}</h3>
    <p class="${isGood ? 'headline' : 'headline poor'}">${headline}</p>
    ${body}
  </div>`;
}

function versus(before: number, after: number, show: (value: number) => string): Markup {
  const most = Math.max(before, after);
  return html`<div class="versus">
    <span>before</span>${bar(before / most, 'float')}<span class="number">${show(before)}</span>
    <span>after</span>${bar(after / most, 'int8')}<span class="number">${show(after)}</span>
  </div>`;
}

function qualityTile({ outputs, samples }: Measurement): Part {
  const [worst] = [...outputs].sort((a, b) => levelOf(a) - levelOf(b));
  if (!worst) return nothing;
  const level = shownLevel(worst);
  return tile(
    'Agreement',
    level === 'exact' || level === 'none' ? level : `${level} dB`,
    levelOf(worst) >= poorDb,
    html`<p class="note">
      SQNR of '${worst.name}' over ${samples} ${samples === 1 ? 'sample' : 'samples'}; cosine
      ${worst.cosine === null ? '–' : worst.cosine.toFixed(5)}, same top-1 in
      ${percent(worst.top1Agreement)}
    </p>`,
  );
}

function tiles(
  { bytesBefore, bytesAfter, tensors, floatNodes }: QuantizationReport,
  measured?: Measurement,
): Markup {
  const time = measured?.latency;
  return html`<div class="tiles">
    ${measured ? qualityTile(measured) : nothing}
    ${tile(
      'Size',
      change(bytesBefore, bytesAfter, 'smaller', 'larger'),
      bytesAfter <= bytesBefore,
      versus(bytesBefore, bytesAfter, bytes),
    )}
    ${time
      ? tile(
          'Time of a run',
          change(time.beforeMs, time.afterMs, 'faster', 'slower'),
          time.afterMs <= time.beforeMs,
          versus(time.beforeMs, time.afterMs, milliseconds),
          html`<p class="note">Medians of ${time.runs} runs on this device.</p>`,
        )
      : nothing}
    ${tile(
      'Tensors',
      `${tensors.length} quantized`,
      true,
      html`<p class="note">${floatNodes.length} nodes with weights stay in float.</p>`,
    )}
  </div>`;
}

const measures = ['SQNR, dB', 'cosine', 'largest error', 'same top 1'];
const measuresOf = (one: MeasuredTensor) => [
  numeric(shownLevel(one)),
  numeric(one.cosine === null ? '–' : one.cosine.toFixed(6)),
  numeric(precise(one.maxError)),
  numeric(percent(one.top1Agreement)),
];

function layersSection(layers: readonly MeasuredTensor[]): Part {
  if (layers.length === 0) return nothing;
  const worst = layers.reduce((a, b) => (levelOf(b) < levelOf(a) ? b : a));
  const rows = layers.map((one) => [one.name, levelBar(levelOf(one)), ...measuresOf(one)]);
  const all = table(['layer', '', ...measures], rows);
  return section(
    `Layers: ${layers.length}`,
    html`<p class="note">
      SQNR in dB from the first layer to the last; what a layer shows is its own loss and that of
      all before it. The lowest: ${worst.name}, ${shownLevel(worst)} dB.
    </p>`,
    layerProfile(layers),
    layers.length <= unfolded ? all : details('All layers', all),
  );
}

const measuredSections = ({ outputs, layers, samples }: Measurement): Part => [
  section(
    `Outputs over ${samples} ${samples === 1 ? 'sample' : 'samples'}`,
    table(
      ['output', '', ...measures],
      outputs.map((one) => [one.name, levelBar(levelOf(one)), ...measuresOf(one)]),
    ),
  ),
  layersSection(layers),
];

const correctionNames: Record<CorrectionEffect['method'], string> = {
  none: 'rounded as it is',
  equalize: 'equalization',
  smoothQuant: 'SmoothQuant',
  biasCorrection: 'bias correction',
  adaround: 'AdaRound',
};

function correctionsSection(
  corrections: readonly CorrectionEffect[],
  rescaled: QuantizationReport['rescaledNodes'],
): Markup {
  const rows = corrections.map(({ method, sqnrDb }, i) => {
    const gain = i === 0 ? 0 : sqnrDb - corrections[i - 1].sqnrDb;
    return [
      correctionNames[method] ?? method,
      levelBar(sqnrDb),
      numeric(decibels(sqnrDb)),
      numeric(
        i === 0 || !Number.isFinite(gain)
          ? ''
          : `${gain < 0 ? '−' : '+'}${Math.abs(gain).toFixed(1)}`,
      ),
    ];
  });
  return section(
    'Corrections',
    html`<p class="note">
      SQNR of the worst output, with each correction on top of those before it.
    </p>`,
    table(['with', '', 'SQNR, dB', 'gain, dB'], rows),
    rescaled.length
      ? details(
          `Nodes that took scales over: ${rescaled.length}`,
          table(
            ['node', 'by'],
            rescaled.map(({ name, method }) => [name, method]),
          ),
        )
      : nothing,
  );
}

function searchSection(search: MixedReport): Part {
  const { points, chosen, met, sensitivity } = search;
  const rows = points.map((point, i) => [
    Object.entries(point.nodes)
      .map(([scheme, count]) => `${scheme} ×${count}`)
      .join(', '),
    numeric(bytes(point.sizeBytes)),
    numeric(decibels(point.sqnrDb)),
    numeric(milliseconds(point.latencyMs)),
    point.meetsTarget ? 'yes' : 'no',
    point.pareto ? 'yes' : 'no',
    i === chosen ? 'chosen' : '',
  ]);
  const heads = ['nodes by scheme', 'size', 'SQNR, dB', 'a run', 'meets target', 'Pareto', ''];
  const nodes = sensitivity.map(({ node, scheme, sqnrDb }) => [
    node,
    scheme,
    levelBar(sqnrDb),
    numeric(decibels(sqnrDb)),
  ]);
  return [
    section(
      met ? 'Search: the target was met' : 'Search: nothing met the target',
      html`<p class="note">
        The models looked at, by size and SQNR; at the top those that lose nothing. Dashed: the
        target. Green: nothing else is better in one respect without being worse in another.
      </p>`,
      searchChart(search),
      table(heads, rows),
    ),
    nodes.length
      ? section(
          'Sensitivity: only this node quantized',
          table(['node', 'scheme', '', 'SQNR, dB'], nodes),
        )
      : nothing,
  ];
}

const schemesSection = (schemes: readonly SchemeEffect[]) =>
  section(
    'Schemes of activations: the worst output over the samples',
    table(
      ['scheme', 'SQNR, dB'],
      schemes.map(({ scheme, sqnrDb }) => [scheme, decibels(sqnrDb)]),
    ),
  );

const rangesSection = (ranges: readonly RangeEffect[]) =>
  section(
    'Bits of weights: the worst output over the samples',
    table(
      ['bits', 'SQNR, dB'],
      ranges.map(({ reduceRange, sqnrDb }) => [reduceRange ? 7 : 8, decibels(sqnrDb)]),
    ),
  );

function floatSection(floatNodes: QuantizationReport['floatNodes']): Markup {
  return section(
    `Nodes left in float: ${floatNodes.length}`,
    floatNodes.length
      ? table(
          ['node', 'operator', 'reason'],
          floatNodes.map(({ name, opType, reason }) => [name, opType, reason]),
        )
      : html`<p class="note">All nodes with weights are quantized.</p>`,
  );
}

/** What a comparison of the model before and after measured, as a report has it. */
const measurementOf = ({
  samples,
  outputs,
  layers,
  reference,
  candidate,
}: Comparison): Measurement => ({
  samples,
  outputs: outputs.map(measuredTensor),
  layers: layers.map(measuredTensor),
  latency: { beforeMs: reference.latencyMs, afterMs: candidate.latencyMs, runs: reference.runs },
});

function measurementIn(report: QuantizationReport): Measurement | undefined {
  const { samples, outputs, layers, latency } = report;
  return samples && outputs && layers && latency
    ? { samples, outputs, layers, latency }
    : undefined;
}

function body(report: QuantizationReport, comparison?: Comparison): Markup {
  const { mode, floatNodes, search, corrections, schemes, ranges, rescaledNodes, unmeasured } =
    report;
  const measured = comparison ? measurementOf(comparison) : measurementIn(report);
  return html`<div class="octet-report">
    <h1>Quantization report: ${mode}</h1>
    ${tiles(report, measured)}
    ${measured
      ? measuredSections(measured)
      : html`<p class="note">
          Outputs, layers and times were not measured: ${unmeasured ?? 'unknown'}.
        </p>`}
    ${corrections ? correctionsSection(corrections, rescaledNodes) : nothing}
    ${schemes ? schemesSection(schemes) : nothing} ${ranges ? rangesSection(ranges) : nothing}
    ${search ? searchSection(search) : nothing} ${driftSection(report)} ${floatSection(floatNodes)}
    ${tensorsSection(report)}
  </div>`;
}

/**
 * The report of a quantization as HTML to be put into a page, without a style sheet: `reportStyle` is one. It has no scripts and
 * no inline styles, and what comes from the model (names) is escaped.
 */
export function renderReportBody(report: QuantizationReport, comparison?: Comparison): string {
  return escaped(body(report, comparison));
}

/**
 * The report of a quantization as a page of its own, which loads nothing and runs nothing: what it cost at outputs and layers,
 * size and time before and after, what corrections gained, what a search looked at, every tensor with its values and its
 * range, what stayed float and why. `comparison`, of the model before and after, takes the place of what the report measured.
 */
export function renderReport(report: QuantizationReport, comparison?: Comparison): string {
  return escaped(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta
            http-equiv="Content-Security-Policy"
            content="default-src 'none'; style-src 'unsafe-inline'"
          />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>Quantization report</title>
          <style>
            ${new Markup(reportStyle + pageStyle)}
          </style>
        </head>
        <body>
          ${body(report, comparison)}
        </body>
      </html> `,
  );
}
