/**
 * NumPy's .npy files, versions 1 to 3: magic, version, header length, a Python dictionary as text, the data.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { OctetError, Tensor } from './index.js';

type TensorType = Tensor['type'];

const types: Record<string, TensorType> = {
  f4: 'float32',
  f8: 'float64',
  f2: 'float16',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  u4: 'uint32',
  i8: 'int64',
  u8: 'uint64',
  b1: 'bool',
};
const codes = Object.fromEntries(Object.entries(types).map(([code, type]) => [type, code]));

const arrays: Record<string, new (buffer: ArrayBuffer) => Tensor['data']> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: ((globalThis as Record<string, unknown>).Float16Array ??
    Uint16Array) as typeof Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array as never,
  uint64: BigUint64Array as never,
};

export function makeTensor(type: string, bytes: Uint8Array, dims: number[]): Tensor {
  const array = arrays[type];
  if (!array) throw new OctetError('invalid-input', `elements of type ${type} can't be read`);
  return new (Tensor as unknown as new (...args: unknown[]) => Tensor)(
    type,
    new array(new Uint8Array(bytes).buffer),
    dims,
  );
}

export function readNpy(file: Uint8Array, name: string): Tensor {
  const bad = (what: string) => new OctetError('invalid-input', `${name}: ${what}`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 12 || String.fromCharCode(...file.subarray(1, 6)) !== 'NUMPY')
    throw bad('not a .npy file');
  const long = file[6] >= 2;
  const start = long ? 12 : 10;
  const end = start + (long ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder('latin1').decode(file.subarray(start, end));
  const code = /'descr':\s*'([<>|=])(\w\d+)'/.exec(header);
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header);
  if (!code || !shape || end > file.length) throw bad('its header is damaged');
  if (code[1] === '>' || !types[code[2]]) throw bad(`elements of type ${code[1]}${code[2]}`);
  if (/'fortran_order':\s*True/.test(header)) throw bad('Fortran order');
  const dims = shape[1]
    .split(',')
    .filter((text) => text.trim())
    .map(Number);
  const bytes = dims.reduce((size, dim) => size * dim, Number(code[2].slice(1)));
  if (file.length - end !== bytes)
    throw bad(`${bytes} bytes of data expected, not ${file.length - end}`);
  return makeTensor(types[code[2]], file.subarray(end), dims);
}

export function writeNpy(tensor: Tensor): Uint8Array {
  const code = codes[tensor.type];
  if (!code)
    throw new OctetError('invalid-input', `elements of type ${tensor.type} have no .npy form`);
  const order = code.endsWith('1') ? '|' : '<';
  const shape = tensor.dims.length === 1 ? `${tensor.dims[0]},` : tensor.dims.join(', ');
  const text = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': (${shape}), }`;
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + '\n';
  const data = tensor.data as Float32Array;
  const out = new Uint8Array(10 + header.length + data.byteLength);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 0xff, header.length >> 8]);
  out.set(new TextEncoder().encode(header), 10);
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + header.length);
  return out;
}
