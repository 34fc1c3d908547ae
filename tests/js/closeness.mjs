/** How near two results are. */
import assert from 'node:assert/strict';

/** A type and shape in words, to compare and to report. */
const describe = ({ type, dims }) => `${type} [${dims}]`;

function worstElement(actual, expected, { relative, absolute }) {
  let worst = { excess: 0 };
  for (let i = 0; i < expected.length; ++i) {
    const [a, e] = [Number(actual[i]), Number(expected[i])];
    if (Object.is(a, e) || a === e) continue;
    const excess = Math.abs(a - e) / Math.max(absolute, relative * Math.abs(e));
    // Written so that NaN on one side counts.
    if (!(excess <= worst.excess))
      worst = { excess: Number.isNaN(excess) ? Infinity : excess, i, a, e };
  }
  return worst;
}

/** Every element within `relative` or `absolute` of what is expected. The tensors are of one type and shape. */
export function assertTensorClose(actual, expected, tolerance, where) {
  assert.equal(describe(actual), describe(expected), where);
  if (expected.type === 'string') {
    assert.deepEqual([...actual.data], [...expected.data], where);
    return;
  }
  const { excess, i, a, e } = worstElement(actual.data, expected.data, tolerance);
  assert.ok(
    excess <= 1,
    `${where}: element ${i} is ${a}, expected ${e}; ${excess.toFixed(1)} times the tolerance`,
  );
}

/** Every output close. Integers and booleans must be equal, but for `tolerance.codes` of integers where it is given. */
export function assertOutputsClose(actual, expected, tolerance, where) {
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort(), where);
  for (const [name, value] of Object.entries(expected)) {
    const exact = !value.type.startsWith('float');
    const wanted = exact ? { relative: 0, absolute: tolerance.codes ?? 0 } : tolerance;
    assertTensorClose(actual[name], value, wanted, `${where}: output ${name}`);
  }
}

/** Signal-to-quantization-noise ratio in dB of lists of tensors taken together. */
export function sqnr(actual, expected) {
  let signal = 0;
  let noise = 0;
  expected.forEach((tensor, index) => {
    const other = actual[index].data;
    for (let i = 0; i < tensor.data.length; ++i) {
      const value = Number(tensor.data[i]);
      signal += value * value;
      noise += (Number(other[i]) - value) ** 2;
    }
  });
  return noise === 0 ? Infinity : 10 * Math.log10(signal / noise);
}
