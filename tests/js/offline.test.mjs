/** The packed package on a machine without a network: npm installs it with nothing but the tarball, and it works. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { network } from '../models/networks.mjs';

const web = fileURLToPath(new URL('../../web', import.meta.url));
const typescript = path.dirname(createRequire(path.join(web, '_')).resolve('typescript'));

describe('in an empty folder, without a network', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-offline-'));
  after(() => fs.rmSync(folder, { recursive: true }));
  const project = path.join(folder, 'project');
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    npm_config_cache: path.join(folder, 'cache'),
    npm_config_offline: 'true',
    npm_config_registry: 'http://127.0.0.1:1/',
    npm_config_fetch_retries: '0',
  };
  const run = (program, ...parameters) => {
    const options = { cwd: project, env, encoding: 'utf8' };
    const { status, stdout, stderr } = spawnSync(program, parameters, options);
    assert.equal(status, 0, `${stdout}${stderr}`.slice(-2000));
  };

  before(async () => {
    fs.mkdirSync(project);
    execFileSync('npm', ['pack', web, '--silent', '--pack-destination', project], {
      stdio: 'ignore',
    });
    fs.copyFileSync(await network('mnist').locate(), path.join(project, 'model.onnx'));
    const [tarball] = fs.readdirSync(project).filter((name) => name.endsWith('.tgz'));
    run('npm', 'i', tarball);
  });

  test('npm installs the package, and nothing beside it', () => {
    const packages = fs.readdirSync(path.join(project, 'node_modules'));
    assert.deepEqual(
      packages.filter((name) => !name.startsWith('.')),
      ['octet-web'],
    );
  });

  test('npx octet quantizes', () => {
    run('npx', 'octet', 'quantize', 'model.onnx', '-o', 'q.onnx');
    const [before, after] = ['model.onnx', 'q.onnx'].map(
      (name) => fs.statSync(path.join(project, name)).size,
    );
    assert.ok(after < before / 2, `${before} → ${after} bytes`);
  });

  test('a program runs the result', () => {
    const program = `
      import { InferenceSession, Tensor } from 'octet-web';
      import * as ort from 'octet-web/ort';
      const session = await InferenceSession.create('q.onnx');
      const feeds = { image: new ort.Tensor('float32', new Float32Array(784), [1, 1, 28, 28]) };
      const { probabilities } = await session.run(feeds);
      if (!(probabilities instanceof Tensor) || probabilities.size !== 10) process.exit(1);
    `;
    fs.writeFileSync(path.join(project, 'program.mjs'), program);
    run(process.execPath, 'program.mjs');
  });

  test('a program in TypeScript compiles, with every import that needs no onnxruntime-common', () => {
    const program = `
      import { InferenceSession, Tensor, quantize, type QuantizeOptions } from 'octet-web';
      import ort, { registerBackend } from 'octet-web/ort';
      export const input: Tensor = new ort.Tensor('float32', new Float32Array(4), [2, 2]);
      export const options: QuantizeOptions = { mode: 'dynamic' };
      export async function answer(session: InferenceSession): Promise<readonly number[]> {
        const { y } = await session.run({ x: input });
        // @ts-expect-error a tensor has numbers
        const dims: string = y.dims;
        return y.dims;
      }
      export { quantize, registerBackend };
    `;
    fs.writeFileSync(path.join(project, 'program.mts'), program);
    for (const [module, moduleResolution] of [
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ]) {
      const lib = ['es2022', 'esnext.disposable', 'dom', 'dom.iterable'];
      const compilerOptions = {
        target: 'es2022',
        module,
        moduleResolution,
        lib,
        types: [],
        strict: true,
      };
      const config = { compilerOptions, files: ['program.mts'] };
      fs.writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify(config));
      run(process.execPath, path.join(typescript, 'tsc.js'), '--noEmit');
    }
  });
});
