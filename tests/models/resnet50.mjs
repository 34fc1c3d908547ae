/**
 * ResNet-50 for 224×224 images (He et al. 2015, with the stride in the 3×3 convolution), exported with its batch
 * normalisations in place.
 */
import { encodeModel, GraphBuilder } from './onnx_builder.mjs';
import { convBatchNorm, gemm } from './layers.mjs';

/** Inner channels and number of blocks of each stage. */
const stages = [
  [64, 3],
  [128, 4],
  [256, 6],
  [512, 3],
];

function convBatchNormRelu(graph, x, options) {
  return graph.add('Relu', [convBatchNorm(graph, x, options)]);
}

function bottleneck(graph, x, { from, inner, stride }) {
  const to = inner * 4;
  let y = convBatchNormRelu(graph, x, { from, to: inner });
  y = convBatchNormRelu(graph, y, { from: inner, to: inner, kernel: 3, stride, inputPower: 0.5 });
  y = convBatchNorm(graph, y, { from: inner, to, inputPower: 0.5, gain: 0.5 });
  const shortcut =
    from === to
      ? x
      : graph.within('downsample', () => convBatchNorm(graph, x, { from, to, stride }));
  return graph.add('Relu', [graph.add('Add', [y, shortcut])]);
}

export function build() {
  const graph = new GraphBuilder('resnet50');
  const x = graph.input('input', 'float32', ['batch', 3, 224, 224]);
  let y = graph.within('stem', () =>
    convBatchNormRelu(graph, x, { from: 3, to: 64, kernel: 7, stride: 2 }),
  );
  y = graph.add('MaxPool', [y], {
    ceil_mode: 0,
    kernel_shape: [3, 3],
    pads: [1, 1, 1, 1],
    strides: [2, 2],
  });
  let from = 64;
  stages.forEach(([inner, blocks], stage) => {
    for (let i = 0; i < blocks; ++i) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      y = graph.within(`layer${stage + 1}.${i}`, () =>
        bottleneck(graph, y, { from, inner, stride }),
      );
      from = inner * 4;
    }
  });
  const pooled = graph.add('Flatten', [graph.add('GlobalAveragePool', [y])], { axis: 1 });
  const logits = graph.within('fc', () =>
    gemm(graph, pooled, { from, to: 1000, outputs: ['logits'] }),
  );
  graph.output(logits, 'float32', ['batch', 1000]);
  return encodeModel(graph, { opset: 11 });
}
