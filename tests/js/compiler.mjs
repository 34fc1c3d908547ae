/** TypeScript, as a user's project has it: programs of files that need not exist, and what the compiler says of them. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const requireFromWeb = createRequire(new URL('../../web/package.json', import.meta.url));
export const { default: ts } = await import(pathToFileURL(requireFromWeb.resolve('typescript')));

const strict = {
  strict: true,
  noEmit: true,
  skipDefaultLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['es2022', 'esnext.disposable', 'dom', 'dom.iterable'].map((name) => `lib.${name}.d.ts`),
  types: [],
};

/** A program of files, and of texts by the places where they would be. */
export function programOf(files, { texts = new Map(), ...options } = {}) {
  const all = { ...strict, ...options };
  const host = ts.createCompilerHost(all);
  const { fileExists, readFile } = host;
  host.fileExists = (file) => texts.has(file) || fileExists(file);
  host.readFile = (file) => texts.get(file) ?? readFile(file);
  return ts.createProgram([...files, ...texts.keys()], all, host);
}

/** What the compiler complains of, each behind the name of its file and the line. */
export const complaintsOf = (program) =>
  ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, ' ');
    if (!file) return text;
    const { line } = file.getLineAndCharacterOfPosition(start);
    return `${path.basename(file.fileName)}:${line + 1}: ${text}`;
  });

/** A text in JavaScript. */
export const transpiled = (text) =>
  ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  }).outputText;

/** Files of a folder beside this one, as the programs of a user's project in `directory`. */
export function textsFrom(folder, directory) {
  const from = fileURLToPath(new URL(folder, import.meta.url));
  return new Map(
    fs
      .readdirSync(from)
      .map((name) => [path.join(directory, name), fs.readFileSync(path.join(from, name), 'utf8')]),
  );
}
