/**
 * Transformers of two small layers, in the files and with the names of inputs and outputs that exporters give to browsers: a BERT,
 * a GPT-2, a Llama, a T5 and a ViT. Where a decoder has two branches (`use_cache_branch`), both read the weights of the outer graph.
 */
import {
  encodeModel,
  float,
  GraphBuilder,
  int64s,
  scalar,
  tensor,
  typeCode,
} from './onnx_builder.mjs';

export const vocabulary = 96;
export const layerCount = 2;
export const heads = 4;
export const headSize = 16;
export const hidden = heads * headSize;
/** Of the Llama. */
export const keyHeads = 2;
export const inner = 128;
export const maxLength = 64;
export const classCount = 5;
export const imageSize = 32;
export const patchSize = 8;

const lowest = -1e9;
const cacheShape = (headCount, length) => ['batch_size', headCount, length, headSize];

/** A graph under construction, and the weights of the outermost one by name. */
class Writer {
  constructor(graph, root = graph, weights = new Map()) {
    this.graph = graph;
    this.root = root;
    this.weights = weights;
  }

  /** A subgraph that reads the same weights. */
  branch(name) {
    return new Writer(this.graph.subgraph(name), this.root, this.weights);
  }

  add(...parameters) {
    return this.graph.add(...parameters);
  }

  integers(...values) {
    return this.graph.constant(int64s(...values));
  }

  number(value) {
    return this.graph.constant(scalar('float32', value));
  }

  /** A weight by its name, drawn when it is first asked for. */
  weight(name, dims, { mean = 0, deviation = 1 / Math.sqrt(dims[0]) } = {}) {
    const known = this.weights.get(name);
    if (known) return known;
    const count = dims.reduce((product, dim) => product * dim, 1);
    const values = this.root.random.normals(count, mean, deviation);
    const added = this.root.initializer(name, tensor('float32', dims, values));
    this.weights.set(name, added);
    return added;
  }

  linear(x, name, from, to) {
    const product = this.add('MatMul', [x, this.weight(`${name}.weight`, [from, to])]);
    const bias = this.weight(`${name}.bias`, [to], { deviation: 0.1 });
    return this.add('Add', [product, bias]);
  }

  norm(x, name) {
    const gamma = this.weight(`${name}.weight`, [hidden], { mean: 1, deviation: 0.2 });
    const beta = this.weight(`${name}.bias`, [hidden], { deviation: 0.1 });
    return this.add('LayerNormalization', [x, gamma, beta], { epsilon: 1e-5, axis: -1 });
  }

  gelu(x) {
    const scaled = this.add('Div', [x, this.number(Math.SQRT2)]);
    const shifted = this.add('Add', [this.add('Erf', [scaled]), this.number(1)]);
    return this.add('Mul', [this.add('Mul', [x, shifted]), this.number(0.5)]);
  }

  feedForward(x, name) {
    const wide = this.gelu(this.linear(x, `${name}.fc1`, hidden, inner));
    return this.linear(wide, `${name}.fc2`, inner, hidden);
  }

  embed(ids, name, rows) {
    return this.add('Gather', [this.weight(name, [rows, hidden], { deviation: 1 }), ids]);
  }

  /** [batch, length, hidden] to [batch, heads, length, headSize]. */
  split(x) {
    const parts = this.add('Reshape', [x, this.integers(0, 0, heads, headSize)]);
    return this.add('Transpose', [parts], { perm: [0, 2, 1, 3] });
  }

  /** Keys or values of a text, split into heads. */
  project(x, name) {
    return this.split(this.linear(x, name, hidden, hidden));
  }

  /** Softmax(q·kᵀ / √d + bias)·v, and the projection behind it. */
  attend(x, name, { key, value, bias }) {
    const query = this.project(x, `${name}.q`);
    const transposed = this.add('Transpose', [key], { perm: [0, 1, 3, 2] });
    const product = this.add('MatMul', [query, transposed]);
    const scores = this.add('Div', [product, this.number(Math.sqrt(headSize))]);
    const biased = bias ? this.add('Add', [scores, bias]) : scores;
    const mixed = this.add('MatMul', [this.add('Softmax', [biased], { axis: -1 }), value]);
    const rows = this.add('Transpose', [mixed], { perm: [0, 2, 1, 3] });
    const merged = this.add('Reshape', [rows, this.integers(0, 0, hidden)]);
    return this.linear(merged, `${name}.o`, hidden, hidden);
  }

