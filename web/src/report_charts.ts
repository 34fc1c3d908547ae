/**
 * The charts of a report, as SVG that needs neither scripts nor inline styles: shapes have classes for the report's style sheet,
 * and are still drawn without it.
 */
import type { MixedReport } from './mixed.js';
import { type Markup, html, nothing } from './report_markup.js';
import { bytes, decibels, percent, precise } from './report_numbers.js';
import type { ClipRange, MeasuredTensor, ValueHistogram } from './report.js';

/** Coordinates with few digits: a page has thousands of them. */
const at = (value: number) => String(Math.round(value * 10) / 10);

/** From the domain's ends to those of the range. */
const linear =
  ([from, to]: [number, number], [start, end]: [number, number]) =>
  (value: number) =>
    start + (end - start) * (to > from ? (value - from) / (to - from) : 0.5);

/** A bar that fills `share` (0 to 1) of its place. */
export const bar = (share: number, kind: string): Markup =>
  html`<svg
    class="bar"
    width="120"
    height="10"
    viewBox="0 0 100 10"
    preserveAspectRatio="none"
    aria-hidden="true"
  >
    <rect class="${kind}" width="${at(100 * Math.min(1, Math.max(0, share)))}" height="10" />
  </svg>`;

/** The ends to draw: those of the values, and of the clipping range where they are of the same size. */
function endsOf(
  { low, width, counts }: ValueHistogram,
  clipping: ClipRange | null,
): [number, number] {
  const high = low + width * counts.length;
  const room = 0.75 * (high - low);
  const isNear = (end: number) => end > low - room && end < high + room;
  const ends = clipping ? [clipping.min, clipping.max].filter(isNear) : [];
  return [Math.min(low, ...ends), Math.max(high, ...ends)];
}

/** How often values occur, on a logarithmic scale, and what of them the codes reach. */
export function histogramChart(
  histogram: ValueHistogram,
  clipping: ClipRange | null,
  label: string,
): Markup {
  const [width, height, floor] = [480, 132, 108];
  const ends = endsOf(histogram, clipping);
  const x = linear(ends, [4, width - 4]);
  const { low, width: step, counts } = histogram;
  const most = Math.log1p(Math.max(...counts));
  const steps = counts.map(
    (count, i) =>
      `V${at(floor - (floor - 8) * (Math.log1p(count) / most))}H${at(x(low + step * (i + 1)))}`,
  );
  const edge = (value: number) =>
    value < ends[0] || value > ends[1]
      ? nothing
      : html`<line
          class="clip"
          stroke="#c2410c"
          x1="${at(x(value))}"
          x2="${at(x(value))}"
          y1="2"
          y2="${floor}"
        />`;
  const shade = (from: number, to: number) =>
    to > from
      ? html`<rect
          class="clipped"
          fill="#c2410c"
          fill-opacity=".12"
          x="${at(from)}"
          y="2"
          width="${at(to - from)}"
          height="${floor - 2}"
        />`
      : nothing;
  const tick = (value: number, anchor: string) =>
    html`<text x="${at(x(value))}" y="${height - 8}" text-anchor="${anchor}" fill="currentColor"
      >${precise(value)}</text
    >`;
  const told = clipping
    ? `codes reach ${precise(clipping.min)} to ${precise(clipping.max)}; ${percent(clipping.share)} clipped`
    : 'each run measures its range';
  return html`<svg
    class="histogram"
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-label="${label}: ${told}"
  >
    ${clipping
      ? [
          shade(4, x(Math.max(clipping.min, ends[0]))),
          shade(x(Math.min(clipping.max, ends[1])), width - 4),
        ]
      : nothing}
    <path class="counts" fill="#0b7a69" d="M${at(x(low))} ${floor}${steps.join('')}V${floor}Z" />
    ${clipping ? [edge(clipping.min), edge(clipping.max)] : nothing}
    <line class="axis" stroke="currentColor" x1="4" x2="${width - 4}" y1="${floor}" y2="${floor}" />
    ${tick(ends[0], 'start')} ${ends[0] < 0 && ends[1] > 0 ? tick(0, 'middle') : nothing}
    ${tick(ends[1], 'end')}
  </svg>`;
}

