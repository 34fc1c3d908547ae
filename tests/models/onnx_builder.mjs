/**
 * Builds ONNX models in a few lines, and encodes them with the official schema.
 *
 *   const graph = new GraphBuilder('example');
 *   const x = graph.input('x', 'float32', ['batch', 4]);
 *   graph.output(graph.add('Softmax', [x], { axis: -1 }), 'float32', ['batch', 4]);
 *   const bytes = encodeModel(graph, { opset: 13 });
 *
 * Values are their names. Attributes are written as JavaScript values: a whole number is an int, any other number a float,
 * `float(1)` a float all the same; strings, tensors and graphs are themselves; arrays are the plural of their elements.
 */
import { enumValues, messageType } from './onnx_schema.mjs';
import { Random } from './random.mjs';

const ModelProto = messageType('ModelProto');
const attributeTypes = enumValues('AttributeProto.AttributeType');

/** Element types by the names that onnxruntime-common uses: their number in the schema and their typed array. */
const elementTypes = {
  float32: { code: 1, array: Float32Array },
  uint8: { code: 2, array: Uint8Array },
  int8: { code: 3, array: Int8Array },
  uint16: { code: 4, array: Uint16Array },
  int16: { code: 5, array: Int16Array },
  int32: { code: 6, array: Int32Array },
  int64: { code: 7, array: BigInt64Array },
  string: { code: 8, array: Array },
  bool: { code: 9, array: Uint8Array },
  float16: { code: 10, array: Uint16Array },
  float64: { code: 11, array: Float64Array },
  uint32: { code: 12, array: Uint32Array },
  uint64: { code: 13, array: BigUint64Array },
  // Two elements a byte, the first in the lower bits.
  uint4: { code: 21, array: Uint8Array, perItem: 2 },
  int4: { code: 22, array: Uint8Array, perItem: 2 },
};

/** The number of an element type in the schema, as Cast's `to` wants it. */
export const typeCode = (type) => elementTypes[type].code;

const elementCount = (dims) => dims.reduce((count, dim) => count * dim, 1);

/** A constant array. `data` may be a typed array or any list of numbers. */
export class TensorValue {
  constructor(type, dims, data) {
    const { array, perItem = 1 } = elementTypes[type];
    const exact = data instanceof array;
    const wide = array === BigInt64Array || array === BigUint64Array;
    this.type = type;
    this.dims = dims;
    this.data = exact ? data : array.from(data, wide ? (value) => BigInt(value) : Number);
    if (this.data.length !== Math.ceil(elementCount(dims) / perItem)) {
      throw new Error(`a ${type} tensor of [${dims}] cannot hold ${this.data.length} elements`);
    }
  }
}

export const tensor = (type, dims, data) => new TensorValue(type, dims, data);
export const scalar = (type, value) => tensor(type, [], [value]);
export const int64s = (...values) => tensor('int64', [values.length], values);

/** Marks whole numbers that are float attributes. */
class FloatAttribute {
  constructor(value) {
    this.value = value;
  }
}
export const float = (value) => new FloatAttribute(value);

/** The nodes, constants, inputs and outputs of one graph. Weights come from `random`, seeded with the graph's name. */
export class GraphBuilder {
  nodes = [];
  initializers = [];
  inputs = [];
  outputs = [];
  #scope = '';
  #uses = new Map();

  constructor(name, { scope = '', random = new Random(name) } = {}) {
    this.name = name;
    this.random = random;
    this.#scope = scope;
  }

  input(name, type, shape) {
    this.inputs.push({ name, type, shape });
    return name;
  }

  /** Declares a value as an output; its shape may be left out. */
  output(name, type, shape) {
    this.outputs.push({ name, type, shape });
    return name;
  }

  /** Adds an initializer. */
  initializer(name, value) {
    const unique = this.#unique(name);
    this.initializers.push({ name: unique, value });
    return unique;
  }

  /** Adds a Constant node, the way exporters write small constants. */
  constant(value) {
    return this.add('Constant', [], { value });
  }

  /**
   * Adds a node. An input '' is left out.
   * @param {number | string[]} outputs how many outputs there are, or their names
   * @returns the output, or all outputs when there are several
   */
  add(opType, inputs, attributes = {}, outputs = 1, domain = '') {
    const name = this.#unique(opType);
    const names = Array.isArray(outputs)
      ? outputs
      : Array.from({ length: outputs }, (_, i) => `${name}_output_${i}`);
    this.nodes.push({ name, opType, domain, inputs, outputs: names, attributes });
    return names.length === 1 ? names[0] : names;
  }

