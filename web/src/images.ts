/**
 * The images that ImageDecoder nodes read. The engine can't wait for the platform's decoder, so it takes pixels for each such node,
 * which are decoded here before a run.
 */
import { OctetError } from './errors.js';
import { elementsOf, isTensorLike, makeTensor, type Tensor } from './tensor.js';

/** An ImageDecoder node, and the number of the model's input that it decodes. */
export interface EncodedImage {
  node: string;
  stream: number;
  pixelFormat: 'RGB' | 'BGR' | 'Grayscale';
}

interface Pixels {
  width: number;
  height: number;
  /** Four bytes each. */
  data: ArrayLike<number>;
  /** Whether the first byte is blue, and the third red. */
  isBlueFirst: boolean;
}

const formats = 'browsers decode BMP, JPEG, PNG and WebP, Node nothing';
const hasDecoder = typeof createImageBitmap === 'function';

/** As the file has them: neither multiplied by opacity nor turned as EXIF data says. Nothing where frames hold no such pixels. */
async function pixelsOfFrame(bitmap: ImageBitmap): Promise<Pixels | undefined> {
  const frame = new VideoFrame(bitmap, { timestamp: 0 });
  try {
    const { format, visibleRect } = frame;
    if (!visibleRect || !/^(RGB|BGR)[AX]$/.test(format ?? '')) return undefined;
    const data = new Uint8Array(frame.allocationSize());
    await frame.copyTo(data);
    const { width, height } = visibleRect;
    return { width, height, data, isBlueFirst: format?.[0] === 'B' };
  } finally {
    frame.close();
  }
}

function pixelsOfCanvas(bitmap: ImageBitmap): Pixels {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  if (!context) throw new Error('there is no canvas to read pixels from');
  context.drawImage(bitmap, 0, 0);
  return { ...context.getImageData(0, 0, width, height), width, height, isBlueFirst: false };
}

async function decode(stream: Uint8Array<ArrayBuffer>): Promise<Pixels> {
  const bitmap = await createImageBitmap(new Blob([stream]), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  });
  try {
    // Pages without a secure context have no frames.
    const hasFrames = typeof VideoFrame === 'function';
    return (hasFrames && (await pixelsOfFrame(bitmap))) || pixelsOfCanvas(bitmap);
  } finally {
    bitmap.close();
  }
}

/** ITU-R BT.601, in the whole numbers of Pillow, which ONNX's reference decodes with. */
const luma = (red: number, green: number, blue: number) =>
  (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16;

function arrange(
  { width, height, data, isBlueFirst }: Pixels,
  format: EncodedImage['pixelFormat'],
): Tensor {
  const channels = format === 'Grayscale' ? 1 : 3;
  const out = new Uint8Array(width * height * channels);
  const [red, blue] = isBlueFirst ? [2, 0] : [0, 2];
  const [first, last] = format === 'BGR' ? [blue, red] : [red, blue];
  for (let from = 0, to = 0; to < out.length; from += 4, to += channels) {
    if (channels === 1) {
      out[to] = luma(data[from + red], data[from + 1], data[from + blue]);
    } else {
      out[to] = data[from + first];
      out[to + 1] = data[from + 1];
      out[to + 2] = data[from + last];
    }
  }
  return makeTensor('uint8', out, [height, width, channels]);
}

/**
 * uint8 [height, width, channels] from the encoded bytes fed to the input of this name. Throws `unsupported-operator` where the
 * platform decodes no images, `invalid-input` for a stream that it can't decode.
 */
export async function decodeImage(
  { node, pixelFormat }: EncodedImage,
  name: string,
  feed: unknown,
): Promise<Tensor> {
  if (!isTensorLike(feed) || feed.dims.length !== 1)
    throw new OctetError('invalid-input', `input '${name}': a Tensor of one dimension expected`);
  const where = `ImageDecoder '${node}': input '${name}'`;
  if (!hasDecoder)
    throw new OctetError(
      'unsupported-operator',
      `${where} is an encoded image, and this platform has no decoder; ${formats}`,
    );
  // A copy, for shared memory makes no Blob.
  const stream = new Uint8Array(elementsOf(name, feed) as Uint8Array);
  let pixels: Pixels;
  try {
    pixels = await decode(stream);
  } catch (error) {
    throw new OctetError(
      'invalid-input',
      `${where} is no image that this platform can decode; ${formats}`,
      { cause: error },
    );
  }
  return arrange(pixels, pixelFormat);
}