  selfAttend(x, name, bias) {
    const [key, value] = ['k', 'v'].map((part) => this.project(x, `${name}.${part}`));
    return this.attend(x, name, { key, value, bias });
  }

  /** The size of one axis: a vector of one element. */
  size(x, axis) {
    return this.add('Shape', [x], { start: axis, end: axis + 1 });
  }

  scalarOf(vector) {
    return this.add('Squeeze', [vector, this.integers(0)]);
  }

  /** 0, 1, … up to the scalar `end`, from the scalar `start`. */
  range(start, end) {
    const step = this.graph.constant(scalar('int64', 1));
    return this.add('Range', [start, end, step]);
  }

  zero() {
    return this.graph.constant(scalar('int64', 0));
  }

  /** What is added to scores, [batch, 1, 1, length]: 0 where the mask is 1, `lowest` where it is 0. */
  padding(mask) {
    const rows = this.add('Unsqueeze', [mask, this.integers(1, 2)]);
    const seen = this.add('Cast', [rows], { to: typeCode('float32') });
    return this.add('Mul', [this.add('Sub', [this.number(1), seen]), this.number(lowest)]);
  }

  /** Column minus row, [rows, columns], where the rows end with the columns. */
  distances(rowCount, columnCount) {
    const columns = this.range(this.zero(), columnCount);
    const rows = this.range(this.add('Sub', [columnCount, rowCount]), columnCount);
    return this.add('Sub', [columns, this.add('Unsqueeze', [rows, this.integers(1)])]);
  }

  /** `lowest` where a row would see what comes after it. */
  causal(distances) {
    const later = this.add('Greater', [distances, this.zero()]);
    return this.add('Where', [later, this.number(lowest), this.number(0)]);
  }
}

/** The names of past keys and values, declared as inputs; `parts` are those of a layer. */
function declarePast(graph, headCount, parts = { '': 'past_sequence_length' }) {
  for (let layer = 0; layer < layerCount; ++layer)
    for (const [part, length] of Object.entries(parts))
      for (const kind of ['key', 'value'])
        graph.input(
          `past_key_values.${layer}${part}.${kind}`,
          'float32',
          cacheShape(headCount, length),
        );
}

/** The other end of the same. */
function declarePresent(graph, headCount, parts = { '': 'total_sequence_length' }) {
  for (let layer = 0; layer < layerCount; ++layer)
    for (const [part, length] of Object.entries(parts))
      for (const kind of ['key', 'value'])
        graph.output(`present.${layer}${part}.${kind}`, 'float32', cacheShape(headCount, length));
}

const textShape = ['batch_size', 'sequence_length'];

/** BERT (Devlin et al. 2018): `last_hidden_state`, or `logits` of three classes. */
export function bert({ isClassifier = false } = {}) {
  const graph = new GraphBuilder(isClassifier ? 'tiny_bert_classifier' : 'tiny_bert');
  const w = new Writer(graph);
  const [ids, mask, types] = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) =>
    graph.input(name, 'int64', textShape),
  );
  const positions = w.range(w.zero(), w.scalarOf(w.size(ids, 1)));
  const words = w.add('Add', [w.embed(ids, 'words', vocabulary), w.embed(types, 'types', 2)]);
  let x = w.norm(w.add('Add', [words, w.embed(positions, 'positions', maxLength)]), 'norm');
  const bias = w.padding(mask);
  for (let i = 0; i < layerCount; ++i) {
    const attended = w.add('Add', [w.selfAttend(x, `layer.${i}.attention`, bias), x]);
    const y = w.norm(attended, `layer.${i}.norm1`);
    x = w.norm(w.add('Add', [w.feedForward(y, `layer.${i}`), y]), `layer.${i}.norm2`);
  }
  if (!isClassifier) {
    graph.output(w.add('Identity', [x], {}, ['last_hidden_state']), 'float32', [
      ...textShape,
      hidden,
    ]);
    return encodeModel(graph);
  }
  const first = w.add('Gather', [x, w.zero()], { axis: 1 });
  const pooled = w.add('Tanh', [w.linear(first, 'pooler', hidden, hidden)]);
  const logits = w.linear(pooled, 'classifier', hidden, 3);
  graph.output(w.add('Identity', [logits], {}, ['logits']), 'float32', ['batch_size', 3]);
  return encodeModel(graph);
}

