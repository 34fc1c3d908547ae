/**
 * MobileNetV2 1.0 for 224×224 images (Sandler et al. 2018, table 2), as exported for inference: batch normalisation is
 * folded into the convolutions, ReLU6 is a Clip.
 */
import { encodeModel, GraphBuilder } from './onnx_builder.mjs';
import { constantFloat, conv, gemm } from './layers.mjs';

/** Expansion, output channels, repetitions and stride of each group of blocks. */
const blockGroups = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

function convRelu6(graph, x, options) {
  const y = conv(graph, x, options);
  return graph.add('Clip', [y, constantFloat(graph, 0), constantFloat(graph, 6)]);
}

function invertedResidual(graph, x, { from, to, expansion, stride }) {
  const hidden = from * expansion;
  let y = x;
  if (expansion !== 1) y = convRelu6(graph, y, { from, to: hidden });
  y = convRelu6(graph, y, {
    from: hidden,
    to: hidden,
    kernel: 3,
    stride,
    groups: hidden,
    inputPower: 0.5,
  });
  y = conv(graph, y, { from: hidden, to, inputPower: 0.5 });
  return stride === 1 && from === to ? graph.add('Add', [x, y]) : y;
}

export function build() {
  const graph = new GraphBuilder('mobilenet_v2');
  const x = graph.input('input', 'float32', ['batch', 3, 224, 224]);
  let y = graph.within('features.0', () =>
    convRelu6(graph, x, { from: 3, to: 32, kernel: 3, stride: 2 }),
  );
  let from = 32;
  let index = 1;
  for (const [expansion, to, repetitions, groupStride] of blockGroups) {
    for (let i = 0; i < repetitions; ++i) {
      const stride = i === 0 ? groupStride : 1;
      y = graph.within(`features.${index++}`, () =>
        invertedResidual(graph, y, { from, to, expansion, stride }),
      );
      from = to;
    }
  }
  y = graph.within(`features.${index}`, () => convRelu6(graph, y, { from, to: 1280 }));
  const pooled = graph.add('Flatten', [graph.add('GlobalAveragePool', [y])], { axis: 1 });
  const logits = graph.within('classifier', () =>
    gemm(graph, pooled, { from: 1280, to: 1000, inputPower: 0.5, outputs: ['logits'] }),
  );
  graph.output(logits, 'float32', ['batch', 1000]);
  return encodeModel(graph, { opset: 13 });
}
