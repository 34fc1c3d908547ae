/**
 * Small graphs of random operators, from a seed: shapes with 0 and 1 among the sizes, broadcasting, attributes of every kind.
 *
 * Most graphs are sound. About one in fifteen has a node that can't be (an axis that is not there, shapes that don't fit), so
 * that a test can see both sides refuse it. Values carry whether they are *exact*: made of the inputs, which are quarters, without
 * rounding. Only those go into operators that turn a small difference into a large one (Floor, comparisons, ArgMax).
 */
import { encodeModel, GraphBuilder, tensor } from './onnx_builder.mjs';
import { Random } from './random.mjs';

const elementCount = (dims) => dims.reduce((count, dim) => count * dim, 1);
const realTypes = ['float32', 'float32', 'float32', 'float64', 'int32', 'int64'];

function dataOf(random, type, dims) {
  const count = elementCount(dims);
  if (type === 'bool') return random.integers(count, 0, 1);
  if (type === 'uint8') return random.integers(count, 0, 20);
  const whole = random.integers(count, -12, 12);
  return type.startsWith('float') ? whole.map((value) => value / 4) : whole;
}

/** numpy's rule; undefined when two shapes have no common one. */
function broadcast(a, b) {
  const rank = Math.max(a.length, b.length);
  const dims = [];
  for (let i = 0; i < rank; ++i) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    dims.push(x === 1 ? y : x);
  }
  return dims;
}

const isFloat = ({ type }) => type.startsWith('float');
const isNumber = ({ type }) => type !== 'bool';

class RandomGraph {
  constructor(seed) {
    this.random = new Random(seed);
    this.opset = this.random.integer(13, 21);
    this.graph = new GraphBuilder(`random ${seed}`);
    this.feeds = {};
    this.values = [];
    this.used = new Set();
  }

  /** A number that is now and then one too far. */
  maybeWrong(value, wrong) {
    return this.random.uniform() < 0.015 ? wrong : value;
  }

  dims(rank = this.random.integer(0, 4)) {
    const size = () => (this.random.uniform() < 0.04 ? 0 : this.random.integer(1, 5));
    return Array.from({ length: rank }, size);
  }

  /** A new input or initializer. */
  source(type, dims) {
    const value = tensor(type, dims, dataOf(this.random, type, dims));
    const fixed = this.random.uniform() < 0.3;
    const name = fixed
      ? this.graph.initializer('c', value)
      : this.graph.input(`x${this.values.length}`, type, dims);
    if (!fixed) this.feeds[name] = value;
    const made = { name, type, dims, exact: true };
    this.values.push(made);
    return made;
  }

  /** A value that there is, if one will do. */
  find(fits) {
    const candidates = this.values.filter(fits);
    return candidates.length ? this.random.pick(candidates) : undefined;
  }

  /** A value of a type and shape, there or new. */
  like(type, dims) {
    const same = this.find((v) => v.type === type && v.dims.join() === dims.join());
    return same && this.random.boolean() ? same : this.source(type, dims);
  }

  ints(...numbers) {
    return this.graph.initializer('i', tensor('int64', [numbers.length], numbers));
  }

  emit(opType, inputs, attributes, results) {
    for (const input of inputs) this.used.add(input.name ?? input);
    const names = [].concat(
      this.graph.add(
        opType,
        inputs.map((input) => input.name ?? input),
        attributes,
        results.length,
      ),
    );
    results.forEach((result, i) => this.values.push({ ...result, name: names[i] }));
  }

  axis(rank) {
    const axis = this.random.integer(0, rank - 1);
    return { axis, shown: this.maybeWrong(this.random.boolean() ? axis : axis - rank, rank + 1) };
  }
}

const smooth = [
  'Sigmoid',
  'Tanh',
  'Erf',
  'Softplus',
  'Softsign',
  'Elu',
  'Selu',
  'Sin',
  'Cos',
  'Exp',
];
const exactUnary = ['Abs', 'Neg', 'Relu'];
const steps = ['Floor', 'Ceil', 'Round', 'Sign', 'HardSigmoid', 'LeakyRelu'];
const arithmetic = ['Add', 'Sub', 'Mul', 'Max', 'Min'];
const comparisons = ['Equal', 'Greater', 'Less', 'GreaterOrEqual', 'LessOrEqual'];
const reductions = ['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceL1'];

