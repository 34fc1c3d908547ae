import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type InferenceSession, OctetError, type Tensor } from './index.js';
import { UsageError } from './errors.js';
import { makeTensor, readNpy } from './npy.js';
import { readTensorProto } from './tensor_proto.js';

type Feeds = Record<string, Tensor>;
type Metadata = InferenceSession['inputMetadata'][number];

async function readTensor(path: string): Promise<Tensor> {
  const bytes = await readFile(path);
  if (path.endsWith('.npy')) return readNpy(bytes, path);
  if (path.endsWith('.pb')) return readTensorProto(bytes, path);
  throw new UsageError(`${path}: a .npy or .pb file expected`);
}

/** Uniform numbers of a fixed sequence (mulberry32), so that runs can be repeated. */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A random tensor for an input; open dimensions are 1 or as `sizes` says. */
function randomTensor(
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

/** Feeds from NAME=FILE and NAME=random. */
export async function feedsFrom(
  session: InferenceSession,
  specs: string[],
  sizes: Record<string, number>,
): Promise<Feeds> {
  const random = uniform(1);
  const feeds: Feeds = {};
  for (const spec of specs) {
    const split = spec.indexOf('=');
    if (split < 1) throw new UsageError(`--input ${spec}: NAME=FILE expected`);
    const [name, place] = [spec.slice(0, split), spec.slice(split + 1)];
    const input = session.inputMetadata.find((port) => port.name === name);
    if (!input)
      throw new UsageError(
        `the model has no input '${name}'; it has ${session.inputNames.join(', ')}`,
      );
    feeds[name] = place === 'random' ? randomTensor(input, sizes, random) : await readTensor(place);
  }
  return feeds;
}

/** Samples from a folder of NAME.npy folders or files, or random:N; read one at a time. */
export async function* samplesFrom(
  session: InferenceSession,
  spec: string,
  sizes: Record<string, number>,
): AsyncGenerator<Feeds> {
  const random = /^random:(\d+)$/.exec(spec);
  if (random) {
    for (let i = 1; i <= Number(random[1]); ++i) yield randomFeeds(session, sizes, i);
    return;
  }
  const entries = (await readdir(spec, { withFileTypes: true })).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  const folders = entries.filter((entry) => entry.isDirectory());
  for (const folder of folders) yield await feedsInFolder(session, join(spec, folder.name));
  if (folders.length) return;
  if (session.inputNames.length !== 1) {
    yield await feedsInFolder(session, spec);
    return;
  }
  for (const { name } of entries.filter((entry) => /\.(npy|pb)$/.test(entry.name)))
    yield { [session.inputNames[0]]: await readTensor(join(spec, name)) };
}

async function feedsInFolder(session: InferenceSession, folder: string): Promise<Feeds> {
  const files = await readdir(folder);
  const feeds: Feeds = {};
  for (const name of session.inputNames) {
    const file = files.find((f) => f === `${name}.npy` || f === `${name}.pb`);
    if (!file)
      throw new OctetError('invalid-input', `${folder}: neither ${name}.npy nor ${name}.pb`);
    feeds[name] = await readTensor(join(folder, file));
  }
  return feeds;
}
