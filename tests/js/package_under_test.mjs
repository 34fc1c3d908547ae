/**
 * Packs web/ as npm would publish it, installs the tarball under build/package, and exports what a user then imports.
 * Every state of the package has a folder of its own, so suites that run at the same time may all do this.
 */
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The peer that `octet-web/backend` registers with. */
const peer = path.join(root, 'tests/node_modules/onnxruntime-common');
const web = path.join(root, 'web');
const dist = path.join(web, 'dist');

function digest() {
  if (!fs.existsSync(dist)) throw new Error(`${dist} is missing: run ./octet build`);
  const files = fs.readdirSync(dist, { recursive: true }).sort();
  const hash = crypto.createHash('sha256').update(fs.readFileSync(path.join(web, 'package.json')));
  for (const file of files.map((name) => path.join(dist, name))) {
    if (fs.statSync(file).isFile()) hash.update(file).update(fs.readFileSync(file));
  }
  return hash.digest('hex').slice(0, 16);
}

function npm(...parameters) {
  return execFileSync('npm', parameters, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function installInto(directory) {
  fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(path.join(directory, 'package.json'), '{"private": true, "type": "module"}');
  const packed = npm('pack', web, '--pack-destination', directory, '--silent').trim();
  const flags = ['--no-audit', '--no-fund', '--silent', '--offline', '--install-links'];
  const packages = [path.join(directory, packed), peer];
  npm('install', '--prefix', directory, '--ignore-scripts', ...flags, ...packages);
}

function install() {
  const home = path.join(root, 'build/package', digest());
  if (fs.existsSync(home)) return home;
  const temporary = `${home}.${process.pid}`;
  installInto(temporary);
  try {
    fs.renameSync(temporary, home);
  } catch (error) {
    if (!fs.existsSync(home)) throw error;
    fs.rmSync(temporary, { recursive: true });
  }
  return home;
}

/** Where a user's project with the package installed is. */
export const projectDirectory = install();

const { resolve } = createRequire(path.join(projectDirectory, 'package.json'));

/** The module that they import. */
export const entry = pathToFileURL(resolve('octet-web'));
export const octet = await import(entry);

/** The one for models that stay on the device. */
export const cacheEntry = pathToFileURL(resolve('octet-web/cache'));

/** The same module once more, with settings and an engine of its own. */
export const importAgain = () => import(`${entry}?again`);
