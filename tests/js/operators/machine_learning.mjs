/** Cases of the operators of ai.onnx.ml. single_node.mjs says what a case is. */
import { float, tensor } from '../../models/onnx_builder.mjs';
import { elementCount, floats, integers, randomShape } from './values.mjs';

const domain = 'ai.onnx.ml';
const transforms = ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO'];

const definition = (make, { version = 1, count = 12 } = {}) => ({
  opsets: [17],
  count,
  make: (random, opset, index) => ({ domain, version, ...make(random, opset, index) }),
});

const numbers = (random, count, deviation = 1) =>
  float(Array.from(random.normals(count, 0, deviation)));

const matrix = (random) => floats(random, [random.integer(1, 5), random.integer(1, 4)], 1);

const labelsOf = (random, count, prefix = 'classlabels_ints') =>
  random.boolean()
    ? {
        type: 'int64',
        attributes: { [prefix]: Array.from({ length: count }, (_, i) => 10 * i + 3) },
      }
    : {
        type: 'string',
        attributes: { classlabels_strings: Array.from({ length: count }, (_, i) => `class ${i}`) },
      };

/** A complete tree of `depth` below node `at`, in preorder; calls `leaf(node)` for what ends it. */
function growTree(random, nodes, tree, features, depth, leaf, modes) {
  const id = nodes.nodes_nodeids.filter((_, i) => nodes.nodes_treeids[i] === tree).length;
  const place = nodes.nodes_nodeids.length;
  const isLeaf = depth === 0 || (depth < 3 && random.uniform() < 0.2);
  nodes.nodes_treeids.push(tree);
  nodes.nodes_nodeids.push(id);
  nodes.nodes_featureids.push(isLeaf ? 0 : random.integer(0, features - 1));
  nodes.nodes_modes.push(isLeaf ? 'LEAF' : random.pick(modes));
  nodes.nodes_values.push(isLeaf ? 0 : random.normal());
  nodes.nodes_truenodeids.push(0);
  nodes.nodes_falsenodeids.push(0);
  nodes.nodes_missing_value_tracks_true.push(random.integer(0, 1));
  if (isLeaf) {
    leaf(id);
  } else {
    const grow = () => growTree(random, nodes, tree, features, depth - 1, leaf, modes);
    nodes.nodes_truenodeids[place] = grow();
    nodes.nodes_falsenodeids[place] = grow();
  }
  return id;
}

function growForest(random, features, kind, voteOf) {
  const nodes = {
    nodes_treeids: [],
    nodes_nodeids: [],
    nodes_featureids: [],
    nodes_modes: [],
    nodes_values: [],
    nodes_truenodeids: [],
    nodes_falsenodeids: [],
    nodes_missing_value_tracks_true: [],
  };
  const votes = { treeids: [], nodeids: [], ids: [], weights: [] };
  const all = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_NEQ'];
  const modes = random.boolean() ? ['BRANCH_LEQ'] : all;
  for (let tree = 0, count = random.integer(1, 4); tree < count; ++tree) {
    const leaf = (node) => {
      for (const [id, weight] of voteOf()) {
        votes.treeids.push(tree);
        votes.nodeids.push(node);
        votes.ids.push(id);
        votes.weights.push(weight);
      }
    };
    growTree(random, nodes, tree, features, random.integer(1, 4), leaf, modes);
  }
  return {
    ...nodes,
    nodes_values: float(nodes.nodes_values),
    [`${kind}_treeids`]: votes.treeids,
    [`${kind}_nodeids`]: votes.nodeids,
    [`${kind}_ids`]: votes.ids,
    [`${kind}_weights`]: float(votes.weights),
  };
}

function withGaps(random, x) {
  if (random.boolean()) x.data[random.integer(0, x.data.length - 1)] = Number.NaN;
  return x;
}

const treeRegressor = definition(
  (random) => {
    const x = withGaps(random, matrix(random));
    const targets = random.integer(1, 3);
    const forest = growForest(random, x.dims[1], 'target', () =>
      Array.from({ length: targets }, (_, id) => [id, random.normal()]),
    );
    const aggregate_function = random.pick(['SUM', 'AVERAGE', 'MIN', 'MAX']);
    const attributes = { ...forest, n_targets: targets, aggregate_function };
    if (random.boolean() && targets > 1) attributes.post_transform = random.pick(transforms);
    if (random.boolean()) attributes.base_values = numbers(random, targets);
    return { inputs: [x], attributes };
  },
  { count: 24 },
);