/** The new part of a cache behind the old one, where there is one. */
function grown(w, x, name, { past, present, hasPast }) {
  const added = w.project(x, name);
  return w.add(...(hasPast ? ['Concat', [past, added], { axis: 2 }] : ['Identity', [added], {}]), [
    present,
  ]);
}

/** One layer's keys and values of the text so far, `part` being '' or one of `.decoder` and `.encoder`. */
function cached(w, x, name, layer, part, hasPast) {
  const [key, value] = ['key', 'value'].map((kind) => {
    const past = `past_key_values.${layer}${part}.${kind}`;
    return grown(w, x, `${name}.${kind[0]}`, {
      past,
      present: `present.${layer}${part}.${kind}`,
      hasPast,
    });
  });
  return { key, value };
}

function gpt2Body(w, hasPast) {
  const ids = 'input_ids';
  let x = w.add('Add', [
    w.embed(ids, 'wte', vocabulary),
    w.embed('position_ids', 'wpe', maxLength),
  ]);
  const [rows, columns] = [w.size(ids, 1), w.size('attention_mask', 1)].map((one) =>
    w.scalarOf(one),
  );
  const bias = w.add('Add', [w.padding('attention_mask'), w.causal(w.distances(rows, columns))]);
  for (let i = 0; i < layerCount; ++i) {
    const name = `h.${i}.attn`;
    const normal = w.norm(x, `h.${i}.ln_1`);
    const attended = w.attend(normal, name, { ...cached(w, normal, name, i, '', hasPast), bias });
    x = w.add('Add', [attended, x]);
    x = w.add('Add', [x, w.feedForward(w.norm(x, `h.${i}.ln_2`), `h.${i}`)]);
  }
  const head = w.weight('lm_head', [hidden, vocabulary]);
  w.add('MatMul', [w.norm(x, 'ln_f'), head], {}, ['logits']);
}

/** Both branches of a decoder: with a past where `use_cache_branch` says so, without it else. */
function mergeBranches(root, body, declareOutputs) {
  const w = new Writer(root);
  root.input('use_cache_branch', 'bool', [1]);
  const [then, otherwise] = ['with_past', 'without_past'].map((name) => {
    const branch = w.branch(name);
    body(branch, name === 'with_past');
    declareOutputs(branch.graph);
    return branch.graph;
  });
  declareOutputs(root);
  const names = root.outputs.map(({ name }) => name);
  w.add('If', ['use_cache_branch'], { then_branch: then, else_branch: otherwise }, names);
}

function declareLogits(graph) {
  graph.output('logits', 'float32', ['batch_size', 'sequence_length', vocabulary]);
}

/** GPT-2 (Radford et al. 2019) as `decoder_model_merged.onnx`. */
export function gpt2() {
  const graph = new GraphBuilder('tiny_gpt2');
  graph.input('input_ids', 'int64', textShape);
  graph.input('attention_mask', 'int64', ['batch_size', 'total_sequence_length']);
  graph.input('position_ids', 'int64', textShape);
  declarePast(graph, heads);
  mergeBranches(graph, gpt2Body, (part) => {
    declareLogits(part);
    declarePresent(part, heads);
  });
  return encodeModel(graph);
}

/** Cosines and sines of rotary positions (Su et al. 2021), [maxLength, headSize / 2]. */
function rotary(w, name, wave) {
  const half = headSize / 2;
  const data = Float32Array.from({ length: maxLength * half }, (_, i) =>
    wave(Math.floor(i / half) / 10000 ** ((i % half) / half)),
  );
  return w.root.initializer(name, tensor('float32', [maxLength, half], data));
}

