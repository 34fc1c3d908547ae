/** What transformers.js, as it is installed, uses of onnxruntime: read out of its sources. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ts } from './compiler.mjs';

const sources = fileURLToPath(
  new URL('../node_modules/@huggingface/transformers/src', import.meta.url),
);
const isLibrary = (text) => /^onnxruntime-(common|web|node)/.test(text);

const parsed = fs
  .readdirSync(sources, { recursive: true })
  .filter((name) => name.endsWith('.js'))
  .map((name) => fs.readFileSync(path.join(sources, name), 'utf8'))
  .map((text) => ts.createSourceFile('source.js', text, ts.ScriptTarget.ES2022, true));

function* nodesOf(node) {
  yield node;
  for (const comment of node.jsDoc ?? []) yield* nodesOf(comment);
  for (const child of node.getChildren()) if (!ts.isJSDoc(child)) yield* nodesOf(child);
}

/** `a.b.c` as ['a', 'b', 'c']; nothing for what is no such path. */
function pathOf(node) {
  if (ts.isIdentifier(node)) return [node.text];
  if (!ts.isPropertyAccessExpression(node)) return undefined;
  const start = pathOf(node.expression);
  return start && [...start, node.name.text];
}

/** The names that stand for the library, and for its env, in the module that chooses it. */
const objects = { ONNX: [], ONNX_ENV: ['env'] };

/** Types as `import('onnxruntime-common').Tensor.Type`, values as `ONNX.Tensor`, re-exports. */
function useIn(node) {
  if (ts.isImportTypeNode(node) && isLibrary(node.argument.literal?.text ?? ''))
    return { kind: 'type', name: node.qualifier.getText() };
  const isWhole =
    ts.isPropertyAccessExpression(node) && !ts.isPropertyAccessExpression(node.parent);
  const [object, ...rest] = (isWhole && pathOf(node)) || [];
  if (Object.hasOwn(objects, object ?? ''))
    return { kind: 'value', name: [...objects[object], ...rest].join('.') };
  const module = ts.isExportSpecifier(node) && node.parent.parent.moduleSpecifier?.text;
  return module && isLibrary(module) ? { kind: 'value', name: node.name.text } : undefined;
}

const uses = parsed.flatMap((file) => [...nodesOf(file)].map(useIn).filter(Boolean));
const namesOf = (kind) =>
  [...new Set(uses.filter((use) => use.kind === kind).map(({ name }) => name))].sort();

/** Names of types, those in namespaces behind a dot. */
export const usedTypes = namesOf('type');
/** Values that are read, or set, by their places in the library. */
export const usedValues = namesOf('value');
