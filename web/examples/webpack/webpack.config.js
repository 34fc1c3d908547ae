export default {
  mode: 'production',
  context: import.meta.dirname,
  entry: './main.js',
  experiments: { outputModule: true },
  output: { filename: 'main.js', module: true, clean: true },
  performance: { hints: false },
};