  /** Names everything that `build` adds below `scope`, as exporters name the parts of a module. */
  within(scope, build) {
    const outer = this.#scope;
    this.#scope = `${outer}/${scope}`;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  /** A graph for an attribute such as If's then_branch; it may use the values of this one. */
  subgraph(name) {
    const unique = this.#unique(name);
    return new GraphBuilder(unique, { scope: unique, random: this.random });
  }

  #unique(name) {
    const path = this.#scope === '' ? name : `${this.#scope}/${name}`;
    const uses = this.#uses.get(path) ?? 0;
    this.#uses.set(path, uses + 1);
    return uses === 0 ? path : `${path}_${uses}`;
  }
}

function encodeTensor(value, name = '') {
  const { data } = value;
  const head = { name, dims: value.dims, dataType: typeCode(value.type) };
  if (value.type === 'string') {
    return { ...head, stringData: data.map((text) => Buffer.from(text)) };
  }
  return {
    ...head,
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

function attributeFields(value) {
  if (value instanceof FloatAttribute) {
    return Array.isArray(value.value)
      ? { type: attributeTypes.FLOATS, floats: value.value }
      : { type: attributeTypes.FLOAT, f: value.value };
  }
  if (value instanceof TensorValue) return { type: attributeTypes.TENSOR, t: encodeTensor(value) };
  if (value instanceof GraphBuilder) return { type: attributeTypes.GRAPH, g: encodeGraph(value) };
  if (typeof value === 'string') return { type: attributeTypes.STRING, s: Buffer.from(value) };
  if (Array.isArray(value)) {
    if (value.some((element) => typeof element === 'string')) {
      return { type: attributeTypes.STRINGS, strings: value.map((text) => Buffer.from(text)) };
    }
    return value.every(Number.isInteger)
      ? { type: attributeTypes.INTS, ints: value }
      : { type: attributeTypes.FLOATS, floats: value };
  }
  return Number.isInteger(value)
    ? { type: attributeTypes.INT, i: value }
    : { type: attributeTypes.FLOAT, f: value };
}

function encodeNode({ name, opType, domain, inputs, outputs, attributes }) {
  return {
    name,
    opType,
    domain,
    input: inputs,
    output: outputs,
    attribute: Object.entries(attributes).map(([key, value]) => ({
      name: key,
      ...attributeFields(value),
    })),
  };
}

function encodeValueInfo({ name, type, shape }) {
  const dim = shape?.map((extent) =>
    typeof extent === 'string' ? { dimParam: extent } : { dimValue: extent },
  );
  return { name, type: { tensorType: { elemType: typeCode(type), shape: dim && { dim } } } };
}

function encodeGraph(graph) {
  return {
    name: graph.name,
    node: graph.nodes.map(encodeNode),
    initializer: graph.initializers.map(({ name, value }) => encodeTensor(value, name)),
    input: graph.inputs.map(encodeValueInfo),
    output: graph.outputs.map(encodeValueInfo),
  };
}

function encodeOpsets(opset, domains) {
  return Object.entries({ '': opset, ...domains }).map(([domain, version]) => ({
    domain,
    version,
  }));
}

/**
 * @param {GraphBuilder} graph
 * @param {object} [options] `domains` are the versions of further operator sets. Each of `functions` is a model function
 *   `{ domain, name, inputs, outputs, attributes, graph }`, whose body is the nodes of `graph`.
 * @returns {Uint8Array} the model
 */
export function encodeModel(
  graph,
  { opset = 17, domains = {}, functions = [], metadata = {} } = {},
) {
  const opsetImport = encodeOpsets(opset, domains);
  return ModelProto.encode({
    irVersion: opset >= 21 ? 10 : 8,
    producerName: 'octet-tests',
    opsetImport,
    graph: encodeGraph(graph),
    functions: functions.map(({ domain, name, inputs, outputs, attributes = [], graph: body }) => ({
      domain,
      name,
      opsetImport,
      input: inputs,
      output: outputs,
      attribute: attributes,
      node: body.nodes.map(encodeNode),
    })),
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  }).finish();
}

/** The message of an encoded model, to be looked into or changed and encoded again. */
export const decodeModel = (bytes) => ModelProto.decode(bytes);
export const encodeMessage = (message) => ModelProto.encode(message).finish();
