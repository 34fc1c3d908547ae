/**
 * The elements of a tensor (values.mjs) as numbers that can be compared: BigInts of 64-bit integers, else Numbers.
 *
 * Formats of the narrow floats: https://onnx.ai/onnx/technical/float8.html, float4.html
 */
import { elementCount, elementTypes } from './values.mjs';

/**
 * Floats of `exponentBits` and `mantissaBits` below a sign, with subnormals. `infinities`: as IEEE 754 reserves the largest
 * exponent for infinities and NaNs. Otherwise `nan` says which code alone is NaN.
 */
function floatDecoder({ exponentBits, mantissaBits, bias, infinities = false, nan = () => false }) {
  const signShift = exponentBits + mantissaBits;
  const largest = 2 ** exponentBits - 1;
  return (code) => {
    const magnitude = code & (2 ** signShift - 1);
    const sign = code >> signShift ? -1 : 1;
    const exponent = magnitude >> mantissaBits;
    const mantissa = magnitude & (2 ** mantissaBits - 1);
    if (nan(code, magnitude)) return NaN;
    if (infinities && exponent === largest) return mantissa ? NaN : sign * Infinity;
    const fraction = mantissa / 2 ** mantissaBits;
    return exponent === 0
      ? sign * fraction * 2 ** (1 - bias)
      : sign * (1 + fraction) * 2 ** (exponent - bias);
  };
}

const signedDecoder = (bits) => (code) => (code << (32 - bits)) >> (32 - bits);
const isNegativeZero = (code) => code === 0x80;

const decoders = {
  float16: floatDecoder({ exponentBits: 5, mantissaBits: 10, bias: 15, infinities: true }),
  bfloat16: floatDecoder({ exponentBits: 8, mantissaBits: 7, bias: 127, infinities: true }),
  float8e4m3fn: floatDecoder({
    exponentBits: 4,
    mantissaBits: 3,
    bias: 7,
    nan: (_, magnitude) => magnitude === 0x7f,
  }),
  float8e4m3fnuz: floatDecoder({ exponentBits: 4, mantissaBits: 3, bias: 8, nan: isNegativeZero }),
  float8e5m2: floatDecoder({ exponentBits: 5, mantissaBits: 2, bias: 15, infinities: true }),
  float8e5m2fnuz: floatDecoder({ exponentBits: 5, mantissaBits: 2, bias: 16, nan: isNegativeZero }),
  float8e8m0: (code) => (code === 0xff ? NaN : 2 ** (code - 127)),
  float4e2m1: floatDecoder({ exponentBits: 2, mantissaBits: 1, bias: 1 }),
  int4: signedDecoder(4),
  int2: signedDecoder(2),
};

/** Codes of `bits` bits each, low bits first. */
function unpacked(bytes, bits, count) {
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  return Array.from(
    { length: count },
    (_, i) => (bytes[Math.floor(i / perByte)] >> ((i % perByte) * bits)) & mask,
  );
}

function codesOf({ type, dims, bytes }) {
  const { array, bits, name } = elementTypes[type];
  if (bits < 8) return unpacked(bytes, bits, elementCount(dims));
  const own = Uint8Array.from(bytes).buffer;
  return Array.from(new (name === 'float16' ? Uint16Array : array)(own));
}

/** All elements; of a complex tensor the real and the imaginary part of each. */
export function elementsOf(tensor) {
  if (tensor.strings) return tensor.strings;
  const codes = codesOf(tensor);
  const decode = decoders[elementTypes[tensor.type].name];
  return decode ? codes.map(decode) : codes;
}

export const isFloat = (type) => /float|complex/.test(elementTypes[type].name);
