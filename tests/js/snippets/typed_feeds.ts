/** Tensors with types of their own: every way to make one, reshaping, data that is fetched, disposal. */
import { InferenceSession, Tensor } from 'onnxruntime-web';
import type { TypedTensor } from 'onnxruntime-web';

type Classifier = { x: TypedTensor<'float32'> };

async function classify(session: InferenceSession, feeds: Classifier): Promise<Float32Array> {
  const fetches: InferenceSession.FetchesType = ['probabilities'];
  const { probabilities } = await session.run(feeds, fetches);
  const data = await probabilities.getData();
  if (!(data instanceof Float32Array)) throw new TypeError('float32 expected');
  return data;
}

export async function example({ bytes }: { bytes: Uint8Array }) {
  const session = await InferenceSession.create(bytes.slice().buffer, 0, bytes.byteLength);
  const flat: TypedTensor<'float32'> = new Tensor('float32', [0.5, -1, 2, 0.25]);
  const x = flat.reshape([1, 4]);
  const truths: Tensor = new Tensor([true, false, true]);
  const words = new Tensor(['two', 'words'], [2]);
  const large: TypedTensor<'int64'> = new Tensor('int64', [1n, -(2n ** 60n)], [1, 2]);
  const halves = Tensor.fromPinnedBuffer('uint16', Uint16Array.of(1, 2, 3), [3]);
  const numbers = await classify(session, { x });
  const described = [x, truths, words, large, halves].map(
    ({ type, dims, size, location }) => `${type} [${dims}] ${size} ${location}`,
  );
  const elements = [[...truths.data], words.data, [...large.data].map(String)];
  flat.dispose();
  await session.release();
  return { numbers, described, elements, disposed: flat.location as string };
}
