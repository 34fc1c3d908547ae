/** Cases of operators on strings. single_node.mjs says what a case is. */
import { float, tensor } from '../../models/onnx_builder.mjs';
import { broadcastable, elementCount, integers, randomShape } from './values.mjs';

const words = [
  '',
  'a',
  'Monday',
  'monday',
  'two words',
  ' lead',
  'x.y',
  'naïve',
  'ÅNGSTRÖM',
  '东京',
];

const strings = (random, dims, from = words) =>
  tensor(
    'string',
    dims,
    Array.from({ length: elementCount(dims) }, () => random.pick(from)),
  );

const normalizer = {
  opsets: [10],
  count: 12,
  make(random) {
    const ascii = ['monday', 'Monday', 'TUESDAY', 'tuesday', 'x'];
    const dims = random.boolean() ? [random.integer(1, 6)] : [1, random.integer(1, 6)];
    const attributes = {
      case_change_action: random.pick(['NONE', 'LOWER', 'UPPER']),
      is_case_sensitive: random.integer(0, 1),
      locale: 'C',
    };
    if (random.boolean()) attributes.stopwords = ['monday', 'TUESDAY'];
    return { inputs: [strings(random, dims, ascii)], attributes, outputs: ['string'] };
  },
};

const pair = (outputs) => (random) => {
  const dims = randomShape(random, random.integer(0, 3));
  return { inputs: [strings(random, dims), strings(random, broadcastable(random, dims))], outputs };
};

const split = {
  opsets: [20],
  count: 12,
  make(random) {
    // Without a delimiter onnxruntime splits at spaces alone, ONNX at any white space.
    const from = ['a,b,c', ',', 'a', 'x,,y', 'one two  three ', ' ', 'abc,abc'];
    const attributes = random.pick([
      {},
      { delimiter: '' },
      { delimiter: ',' },
      { delimiter: 'bc' },
    ]);
    if (random.boolean()) attributes.maxsplit = random.integer(1, 3);
    const x = strings(random, randomShape(random, random.integer(1, 2)), from);
    return { inputs: [x], attributes, outputs: ['string', 'int64'] };
  },
};

const patterns = [
  'a*b+c?',
  '(ab|cd)*e',
  '[a-c0-9_]+',
  '[^a-c]{2,3}',
  '\\w+@\\w+\\.com',
  '(?i)ABC',
  'a.c',
  '(?s)a.c',
  '^ab$|x',
  '\\d{3}-\\d{4}',
  '[[:alpha:]]+\\s[[:digit:]]*',
  '(?:a|b){2}(?P<name>c)',
  '\\bfoo\\b.*',
  '\\x61\\x{62}\\Q.*\\E',
  'a+?b*?',
  '.東?',
];
const texts = [
  'aabbc',
  'b',
  'abcde',
  'e',
  'a_9',
  'xyz',
  'xy',
  'me@here.com',
  'aBc',
  'abc',
  'a\nc',
  'ab',
  'x',
  '555-1234',
  'word 12',
  'abc',
  'bbc',
  'foo bar',
  'foobar',
  'ab.*',
  'aab',
  '',
  'a東',
];
const regex = {
  opsets: [20],
  count: patterns.length,
  make: (_random, _opset, index) => ({
    inputs: [tensor('string', [texts.length], texts)],
    attributes: { pattern: patterns[index] },
    outputs: ['bool'],
  }),
};

const toNumber = {
  opsets: [9, 13],
  make(random) {
    const [type, code, from] = random.pick([
      ['float32', 1, ['1.5', '-2e3', '1e-5', '100', 'inf', '-INF', 'NaN', '+INF']],
      ['float64', 11, ['1.5', '-2e300', '0.1']],
      ['int64', 7, ['12', '-9007199254740993', '0']],
      ['int32', 6, ['12', '-7']],
      ['uint8', 2, ['12', '255']],
    ]);
    const inputs = [strings(random, randomShape(random, 2), from)];
    return { inputs, attributes: { to: code }, outputs: [type] };
  },
};

const toString = {
  opsets: [9, 13],
  make(random) {
    const [type, values] = random.pick([
      ['float32', [1, -2.5, 0.25, 1e10, 1e-7, NaN, Infinity, -Infinity, 0.1, 1234.5]],
      ['float64', [0.5, -3, 1e300]],
      ['int64', [0, -5, 123456789]],
      ['bool', [0, 1]],
    ]);
    const dims = randomShape(random, 2);
    const data = Array.from({ length: elementCount(dims) }, () => random.pick(values));
    return { inputs: [tensor(type, dims, data)], attributes: { to: 8 }, outputs: ['string'] };
  },
};

const cast = {
  opsets: [9, 13],
  count: 20,
  make: (random) => (random.boolean() ? toNumber : toString).make(random),
};

/** Unigrams 0 to 3 and bigrams of them, in any order of columns. */
const tfIdf = {
  opsets: [9],
  count: 16,
  make(random) {
    const text = random.boolean();
    const pool = [0, 1, 2, 3, 0, 1, 1, 2, 3, 0];
    const columns = random.shuffled([0, 1, 2, 3, 4, 5, 6]);
    const names = ['zero', 'one', 'two', 'three', 'four'];
    const shortest = random.integer(1, 2);
    const attributes = {
      mode: random.pick(['TF', 'IDF', 'TFIDF']),
      min_gram_length: shortest,
      max_gram_length: 2,
      max_skip_count: random.integer(0, 3),
      ngram_counts: [0, 4],
      ngram_indexes: columns,
    };
    if (random.boolean()) attributes.weights = float([1, 2, 3, 4, 5, 6, 7]);
    if (text) attributes.pool_strings = pool.map((token) => names[token]);
    else attributes.pool_int64s = pool;
    const dims = random.boolean()
      ? [random.integer(1, 8)]
      : [random.integer(1, 3), random.integer(1, 6)];
    const tokens = integers(random, random.pick(['int64', 'int32']), dims, 0, 4);
    const x = text
      ? tensor(
          'string',
          dims,
          Array.from(tokens.data, (i) => names[Number(i)]),
        )
      : tokens;
    return { inputs: [x], attributes };
  },
};

export const stringOperators = {
  StringNormalizer: normalizer,
  StringConcat: { opsets: [20], make: pair(['string']) },
  Equal: { opsets: [19], make: pair(['bool']) },
  StringSplit: split,
  RegexFullMatch: regex,
  Cast: cast,
  TfIdfVectorizer: tfIdf,
};
