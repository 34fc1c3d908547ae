// The command line uses the package's own bundle, which lies beside it in dist/.
export * from '../src/index.js';
