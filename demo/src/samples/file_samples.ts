/**
 * Files as samples of an input: a picture is one; an .npy file and raw little-endian values are as many as they are long; an .npz
 * file is what its arrays are. Of these nothing is read before it is wanted, but for headers and archives.
 */
import { type Unzipped, unzipSync } from 'fflate';
import type { TensorData } from '../engine/protocol.ts';
import { type Input, elementCount, elementTypeOf } from './element_types.ts';
import { isNpy, parseNpyHeader } from './npy.ts';
import { decodePicture, drawing, pictureValues } from './pictures.ts';
import { SampleError } from './sample_error.ts';

export type Load = () => Promise<TensorData>;

/** Headers are shorter. */
const headBytes = 2 ** 16;

const bytesOf = async (file: Blob) => new Uint8Array(await file.arrayBuffer());

function unzip(archive: Uint8Array, name: string): Unzipped {
  try {
    return unzipSync(archive);
  } catch (error) {
    throw new SampleError(`${name} is no .npz archive: ${(error as Error).message}.`);
  }
}

/** What is in a ZIP archive, in the order of the names' numbers. */
async function filesIn(archive: File): Promise<File[]> {
  const files = unzip(await bytesOf(archive), archive.name);
  const entries = Object.entries(files);
  if (entries.length === 0) throw new SampleError(`${archive.name} holds no arrays.`);
  entries.sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  return entries.map(([name, bytes]) => new File([bytes as BlobPart], name));
}

async function valuesIn(file: File, input: Input): Promise<Load[]> {
  const { array, width, npy } = elementTypeOf(input);
  const head = await bytesOf(file.slice(0, headBytes));
  const header = isNpy(head) ? parseNpyHeader(head) : undefined;
  if (header && header.type !== npy)
    throw new SampleError(
      `${file.name} holds '${header.type}'; input '${input.name}' takes ${input.type} ('${npy}').`,
    );
  const start = header?.start ?? 0;
  const [length, each] = [file.size - start, elementCount(input) * width];
  if (length === 0 || length % each !== 0)
    throw new SampleError(
      `${file.name} has ${length} bytes of values; input '${input.name}' takes ${each} for a sample.`,
    );
  return Array.from({ length: length / each }, (_, i) => async () => {
    const part = file.slice(start + i * each, start + (i + 1) * each);
    return new array(await part.arrayBuffer());
  });
}

async function samplesIn(file: File, input: Input): Promise<Load[]> {
  if (file.type.startsWith('image/'))
    return [async () => pictureValues(input, drawing(await decodePicture(file)))];
  if (!file.name.endsWith('.npz')) return valuesIn(file, input);
  const arrays = await filesIn(file);
  return (await Promise.all(arrays.map((array) => valuesIn(array, input)))).flat();
}

/** The samples in all files, file by file. */
export async function fileSamples(files: readonly File[], input: Input): Promise<Load[]> {
  if (files.length === 0) throw new SampleError(`Choose files for input '${input.name}'.`);
  return (await Promise.all(files.map((file) => samplesIn(file, input)))).flat();
}
