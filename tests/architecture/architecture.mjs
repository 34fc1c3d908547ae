// The order of the rooms: which folder may include or import what. `violations(root)` lists every line that breaks it.
//
// A C++ folder may include the folders listed for it and no other; headers in angle brackets are not looked at. The
// lists are closed by hand, because only operators may see kernels although everything later is built on operators.
// JavaScript folders keep their relative imports to themselves and take from outside only what their package.json
// declares.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';

const mayInclude = {
  base: [],
  kernels: [],
  graph: ['base'],
  ops: ['base', 'graph', 'kernels'],
  passes: ['base', 'graph', 'ops'],
  formats: ['base', 'graph', 'ops'],
  runtime: ['base', 'graph', 'ops'],
  quant: ['base', 'graph', 'ops', 'passes', 'runtime'],
  train: ['base', 'graph', 'ops', 'passes', 'runtime', 'quant'],
  api: ['base', 'graph', 'ops', 'passes', 'runtime', 'quant', 'train', 'formats', 'kernels'],
  bindings: ['base', 'api'],
};

const isTopLevel = (room) => room === 'kernels' || room === 'bindings';
const folderOf = (room) => (isTopLevel(room) ? room : join('src', room));

/** Those of packages inside are not the folder's. */
function* filesUnder(folder, extensions) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const isOther =
        ['node_modules', 'dist'].includes(entry.name) || existsSync(join(path, 'package.json'));
      if (!isOther) yield* filesUnder(path, extensions);
    } else if (extensions.test(entry.name)) {
      yield path;
    }
  }
}

function* matches(path, pattern) {
  const lines = readFileSync(path, 'utf8').split('\n');
  for (const [index, line] of lines.entries()) {
    for (const match of line.matchAll(pattern)) yield { line: index + 1, name: match.groups.name };
  }
}

function* includeViolations(root) {
  const known = Object.keys(mayInclude);
  for (const room of known) {
    for (const path of filesUnder(join(root, folderOf(room)), /\.(h|cpp|inc)$/)) {
      for (const { line, name } of matches(path, /^\s*#\s*include\s*"(?<name>[^"]+)"/g)) {
        const target = name.split('/')[0];
        if (target === room || mayInclude[room].includes(target)) continue;
        const why = known.includes(target)
          ? `${room} may not include ${target}`
          : 'quoted includes name a folder of src, or start with kernels/ or bindings/';
        yield `${relative(root, path)}:${line}: "${name}": ${why}`;
      }
    }
  }
  const src = join(root, 'src');
  for (const entry of existsSync(src) ? readdirSync(src, { withFileTypes: true }) : []) {
    if (entry.isDirectory() && (isTopLevel(entry.name) || !known.includes(entry.name))) {
      yield `src/${entry.name}: a folder without a place in the order`;
    }
  }
}

function packageOf(specifier) {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}

function* importViolations(root, folder) {
  const home = join(root, folder);
  const manifestPath = join(home, 'package.json');
  if (!existsSync(manifestPath)) return;
  const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));
  const declared = new Set([
    manifest.name,
    ...Object.keys({
      ...manifest.dependencies,
      ...manifest.peerDependencies,
      ...manifest.devDependencies,
    }),
  ]);
  const importLike = /(?:\bfrom|\bimport|\bimport\()\s*(?<quote>['"])(?<name>[^'"]+)\k<quote>/g;
  for (const path of filesUnder(home, /\.([cm]?[jt]s|html)$/)) {
    for (const { line, name } of matches(path, importLike)) {
      const place = `${relative(root, path)}:${line}: "${name}"`;
      if (name.startsWith('.')) {
        if (!resolve(dirname(path), name).startsWith(home + sep))
          yield `${place}: outside ${folder}`;
      } else if (/^[@a-z]/.test(name) && !/^[a-z]+:\/\//.test(name)) {
        if (!isBuiltin(name) && !declared.has(packageOf(name))) {
          yield `${place}: not declared in ${folder}/package.json`;
        }
      }
    }
  }
}

export function violations(root) {
  return [
    ...includeViolations(root),
    ...importViolations(root, 'web'),
    ...importViolations(root, 'web/examples'),
    ...importViolations(root, 'demo'),
  ];
}
