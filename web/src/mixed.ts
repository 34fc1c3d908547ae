import { OctetError, rejectUnknownKeys, throwIfAborted } from './errors.js';
import { FloatAnswers } from './float_answers.js';
import { median } from './median.js';
import type { Quantized } from './correct.js';
import type { QuantizeOptions } from './quantize_options.js';
import { type Model, type ModelInMemory, openModel, readModel } from './model.js';
import { matches } from './node_filter.js';
import { yieldToEvents } from './pause.js';
import { type SampleOptions, firstOf, forEachSample, startsAnew } from './samples.js';
import type { QuantizationReport } from './report.js';
import { type InferenceSession, withSharedSession } from './session.js';

/**
 * What a mixed quantization does with a node: all in integers, with ranges from samples or measured at each run; or only its
 * weights stored small; or nothing.
 */
export type Scheme =
  | 'int8'
  | 'int8-dynamic'
  | 'int8-weights'
  | 'int4-weights'
  | 'float16-weights'
  | 'float';

/** What the model of a mixed quantization must meet, measured on this device with the samples in `calibration`. */
export interface MixedTarget {
  /** Of the file, at most. */
  maxSizeBytes?: number;
  /** Of the worst output, over all samples, against the float model, at least. */
  minSqnrDb?: number;
  /** Median of a run with the first sample, at most. */
  maxLatencyMs?: number;
}

/** One assignment of schemes to nodes that the search has made and measured. */
export interface MixedPoint {
  /** Of the nodes that have weights: how many have each scheme. */
  nodes: Partial<Record<Scheme, number>>;
  /** Of the file. */
  sizeBytes: number;
  /** Of the worst output; Infinity for the float model. */
  sqnrDb: number;
  /** Median of a run on this device. */
  latencyMs: number;
  /** All of it. */
  meetsTarget: boolean;
  /** No other point is better in one of size, SQNR and latency without being worse in another. */
  pareto: boolean;
}

/** What a mixed quantization looked at, and what it chose. */
export interface MixedReport {
  /** As it was asked for. */
  target: MixedTarget;
  /** False when no assignment met the target; the model is then the one that came nearest. */
  met: boolean;
  /** Schemes by node. */
  assignment: Record<string, Scheme>;
  /** The place in `points` of the model that was returned. */
  chosen: number;
  /** All assignments that were measured, in that order. */
  points: MixedPoint[];
  /** SQNR at the worst output when only this node is quantized, by the scheme that the search started from. */
  sensitivity: {
    /** Its name. */
    node: string;
    /** What it was quantized by. */
    scheme: Scheme;
    /** At the worst output. */
    sqnrDb: number;
  }[];
}

type Assignment = ReadonlyMap<string, Scheme>;
/** The model is the caller's own where nothing is quantized. */
type Applied = Pick<Quantized, 'report'> & { model: Uint8Array };
/** Quantizes by one mode; given by the caller, whose options choose this one. */
type QuantizeOnce = (model: Model, options: QuantizeOptions) => Promise<Quantized>;

/** In the order in which they are applied: what is quantized statically is observed with all the rest in place. */
const passes: [Exclude<Scheme, 'float'>, Pick<QuantizeOptions, 'mode' | 'weights'>][] = [
  ['int8-dynamic', { mode: 'dynamic' }],
  ['float16-weights', { mode: 'weight-only', weights: { type: 'float16' } }],
  ['int8-weights', { mode: 'weight-only', weights: { type: 'int8' } }],
  ['int4-weights', { mode: 'weight-only', weights: { type: 'int4' } }],
  ['int8', { mode: 'static' }],
];

/** For nodes that a scheme has no form for (embeddings, recurrent layers), the first that has one. */
const companions = ['int8-weights', 'int8-dynamic', 'float16-weights'] as const;

/** That the median of a latency is taken from. */
const timedRuns = 7;

const targetKeys = ['maxSizeBytes', 'minSqnrDb', 'maxLatencyMs'] as const;