/** Llama (Touvron et al. 2023) as onnxruntime's model builder writes it, with GroupQueryAttention. */
export function llama() {
  const graph = new GraphBuilder('tiny_llama');
  const w = new Writer(graph);
  const ids = graph.input('input_ids', 'int64', textShape);
  const mask = graph.input('attention_mask', 'int64', ['batch_size', 'total_sequence_length']);
  declarePast(graph, keyHeads);
  const toInt32 = (x) => w.add('Cast', [x], { to: typeCode('int32') });
  const counts = w.add('ReduceSum', [mask, w.integers(1)], { keepdims: 0 });
  const lastIndex = toInt32(w.add('Sub', [counts, w.integers(1)]));
  const total = toInt32(w.scalarOf(w.size(mask, 1)));
  const waves = [rotary(w, 'cos_cache', Math.cos), rotary(w, 'sin_cache', Math.sin)];
  const rms = (x, name) =>
    w.add(
      'SimplifiedLayerNormalization',
      [x, w.weight(name, [hidden], { mean: 1, deviation: 0.2 })],
      {
        axis: -1,
        epsilon: 1e-5,
        stash_type: 1,
      },
    );
  const matrix = (x, name, from, to) => w.add('MatMul', [x, w.weight(name, [from, to])]);
  let x = w.embed(ids, 'embed_tokens', vocabulary);
  for (let i = 0; i < layerCount; ++i) {
    const normal = rms(x, `layers.${i}.input_norm`);
    const query = matrix(normal, `layers.${i}.q`, hidden, hidden);
    const [key, value] = ['k', 'v'].map((part) =>
      matrix(normal, `layers.${i}.${part}`, hidden, keyHeads * headSize),
    );
    const past = ['key', 'value'].map((kind) => `past_key_values.${i}.${kind}`);
    const present = ['key', 'value'].map((kind) => `present.${i}.${kind}`);
    const [attended] = w.add(
      'GroupQueryAttention',
      [query, key, value, ...past, lastIndex, total, ...waves],
      {
        num_heads: heads,
        kv_num_heads: keyHeads,
        do_rotary: 1,
        rotary_interleaved: 0,
        scale: float(1 / Math.sqrt(headSize)),
      },
      [`attended_${i}`, ...present],
      'com.microsoft',
    );
    x = w.add('Add', [x, matrix(attended, `layers.${i}.o`, hidden, hidden)]);
    const y = rms(x, `layers.${i}.post_norm`);
    const gate = matrix(y, `layers.${i}.gate`, hidden, inner);
    const active = w.add('Mul', [gate, w.add('Sigmoid', [gate])]);
    const wide = w.add('Mul', [active, matrix(y, `layers.${i}.up`, hidden, inner)]);
    x = w.add('Add', [x, matrix(wide, `layers.${i}.down`, inner, hidden)]);
  }
  w.add('MatMul', [rms(x, 'norm'), w.weight('lm_head', [hidden, vocabulary])], {}, ['logits']);
  declareLogits(graph);
  declarePresent(graph, keyHeads);
  return encodeModel(graph, { domains: { 'com.microsoft': 1 } });
}

/** T5's bias of relative positions, [1, heads, rows, columns]; distances beyond 15 share the last place, with no logarithms. */
function relativeBias(w, name, distances) {
  const far = 15;
  const [low, high] = [-far, far].map((value) => w.graph.constant(scalar('int64', value)));
  const places = w.add('Add', [w.add('Clip', [distances, low, high]), high]);
  const table = w.weight(name, [2 * far + 1, heads], { deviation: 1 });
  const bias = w.add('Transpose', [w.add('Gather', [table, places])], { perm: [2, 0, 1] });
  return w.add('Unsqueeze', [bias, w.integers(0)]);
}

/** The encoder of a T5 (Raffel et al. 2019), but for the kind of its normalisation. */
export function t5Encoder() {
  const graph = new GraphBuilder('tiny_t5_encoder');
  const w = new Writer(graph);
  const [ids, mask] = ['input_ids', 'attention_mask'].map((name) =>
    graph.input(name, 'int64', textShape),
  );
  const length = w.scalarOf(w.size(ids, 1));
  const relative = relativeBias(w, 'relative', w.distances(length, length));
  const bias = w.add('Add', [w.padding(mask), relative]);
  let x = w.embed(ids, 'shared', vocabulary);
  for (let i = 0; i < layerCount; ++i) {
    x = w.add('Add', [x, w.selfAttend(w.norm(x, `block.${i}.norm1`), `block.${i}.self`, bias)]);
    x = w.add('Add', [x, w.feedForward(w.norm(x, `block.${i}.norm2`), `block.${i}`)]);
  }
  const output = w.add('Identity', [w.norm(x, 'final')], {}, ['last_hidden_state']);
  graph.output(output, 'float32', [...textShape, hidden]);
  return encodeModel(graph);
}

/** Keys and values of the encoder's text: computed once, then handed on. */
function crossCache(w, name, layer, hasPast) {
  if (!hasPast) return cached(w, 'encoder_hidden_states', name, layer, '.encoder', false);
  const [key, value] = ['key', 'value'].map((kind) => {
    const past = `past_key_values.${layer}.encoder.${kind}`;
    return w.add('Identity', [past], {}, [`present.${layer}.encoder.${kind}`]);
  });
  return { key, value };
}

