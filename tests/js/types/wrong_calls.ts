/** Calls that fail when they run, and that the compiler refuses: each line below a comment must be an error. */
import {
  InferenceSession,
  OctetError,
  Tensor,
  chooseQuantParams,
  compare,
  dequantizeTensor,
  env,
  inspect,
  quantizeTensor,
} from 'octet-web';
import { ModelCache } from 'octet-web/cache';

declare const session: InferenceSession;
declare const x: Tensor;

export const wrong = () => [
  // @ts-expect-error: a model is no number
  InferenceSession.create(3),
  // @ts-expect-error: no option has this name
  InferenceSession.create('model.onnx', { threads: 4 }),
  // @ts-expect-error: a level that is no word of it
  InferenceSession.create('model.onnx', { graphOptimizationLevel: 'most' }),
  // @ts-expect-error: external data has a path
  InferenceSession.create('model.onnx', { externalData: [{ data: new Uint8Array(1) }] }),
  // @ts-expect-error: sessions are made by create
  new InferenceSession(new Uint8Array(1)),
  // @ts-expect-error: feeds are by name
  session.run(x),
  // @ts-expect-error: feeds are tensors
  session.run({ x: new Float32Array(4) }),
  // @ts-expect-error: fetches are names
  session.run({ x }, [3]),
  // @ts-expect-error: no element type has this name
  new Tensor('float', new Float32Array(4), [4]),
  // @ts-expect-error: dims are numbers
  new Tensor('float32', new Float32Array(4), ['4']),
  // @ts-expect-error: samples are an iterable of feeds
  compare('a.onnx', 'b.onnx', { x }),
  // @ts-expect-error: the samples are missing
  compare('a.onnx', 'b.onnx'),
  // @ts-expect-error: no option has this name
  inspect('model.onnx', { dimensions: { batch: 1 } }),
  // @ts-expect-error: mode 'static' needs samples where the result is kept too
  new ModelCache().quantize('model.onnx', { mode: 'static', cache: 'reload' }),
  // @ts-expect-error: no option has this name
  new ModelCache().quantize('model.onnx', { mode: 'dynamic', store: new Map() }),
  // @ts-expect-error: not a type of codes
  quantizeTensor([0, 1], { type: 'int32' }),
  // @ts-expect-error: blocks need an axis
  quantizeTensor([0, 1], { blockSize: 2 }).scale.length,
  // @ts-expect-error: a zero point is missing
  dequantizeTensor([0, 1], { scale: 1 }),
  // @ts-expect-error: a range has two ends
  chooseQuantParams(1),
  // @ts-expect-error: not a way to choose kernels
  (env.wasm.simd = 'always'),
  // @ts-expect-error: what was chosen is told, not set
  (env.octet.threads = 4),
];

export function act(error: OctetError): boolean {
  // @ts-expect-error: no code has this name
  return error.code === 'out-of-luck';
}
