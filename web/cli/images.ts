/** Decoders of pictures, for Node has none. Turns that EXIF asks for are not made; transparency is left out. */
import decodeWebp, { init as startWebp } from '@jsquash/webp/decode.js';
import webpModule from '@jsquash/webp/codec/dec/webp_dec.wasm';
import * as bmp from 'bmp-ts';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';

/** Bytes of red, green, blue and one more, row by row. */
export interface Picture {
  width: number;
  height: number;
  data: Uint8Array | Uint8ClampedArray;
}

/** What the decoder of WebP makes its results of. */
class ImageData implements Picture {
  constructor(
    readonly data: Uint8ClampedArray,
    readonly width: number,
    readonly height: number,
  ) {}
}

async function webp(bytes: Uint8Array): Promise<Picture> {
  Object.assign(globalThis, { ImageData });
  await startWebp(await WebAssembly.compile(webpModule));
  return decodeWebp(new Uint8Array(bytes).buffer);
}

const decoders: Record<string, (bytes: Uint8Array) => Picture | Promise<Picture>> = {
  png: (bytes) => PNG.sync.read(Buffer.from(bytes)),
  jpeg: (bytes) => jpeg.decode(bytes, { useTArray: true, maxMemoryUsageInMB: 1024 }),
  bmp: (bytes) => bmp.decode(Buffer.from(bytes), { toRGBA: true }) as Picture,
  webp,
};

/** Throws an error of the decoder for bytes that are none of `format`. */
export const decodePicture = async (format: string, bytes: Uint8Array): Promise<Picture> =>
  decoders[format](bytes);