/** Throws `invalid-option`. */
export function checkMixed(options: QuantizeOptions): void {
  const { target, calibration } = options;
  for (const key of ['format', 'opTypes', 'force', 'correct'] as const)
    if (options[key] !== undefined)
      throw new OctetError('invalid-option', `${key}: mode 'mixed' chooses by itself`);
  if (typeof target !== 'object' || target === null)
    throw new OctetError('invalid-option', `target: one of ${targetKeys.join(', ')} expected`);
  rejectUnknownKeys(target, [...targetKeys], 'quantize: target');
  if (targetKeys.every((key) => target[key] === undefined))
    throw new OctetError('invalid-option', `target: one of ${targetKeys.join(', ')} expected`);
  for (const key of targetKeys)
    if (target[key] !== undefined && !(target[key]! > 0))
      throw new OctetError('invalid-option', `target.${key}: a number above 0 expected`);
  if (!startsAnew(calibration))
    throw new OctetError(
      'invalid-option',
      "calibration: mode 'mixed' runs the samples many times; give an array, or an object whose iterator starts anew",
    );
}

/** How far a point is from the target; 0 when it meets it. */
function shortfall(target: MixedTarget, point: MixedPoint): number {
  const over = (value: number, limit = Infinity) => Math.max(0, value / limit - 1);
  const missingDb = Math.max(0, (target.minSqnrDb ?? -Infinity) - point.sqnrDb);
  return (
    over(point.sizeBytes, target.maxSizeBytes) +
    over(point.latencyMs, target.maxLatencyMs) +
    missingDb / 10
  );
}

function dominates(a: MixedPoint, b: MixedPoint): boolean {
  const differences = [
    b.sizeBytes - a.sizeBytes,
    a.sqnrDb === b.sqnrDb ? 0 : a.sqnrDb - b.sqnrDb,
    b.latencyMs - a.latencyMs,
  ];
  return differences.every((d) => d >= 0) && differences.some((d) => d > 0);
}

class Search {
  readonly points: MixedPoint[] = [];
  readonly sensitivity: MixedReport['sensitivity'] = [];
  readonly target: MixedTarget;
  #answers!: FloatAnswers;
  #nodes: string[] = [];
  /** The nodes that each scheme has a form for. */
  readonly #taken = new Map<Scheme, Set<string>>([['float', new Set()]]);
  #best: { place: number; assignment: Assignment; quantized: Applied } | undefined;

  constructor(
    private readonly source: Uint8Array,
    private readonly bytesBefore: number,
    private readonly options: QuantizeOptions,
    private readonly quantizeOnce: QuantizeOnce,
  ) {
    this.target = options.target!;
  }

  async run(): Promise<Quantized> {
    this.#answers = await withSharedSession({ source: this.source }, (session) =>
      FloatAnswers.of(session, this.options.calibration!, this.#sampling()),
    );
    const uniform = await this.#tryUniform();
    for (const base of this.#basesOf(uniform)) await this.#raise(base, this.#safeOf(uniform));
    const { place, assignment, quantized } = this.#best!;
    for (const point of this.points)
      point.pareto = !this.points.some((other) => dominates(other, point));
    const search: MixedReport = {
      target: this.target,
      met: this.points[place].meetsTarget,
      assignment: Object.fromEntries(assignment),
      chosen: place,
      points: this.points,
      sensitivity: this.sensitivity,
    };
    return {
      model: new Uint8Array(quantized.model),
      report: { ...quantized.report, mode: 'mixed', search },
    };
  }

  /** Every node by one scheme, for each scheme; by a companion where the scheme has no form for it. */
  async #tryUniform(): Promise<Map<Scheme, MixedPoint>> {
    const { include, exclude } = this.options;
    for (const [scheme, options] of passes) {
      const { report } = await this.#quantize(this.source, options, { include, exclude });
      this.#taken.set(scheme, new Set(report.tensors.map(({ node }) => node)));
    }
    const weighted = passes.filter(([, { mode }]) => mode !== 'static');
    this.#nodes = [...new Set(weighted.flatMap(([scheme]) => [...this.#taken.get(scheme)!]))];
    const points = new Map<Scheme, MixedPoint>();
    for (const scheme of ['float', ...passes.map(([name]) => name)] as Scheme[])
      points.set(scheme, await this.#try(this.#all(scheme)));
    return points;
  }

  /** Schemes that lose too much for the whole network, and that would be worth having for most of it. */
  #basesOf(uniform: Map<Scheme, MixedPoint>): Scheme[] {
    const meeting = this.points.filter((point) => point.meetsTarget);
    const fastest = Math.min(...meeting.map((point) => point.latencyMs));
    const failing = [...uniform].filter(
      ([, point]) => point.sqnrDb < (this.target.minSqnrDb ?? -Infinity),
    );
    const worth = failing.filter(([, point]) => point.latencyMs < fastest);
    const by = (key: 'latencyMs' | 'sizeBytes') =>
      [...worth].sort(([, a], [, b]) => a[key] - b[key])[0]?.[0];
    const bases = meeting.length ? [by('latencyMs')] : [by('latencyMs'), by('sizeBytes')];
    return [...new Set(bases)].filter((base) => base !== undefined);
  }

