/**
 * The API reference, from the types: `npm run docs` writes it to build/api, and `npm run lint` fails for what has no documentation.
 */
import { readFileSync } from 'node:fs';
import { Comment, Converter, ReflectionKind } from 'typedoc';

const { exports } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const sourceOf = (types) => types.replace('./dist/', 'src/').replace('.d.ts', '.ts');
const declared = Object.values(exports).flatMap(({ types = [] }) => types);
const entryPoints = [...new Set(declared)].map(sourceOf);

/** The namespaces whose types are onnxruntime-common's, which documents them. */
const borrowed = ['InferenceSession', 'Tensor', 'Env'];

/** @param {import('typedoc').Application} app */
function pointToOnnxruntime(app) {
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (_, reflection) => {
    const { name, parent } = reflection;
    if (!reflection.kindOf(ReflectionKind.TypeAlias) || !borrowed.includes(parent?.name)) return;
    const text = `\`${parent.name}.${name}\` of onnxruntime-common.`;
    reflection.comment ??= new Comment([{ kind: 'text', text }]);
  });
}

export default {
  name: 'octet-web',
  entryPoints,
  out: '../build/api',
  readme: 'README.md',
  projectDocuments: ['guides/*.md'],
  plugin: [pointToOnnxruntime],
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  disableSources: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  treatWarningsAsErrors: true,
};
