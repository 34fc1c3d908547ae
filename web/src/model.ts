import { type Engine, type ModelHandle, engine } from './engine.js';
import { OctetError } from './errors.js';
import { type Source, readOwn } from './source.js';

/** Data files of a model, as onnxruntime-web takes them. */
export type ExternalData = readonly ({ path: string; data: Source } | string)[];

export interface OpenedModel {
  engine: Engine;
  handle: ModelHandle;
  bytes: number;
}

/** Reads a model and what it needs into the engine. The caller deletes the handle. */
export async function openModel(source: Source, external: ExternalData = []): Promise<OpenedModel> {
  const bytes = await readOwn(source, 'the model');
  const files = await Promise.all(
    external.map(async (file) => {
      const { path, data } = typeof file === 'string' ? { path: file, data: file } : file;
      if (typeof path !== 'string')
        throw new OctetError('invalid-option', 'externalData: every entry needs a path');
      return { location: path, bytes: await readOwn(data, `external data '${path}'`) };
    }),
  );
  const loaded = await engine();
  const handle = loaded.call((module) => module.openModel(bytes, files));
  return { engine: loaded, handle, bytes: bytes.byteLength };
}