/** Two classes as converters write them, whose votes are all for one; three or four by votes for each. */
const treeClassifier = definition(
  (random) => {
    const x = withGaps(random, matrix(random));
    const classes = random.integer(2, 4);
    const positive = random.boolean();
    const weight = () => (positive ? random.uniform(0, 0.5) : random.normal());
    const forest = growForest(random, x.dims[1], 'class', () =>
      classes === 2 ? [[0, weight()]] : Array.from({ length: classes }, (_, id) => [id, weight()]),
    );
    const labels = labelsOf(random, classes, 'classlabels_int64s');
    const post_transform = random.pick(['NONE', 'LOGISTIC', ...(classes > 2 ? transforms : [])]);
    const attributes = { ...forest, ...labels.attributes, post_transform };
    return { inputs: [x], attributes, outputs: [labels.type, 'float32'] };
  },
  { count: 32 },
);

/** Version 5: branches and leaves in lists of their own; sets of members are apart too, each ended by NaN. */
function growFlatForest(random, features, targets) {
  const nodes = {
    nodes_featureids: [],
    nodes_truenodeids: [],
    nodes_trueleafs: [],
    nodes_falsenodeids: [],
    nodes_falseleafs: [],
    nodes_missing_value_tracks_true: [],
  };
  const [modes, splits, members, weights, leaf_targetids] = [[], [], [], [], []];
  const grow = (depth) => {
    const place = modes.length;
    const mode = random.integer(0, 6);
    modes.push(mode);
    splits.push(mode === 6 ? 0 : random.integer(-2, 2) / 2);
    if (mode === 6) members.push(...random.integers(2, 1, 4), Number.NaN);
    nodes.nodes_featureids.push(random.integer(0, features - 1));
    nodes.nodes_missing_value_tracks_true.push(random.integer(0, 1));
    for (const side of ['true', 'false']) {
      const isLeaf = depth === 0 || random.uniform() < 0.3;
      nodes[`nodes_${side}leafs`][place] = Number(isLeaf);
      if (isLeaf) {
        nodes[`nodes_${side}nodeids`][place] = weights.length;
        weights.push(random.normal());
        leaf_targetids.push(random.integer(0, targets - 1));
      } else {
        nodes[`nodes_${side}nodeids`][place] = grow(depth - 1);
      }
    }
    return place;
  };
  const tree_roots = Array.from({ length: random.integer(1, 3) }, () => grow(random.integer(0, 3)));
  const numbersOf = (values) => tensor('float32', [values.length], values);
  return {
    ...nodes,
    tree_roots,
    leaf_targetids,
    n_targets: targets,
    nodes_modes: tensor('uint8', [modes.length], modes),
    nodes_splits: numbersOf(splits),
    leaf_weights: numbersOf(weights),
    ...(members.length > 0 && { membership_values: numbersOf(members) }),
  };
}

const treeEnsemble = definition(
  (random) => {
    const x = matrix(random);
    x.data.forEach((value, i) => {
      x.data[i] = Math.round(2 * value);
    });
    const targets = random.integer(1, 3);
    const attributes = {
      ...growFlatForest(random, x.dims[1], targets),
      aggregate_function: random.integer(0, 3),
      // onnxruntime takes 1 and 2, SOFTMAX and LOGISTIC, for each other.
      post_transform: targets > 1 ? random.pick([0, 3]) : 0,
    };
    return { inputs: [withGaps(random, x)], attributes };
  },
  { version: 5, count: 30 },
);

const linearRegressor = definition((random) => {
  const x = matrix(random);
  const targets = random.integer(1, 3);
  const attributes = { coefficients: numbers(random, targets * x.dims[1]), targets };
  if (random.boolean()) attributes.intercepts = numbers(random, targets);
  return { inputs: [x], attributes };
});

const linearClassifier = definition(
  (random) => {
    const x = matrix(random);
    const classes = random.integer(2, 4);
    const labels = labelsOf(random, classes);
    const attributes = {
      ...labels.attributes,
      coefficients: numbers(random, classes * x.dims[1]),
      intercepts: numbers(random, classes),
      post_transform: random.pick(transforms),
    };
    return { inputs: [x], attributes, outputs: [labels.type, 'float32'] };
  },
  { count: 20 },
);

const kernelOf = (random) => ({
  kernel_type: random.pick(['LINEAR', 'POLY', 'RBF', 'SIGMOID']),
  kernel_params: float([random.uniform(0.1, 1), random.uniform(0, 1), random.pick([2, 3])]),
});

const svmRegressor = definition(
  (random) => {
    const x = matrix(random);
    const count = random.integer(1, 5);
    const attributes = {
      ...kernelOf(random),
      n_supports: count,
      support_vectors: numbers(random, count * x.dims[1]),
      coefficients: numbers(random, count),
      rho: numbers(random, 1),
    };
    return { inputs: [x], attributes };
  },
  { count: 16 },
);