  /** The smallest scheme that is good enough for the whole network. */
  #safeOf(uniform: Map<Scheme, MixedPoint>): Scheme {
    const [[safe]] = [...uniform]
      .filter(([, point]) => point.sqnrDb >= (this.target.minSqnrDb ?? -Infinity))
      .sort(([, a], [, b]) => a.sizeBytes - b.sizeBytes);
    return safe;
  }

  /** Gives the most sensitive nodes another scheme: as few as will do, found by bisection. */
  async #raise(base: Scheme, safe: Scheme): Promise<void> {
    const order = await this.#sensitivityTo(base);
    let [tooFew, enough] = [0, order.length];
    while (enough - tooFew > 1) {
      const count = (tooFew + enough) >> 1;
      const assignment = new Map(this.#all(base));
      for (const node of order.slice(0, count)) assignment.set(node, this.#all(safe).get(node)!);
      const point = await this.#try(assignment);
      if (point.sqnrDb >= this.target.minSqnrDb!) enough = count;
      else tooFew = count;
    }
  }

  /** The nodes, the most sensitive one first. */
  async #sensitivityTo(scheme: Scheme): Promise<string[]> {
    const [, options] = passes.find(([name]) => name === scheme)!;
    const measured: MixedReport['sensitivity'] = [];
    const nodes = this.#nodes.filter((node) => this.#taken.get(scheme)!.has(node));
    for (const node of nodes) {
      const only = { include: [node] };
      const { model } = await this.#quantize(
        this.source,
        options,
        only,
        firstOf(this.options.calibration!),
      );
      const sqnrDb = await withSharedSession({ source: model }, (session) =>
        this.#answers.sqnrOf(session, this.options.calibration!, this.#sampling(1)),
      );
      measured.push({ node, scheme, sqnrDb });
      this.#progress('sensitivity', measured.length, nodes.length);
    }
    measured.sort((a, b) => a.sqnrDb - b.sqnrDb);
    this.sensitivity.push(...measured);
    return measured.map(({ node }) => node);
  }

  /** Applies each scheme to its nodes, one after the other. */
  async #apply(assignment: Assignment): Promise<Applied> {
    let model = this.source;
    const reports: QuantizationReport[] = [];
    for (const [scheme, options] of passes) {
      const others = new Set(this.#nodes.filter((node) => assignment.get(node) !== scheme));
      if (others.size === this.#nodes.length) continue;
      const quantized = await this.#quantize(model, options, {
        include: this.options.include,
        exclude: (node) => others.has(node.name) || this.#isExcluded(node),
        force: true,
      });
      model = quantized.model;
      reports.push(quantized.report);
    }
    return { model, report: this.#joined(reports, model) };
  }

  #joined(reports: QuantizationReport[], model: Uint8Array): QuantizationReport {
    const tensors = reports.flatMap((report) => report.tensors);
    const quantized = new Set(tensors.map(({ node }) => node));
    const left = reports
      .flatMap((report) => report.floatNodes)
      .filter(({ name }) => !quantized.has(name));
    const floatNodes = [...new Map(left.map((node) => [node.name, node])).values()];
    const threshold = reports.find((report) => report.driftThreshold !== null)?.driftThreshold;
    return {
      ...this.#emptyReport(),
      bytesAfter: model.byteLength,
      tensors,
      floatNodes,
      driftThreshold: threshold ?? null,
    };
  }

  #emptyReport(): QuantizationReport {
    return {
      mode: 'mixed',
      bytesBefore: this.bytesBefore,
      bytesAfter: this.source.byteLength,
      tensors: [],
      floatNodes: [],
      rescaledNodes: [],
      driftThreshold: null,
    };
  }

  #isExcluded(node: { name: string; opType: string }): boolean {
    const { exclude } = this.options;
    return exclude !== undefined && matches(exclude, node);
  }

  #all(scheme: Scheme): Assignment {
    const schemeOf = (node: string) =>
      scheme === 'float'
        ? scheme
        : ([scheme, ...companions].find((each) => this.#taken.get(each)!.has(node)) ?? 'float');
    return new Map(this.#nodes.map((node) => [node, schemeOf(node)]));
  }

  #quantize(
    model: Uint8Array,
    { mode, weights }: Pick<QuantizeOptions, 'mode' | 'weights'>,
    nodes: Pick<QuantizeOptions, 'exclude' | 'include' | 'force'>,
    samples = this.options.calibration!,
  ): Promise<Quantized> {
    const { signal, activations } = this.options;
    const isStatic = mode === 'static';
    return this.quantizeOnce(
      { source: model },
      {
        mode,
        weights: mode === 'weight-only' ? weights : this.options.weights,
        signal,
        ...nodes,
        ...(isStatic && { activations: { type: 'uint8', ...activations }, calibration: samples }),
      },
    );
  }

  #sampling(limit = Infinity): SampleOptions {
    return { what: 'calibration', signal: this.options.signal, limit };
  }

  /** Of a session that has run before. */
  async #latencyOf(session: InferenceSession): Promise<number> {
    const times: number[] = [];
    await forEachSample(this.options.calibration!, this.#sampling(1), async (feeds) => {
      while (times.length < timedRuns) {
        await this.#pause();
        const start = performance.now();
        await session.run(feeds);
        times.push(performance.now() - start);
      }
    });
    return median(times);
  }

  async #try(assignment: Assignment): Promise<MixedPoint> {
    const quantized = await this.#apply(assignment);
    const nodes: MixedPoint['nodes'] = {};
    for (const scheme of assignment.values()) nodes[scheme] = (nodes[scheme] ?? 0) + 1;
    const sizeBytes = quantized.model.byteLength;
    const measured = await withSharedSession({ source: quantized.model }, async (session) => ({
      sqnrDb: await this.#answers.sqnrOf(session, this.options.calibration!, this.#sampling()),
      latencyMs: await this.#latencyOf(session),
    }));
    const point = { nodes, sizeBytes, ...measured, meetsTarget: false, pareto: false };
    point.meetsTarget = shortfall(this.target, point) === 0;
    this.points.push(point);
    if (!this.#best || this.#isBetter(point, this.points[this.#best.place]))
      this.#best = { place: this.points.length - 1, assignment, quantized };
    this.#progress('search', this.points.length, this.points.length);
    return point;
  }

  /** What meets the target before what doesn't, and the faster before the slower. */
  #isBetter(a: MixedPoint, b: MixedPoint): boolean {
    const difference = shortfall(this.target, a) - shortfall(this.target, b);
    return difference < 0 || (difference === 0 && a.latencyMs < b.latencyMs);
  }

  async #pause(): Promise<void> {
    await yieldToEvents();
    throwIfAborted(this.options.signal);
  }

  #progress(phase: string, done: number, total: number): void {
    this.options.onProgress?.({ phase, done, total });
  }
}

/** A model with the data put in that it has outside: then sizes tell all of it, and what is left in float needs no other file. */
async function asOneFile(
  model: ModelInMemory,
  { signal }: QuantizeOptions,
  quantizeOnce: QuantizeOnce,
): Promise<Uint8Array> {
  const { engine, handle, hasData } = await openModel(model, { isShared: true, signal });
  engine.get(() => handle.delete());
  if (!hasData) return model.source;
  const nothing = { mode: 'weight-only', exclude: () => true, force: true, signal } as const;
  return (await quantizeOnce(model, nothing)).model;
}

/**
 * Finds schemes for the nodes of a model so that it meets `options.target`, and of those that do the fastest it saw: measures
 * the whole model by each scheme; where a fast or a small one loses too much, measures how sensitive each node is to it and
 * gives as few of them as will do the smallest scheme that loses little enough.
 */
export async function quantizeMixed(
  model: Model,
  options: QuantizeOptions,
  quantizeOnce: QuantizeOnce,
): Promise<Quantized> {
  const read = await readModel(model, 'the model', options);
  const whole = await asOneFile(read, options, quantizeOnce);
  return new Search(whole, read.source.byteLength, options, quantizeOnce).run();
}
