import { type Engine, type ModelHandle, engine } from './engine.js';
import { OctetError, throwIfAborted } from './errors.js';
import { orAborted } from './pause.js';
import type { Watch } from './progress.js';
import {
  type Reading,
  type Source,
  finderBeside,
  readAgain,
  readOwn,
  readSource,
} from './source.js';

/** Data files of a model, as onnxruntime-web takes them. Those beside a model that comes from a path in Node are found without. */
export type ExternalData = readonly (
  | {
      /** As the model names it. */
      path: string;
      /** What is in it. */
      data: Source;
    }
  | string
)[];

/** A model, and where its data is. */
export interface Model {
  source: Source;
  externalData?: ExternalData;
  /** Where bytes in `source` come from, for data files lie beside that; unless told, `source` itself. */
  place?: Source;
}

/** Throws `invalid-option` for what is no list of files. */
function checkExternalData(files: unknown): void {
  if (!Array.isArray(files))
    throw new OctetError('invalid-option', 'externalData: an array of files expected');
  for (const file of files)
    if (typeof file !== 'string' && typeof file?.path !== 'string')
      throw new OctetError('invalid-option', 'externalData: every entry needs a path');
}

/** The files that were given, as `read` makes them. Throws as that, and `aborted`. */
export async function readExternalData<T extends Source>(
  files: ExternalData = [],
  read: (data: Source, what: string, reading: Reading) => Promise<T>,
  watch: Watch,
): Promise<{ path: string; data: T }[]> {
  checkExternalData(files);
  const done: { path: string; data: T }[] = [];
  for (const file of files) {
    const { path, data } = typeof file === 'string' ? { path: file, data: file } : file;
    const reading = read(data, `external data '${path}'`, { ...watch, kind: 'data' });
    done.push({ path, data: await orAborted(reading, watch.signal) });
  }
  return done;
}

/** A model that can be opened again and again, and is read once: its file, and the data that came with it. */
export type ModelInMemory = Model & { source: Uint8Array };

/** `what` names the model in errors. */
export async function readModel(
  { source, externalData }: Model,
  what: string,
  watch: Watch,
): Promise<ModelInMemory> {
  const bytes = await orAborted(readSource(source, what, watch), watch.signal);
  return {
    source: bytes,
    externalData: await readExternalData(externalData, readSource, watch),
    place: source,
  };
}

/** The same model where everything can be read more than once. */
export async function readModelAgain(
  { source, externalData }: Model,
  watch: Watch,
): Promise<Model> {
  return {
    source: await orAborted(readAgain(source, 'the model', watch), watch.signal),
    externalData: await readExternalData(externalData, readAgain, watch),
  };
}

export interface OpenedModel {
  engine: Engine;
  handle: ModelHandle;
  /** Of the model's file. */
  bytes: number;
  /** Whether there are others that it may need. */
  hasData: boolean;
}

export interface OpenOptions extends Watch {
  /** Bytes of the caller's are read where they are, for as long as the handle and what is made of it live. */
  isShared?: boolean;
}

/** Reads a model and what it needs into the engine. The caller deletes the handle. */
export async function openModel(
  { source, externalData, place = source }: Model,
  { isShared = false, signal, onProgress }: OpenOptions,
): Promise<OpenedModel> {
  throwIfAborted(signal);
  const loading = engine(); // meanwhile
  loading.catch(() => {});
  const read = isShared ? readSource : readOwn;
  const watch: Watch = { signal, onProgress };
  const bytes = await orAborted(read(source, 'the model', watch), signal);
  const data = await readExternalData(externalData, read, watch);
  const external = data.map((file) => ({ location: file.path, bytes: file.data }));
  const find = await finderBeside(place);
  let hasData = external.length > 0;
  const beside =
    find &&
    ((location: string) => {
      const file = find(location);
      hasData ||= file !== undefined;
      return file;
    });
  let loaded = await orAborted(loading, signal);
  if (loaded.isDead) loaded = await orAborted(engine(), signal); // it died meanwhile
  const handle = loaded.call((module) => module.openModel(bytes, external, beside));
  return { engine: loaded, handle, bytes: bytes.byteLength, hasData };
}
