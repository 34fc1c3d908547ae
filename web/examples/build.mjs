/**
 * Builds every example, or those named, into a folder each: `node build.mjs OUT [NAME]...`. What is in OUT can be put on any
 * server.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = import.meta.dirname;

/** The page of those whose bundler makes none. */
const copyPage = (out, page = 'page.html') => cpSync(path.join(here, page), `${out}/index.html`);

async function webpackInto(out, { default: configuration }) {
  const { default: webpack } = await import('webpack');
  const configurations = [configuration].flat().map((one, i, { length }) => ({
    ...one,
    output: { ...one.output, path: length > 1 ? path.join(out, one.name) : out },
  }));
  const stats = await new Promise((resolve, reject) =>
    webpack(configurations, (error, result) => (error ? reject(error) : resolve(result))),
  );
  if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString('errors-warnings'));
}

const builders = {
  script(out) {
    copyPage(out, 'script/index.html');
    cpSync(path.join(here, 'app'), `${out}/app`, { recursive: true });
    const octet = path.dirname(fileURLToPath(import.meta.resolve('octet-web')));
    cpSync(octet, `${out}/octet-web`, { recursive: true });
  },
  async vite(out) {
    const { build } = await import('vite');
    await build({
      configFile: path.join(here, 'vite/vite.config.js'),
      build: { outDir: out, emptyOutDir: true },
    });
  },
  async webpack(out) {
    await webpackInto(out, await import('./webpack/webpack.config.js'));
    copyPage(out);
  },
  async esbuild(out) {
    const { buildInto } = await import('./esbuild/build.js');
    await buildInto(out);
    copyPage(out);
  },
  async rollup(out) {
    const { rollup } = await import('rollup');
    const { default: configuration } = await import('./rollup/rollup.config.js');
    const bundle = await rollup(configuration);
    await bundle.write({ ...configuration.output, dir: out });
    await bundle.close();
    copyPage(out);
  },
  async server(out) {
    await webpackInto(out, await import('./server/webpack.config.js'));
    const { render } = await import(pathToFileURL(`${out}/server/render.mjs`));
    writeFileSync(`${out}/page/index.html`, render());
  },
};

const [target, ...names] = process.argv.slice(2);
if (!target) throw new Error('usage: node build.mjs OUT [NAME]...');
for (const name of names.length ? names : Object.keys(builders)) {
  const out = path.resolve(target, name);
  mkdirSync(out, { recursive: true });
  await builders[name](out);
}
