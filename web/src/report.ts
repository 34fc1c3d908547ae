import type { TensorComparison } from './closeness.js';
import type { CorrectionEffect, RangeEffect, SchemeEffect } from './correct.js';
import type { MixedReport } from './mixed.js';

/** How often values fell into bins of one width: bin i counts those in [low + i·width, low + (i + 1)·width). */
export interface ValueHistogram {
  /** Where the first bin begins. */
  low: number;
  /** Of each bin. */
  width: number;
  /** 64 at most. */
  counts: number[];
}

/** What of a tensor's values its codes reach. */
export interface ClipRange {
  /** The smallest number that a code stands for, over all channels or blocks. */
  min: number;
  /** The largest. */
  max: number;
  /** Of the values (0 to 1): those beyond what the codes of their own channel or block reach. */
  share: number;
}

/** One tensor that became codes. */
export interface QuantizedTensorReport {
  /** Activations are what flows between layers, with their ranges from samples. Those of mode 'dynamic' are not listed. */
  role: 'weights' | 'activations';
  /** Of the tensor, in the model that was given. */
  name: string;
  /** The node that reads it. */
  node: string;
  /** What its codes are: 'int8', 'uint8', 'int4' …; 'float16'. */
  type: string;
  /** 'log2': powers of two. */
  scheme: 'linear' | 'log2';
  /** Of scheme log2: how many of one sign there are. */
  levels?: number;
  /** Smallest and largest over its channels; where each run has its own, over the samples. Of scheme log2: the smallest level. */
  scale: {
    /** The smallest. */
    min: number;
    /** The largest. */
    max: number;
  };
  /** What shares a scale. */
  granularity: 'per-tensor' | 'per-channel' | 'per-block';
  /** How the range was chosen; 'dynamic': each run measures its own. */
  method: string;
  /**
   * Of rounded weights against the original ones, and of activations under scheme log2 over the samples; null when nothing was
   * lost, and for other activations.
   */
  sqnrDb: number | null;
  /** Of what its node computes from the samples of a weight-only quantization; null where that is not known. */
  outputSqnrDb: number | null;
  /**
   * Of the float values; of activations those of all samples. Where a method looks at nothing but extremes (minmax, moving-average,
   * mean), tensors of 32,768 values or more are counted in part: an eighth of each sample, another one each time. Null where there
   * are no values, or not all are finite.
   */
  histogram: ValueHistogram | null;
  /** Null where each run measures the range. */
  clipping: ClipRange | null;
  /**
   * Of activations: how many times wider the range of the widest sample is than that of the median one. Null for weights, and
   * where the median sample is all zeros.
   */
  drift: number | null;
  /** Where its codes have another type than the options say: why, in words. */
  reason?: string;
}

/** A value of the quantized model against the float one, over the samples. JSON has no infinity, so null may stand for it. */
export interface MeasuredTensor {
  /** Of the tensor, which both models have. */
  name: string;
  /** 10·log10(Σ float² / Σ difference²); null when equal (`maxError` is 0), and where all float values are 0. */
  sqnrDb: number | null;
  /** Of the angle between the values, −1 to 1. Null, as `maxError`, where values are not finite. */
  cosine: number | null;
  /** The largest difference of two values. */
  maxError: number | null;
  /** Share of rows (last axis) whose largest element is the same. */
  top1Agreement: number;
}

/**
 * What the samples show of the quantized model. There are 16 at most: the first, and as many as fit into a fiftieth of the time
 * that the quantization took, or into 300 ms. `compare` takes as many as there are.
 */
export interface Measurement {
  /** How many were run. */
  samples: number;
  /** One for each of the model's outputs, in its order. */
  outputs: MeasuredTensor[];
  /**
   * Inner values of floats that both models have under one name, in the float model's order. What is read in rounded form
   * alone is compared in that form.
   */
  layers: MeasuredTensor[];
  /** Milliseconds, medians of `runs` or more runs of each model on this device. */
  latency: {
    /** Of the model that was given. */
    beforeMs: number;
    /** Of the quantized one. */
    afterMs: number;
    /** How many runs of each the medians are of. */
    runs: number;
  };
}

/** What a quantization did. It is plain JSON; `octet-web/report.schema.json` describes it. */
export interface QuantizationReport extends Partial<Measurement> {
  /** As in the options. */
  mode: string;
  /** Of the file that was given, without its external data. */
  bytesBefore: number;
  /** Of the quantized file. */
  bytesAfter: number;
  /** Every tensor that became codes. */
  tensors: QuantizedTensorReport[];
  /**
   * Nodes with weights that stay in float, and why: what has no integer form, what the options leave out, and layers that
   * make or read a power spectrum whose small energies 8 bits would lose (`include` quantizes these too). Mode 'static' lets
   * those that make it read their signal with 16 bits instead, which `tensors` tells with its `reason`.
   */
  floatNodes: {
    /** Of the node. */
    name: string;
    /** Its operator. */
    opType: string;
    /** In words. */
    reason: string;
  }[];
  /** Nodes whose weights took a scale over before they were quantized; `correct` asks for it. */
  rescaledNodes: {
    /** Of the node. */
    name: string;
    /** By which correction. */
    method: 'equalize' | 'smooth-quant';
  }[];
  /** Above this drift the range is measured at each run; null where nothing decides so. */
  driftThreshold: number | null;
  /** Why `samples`, `outputs`, `layers` and `latency` are missing. */
  unmeasured?: string;
  /** Of corrections, where the samples could be run again: what each gained, and those before it. */
  corrections?: CorrectionEffect[];
  /** Of scheme log2 where the samples can be run again (an array, not a generator): it, and what 'linear' would have given. */
  schemes?: SchemeEffect[];
  /** Of weights with `reduceRange`, likewise: what 8 bits would have given, and 7. */
  ranges?: RangeEffect[];
  /** Of mode 'mixed'. */
  search?: MixedReport;
}

const finite = (value: number) => (Number.isFinite(value) ? value : null);

/** As a report has it. */
export const measuredTensor = (one: TensorComparison): MeasuredTensor => ({
  ...one,
  sqnrDb: finite(one.sqnrDb),
  cosine: finite(one.cosine),
  maxError: finite(one.maxError),
});
