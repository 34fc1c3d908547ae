/**
 * Models of one node with random inputs, and the test that runs them on onnxruntime and on Octet.
 *
 * A definition is `{ opsets, count, make, library }`: the operator sets that its cases take in turn, how many cases there are, what
 * runs the expected results (onnxruntime-node unless told), and what makes a case: `(random, opset, index) => { inputs, constant, attributes, outputs, given }`. These are tensors, of which null is
 * left out; which of them are initializers (when not said, all but the first, in every other round); attributes, or a function
 * of the graph and the inputs' names; the outputs' types; how many inputs the node itself takes, when subgraphs capture
 * the rest; the operator's domain, whose version is 1 or `version`, when it is not ONNX's own.
 */
import { encodeModel, GraphBuilder } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { assertOutputsClose } from './closeness.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, reference, runOnce } from './sessions.mjs';

const fewestCases = 8;

function build(
  opType,
  opset,
  { inputs, constant, attributes = {}, outputs = ['float32'], given, domain = '', version = 1 },
) {
  const graph = new GraphBuilder(opType);
  const feeds = {};
  const names = inputs.map((value, i) => {
    if (value === null) return '';
    if (constant[i]) return graph.initializer(`c${i}`, value);
    feeds[`x${i}`] = value;
    return graph.input(`x${i}`, value.type, value.dims);
  });
  const known = typeof attributes === 'function' ? attributes(graph, names) : attributes;
  const results = outputs.map((_, i) => `y${i}`);
  graph.add(opType, names.slice(0, given), known, results, domain);
  outputs.forEach((type, i) => graph.output(`y${i}`, type));
  return {
    model: encodeModel(graph, { opset, domains: domain ? { [domain]: version } : {} }),
    feeds,
  };
}

/** The cases of a definition: `{ label, spec, model, feeds }`, `spec` being what `make` yields. */
export function casesOf(opType, { opsets, opsetOf, count = fewestCases, make }) {
  const random = new Random(opType);
  return Array.from({ length: Math.max(count, fewestCases) }, (_, index) => {
    const opset = opsetOf ? opsetOf(index) : opsets[index % opsets.length];
    const folded = Math.floor(index / (opsets?.length ?? 1)) % 2 === 1;
    const spec = make(random, opset, index);
    const constant = spec.inputs.map((_, i) => spec.constant?.[i] ?? (folded && i > 0));
    const label = `case ${index}, operator set ${opset}`;
    return { label, spec, ...build(opType, opset, { ...spec, constant }) };
  });
}

/** Runs one model on both and compares. */
export async function assertAgreement(model, feeds, tolerance, where, library = reference) {
  const expected = await runOnce(library, model, feeds);
  const actual = await runOnce(candidate(octet), model, feeds);
  assertOutputsClose(actual, expected, tolerance, where);
}

/** The body of an operator's test: a subtest for each case. */
export const compareCases = (opType, definition, tolerance) => async (t) => {
  for (const { label, model, feeds } of casesOf(opType, definition)) {
    await t.test(label, () => assertAgreement(model, feeds, tolerance, opType, definition.library));
  }
};
