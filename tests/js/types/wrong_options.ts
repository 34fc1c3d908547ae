/** Options that `quantize` refuses when it runs, and the compiler before: each line below such a comment must be an error. */
import { type Samples, quantize } from 'octet-web';

/** What becomes of each call. */
export function wrongOptions(source: Uint8Array, calibration: Samples): Promise<unknown>[] {
  const fixed = { mode: 'static', calibration } as const;
  const blocks = { mode: 'weight-only', calibration } as const;
  const sought = { mode: 'mixed', calibration, target: { minSqnrDb: 30 } } as const;

  return [
    // @ts-expect-error: the mode is missing
    quantize(source, {}),
    // @ts-expect-error: there is no such mode
    quantize(source, { mode: 'magic' }),
    // @ts-expect-error: no option has this name
    quantize(source, { mode: 'dynamic', quality: 3 }),
    // @ts-expect-error: no option of weights has this name
    quantize(source, { mode: 'dynamic', weights: { bits: 8 } }),
    // @ts-expect-error: a name is misspelt
    quantize(source, { mode: 'static', calibraton: calibration }),
    // @ts-expect-error: a scheme that is no word of it
    quantize(source, { ...fixed, activations: { scheme: 'log' } }),
    // @ts-expect-error: samples are an iterable of feeds
    quantize(source, { mode: 'static', calibration: 3 }),
    // @ts-expect-error: feeds hold tensors
    quantize(source, { mode: 'static', calibration: [{ x: new Float32Array(3) }] }),
    // @ts-expect-error: a path is no filter of nodes
    quantize(source, { mode: 'dynamic', include: 3 }),
    // @ts-expect-error: AbortController is not its signal
    quantize(source, { mode: 'dynamic', signal: new AbortController() }),
    // @ts-expect-error: true or false
    quantize(source, { mode: 'dynamic', measure: 'no' }),

    // Of other modes.

    // @ts-expect-error: static needs samples
    quantize(source, { mode: 'static' }),
    // @ts-expect-error: mixed needs samples
    quantize(source, { mode: 'mixed', target: { minSqnrDb: 30 } }),
    // @ts-expect-error: mixed needs a target
    quantize(source, { mode: 'mixed', calibration }),
    // @ts-expect-error: one target at least
    quantize(source, { mode: 'mixed', calibration, target: {} }),
    // @ts-expect-error: there is no such target
    quantize(source, { mode: 'mixed', calibration, target: { minSqnrDb: 30, speed: 2 } }),
    // @ts-expect-error: mixed chooses the format by itself
    quantize(source, { ...sought, format: 'qdq' }),
    // @ts-expect-error: mixed corrects nothing
    quantize(source, { ...sought, correct: {} }),
    // @ts-expect-error: mixed forces nothing
    quantize(source, { ...sought, force: true }),
    // @ts-expect-error: mixed chooses the operators by itself
    quantize(source, { ...sought, opTypes: ['Conv'] }),
    // @ts-expect-error: only mixed has a target
    quantize(source, { mode: 'dynamic', target: { minSqnrDb: 30 } }),
    // @ts-expect-error: dynamic has no choice of formats
    quantize(source, { mode: 'dynamic', format: 'qdq' }),
    // @ts-expect-error: dynamic measures activations at each run
    quantize(source, { mode: 'dynamic', activations: { type: 'uint8' } }),
    // @ts-expect-error: weight-only leaves them float
    quantize(source, { mode: 'weight-only', activations: { type: 'uint8' } }),
    // @ts-expect-error: a format is misspelt
    quantize(source, { mode: 'weight-only', format: 'qop' }),

    // Of weights.

    // @ts-expect-error: dynamic has no 4 bits
    quantize(source, { mode: 'dynamic', weights: { type: 'int4' } }),
    // @ts-expect-error: static has no float16
    quantize(source, { ...fixed, weights: { type: 'float16' } }),
    // @ts-expect-error: static has no gptq
    quantize(source, { ...fixed, weights: { method: 'gptq' } }),
    // @ts-expect-error: dynamic has no gptq
    quantize(source, { mode: 'dynamic', weights: { method: 'gptq' } }),
    // @ts-expect-error: dynamic has no adaround
    quantize(source, { mode: 'dynamic', weights: { method: 'adaround' } }),
    // @ts-expect-error: weight-only has no adaround
    quantize(source, { mode: 'weight-only', weights: { method: 'adaround' } }),
    // @ts-expect-error: weights have no percentile
    quantize(source, { mode: 'dynamic', weights: { method: 'percentile' } }),
    // @ts-expect-error: gptq needs samples
    quantize(source, { mode: 'weight-only', weights: { method: 'gptq' } }),
    // @ts-expect-error: float16 has no codes to choose
    quantize(source, { ...blocks, weights: { type: 'float16', method: 'gptq' } }),
    // @ts-expect-error: dynamic has no blocks
    quantize(source, { mode: 'dynamic', weights: { blockSize: 32 } }),
    // @ts-expect-error: static has no blocks
    quantize(source, { ...fixed, weights: { blockSize: 32 } }),
    // @ts-expect-error: blocks have no channels
    quantize(source, { mode: 'weight-only', weights: { perChannel: true } }),
    // @ts-expect-error: blocks have all bits of their type
    quantize(source, { mode: 'weight-only', weights: { reduceRange: true } }),
    // @ts-expect-error: mixed chooses the types
    quantize(source, { ...sought, weights: { type: 'int8', reduceRange: true } }),

    // Of activations.

    // @ts-expect-error: a percentile is for the method of that name
    quantize(source, { ...fixed, activations: { percentile: 99 } }),
    // @ts-expect-error: a percentile is for the method of that name
    quantize(source, { ...fixed, activations: { method: 'mse', percentile: 99 } }),
    // @ts-expect-error: log2 has no types of 16 bits
    quantize(source, { ...fixed, activations: { scheme: 'log2', type: 'int16' } }),
    // @ts-expect-error: log2 has no entropy
    quantize(source, { ...fixed, activations: { scheme: 'log2', method: 'entropy' } }),
    // @ts-expect-error: log2 has no mse
    quantize(source, { ...fixed, activations: { scheme: 'log2', method: 'mse' } }),
    // @ts-expect-error: log2 has no other zero than 0
    quantize(source, { ...fixed, activations: { scheme: 'log2', symmetric: false } }),
    // @ts-expect-error: log2 has fixed levels
    quantize(source, { ...fixed, activations: { scheme: 'log2', adaptive: true } }),
    // @ts-expect-error: log2 has no operators on codes
    quantize(source, { ...fixed, format: 'qoperator', activations: { scheme: 'log2' } }),
    // @ts-expect-error: operators on codes have 8 bits
    quantize(source, { ...fixed, format: 'qoperator', activations: { type: 'uint16' } }),
    // @ts-expect-error: 16 bits have fixed scales
    quantize(source, { ...fixed, activations: { type: 'uint16', adaptive: true } }),
    // @ts-expect-error: mixed has no 16 bits
    quantize(source, { ...sought, activations: { type: 'int16' } }),
    // @ts-expect-error: mixed has no log2
    quantize(source, { ...sought, activations: { scheme: 'log2' } }),

    // Of corrections.

    // @ts-expect-error: bias correction needs samples
    quantize(source, { mode: 'dynamic', correct: { biasCorrection: true } }),
    // @ts-expect-error: SmoothQuant needs samples
    quantize(source, { mode: 'dynamic', correct: { smoothQuant: 0.5 } }),
    // @ts-expect-error: weight-only multiplies no integers
    quantize(source, { ...blocks, correct: { biasCorrection: true } }),
    // @ts-expect-error: weight-only multiplies no integers
    quantize(source, { ...blocks, correct: { smoothQuant: 0.5 } }),
    // @ts-expect-error: there is no such correction
    quantize(source, { ...fixed, correct: { sharpen: true } }),
  ];
}
