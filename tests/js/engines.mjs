/** Other engines that run the package, from npm's registry: the newest of each, named here alone. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const isArm = process.arch === 'arm64';
const home = fileURLToPath(new URL('../../build/engines', import.meta.url));

/** Packages that hold nothing but the program. */
export const engines = {
  Node: { package: `node-linux-${process.arch}`, version: '26.12.1', program: ['bin/node'] },
  Bun: {
    package: `@oven/bun-linux-${isArm ? 'aarch64' : 'x64'}`,
    version: '1.4.5',
    program: ['bin/bun'],
  },
  Deno: {
    package: `@deno/linux-${process.arch}-glibc`,
    version: '2.9.6',
    program: ['deno', 'run', '--allow-all'],
  },
};

/** Installs an engine, unless it is there; returns the words that run a script in it. */
export function install({ package: name, version, program }) {
  const prefix = path.join(home, `${name.replace('/', '+')}-${version}`);
  if (!fs.existsSync(prefix)) {
    const temporary = `${prefix}.${process.pid}`;
    const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    execFileSync('npm', ['install', '--prefix', temporary, ...flags, `${name}@${version}`]);
    fs.renameSync(temporary, prefix);
  }
  const [file, ...parameters] = program;
  return [path.join(prefix, 'node_modules', name, file), ...parameters];
}
