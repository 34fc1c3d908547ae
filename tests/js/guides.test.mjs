/** The programs of the guides compile, and those for Node and the shell run; browser/guides.test.mjs runs those for pages. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { complaintsOf, programOf } from './compiler.mjs';
import { documents, headingsIn, linksIn, programFiles, programs, web } from './guides.mjs';
import { projectDirectory } from './package_under_test.mjs';

const installed = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const transformers = 'node_modules/@huggingface/transformers/types/transformers.d.ts';
const everywhere = {
  paths: { '@huggingface/transformers': [installed(transformers)] },
  typeRoots: [installed('../web/node_modules/@types')],
  skipLibCheck: true,
};

/** How a program is compiled: as an editor does with types that nobody wrote, or strictly. */
function optionsFor({ language, isFile }) {
  if (isFile)
    return { ...everywhere, noImplicitAny: false, lib: ['lib.es2022.d.ts', 'lib.webworker.d.ts'] };
  return { ...everywhere, types: ['node'], noImplicitAny: language === 'ts' };
}

/** Says what kind of worker a file runs in. */
const context = ({ place }) =>
  place === 'sw.js'
    ? '\ndeclare const self: ServiceWorkerGlobalScope;\nexport {};'
    : '\nexport {};';

function compile(program) {
  const file = path.join(projectDirectory, `${path.basename(program.name)}.ts`);
  const texts = new Map([
    [file, program.code + (program.isFile ? context(program) : '\nexport {};')],
  ]);
  return complaintsOf(programOf([], { texts, ...optionsFor(program) }));
}

describe('guides', () => {
  for (const document of documents)
    test(`${document}: links lead somewhere`, () => {
      for (const [file, heading] of linksIn(document)) {
        assert.ok(fs.existsSync(path.join(web, file)), file);
        if (heading) assert.ok(headingsIn(file).includes(heading), `${file}#${heading}`);
      }
    });
});

describe('guides compile', () => {
  for (const document of documents)
    test(document, () => {
      assert.ok(programs.get(document).length > 0);
      const scripts = programs.get(document).filter(({ language }) => language !== 'sh');
      assert.deepEqual(scripts.flatMap(compile), []);
    });
});

describe('guides run in Node', () => {
  const folder = fs.mkdtempSync(path.join(projectDirectory, 'guides-'));
  before(() => {
    for (const [name, content] of programFiles()) {
      const file = path.join(folder, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, content);
    }
  });
  after(() => fs.rmSync(folder, { recursive: true }));

  const run = (...command) => promisify(execFile)(command[0], command.slice(1), { cwd: folder });
  const all = [...programs.values()].flat();
  for (const { name, code } of all.filter(({ place }) => place === 'node'))
    test(name, async () => {
      fs.writeFileSync(path.join(folder, 'program.mjs'), code);
      await run(process.execPath, 'program.mjs');
    });
  for (const { name, code } of all.filter(({ place }) => place === 'command'))
    test(name, () => run('bash', '-e', '-c', code));
});
