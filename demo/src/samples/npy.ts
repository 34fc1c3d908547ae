/** NumPy's .npy files, versions 1 to 3: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
import { SampleError } from './sample_error.ts';

export interface NpyHeader {
  /** Kind and size in bytes, e.g. 'f4'; the elements are little-endian, in C order. */
  type: string;
  shape: number[];
  /** Where the elements begin. */
  start: number;
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

export function isNpy(file: Uint8Array): boolean {
  return magic.every((byte, i) => file[i] === byte);
}

function field(header: string, pattern: RegExp): string {
  const match = pattern.exec(header);
  if (!match)
    throw new SampleError(`The .npy file has a header that can't be read: ${header.trim()}`);
  return match[1];
}

/** Reads the header at the beginning of a file. */
export function parseNpyHeader(file: Uint8Array): NpyHeader {
  if (!isNpy(file) || file.length < 12) throw new SampleError('This is not an .npy file.');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const isShort = file[6] === 1;
  const begin = isShort ? 10 : 12;
  const start = begin + (isShort ? view.getUint16(8, true) : view.getUint32(8, true));
  if (start > file.length) throw new SampleError('The .npy file ends in its header.');
  const header = new TextDecoder().decode(file.subarray(begin, start));
  if (field(header, /'fortran_order':\s*(True|False)/) === 'True')
    throw new SampleError('The .npy file is in Fortran order; C order is expected.');
  const shape = field(header, /'shape':\s*\(([^)]*)\)/);
  return {
    type: field(header, /'descr':\s*'[<|]([a-z]\d+)'/),
    shape: shape
      .split(',')
      .filter((dim) => dim.trim())
      .map(Number),
    start,
  };
}
