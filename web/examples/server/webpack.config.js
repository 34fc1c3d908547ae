const shared = {
  mode: 'production',
  context: import.meta.dirname,
  experiments: { outputModule: true },
  performance: { hints: false },
};

/** What the browser gets, and what the server runs, as frameworks that render on both sides build them. */
export default [
  {
    ...shared,
    name: 'page',
    entry: './main.js',
    output: { filename: 'main.js', module: true, clean: true },
  },
  {
    ...shared,
    name: 'server',
    target: 'node20',
    entry: './render.js',
    output: { filename: 'render.mjs', library: { type: 'module' }, module: true },
  },
];
