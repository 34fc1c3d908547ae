/** A picture as a tensor in both layouts, and a tensor as a picture. Needs a browser. */
import { Tensor } from 'onnxruntime-web';
import type { TensorFromImageDataOptions, TensorToImageDataOptions } from 'onnxruntime-web';

export async function example({ width, height }: { width: number; height: number }) {
  const pixels = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => (i * 37) % 256);
  const image = new ImageData(pixels, width, height);
  const options: TensorFromImageDataOptions = {
    dataType: 'float32',
    tensorFormat: 'BGR',
    tensorLayout: 'NCHW',
    norm: { mean: 255, bias: [0, 0.5, 1, 0] },
  };
  const planar = await Tensor.fromImage(image, options);
  const bitmap = await createImageBitmap(image);
  const resized = await Tensor.fromImage(bitmap, { resizedWidth: 2, resizedHeight: 3 });
  const back: TensorToImageDataOptions = { format: 'RGB', tensorLayout: 'NCHW' };
  const picture: ImageData = (await Tensor.fromImage(image)).toImageData(back);
  return {
    dims: [planar.dims, resized.dims],
    numbers: planar.data,
    resized: [...resized.data],
    picture: [picture.width, picture.height, ...picture.data],
    url: (await Tensor.fromImage(image)).toDataURL().slice(0, 21),
  };
}