function t5Body(w, hasPast) {
  let x = w.embed('input_ids', 'shared', vocabulary);
  const rows = w.size('input_ids', 1);
  const pastLength = w.size('past_key_values.0.decoder.key', 2);
  const columns = hasPast ? w.add('Add', [rows, pastLength]) : rows;
  const distances = w.distances(w.scalarOf(rows), w.scalarOf(columns));
  const bias = w.add('Add', [relativeBias(w, 'relative', distances), w.causal(distances)]);
  const crossBias = w.padding('encoder_attention_mask');
  for (let i = 0; i < layerCount; ++i) {
    const [own, cross] = [`block.${i}.self`, `block.${i}.cross`];
    const normal = w.norm(x, `block.${i}.norm1`);
    const cache = cached(w, normal, own, i, '.decoder', hasPast);
    x = w.add('Add', [x, w.attend(normal, own, { ...cache, bias })]);
    const asked = w.norm(x, `block.${i}.norm2`);
    const answer = w.attend(asked, cross, { ...crossCache(w, cross, i, hasPast), bias: crossBias });
    x = w.add('Add', [x, answer]);
    x = w.add('Add', [x, w.feedForward(w.norm(x, `block.${i}.norm3`), `block.${i}`)]);
  }
  w.add('MatMul', [w.norm(x, 'final'), w.weight('lm_head', [hidden, vocabulary])], {}, ['logits']);
}

/** Its decoder as `decoder_model_merged.onnx`. */
export function t5Decoder() {
  const graph = new GraphBuilder('tiny_t5_decoder');
  const encoded = ['batch_size', 'encoder_sequence_length'];
  graph.input('encoder_attention_mask', 'int64', encoded);
  graph.input('input_ids', 'int64', textShape);
  graph.input('encoder_hidden_states', 'float32', [...encoded, hidden]);
  declarePast(graph, heads, {
    '.decoder': 'past_decoder_sequence_length',
    '.encoder': 'encoder_sequence_length_out',
  });
  mergeBranches(graph, t5Body, (part) => {
    declareLogits(part);
    declarePresent(part, heads, {
      '.decoder': 'total_decoder_sequence_length',
      '.encoder': 'encoder_sequence_length_out',
    });
  });
  return encodeModel(graph);
}

/** ViT (Dosovitskiy et al. 2020): classes of pictures of 32 × 32. */
export function vit() {
  const graph = new GraphBuilder('tiny_vit');
  const w = new Writer(graph);
  const pixels = graph.input('pixel_values', 'float32', ['batch_size', 3, imageSize, imageSize]);
  const fanIn = 3 * patchSize * patchSize;
  const kernel = w.weight('patches.weight', [hidden, 3, patchSize, patchSize], {
    deviation: 1 / Math.sqrt(fanIn),
  });
  const bias = w.weight('patches.bias', [hidden], { deviation: 0.1 });
  const sides = [patchSize, patchSize];
  const patches = w.add('Conv', [pixels, kernel, bias], { kernel_shape: sides, strides: sides });
  const rows = w.add('Reshape', [patches, w.integers(0, hidden, -1)]);
  const tokens = w.add('Transpose', [rows], { perm: [0, 2, 1] });
  const one = w.integers(1, hidden);
  const shape = w.add('Concat', [w.size(pixels, 0), one], { axis: 0 });
  const first = w.add('Expand', [w.weight('cls_token', [1, 1, hidden], { deviation: 1 }), shape]);
  const count = (imageSize / patchSize) ** 2 + 1;
  const positions = w.weight('positions', [1, count, hidden], { deviation: 0.3 });
  let x = w.add('Add', [w.add('Concat', [first, tokens], { axis: 1 }), positions]);
  for (let i = 0; i < layerCount; ++i) {
    x = w.add('Add', [x, w.selfAttend(w.norm(x, `layer.${i}.norm1`), `layer.${i}.attention`)]);
    x = w.add('Add', [x, w.feedForward(w.norm(x, `layer.${i}.norm2`), `layer.${i}`)]);
  }
  const token = w.add('Gather', [w.norm(x, 'norm'), w.zero()], { axis: 1 });
  const logits = w.linear(token, 'classifier', hidden, classCount);
  graph.output(w.add('Identity', [logits], {}, ['logits']), 'float32', ['batch_size', classCount]);
  return encodeModel(graph);
}