/** Each adds one node to the graph, or returns false when there is nothing that it could take. */
const makers = {
  smooth(g) {
    const x = g.find(({ type }) => type === 'float32');
    if (!x) return false;
    g.emit(g.random.pick(smooth), [x], {}, [{ ...x, exact: false }]);
  },
  unary(g) {
    const x = g.find(({ type }) => ['float32', 'float64', 'int32', 'int64'].includes(type));
    if (!x) return false;
    const opType = isFloat(x) || g.opset >= 14 ? g.random.pick(exactUnary) : 'Abs';
    if (opType === 'Relu' && x.type === 'int64') return false;
    g.emit(opType, [x], {}, [x]);
  },
  step(g) {
    const x = g.find(({ type, exact }) => type === 'float32' && exact);
    if (!x) return false;
    const opType = g.random.pick(steps);
    g.emit(opType, [x], {}, [{ ...x, exact: steps.indexOf(opType) < 4 }]);
  },
  arithmetic(g) {
    const a = g.find(({ type }) => realTypes.includes(type));
    if (!a) return false;
    const other = g.maybeWrong(
      a.dims.slice(g.random.integer(0, a.dims.length)).map((d) => (g.random.boolean() ? d : 1)),
      [7, 7],
    );
    const b = g.like(a.type, other);
    const [x, y] = g.random.boolean() ? [a, b] : [b, a];
    const dims = broadcast(x.dims, y.dims) ?? x.dims;
    const exact = a.exact && b.exact;
    g.emit(g.random.pick(arithmetic), [x, y], {}, [{ type: a.type, dims, exact }]);
  },
  divide(g) {
    const x = g.find(({ type }) => type === 'float32');
    if (!x) return false;
    const divisor = g.graph.initializer('d', tensor('float32', [1], [g.random.pick([-2, 0.5, 3])]));
    const dims = x.dims.length ? x.dims : [1];
    g.emit('Div', [x, divisor], {}, [{ type: x.type, dims, exact: false }]);
  },
  compare(g) {
    const a = g.find((v) => v.exact && ['float32', 'int32', 'int64'].includes(v.type));
    if (!a) return false;
    const b = g.find((v) => v.exact && v.type === a.type && broadcast(a.dims, v.dims)) ?? a;
    const dims = broadcast(a.dims, b.dims);
    g.emit(g.random.pick(comparisons), [a, b], {}, [{ type: 'bool', dims, exact: true }]);
  },
  logic(g) {
    const a = g.find(({ type }) => type === 'bool');
    if (!a) return false;
    if (g.random.boolean()) return void g.emit('Not', [a], {}, [a]);
    const b = g.find((v) => v.type === 'bool' && broadcast(a.dims, v.dims)) ?? a;
    const result = { type: 'bool', dims: broadcast(a.dims, b.dims), exact: true };
    g.emit(g.random.pick(['And', 'Or', 'Xor']), [a, b], {}, [result]);
  },
  where(g) {
    const x = g.find(({ type }) => ['float32', 'int64', 'uint8'].includes(type));
    if (!x) return false;
    const y = g.like(x.type, x.dims);
    const condition = g.like('bool', x.dims);
    g.emit('Where', [condition, x, y], {}, [{ ...x, exact: x.exact && y.exact }]);
  },
  cast(g) {
    const x = g.find((v) => v.exact);
    if (!x) return false;
    const codes = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float64: 11 };
    const type = g.random.pick(Object.keys(codes));
    // Negative numbers as unsigned ones are up to the compiler.
    if (type === 'uint8' && x.type !== 'bool') return false;
    g.emit('Cast', [x], { to: codes[type] }, [{ ...x, type }]);
  },
  reduce(g) {
    const x = g.find((v) => ['float32', 'int32'].includes(v.type) && v.dims.length > 0);
    if (!x || x.dims.includes(0)) return false;
    const { axis, shown } = g.axis(x.dims.length);
    const keep = g.random.boolean();
    const dims = keep ? x.dims.with(axis, 1) : x.dims.toSpliced(axis, 1);
    const opType = g.random.pick(x.type === 'int32' ? reductions.slice(0, 1) : reductions);
    const asInput = opType === 'ReduceSum' || g.opset >= 18;
    const attributes = { keepdims: keep ? 1 : 0, ...(asInput ? {} : { axes: [shown] }) };
    const inputs = asInput ? [x, g.ints(shown)] : [x];
    const exact = x.exact && opType !== 'ReduceMean' && opType !== 'ReduceProd';
    g.emit(opType, inputs, attributes, [{ type: x.type, dims, exact }]);
  },
  search(g) {
    const x = g.find(
      (v) => v.type === 'float32' && v.exact && v.dims.length && !v.dims.includes(0),
    );
    if (!x) return false;
    const { axis, shown } = g.axis(x.dims.length);
    const keep = g.random.boolean();
    const dims = keep ? x.dims.with(axis, 1) : x.dims.toSpliced(axis, 1);
    const attributes = { axis: shown, keepdims: keep ? 1 : 0 };
    const result = { type: 'int64', dims, exact: true };
    g.emit(g.random.pick(['ArgMax', 'ArgMin']), [x], attributes, [result]);
  },
  transpose(g) {
    const x = g.find((v) => v.dims.length > 1);
    if (!x) return false;
    const perm = g.random.shuffled(x.dims.map((_, i) => i));
    g.emit('Transpose', [x], { perm: g.maybeWrong(perm, perm.with(0, perm[1])) }, [
      { ...x, dims: perm.map((i) => x.dims[i]) },
    ]);
  },
  reshape(g) {
    const x = g.find(() => true);
    const count = elementCount(x.dims);
    const divisors = [1, 2, 3, 4, 5, 6].filter((d) => count % d === 0);
    const first = g.random.pick(divisors);
    const dims = count === 0 ? [0, 3] : [first, count / first];
    const shown = count && g.random.boolean() ? [first, -1] : dims;
    const attributes = count === 0 && g.opset >= 14 ? { allowzero: 1 } : {};
    if (count === 0 && g.opset < 14) return false;
    g.emit('Reshape', [x, g.ints(...g.maybeWrong(shown, [7, 11]))], attributes, [{ ...x, dims }]);
  },
  flatten(g) {
    const x = g.find((v) => v.dims.length > 0);
    if (!x) return false;
    const axis = g.random.integer(0, x.dims.length);
    const dims = [elementCount(x.dims.slice(0, axis)), elementCount(x.dims.slice(axis))];
    g.emit('Flatten', [x], { axis }, [{ ...x, dims }]);
  },
  unsqueeze(g) {
    const x = g.find((v) => v.dims.length < 5);
    if (!x) return false;
    const { axis, shown } = g.axis(x.dims.length + 1);
    g.emit('Unsqueeze', [x, g.ints(shown)], {}, [{ ...x, dims: x.dims.toSpliced(axis, 0, 1) }]);
  },
  squeeze(g) {
    const x = g.find((v) => v.dims.includes(1));
    if (!x) return false;
    const axis = x.dims.indexOf(1);
    g.emit('Squeeze', [x, g.ints(g.maybeWrong(axis, 6))], {}, [
      { ...x, dims: x.dims.toSpliced(axis, 1) },
    ]);
  },
  concat(g) {
    const x = g.find((v) => v.dims.length > 0);
    if (!x) return false;
    const { axis, shown } = g.axis(x.dims.length);
    const other = g.like(x.type, x.dims.with(axis, g.random.integer(0, 3)));
    const dims = x.dims.with(axis, x.dims[axis] + other.dims[axis]);
    g.emit('Concat', [x, other], { axis: shown }, [{ ...x, dims, exact: x.exact && other.exact }]);
  },
  split(g) {
    const x = g.find((v) => v.dims.some((d) => d > 1));
    if (!x) return false;
    const axis = x.dims.findIndex((d) => d > 1);
    const first = g.random.integer(0, x.dims[axis]);
    const sizes = [first, x.dims[axis] - first];
    const shown = g.maybeWrong(sizes, [1, x.dims[axis] + 3]);
    const results = sizes.map((size) => ({ ...x, dims: x.dims.with(axis, size) }));
    g.emit('Split', [x, g.ints(...shown)], { axis }, results);
  },
  slice(g) {
    const x = g.find((v) => v.dims.length > 0);
    if (!x) return false;
    const { axis, shown } = g.axis(x.dims.length);
    const size = x.dims[axis];
    const step = g.random.pick([1, 1, 2, -1]);
    const start = g.random.integer(0, Math.max(size - 1, 0));
    const length = step > 0 ? Math.ceil((size - start) / step) : start + 1;
    const end = step > 0 ? 100 : -100;
    const dims = x.dims.with(axis, size === 0 ? 0 : Math.max(length, 0));
    const inputs = [x, g.ints(start), g.ints(end), g.ints(shown), g.ints(step)];
    g.emit('Slice', inputs, {}, [{ ...x, dims }]);
  },
  gather(g) {
    const x = g.find((v) => v.dims.length > 0 && !v.dims.includes(0));
    if (!x) return false;
    const { axis, shown } = g.axis(x.dims.length);
    const size = x.dims[axis];
    const shape = g.dims(g.random.integer(0, 2));
    const count = elementCount(shape);
    const numbers = g.random.integers(count, -size, size - 1);
    const indices = g.graph.initializer('g', tensor('int64', shape, numbers));
    const dims = x.dims.toSpliced(axis, 1, ...shape);
    g.emit('Gather', [x, indices], { axis: shown }, [{ ...x, dims }]);
  },
  expand(g) {
    const x = g.find((v) => v.dims.includes(1));
    if (!x) return false;
    const dims = x.dims.map((d) => (d === 1 ? g.random.integer(1, 3) : d));
    g.emit('Expand', [x, g.ints(...g.maybeWrong(dims, [7, 11, 13]))], {}, [{ ...x, dims }]);
  },
  tile(g) {
    const x = g.find((v) => v.dims.length > 0 && elementCount(v.dims) < 200);
    if (!x) return false;
    const repeats = x.dims.map(() => g.random.integer(1, 2));
    const dims = x.dims.map((d, i) => d * repeats[i]);
    g.emit('Tile', [x, g.ints(...repeats)], {}, [{ ...x, dims }]);
  },
  pad(g) {
    const x = g.find((v) => v.type === 'float32' && v.dims.length > 0 && !v.dims.includes(0));
    if (!x) return false;
    const pads = g.random.integers(2 * x.dims.length, 0, 2);
    const rank = x.dims.length;
    const mode = x.dims.every((d) => d > 2)
      ? g.random.pick(['constant', 'edge', 'reflect'])
      : 'constant';
    const dims = x.dims.map((d, i) => d + pads[i] + pads[rank + i]);
    g.emit('Pad', [x, g.ints(...pads)], { mode }, [{ ...x, dims }]);
  },
  clip(g) {
    const x = g.find(({ type }) => type === 'float32');
    if (!x) return false;
    const low = g.graph.initializer('lo', tensor('float32', [], [-1]));
    const high = g.graph.initializer('hi', tensor('float32', [], [1.5]));
    g.emit('Clip', [x, low, high], {}, [x]);
  },
  matmul(g) {
    const a = g.find((v) => v.type === 'float32' && v.dims.length > 1);
    if (!a) return false;
    const b = g.like('float32', [
      g.maybeWrong(a.dims.at(-1), a.dims.at(-1) + 1),
      g.random.integer(1, 4),
    ]);
    const dims = a.dims.with(-1, b.dims[1]);
    g.emit('MatMul', [a, b], {}, [{ type: 'float32', dims, exact: false }]);
  },
  gemm(g) {
    // Of a product without terms onnxruntime adds C without its factor.
    const a = g.find((v) => v.type === 'float32' && v.dims.length === 2 && !v.dims.includes(0));
    if (!a) return false;
    const [transA, transB] = [g.random.integer(0, 1), g.random.integer(0, 1)];
    const [m, k] = transA ? [a.dims[1], a.dims[0]] : a.dims;
    const n = g.random.integer(1, 4);
    const b = g.like('float32', transB ? [n, k] : [k, n]);
    const c = g.like('float32', g.random.pick([[n], [1, n], [m, 1], [m, n]]));
    const attributes = { transA, transB, alpha: 0.5, beta: 1.5 };
    g.emit('Gemm', [a, b, c], attributes, [{ type: 'float32', dims: [m, n], exact: false }]);
  },
  softmax(g) {
    const x = g.find((v) => v.type === 'float32' && v.dims.length > 0 && !v.dims.includes(0));
    if (!x) return false;
    const { shown } = g.axis(x.dims.length);
    const opType = g.random.pick(['Softmax', 'LogSoftmax']);
    g.emit(opType, [x], { axis: shown }, [{ ...x, exact: false }]);
  },
  normalize(g) {
    const x = g.find((v) => v.type === 'float32' && v.dims.length > 0 && !v.dims.includes(0));
    if (!x || g.opset < 17) return false;
    const scale = g.source('float32', [x.dims.at(-1)]);
    g.emit('LayerNormalization', [x, scale], { axis: -1, epsilon: 0.01 }, [{ ...x, exact: false }]);
  },
  conv(g) {
    const channels = g.random.integer(1, 4);
    const x =
      g.find((v) => v.type === 'float32' && v.dims.length === 4 && !v.dims.includes(0)) ??
      g.source('float32', [1, channels, g.random.integer(3, 6), g.random.integer(3, 6)]);
    const kernel = g.random.pick([1, 3]);
    const pad = kernel === 3 ? 1 : 0;
    const groups = g.random.boolean() ? 1 : x.dims[1];
    const out = groups * g.random.integer(1, 3);
    const w = g.source('float32', [out, x.dims[1] / groups, kernel, kernel]);
    const attributes = { group: groups, pads: [pad, pad, pad, pad] };
    const dims = [x.dims[0], out, x.dims[2], x.dims[3]];
    g.emit('Conv', [x, w], attributes, [{ type: 'float32', dims, exact: false }]);
  },
  pool(g) {
    const x = g.find(
      (v) => v.type === 'float32' && v.dims.length === 4 && v.dims[2] > 1 && v.dims[3] > 1,
    );
    if (!x || x.dims.includes(0)) return false;
    const opType = g.random.pick(['MaxPool', 'AveragePool']);
    const dims = [x.dims[0], x.dims[1], x.dims[2] - 1, x.dims[3] - 1];
    const exact = x.exact && opType === 'MaxPool';
    g.emit(opType, [x], { kernel_shape: [2, 2] }, [{ ...x, dims, exact }]);
  },
  cumulate(g) {
    const x = g.find((v) => ['float32', 'int32', 'int64'].includes(v.type) && v.dims.length > 0);
    if (!x || x.dims.includes(0)) return false;
    const { axis } = g.axis(x.dims.length);
    const position = g.graph.initializer('a', tensor('int64', [], [axis]));
    const attributes = { exclusive: g.random.integer(0, 1), reverse: g.random.integer(0, 1) };
    g.emit('CumSum', [x, position], attributes, [x]);
  },
  shape(g) {
    const x = g.find(() => true);
    g.emit('Shape', [x], {}, [{ type: 'int64', dims: [x.dims.length], exact: true }]);
  },
  triangle(g) {
    const x = g.find((v) => ['float32', 'int64'].includes(v.type) && v.dims.length > 1);
    if (!x || x.dims.includes(0) || g.opset < 14) return false;
    g.emit('Trilu', [x], { upper: g.random.integer(0, 1) }, [x]);
  },
};

/**
 * The graph of a seed: {model, feeds, operators}. Outputs are all values that no node reads.
 * @param {string | number} seed
 */
export function randomGraph(seed) {
  const g = new RandomGraph(seed);
  const sources = g.random.integer(1, 3);
  for (let i = 0; i < sources; ++i)
    g.source(g.random.pick([...realTypes, 'bool', 'uint8']), g.dims());
  const nodes = g.random.integer(2, 9);
  const names = Object.keys(makers);
  while (g.graph.nodes.length < nodes) {
    makers[g.random.pick(names)](g);
    if (g.values.every(({ dims }) => elementCount(dims) > 5000)) break;
  }
  const made = new Set(g.graph.nodes.flatMap(({ outputs }) => outputs));
  for (const { name, type } of g.values)
    if (made.has(name) && !g.used.has(name)) g.graph.output(name, type);
  return {
    model: encodeModel(g.graph, { opset: g.opset }),
    feeds: g.feeds,
    operators: g.graph.nodes.map(({ opType }) => opType),
  };
}
