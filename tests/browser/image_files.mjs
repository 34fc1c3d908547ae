/** Small image files, made by hand so that every pixel of theirs is known. Pixels are lists of bytes, row by row. */
import zlib from 'node:zlib';

const bytesOf = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const big = (size, value) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
};
const little = (size, value) => big(size, value).reverse();
const rowsOf = (data, length) =>
  Array.from({ length: data.length / length }, (_, y) => data.slice(y * length, (y + 1) * length));

function pngChunk(type, data) {
  const content = bytesOf(Buffer.from(type), data);
  return bytesOf(big(4, data.length), content, big(4, zlib.crc32(content)));
}

/** What EXIF has for `turned by a quarter`. */
export const exifTurned = bytesOf(
  Buffer.from('MM\0*'),
  big(4, 8), // the directory's place
  big(2, 1), // its entries
  ...[big(2, 0x112), big(2, 3), big(4, 1), big(2, 6), big(2, 0)],
  big(4, 0),
);

const pngColours = { 1: 0, 2: 4, 3: 2, 4: 6 };

/** PNG of 8 bits a channel; `more`: other chunks by type. */
export function png({ width, height, channels, data, more = {} }) {
  const header = bytesOf(big(4, width), big(4, height), [8, pngColours[channels], 0, 0, 0]);
  const lines = rowsOf(data, width * channels).map((row) => [0, ...row]);
  return bytesOf(
    [137, 80, 78, 71, 13, 10, 26, 10],
    pngChunk('IHDR', header),
    ...Object.entries(more).map(([type, content]) => pngChunk(type, content)),
    pngChunk('IDAT', zlib.deflateSync(Buffer.from(lines.flat()))),
    pngChunk('IEND', []),
  );
}

/** BMP of 24 bits: rows from the bottom, blue first, each of a multiple of four bytes. */
export function bmp({ width, height, data }) {
  const padding = Array((4 - ((width * 3) % 4)) % 4).fill(0);
  const lines = rowsOf(data, width * 3)
    .reverse()
    .flatMap((row) => [...rowsOf(row, 3).flatMap((pixel) => pixel.toReversed()), ...padding]);
  return bytesOf(
    Buffer.from('BM'),
    little(4, 54 + lines.length),
    big(4, 0),
    little(4, 54),
    little(4, 40),
    little(4, width),
    little(4, height),
    little(2, 1),
    little(2, 24),
    Array(24).fill(0),
    lines,
  );
}

const jpegSegment = (marker, ...parts) => {
  const content = bytesOf(...parts);
  return bytesOf([0xff, marker], big(2, content.length + 2), content);
};

/** Bits of the difference of two averages: its length, in the code below, and itself. */
function jpegDifference(value) {
  if (value === 0) return '0000';
  const length = Math.floor(Math.log2(Math.abs(value))) + 1;
  const digits = value > 0 ? value : value + 2 ** length - 1;
  return length.toString(2).padStart(4, '0') + digits.toString(2).padStart(length, '0');
}

/**
 * JPEG of blocks of 8x8 pixels of one colour each: rows of `[y]` or `[y, cb, cr]`, in a file that says nothing but averages.
 * `exif`: a directory to put in front.
 */
export function jpeg({ blocks, exif }) {
  const colours = blocks[0][0].length;
  const components = Array.from({ length: colours }, (_, i) => i + 1);
  const previous = Array(colours).fill(128);
  let bits = '';
  for (const block of blocks.flat())
    for (const [i, value] of block.entries()) {
      bits += `${jpegDifference(value - previous[i])}0`; // and the end of the block
      previous[i] = value;
    }
  const scan = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1').match(/.{8}/g);
  const escaped = scan.map((byte) => parseInt(byte, 2)).flatMap((b) => (b === 255 ? [b, 0] : [b]));
  const dcCodes = [0, 0, 0, 12, ...Array(12).fill(0), ...Array(12).keys()];
  const acCodes = [1, ...Array(15).fill(0), 0];
  return bytesOf(
    [0xff, 0xd8],
    exif ? jpegSegment(0xe1, Buffer.from('Exif\0\0'), exif) : [],
    jpegSegment(0xdb, [0], Array(64).fill(8)),
    jpegSegment(
      0xc0,
      [8],
      big(2, 8 * blocks.length),
      big(2, 8 * blocks[0].length),
      [colours],
      components.flatMap((i) => [i, 0x11, 0]),
    ),
    jpegSegment(0xc4, [0x00], dcCodes, [0x10], acCodes),
    jpegSegment(
      0xda,
      [colours],
      components.flatMap((i) => [i, 0]),
      [0, 63, 0],
    ),
    escaped,
    [0xff, 0xd9],
  );
}