/** Rules with their values, from 0 to `most`. */
function rules(most: number, y: (value: number) => number, left: number, right: number): Markup[] {
  const step = [5, 10, 20, 50, 100].find((each) => most / each <= 5) ?? 200;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => {
    const level = at(y(i * step));
    return html`<line
        class="rule"
        stroke="#8884"
        x1="${left}"
        x2="${right}"
        y1="${level}"
        y2="${level}"
      />
      <text x="${left - 6}" y="${level}" dy=".35em" text-anchor="end" fill="currentColor"
        >${i * step}</text
      >`;
  });
}

/** SQNR of the layers from the first to the last: where it falls, something is lost. */
export function layerProfile(layers: readonly MeasuredTensor[]): Markup {
  const [width, height] = [760, 200];
  const levels = layers.map(({ sqnrDb, maxError }) => (maxError === 0 ? Infinity : (sqnrDb ?? 0)));
  const most = Math.min(90, Math.max(10, ...levels.filter(Number.isFinite)));
  const x = linear([0, layers.length - 1], [44, width - 10]);
  const y = linear([0, most], [height - 14, 10]);
  const shown = levels.map((level) => Math.min(most, Math.max(0, level)));
  const points = shown.map((level, i) => `${at(x(i))} ${at(y(level))}`);
  const dots = layers.map(
    ({ name }, i) =>
      html`<circle class="dot" fill="#0b7a69" cx="${at(x(i))}" cy="${at(y(shown[i]))}" r="3"
        ><title>${name}: ${decibels(levels[i])} dB</title></circle
      >`,
  );
  return html`<svg
    class="profile"
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-label="SQNR in dB of ${layers.length} layers, from the first to the last"
  >
    ${rules(most, y, 44, width - 10)}
    <path class="line" fill="none" stroke="#0b7a69" d="M${points.join('L')}" />
    ${dots}
  </svg>`;
}

/** Every model that a search measured, by size and SQNR. */
export function searchChart({ points, chosen, target }: MixedReport): Markup {
  const [width, height] = [760, 260];
  const known = points.map(({ sqnrDb }) => sqnrDb).filter(Number.isFinite);
  const most = Math.max(20, target.minSqnrDb ?? 0, ...known) * 1.15;
  const largest = Math.max(...points.map(({ sizeBytes }) => sizeBytes)) * 1.05;
  const x = linear([0, largest], [44, width - 10]);
  const y = linear([0, most], [height - 26, 10]);
  const limit = (x1: number, x2: number, y1: number, y2: number) =>
    html`<line
      class="target"
      stroke="#c2410c"
      stroke-dasharray="5 4"
      x1="${at(x1)}"
      x2="${at(x2)}"
      y1="${at(y1)}"
      y2="${at(y2)}"
    />`;
  const dot = (point: MixedReport['points'][number], i: number) => {
    const level = Number.isFinite(point.sqnrDb) ? Math.max(0, point.sqnrDb) : most;
    const kind = i === chosen ? 'chosen' : point.pareto ? 'pareto' : 'other';
    const schemes = Object.keys(point.nodes).join(', ');
    return html`<circle
      class="${kind}"
      cx="${at(x(point.sizeBytes))}"
      cy="${at(y(level))}"
      r="${i === chosen ? 8 : 5}"
      fill="${kind === 'other' ? '#78828f' : '#0b7a69'}"
      fill-opacity="${kind === 'other' ? '.5' : '.9'}"
      ><title>
        ${schemes}: ${bytes(point.sizeBytes)}, ${decibels(point.sqnrDb)} dB,
        ${precise(point.latencyMs)} ms
      </title></circle
    >`;
  };
  return html`<svg
    class="search"
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-label="The models looked at: SQNR in dB by size"
  >
    ${rules(most, y, 44, width - 10)}
    ${target.minSqnrDb === undefined
      ? nothing
      : limit(44, width - 10, y(target.minSqnrDb), y(target.minSqnrDb))}
    ${target.maxSizeBytes === undefined || target.maxSizeBytes > largest
      ? nothing
      : limit(x(target.maxSizeBytes), x(target.maxSizeBytes), 10, height - 26)}
    ${points.map(dot)}
    <text x="44" y="${height - 6}" fill="currentColor">0</text>
    <text x="${width - 10}" y="${height - 6}" text-anchor="end" fill="currentColor">
      ${bytes(largest)}
    </text>
  </svg>`;
}
