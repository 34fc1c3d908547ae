import { InferenceSession, Tensor, quantize } from 'octet-web';

const side = 28;
const batch = 256;

/** Strokes, a little further to the right in each picture. */
function pictures() {
  const pixels = new Float32Array(batch * side * side);
  for (let i = 0; i < batch; ++i)
    for (let y = 4; y < side - 4; ++y)
      pixels.fill(1, (i * side + y) * side + 4 + (i % 20), (i * side + y) * side + 7 + (i % 20));
  return new Tensor('float32', pixels, [batch, 1, side, side]);
}

/** Quantizes a model that reads digits, and reads some: the probabilities of ten digits for each picture. */
export async function readDigits(file) {
  const { model, report } = await quantize(file, { mode: 'dynamic' });
  const session = await InferenceSession.create(model);
  const { probabilities } = await session.run({ image: pictures() });
  await session.release();
  const { bytesBefore, bytesAfter } = report;
  return { bytesBefore, bytesAfter, probabilities: [...probabilities.data] };
}
