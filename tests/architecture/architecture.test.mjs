import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { violations } from './architecture.mjs';

function violationsOf(files) {
  const root = mkdtempSync(join(tmpdir(), 'octet-architecture-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return violations(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('the tree keeps the order', () => {
  assert.deepEqual(violations(fileURLToPath(new URL('../..', import.meta.url))), []);
});

test('includes that follow the order pass', () => {
  assert.deepEqual(
    violationsOf({
      'src/ops/conv.cpp':
        '#include "ops/conv.h"\n#include "graph/graph.h"\n#include "kernels/simd.h"\n#include <vector>\n',
      'kernels/pool/pool.cpp': '#include "kernels/pool/pool.h"\n',
      'src/api/model.cpp': '#include "quant/config.h"\n#include "formats/format_list.h"\n',
      'bindings/module.cpp':
        '#include "api/model.h"\n#include "base/error.h"\n#include <emscripten/bind.h>\n',
    }),
    [],
  );
});

test('an include against the order is reported with its place', () => {
  const upward = { 'src/graph/graph.h': '#pragma once\n#include "ops/op_def.h"\n' };
  assert.deepEqual(violationsOf(upward), [
    'src/graph/graph.h:2: "ops/op_def.h": graph may not include ops',
  ]);
});

for (const [path, include] of [
  ['src/base/error.h', 'graph/graph.h'],
  ['src/base/error.h', 'kernels/simd.h'],
  ['kernels/pool/pool.h', 'base/error.h'],
  ['src/passes/fold_qdq.cpp', 'kernels/simd.h'],
  ['src/passes/fold_qdq.cpp', 'runtime/plan.h'],
  ['src/runtime/plan.cpp', 'formats/format_list.h'],
  ['src/formats/onnx/reader.cpp', 'passes/pipeline.h'],
  ['src/quant/assign.cpp', 'formats/format_list.h'],
  ['src/ops/conv.cpp', 'passes/pipeline.h'],
  ['bindings/module.cpp', 'ops/op_def.h'],
  ['src/ops/conv.cpp', '../graph/graph.h'],
  ['src/ops/conv.cpp', 'conv.h'],
  ['src/ops/op_list.inc', 'api/model.h'],
]) {
  test(`${path} may not include ${include}`, () => {
    assert.equal(violationsOf({ [path]: `#include "${include}"\n` }).length, 1);
  });
}

test('a folder of src that the order does not name is reported', () => {
  assert.deepEqual(violationsOf({ 'src/utils/x.h': '' }), [
    'src/utils: a folder without a place in the order',
  ]);
});

const demo = (source) => ({
  'demo/package.json':
    '{"name": "demo", "dependencies": {"octet-web": "file:../web"}, "devDependencies": {"vite": "1"}}',
  'demo/src/main.ts': source,
});

test('the demo imports the package, its own files and what it declares', () => {
  const source =
    "import { quantize } from 'octet-web';\nimport './page.js';\nimport { defineConfig } from 'vite';\nimport { readFile } from 'node:fs/promises';\n";
  assert.deepEqual(violationsOf(demo(source)), []);
});

for (const specifier of [
  '../../web/src/index.js',
  '../../build/wasm/octet.mjs',
  'onnxruntime-web',
  '@scope/name',
]) {
  for (const source of [
    `import x from '${specifier}';`,
    `import '${specifier}';`,
    `await import("${specifier}");`,
  ]) {
    test(`the demo may not say ${source}`, () => {
      assert.equal(violationsOf(demo(source)).length, 1);
    });
  }
}

test('the package may not reach out of its folder', () => {
  const files = {
    'web/package.json': '{"name": "octet-web"}',
    'web/src/index.ts': "export * from '../../src/x.js';\n",
  };
  assert.deepEqual(violationsOf(files), ['web/src/index.ts:1: "../../src/x.js": outside web']);
});
