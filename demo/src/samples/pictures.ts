/** Pictures as values of an input. */
import type { Pixels } from '../ocr/pixels.ts';
import type { Input } from './element_types.ts';
import { SampleError } from './sample_error.ts';

type Draw = (width: number, height: number) => Pixels;

/** A picture as numbers of 0 to 1, for inputs [1, 1 or 3, height, width] or [1, height, width, 1 or 3]. */
export function pictureValues({ name, type, dims }: Input, draw: Draw): Float32Array {
  const isChannels = (count: number) => count === 1 || count === 3;
  const channelsFirst = isChannels(dims[1]);
  if (dims.length !== 4 || dims[0] !== 1 || !(channelsFirst || isChannels(dims[3])))
    throw new SampleError(`A picture can't fill input '${name}' of shape [${dims.join(', ')}].`);
  if (type !== 'float32')
    throw new SampleError(`A picture can't fill input '${name}', which holds ${type}.`);
  const [channels, height, width] = channelsFirst ? dims.slice(1) : [dims[3], dims[1], dims[2]];
  const { data } = draw(width, height);
  const out = new Float32Array(channels * height * width);
  const plane = height * width;
  for (let at = 0; at < plane; ++at) {
    const colour = [data[at * 4], data[at * 4 + 1], data[at * 4 + 2]];
    const grey = (colour[0] + colour[1] + colour[2]) / 3;
    for (let c = 0; c < channels; ++c)
      out[channelsFirst ? c * plane + at : at * channels + c] =
        (channels === 1 ? grey : colour[c]) / 255;
  }
  return out;
}

/** Draws a picture at any size. */
export const drawing =
  (picture: ImageBitmap): Draw =>
  (width, height) => {
    const context = new OffscreenCanvas(width, height).getContext('2d')!;
    context.drawImage(picture, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  };

export async function decodePicture(file: File): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new SampleError(
      `${file.name || 'The file'} is not a picture that this browser can open.`,
    );
  }
}