const svmClassifier = definition(
  (random) => {
    const x = matrix(random);
    const classes = random.integer(2, 4);
    const vectors = random.integers(classes, 1, 3);
    const total = vectors.reduce((sum, count) => sum + count, 0);
    const pairs = (classes * (classes - 1)) / 2;
    const labels = labelsOf(random, classes);
    const attributes = {
      ...kernelOf(random),
      ...labels.attributes,
      vectors_per_class: vectors,
      support_vectors: numbers(random, total * x.dims[1]),
      coefficients: numbers(random, (classes - 1) * total),
      rho: numbers(random, pairs),
    };
    if (random.boolean()) {
      attributes.prob_a = numbers(random, pairs);
      attributes.prob_b = numbers(random, pairs);
    }
    return { inputs: [x], attributes, outputs: [labels.type, 'float32'] };
  },
  { count: 24 },
);

const scaler = definition((random) => {
  const x = matrix(random);
  const size = random.pick([1, x.dims[1]]);
  return {
    inputs: [x],
    attributes: { offset: numbers(random, size), scale: numbers(random, size) },
  };
});

const normalizer = definition((random) => ({
  inputs: [matrix(random)],
  attributes: { norm: random.pick(['MAX', 'L1', 'L2']) },
}));

const binarizer = definition((random) => ({
  inputs: [floats(random, randomShape(random, random.integer(1, 3)))],
  attributes: { threshold: float(random.normal()) },
}));

const imputer = definition((random) => {
  const x = matrix(random);
  const replaced = random.pick([Number.NaN, 1.5]);
  x.data[random.integer(0, x.data.length - 1)] = replaced;
  return {
    inputs: [x],
    attributes: {
      imputed_value_floats: numbers(random, random.pick([1, x.dims[1]])),
      replaced_value_float: float(replaced),
    },
  };
});

const oneHotEncoder = definition((random) => {
  const dims = randomShape(random, random.integer(1, 2));
  if (random.boolean()) {
    const x = integers(random, 'int64', dims, 0, 4);
    return { inputs: [x], attributes: { cats_int64s: [3, 1, 2] } };
  }
  const data = Array.from({ length: elementCount(dims) }, () => random.pick(['a', 'b', 'c']));
  return { inputs: [tensor('string', dims, data)], attributes: { cats_strings: ['c', 'a'] } };
});

const arrayFeatureExtractor = definition((random) => {
  const x = matrix(random);
  const indices = integers(random, 'int64', [random.integer(1, 4)], 0, x.dims[1] - 1);
  return { inputs: [x, indices] };
});

const featureVectorizer = definition((random) => {
  const rows = random.integer(1, 4);
  const widths = random.integers(random.integer(1, 3), 1, 3);
  return {
    inputs: widths.map((width) => floats(random, [rows, width])),
    attributes: { inputdimensions: widths },
  };
});

const columns = {
  strings: ['a', 'b', 'c'],
  int64s: [1, 2, 3],
  floats: float([0.5, 1, 2]),
};
const types = { strings: 'string', int64s: 'int64', floats: 'float32' };
const elements = { strings: ['a', 'c', 'x'], int64s: [1, 3, 9], floats: [0.5, 2, 7] };

const labelEncoder = definition(
  (random) => {
    const [from, to] = random.pick([
      ['strings', 'int64s'],
      ['int64s', 'strings'],
      ['int64s', 'floats'],
      ['floats', 'strings'],
      ['strings', 'floats'],
      ['floats', 'floats'],
      ['int64s', 'int64s'],
      ['strings', 'strings'],
    ]);
    const dims = randomShape(random, random.integer(1, 2));
    const data = Array.from({ length: elementCount(dims) }, () => random.pick(elements[from]));
    const attributes = { [`keys_${from}`]: columns[from], [`values_${to}`]: columns[to] };
    if (random.boolean()) Object.assign(attributes, { default_int64: -7, default_string: 'none' });
    return { inputs: [tensor(types[from], dims, data)], attributes, outputs: [types[to]] };
  },
  { version: 2, count: 20 },
);

const categoryMapper = definition((random) => {
  const dims = randomShape(random, random.integer(1, 2));
  const attributes = { cats_strings: columns.strings, cats_int64s: columns.int64s };
  const from = random.pick(['strings', 'int64s']);
  const data = Array.from({ length: elementCount(dims) }, () => random.pick(elements[from]));
  const outputs = [from === 'strings' ? 'int64' : 'string'];
  return { inputs: [tensor(types[from], dims, data)], attributes, outputs };
});

export const machineLearning = {
  TreeEnsemble: treeEnsemble,
  TreeEnsembleRegressor: treeRegressor,
  TreeEnsembleClassifier: treeClassifier,
  LinearRegressor: linearRegressor,
  LinearClassifier: linearClassifier,
  SVMRegressor: svmRegressor,
  SVMClassifier: svmClassifier,
  Scaler: scaler,
  Normalizer: normalizer,
  Binarizer: binarizer,
  Imputer: imputer,
  OneHotEncoder: oneHotEncoder,
  ArrayFeatureExtractor: arrayFeatureExtractor,
  FeatureVectorizer: featureVectorizer,
  LabelEncoder: labelEncoder,
  CategoryMapper: categoryMapper,
};
