/** The snippets of `snippets/`: programs written for onnxruntime-web, which import nothing else. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  decodeModel,
  encodeMessage,
  encodeModel,
  GraphBuilder,
  tensor,
} from '../models/onnx_builder.mjs';
import { complaintsOf, programOf, transpiled, ts } from './compiler.mjs';
import { projectDirectory } from './package_under_test.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

export const snippetFile = (name) => path.join(here, 'snippets', `${name}.ts`);
export const snippetNames = fs
  .readdirSync(path.join(here, 'snippets'))
  .map((file) => path.basename(file, '.ts'));

const common = {
  'onnxruntime-common': [path.join(here, '../node_modules/onnxruntime-common/dist/cjs/index.d.ts')],
};
const packages = path.join(projectDirectory, 'node_modules');
/** Where the compiler finds `onnxruntime-web`. */
export const typesOf = {
  'onnxruntime-web': path.join(here, '../node_modules/onnxruntime-web/types.d.ts'),
  'octet-web': path.join(packages, 'octet-web/dist/index.d.ts'),
  'octet-web/ort': path.join(packages, 'octet-web/dist/ort.d.ts'),
};

function compile(files, library) {
  const isOwn = library === 'onnxruntime-web';
  return programOf([...files, typesOf[library]], {
    paths: { ...common, ...(!isOwn && { 'onnxruntime-web': [typesOf[library]] }) },
  });
}

/** The types that a package exports, those in namespaces behind a dot. */
function typeNames(program, library) {
  const checker = program.getTypeChecker();
  const own = checker.getSymbolAtLocation(program.getSourceFile(typesOf[library]));
  const module = own ?? checker.getAmbientModules().find(({ name }) => name === `"${library}"`);
  const isType = ({ flags }) => (flags & ts.SymbolFlags.Type) !== 0;
  return checker.getExportsOfModule(module).flatMap((symbol) => {
    const isAlias = symbol.flags & ts.SymbolFlags.Alias;
    const target = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
    const isNamespace = target.flags & ts.SymbolFlags.Namespace;
    const inner = isNamespace ? checker.getExportsOfModule(target).filter(isType) : [];
    const names = inner.map(({ name }) => `${symbol.name}.${name}`);
    return isType(target) ? [symbol.name, ...names] : names;
  });
}

/**
 * What the compiler makes of files whose imports of `onnxruntime-web` are those of `library`: its complaints, each behind the
 * name of its file, and the types that the library exports.
 */
export function askCompiler(files, library) {
  const program = compile(files, library);
  return { complaints: complaintsOf(program), types: typeNames(program, library) };
}

/** A snippet in JavaScript that imports another module in the place of `onnxruntime-web`. */
export function snippetCode(name, module) {
  const source = fs.readFileSync(path.join(here, 'snippets', `${name}.ts`), 'utf8');
  return transpiled(source).replaceAll("'onnxruntime-web'", JSON.stringify(module));
}

/** Probabilities of three classes for rows of four numbers. */
function classifier() {
  const graph = new GraphBuilder('classifier');
  const x = graph.input('x', 'float32', ['batch', 4]);
  const weights = graph.initializer('weights', tensor('float32', [4, 3], graph.random.normals(12)));
  const y = graph.add('MatMul', [x, weights]);
  graph.output(graph.add('Softmax', [y], { axis: -1 }, ['probabilities']), 'float32', ['batch', 3]);
  return encodeModel(graph);
}

/** The same model with its weights in a file of their own. */
export function withWeightsOutside(bytes) {
  const model = decodeModel(bytes);
  const [weights] = model.graph.initializer;
  const data = Uint8Array.from(weights.rawData);
  delete weights.rawData;
  const entries = { location: 'weights.bin', offset: '0', length: `${data.length}` };
  weights.externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
  weights.dataLocation = 1;
  return { outside: encodeMessage(model), weights: data };
}

/** What the snippets are given, but for places of files. */
export function snippetInputs() {
  // In Node the encoder gives a Buffer, whose `slice` copies nothing.
  const bytes = new Uint8Array(classifier());
  return { bytes, ...withWeightsOutside(bytes), width: 4, height: 6 };
}
