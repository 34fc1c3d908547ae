/** Files with tensors, told apart by how they begin: .npy, .npz, pictures, and .pb for all else. */
import { unzipSync } from 'fflate';
import { OctetError, type Tensor } from './index.js';
import type { Picture } from './cli.images.js';
import { readInput } from './files.js';
import { readNpy } from './npy.js';
import { readTensorProto } from './tensor_proto.js';

/** Names of files that are looked for in folders. */
export const tensorFileName = /\.(npy|npz|pb|png|jpe?g|webp|bmp)$/i;

/** One tensor, several by their names, or a picture. */
export type TensorFile =
  | { tensor: Tensor }
  | { tensors: Record<string, Tensor> }
  | { picture: Picture };

const startsWith = (bytes: Uint8Array, text: string, at = 0) =>
  Buffer.from(bytes.subarray(at, at + text.length)).equals(Buffer.from(text, 'latin1'));

const pictureFormats: Record<string, (bytes: Uint8Array) => boolean> = {
  png: (bytes) => startsWith(bytes, '\x89PNG'),
  jpeg: (bytes) => startsWith(bytes, '\xff\xd8\xff'),
  webp: (bytes) => startsWith(bytes, 'RIFF') && startsWith(bytes, 'WEBP', 8),
  bmp: (bytes) => startsWith(bytes, 'BM'),
};

async function readPicture(format: string, bytes: Uint8Array, path: string): Promise<Picture> {
  const { decodePicture } = await import('./cli.images.js');
  try {
    return await decodePicture(format, bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OctetError('invalid-input', `${path}: no ${format} that can be decoded (${reason})`);
  }
}

function readNpz(bytes: Uint8Array, path: string): Record<string, Tensor> {
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes);
  } catch (error) {
    throw new OctetError('invalid-input', `${path}: not a .npz file (${(error as Error).message})`);
  }
  return Object.fromEntries(
    Object.entries(files).map(([name, file]) => [
      name.replace(/\.npy$/, ''),
      readNpy(file, `${path}: ${name}`),
    ]),
  );
}

/** '-' is standard input. */
export async function readTensorFile(path: string): Promise<TensorFile> {
  const bytes = await readInput(path);
  if (startsWith(bytes, '\x93NUMPY')) return { tensor: readNpy(bytes, path) };
  if (startsWith(bytes, 'PK')) return { tensors: readNpz(bytes, path) };
  for (const [format, isOne] of Object.entries(pictureFormats))
    if (isOne(bytes)) return { picture: await readPicture(format, bytes, path) };
  return { tensor: readTensorProto(bytes, path) };
}
