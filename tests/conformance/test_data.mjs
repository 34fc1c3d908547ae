/**
 * ONNX backend test data: folders with a model.onnx and one or more test_data_set_N, which hold input_N.pb and output_N.pb.
 * The folders may lie at any depth; the one around a test is its group.
 */
import fs from 'node:fs';
import path from 'node:path';
import { decodeModel } from '../models/onnx_builder.mjs';
import { readValue, typeName } from './values.mjs';

/** Where Debian's libonnx-testdata has its tests. */
export const debianData = '/usr/share/libonnx-testdata/data';

/** Folders of tests at or below `root`, sorted. */
function* testFolders(root) {
  const entries = fs.readdirSync(root, { withFileTypes: true });
  if (entries.some((entry) => entry.name === 'model.onnx')) yield root;
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  for (const name of folders.sort()) yield* testFolders(path.join(root, name));
}

function* nodesOf(graph) {
  for (const node of graph.node) {
    yield node;
    for (const { g, graphs } of node.attribute) {
      for (const subgraph of [...(g ? [g] : []), ...graphs]) yield* nodesOf(subgraph);
    }
  }
}

const operatorName = ({ domain, opType }) => (domain ? `${domain}.${opType}` : opType);
const unique = (values) => [...new Set(values)].sort();

/** A TypeProto in words. */
function describeType(type) {
  if (type?.tensorType) return typeName(type.tensorType.elemType);
  if (type?.sequenceType) return `sequence(${describeType(type.sequenceType.elemType)})`;
  if (type?.optionalType) return `optional(${describeType(type.optionalType.elemType)})`;
  return 'an unknown type';
}

/** What the model says of itself. */
function describeModel(bytes) {
  const { graph, opsetImport } = decodeModel(bytes);
  const initializers = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !initializers.has(name));
  return {
    inputs,
    outputs: graph.output,
    nodes: graph.node,
    operators: unique([...nodesOf(graph)].map(operatorName)),
    types: unique([...inputs, ...graph.output].map(({ type }) => describeType(type))),
    opsets: Object.fromEntries(opsetImport.map(({ domain, version }) => [domain, Number(version)])),
  };
}

function valueFiles(folder, kind) {
  const count = fs.readdirSync(folder).filter((name) => name.startsWith(`${kind}_`)).length;
  return Array.from({ length: count }, (_, i) => path.join(folder, `${kind}_${i}.pb`));
}

/** A test: where it is, and what its model is; of a model that the schema can't read only `problem`, the reason. */
class ConformanceTest {
  nodes = [];

  constructor(folder) {
    this.folder = folder;
    this.name = path.basename(folder);
    this.group = path.basename(path.dirname(folder));
    this.model = path.join(folder, 'model.onnx');
    try {
      Object.assign(this, describeModel(fs.readFileSync(this.model)));
    } catch (error) {
      this.problem = `its model can't be read: ${error.message}`;
    }
  }

  /** The folders of the data sets; a test without any can't be run. */
  get dataSets() {
    const names = fs.readdirSync(this.folder).filter((name) => name.startsWith('test_data_set_'));
    return names.sort().map((name) => path.join(this.folder, name));
  }

  /** Feeds by the names of the inputs, and the expected outputs in order. */
  readDataSet(folder) {
    const read = (kind, ports) => {
      const files = valueFiles(folder, kind);
      if (files.length !== ports.length) {
        throw new Error(`${files.length} files for ${ports.length} ${kind}s of the model`);
      }
      return files.map((file, i) => readValue(fs.readFileSync(file), ports[i].type));
    };
    const feeds = read('input', this.inputs).map((value, i) => [this.inputs[i].name, value]);
    return { feeds, expected: read('output', this.outputs) };
  }
}

/** A test of a function's body is called like that of the function, with an end. */
const unexpanded = (name) => name.replace(/_expanded(_ver\d+)?$/, '');

/** The operator that a test is of, that of its only node; of a larger model its group, in brackets. */
const subjectOf = ({ nodes, group }) =>
  nodes.length === 1 ? operatorName(nodes[0]) : `(${group})`;

/** All tests below `root` whose name contains `filter`. */
export function findTests(root, filter = '') {
  const tests = [...testFolders(root)].map((folder) => new ConformanceTest(folder));
  const byName = new Map(tests.map((test) => [test.name, test]));
  for (const test of tests) {
    test.subject = subjectOf(byName.get(unexpanded(test.name)) ?? test);
  }
  return tests.filter(({ name }) => name.includes(filter));
}
