/** Samples of calibrations and comparisons, from files, folders, patterns and random numbers; read one at a time. */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { type Feeds, type InferenceSession, OctetError, type Samples, Tensor } from './index.js';
import { type Values, preprocess, sizesFrom } from './command.js';
import { randomFeeds } from './random_feeds.js';
import { type Preprocessing, pictureTensor, preprocessingFrom } from './preprocess.js';
import { type TensorFile, readTensorFile, tensorFileName } from './tensor_file.js';

type Metadata = InferenceSession['inputMetadata'][number];

/** The flags that say how samples become feeds. */
export interface SampleFlags {
  sizes: Record<string, number>;
  preprocessing: Preprocessing;
}

export function sampleFlagsFrom(values: Values): SampleFlags {
  const spec = values[preprocess.flag] as string | undefined;
  return {
    sizes: sizesFrom(values),
    preprocessing: spec === undefined ? {} : preprocessingFrom(spec),
  };
}

/** The tensor of a file for an input. */
export function tensorFor(
  input: Metadata,
  file: TensorFile,
  path: string,
  { preprocessing }: SampleFlags,
): Tensor {
  if ('tensor' in file) return file.tensor;
  if ('picture' in file) return pictureTensor(file.picture, input, preprocessing);
  const names = Object.keys(file.tensors);
  const tensor = file.tensors[names.length === 1 ? names[0] : input.name];
  if (!tensor)
    throw new OctetError('invalid-input', `${path}: no array '${input.name}' among ${names}`);
  return tensor;
}

/** Something that is read when its turn comes; `count` samples, where that is known before. */
interface Part {
  count?: number;
  read(): AsyncGenerator<Feeds> | Generator<Feeds>;
}

/** Makes parts of what --calibration and --samples say. */
class SampleReader {
  constructor(
    private readonly session: InferenceSession,
    private readonly flags: SampleFlags,
  ) {}

  async partsOf(spec: string): Promise<Part[]> {
    const random = /^random:(\d+)$/.exec(spec);
    if (random) return [this.#random(Number(random[1]))];
    const places = await placesOf(spec);
    return (await Promise.all(places.map((place) => this.#partsAt(place)))).flat();
  }

  #random(count: number): Part {
    const { session, flags } = this;
    return {
      count,
      *read() {
        for (let seed = 1; seed <= count; ++seed) yield randomFeeds(session, flags.sizes, seed);
      },
    };
  }

  async #partsAt(place: string): Promise<Part[]> {
    if (place === '-' || !(await stat(place)).isDirectory()) return [this.#file(place)];
    const entries = (await readdir(place, { withFileTypes: true })).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    );
    const folders = entries.filter((entry) => entry.isDirectory());
    if (folders.length) return folders.map(({ name }) => this.#folder(join(place, name)));
    const files = entries.map(({ name }) => name).filter((name) => tensorFileName.test(name));
    if (!files.length) throw new OctetError('invalid-input', `${place}: no samples`);
    const isOneSample = this.session.inputNames.length > 1 && !files.some(isArchive);
    if (isOneSample) return [this.#folder(place)];
    return files.map((name) => this.#file(join(place, name)));
  }

  /** A folder with a file for each input. */
  #folder(folder: string): Part {
    const { session, flags } = this;
    return {
      count: 1,
      async *read() {
        const files = (await readdir(folder)).filter((name) => tensorFileName.test(name));
        const feeds: Feeds = {};
        for (const input of session.inputMetadata) {
          const file = files.find((name) => name.replace(tensorFileName, '') === input.name);
          if (!file)
            throw new OctetError(
              'invalid-input',
              `${folder}: neither ${input.name}.npy nor ${input.name}.pb`,
            );
          const path = join(folder, file);
          feeds[input.name] = tensorFor(input, await readTensorFile(path), path, flags);
        }
        yield feeds;
      },
    };
  }

  #file(path: string): Part {
    const { session, flags } = this;
    const [input] = session.inputMetadata;
    return {
      count: path === '-' || isArchive(path) ? undefined : 1,
      async *read() {
        const file = await readTensorFile(path);
        if ('tensors' in file) return yield* samplesIn(file.tensors, session, path);
        if (session.inputNames.length > 1)
          throw new OctetError(
            'invalid-input',
            `${path}: the model has inputs ${session.inputNames.join(', ')}; ` +
              'give .npz files, or folders with a file for each',
          );
        yield { [input.name]: tensorFor(input, file, path, flags) };
      },
    };
  }
}

const isArchive = (path: string) => /\.npz$/i.test(path);

/** The same place, or those that match the pattern. */
async function placesOf(spec: string): Promise<string[]> {
  if (spec === '-' || existsSync(spec)) return [spec];
  if (!isDynamicPattern(spec)) throw new OctetError('invalid-input', `${spec}: no such file`);
  const found = await glob(spec, { expandDirectories: false, onlyFiles: false });
  if (!found.length) throw new OctetError('invalid-input', `${spec}: nothing matches`);
  return found.sort();
}

/**
 * Arrays by the names of inputs are one sample, or several where they have one dimension more than the inputs; with other names,
 * for a model of one input, each is a sample.
 */
function* samplesIn(
  tensors: Record<string, Tensor>,
  { inputNames, inputMetadata }: InferenceSession,
  path: string,
): Generator<Feeds> {
  const isNamed = inputNames.every((name) => tensors[name]);
  if (!isNamed && inputNames.length > 1)
    throw new OctetError(
      'invalid-input',
      `${path}: arrays called ${inputNames.join(', ')} expected, not ${Object.keys(tensors)}`,
    );
  if (!isNamed) {
    for (const tensor of Object.values(tensors)) yield { [inputNames[0]]: tensor };
    return;
  }
  const stacked = inputMetadata.every(
    (input) => input.isTensor && tensors[input.name].dims.length === input.shape.length + 1,
  );
  const [count] = tensors[inputNames[0]].dims;
  if (!stacked) yield Object.fromEntries(inputNames.map((name) => [name, tensors[name]]));
  else if (inputNames.some((name) => tensors[name].dims[0] !== count))
    throw new OctetError('invalid-input', `${path}: arrays of different numbers of samples`);
  else
    for (let i = 0; i < count; ++i)
      yield Object.fromEntries(inputNames.map((name) => [name, sliceOf(tensors[name], i)]));
}

function sliceOf({ type, dims, data }: Tensor, at: number): Tensor {
  const size = dims.slice(1).reduce((product, dim) => product * dim, 1);
  const part = (data as Float32Array).slice(at * size, (at + 1) * size);
  return new Tensor(type as 'float32', part, dims.slice(1));
}

/** Samples that can be iterated over again and again. */
export async function samplesFrom(
  session: InferenceSession,
  specs: readonly string[],
  flags: SampleFlags,
): Promise<Samples> {
  const reader = new SampleReader(session, flags);
  const parts = (await Promise.all(specs.map((spec) => reader.partsOf(spec)))).flat();
  const counts = parts.map(({ count }) => count ?? NaN);
  const length = counts.reduce((sum, count) => sum + count, 0);
  return {
    ...(!Number.isNaN(length) && { length }),
    async *[Symbol.asyncIterator]() {
      for (const part of parts) yield* part.read();
    },
  };
}
