import { type Feeds, type InferenceSession, OctetError, type Tensor } from './index.js';
import { UsageError } from './errors.js';
import { makeTensor } from './npy.js';

type Metadata = InferenceSession['inputMetadata'][number];

/** Uniform numbers of a fixed sequence (mulberry32), so that runs can be repeated. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A random tensor for an input; open dimensions are 1 or as `sizes` says. */
export function randomTensor(
  input: Metadata,
  sizes: Record<string, number>,
  random: () => number,
): Tensor {
  if (!input.isTensor) throw new OctetError('invalid-input', `input '${input.name}' is no tensor`);
  const dims = input.shape.map((dim) => (typeof dim === 'number' ? dim : (sizes[dim] ?? 1)));
  const count = dims.reduce((size, dim) => size * dim, 1);
  const fill = <T>(f: () => T) => Array.from({ length: count }, f);
  switch (input.type) {
    case 'float32':
      return makeTensor('float32', asBytes(Float32Array.from(fill(() => random() * 2 - 1))), dims);
    case 'float64':
      return makeTensor('float64', asBytes(Float64Array.from(fill(() => random() * 2 - 1))), dims);
    case 'int64':
      return makeTensor(
        'int64',
        asBytes(BigInt64Array.from(fill(() => BigInt(random() < 0.5 ? 0 : 1)))),
        dims,
      );
    case 'int32':
      return makeTensor(
        'int32',
        asBytes(Int32Array.from(fill(() => (random() < 0.5 ? 0 : 1)))),
        dims,
      );
    case 'uint8':
      return makeTensor('uint8', asBytes(Uint8Array.from(fill(() => random() * 256))), dims);
    case 'int8':
      return makeTensor('int8', asBytes(Int8Array.from(fill(() => random() * 256 - 128))), dims);
    case 'bool':
      return makeTensor(
        'bool',
        asBytes(Uint8Array.from(fill(() => (random() < 0.5 ? 0 : 1)))),
        dims,
      );
    default:
      throw new UsageError(`input '${input.name}': no random ${input.type}; give a file`);
  }
}

function asBytes(array: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }) {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** One set of random feeds. */
export function randomFeeds(
  session: InferenceSession,
  sizes: Record<string, number> = {},
  seed = 1,
): Feeds {
  const random = uniform(seed);
  return Object.fromEntries(
    session.inputMetadata.map((input) => [input.name, randomTensor(input, sizes, random)]),
  );
}
