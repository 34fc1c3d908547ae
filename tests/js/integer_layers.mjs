/**
 * Takes a dynamically quantized model apart into its integer layers: from the float input of a DynamicQuantizeLinear, through the
 * integer operator, to its result with scale and bias. A layer is a model of its own, `{ name, input, output, model }`.
 */
import { decodeModel, encodeMessage, typeCode } from '../models/onnx_builder.mjs';

const integerOperators = ['MatMulInteger', 'ConvInteger'];
const valueInfo = (name, type = 'float32') => ({
  name,
  type: { tensorType: { elemType: typeCode(type) } },
});

class Wiring {
  constructor({ node, initializer }) {
    this.initializers = new Map(initializer.map((tensor) => [tensor.name, tensor]));
    this.producers = new Map(node.flatMap((one) => one.output.map((name) => [name, one])));
    this.readers = new Map();
    for (const one of node) {
      for (const name of one.input)
        this.readers.set(name, [...(this.readers.get(name) ?? []), one]);
    }
  }

  /** The only reader of a node's first output, if `accept` takes it. */
  next({ output }, accept) {
    const readers = this.readers.get(output[0]) ?? [];
    return readers.length === 1 && accept(readers[0]) ? readers[0] : undefined;
  }

  /** The node that gives an integer operator's result its scale and bias. */
  lastOfLayer(integerNode) {
    const cast = this.next(integerNode, ({ opType }) => opType === 'Cast');
    const scaled = this.next(cast, ({ opType }) => opType === 'Mul');
    const hasConstant = ({ input }) => input.some((name) => this.initializers.has(name));
    const biased = this.next(scaled, (one) => one.opType === 'Add' && hasConstant(one));
    return biased ?? scaled;
  }

  /** The nodes that `last` depends on, up to and with the quantization of their input, in order. */
  nodesBefore(last) {
    const found = new Set();
    const visit = (one) => {
      if (found.has(one)) return;
      const stops = one.opType === 'DynamicQuantizeLinear';
      for (const name of stops ? [] : one.input) {
        if (this.producers.has(name)) visit(this.producers.get(name));
      }
      found.add(one);
    };
    visit(last);
    return [...found];
  }
}

export function integerLayers(bytes) {
  const { graph, irVersion, opsetImport } = decodeModel(bytes);
  const wiring = new Wiring(graph);
  return graph.node
    .filter(({ opType }) => integerOperators.includes(opType))
    .map((integerNode) => {
      const node = wiring.nodesBefore(wiring.lastOfLayer(integerNode));
      const [input] = node.find(({ opType }) => opType === 'DynamicQuantizeLinear').input;
      const [output] = node.at(-1).output;
      const used = node.flatMap((one) => one.input);
      const layer = {
        name: integerNode.name,
        node,
        initializer: graph.initializer.filter(({ name }) => used.includes(name)),
        input: [valueInfo(input)],
        output: [valueInfo(output)],
      };
      const model = encodeMessage({ irVersion, opsetImport, graph: layer });
      return { name: integerNode.name, input, output, model };
    });
}

/** The model with inner values, `{ name, type }`, as further outputs; 'float32' where the type is left out. */
export function withOutputs(bytes, values) {
  const model = decodeModel(bytes);
  const known = new Set(model.graph.output.map(({ name }) => name));
  for (const { name, type } of values) {
    if (!known.has(name)) model.graph.output.push(valueInfo(name, type));
    known.add(name);
  }
  return encodeMessage(model);
}
