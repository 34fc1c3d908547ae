import { type Engine, type ModelHandle, engine } from './engine.js';
import { OctetError, throwIfAborted } from './errors.js';
import { orAborted } from './pause.js';
import type { Watch } from './progress.js';
import { type Source, finderBeside, readOwn, readSource } from './source.js';

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

export interface OpenedModel {
  engine: Engine;
  handle: ModelHandle;
  bytes: number;
}

export interface OpenOptions extends Watch {
  externalData?: ExternalData;
  /** Bytes of the caller's are read where they are, for as long as the handle and what is made of it live. */
  isShared?: boolean;
}

/** Reads a model and what it needs into the engine. The caller deletes the handle. */
export async function openModel(
  source: Source,
  { externalData = [], isShared = false, signal, onProgress }: OpenOptions,
): Promise<OpenedModel> {
  throwIfAborted(signal);
  const loading = engine(); // meanwhile
  loading.catch(() => {});
  const read = isShared ? readSource : readOwn;
  const watch: Watch = { signal, onProgress };
  const bytes = await orAborted(read(source, 'the model', watch), signal);
  const external: { location: string; bytes: Uint8Array }[] = [];
  for (const file of externalData) {
    const { path, data } = typeof file === 'string' ? { path: file, data: file } : file;
    if (typeof path !== 'string')
      throw new OctetError('invalid-option', 'externalData: every entry needs a path');
    const reading = read(data, `external data '${path}'`, { ...watch, kind: 'data' });
    external.push({ location: path, bytes: await orAborted(reading, signal) });
  }
  const beside = await finderBeside(source);
  let loaded = await orAborted(loading, signal);
  if (loaded.isDead) loaded = await orAborted(engine(), signal); // it died meanwhile
  const handle = loaded.call((module) => module.openModel(bytes, external, beside));
  return { engine: loaded, handle, bytes: bytes.byteLength };
}
