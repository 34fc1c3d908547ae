/** Cases of operators on weights that are quantized in blocks. single_node.mjs says what a case is. */
import { floats, integers, randomShape, uniforms } from './values.mjs';

/** Levels 0 to 3 compute in float, level 4 with activations of 8 bits: in onnxruntime those of 8 bits too, in Octet those of 4. */
const matMulNBits = {
  opsets: [14, 17],
  count: 60,
  make(random, opset, index) {
    const block = random.pick([16, 32, 64, 128, 256]);
    const [n, k] = [random.integer(1, 40), random.integer(1, 3 * block)];
    const blocks = Math.ceil(k / block);
    const lead = randomShape(random, random.integer(1, 2), 6);
    const bits = random.pick([4, 4, 8]);
    const bytes = (codes) => Math.ceil((codes * bits) / 8);
    const zeros = random.boolean() ? integers(random, 'uint8', [n * bytes(blocks)], 0, 255) : null;
    return {
      inputs: [
        floats(random, [...lead, k]),
        integers(random, 'uint8', [n, blocks, bytes(block)], 0, 255),
        uniforms(random, [n * blocks], 0.01, 0.05),
        zeros,
        null,
        random.boolean() ? floats(random, [n]) : null,
      ],
      constant: [false, true, true, true, true, random.boolean()],
      attributes: {
        K: k,
        N: n,
        bits,
        block_size: block,
        accuracy_level: index % (bits === 4 ? 5 : 4),
      },
      domain: 'com.microsoft',
    };
  },
};

const matMulBnb4 = {
  opsets: [17],
  count: 40,
  make(random) {
    const block_size = random.pick([16, 32, 64]);
    const [n, k] = random.integers(2, 1, 40);
    return {
      inputs: [
        floats(random, [...randomShape(random, random.integer(1, 2), 6), k]),
        integers(random, 'uint8', [Math.ceil((n * k) / 2)], 0, 255),
        uniforms(random, [Math.ceil((n * k) / block_size)], 0.1, 2),
      ],
      constant: [false, true, true],
      attributes: { K: k, N: n, block_size, quant_type: random.integer(0, 1) },
      domain: 'com.microsoft',
    };
  },
};

export const blocks = { MatMulBnb4: matMulBnb4, MatMulNBits: matMulNBits };
