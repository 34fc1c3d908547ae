// What the package says of itself: LICENSE, dist/NOTICES.txt with the licences of what is compiled in, and dist/provenance.json.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const textOf = (file) => readFileSync(file, 'utf8').trim();

/** Where Debian keeps a package's copyright. */
const debian = (name) => `/usr/share/doc/${name}/copyright`;

/** A package of npm's registry. */
function bundled(name, what) {
  const folder = path(`node_modules/${name}`);
  const { version, license } = JSON.parse(textOf(`${folder}/package.json`));
  return { what: `${name} ${version}, ${what}`, licence: license, texts: [`${folder}/LICENSE`] };
}

const compiledIn = (root) => [
  {
    what: 'protozero, the reader and writer of protocol buffers in the .wasm files',
    licence: 'BSD-2-Clause',
    texts: [debian('libprotozero-dev')],
  },
  {
    what: "Emscripten's JavaScript, and its system libraries in the .wasm files: musl, libc++, libc++abi, compiler-rt, dlmalloc, Embind",
    licence: 'MIT; University of Illinois/NCSA; Apache-2.0 with LLVM exception',
    texts: [`${root}/system/lib/libc/musl/COPYRIGHT`, debian('emscripten')],
  },
  {
    what: 'onnxruntime-common, the Tensor class in index.js and the declarations in dist/onnxruntime-common; Copyright (c) Microsoft Corporation',
    licence: 'MIT, whose text is that of Emscripten above',
    texts: [],
  },
  bundled('@noble/hashes', 'SHA-256 in cache.js'),
  bundled('fflate', 'which reads and writes .npz files in cli.js'),
  bundled('tinyglobby', 'which finds the files of a pattern in cli.js'),
  bundled('fdir', 'a part of tinyglobby in cli.js'),
  bundled('picomatch', 'a part of tinyglobby in cli.js'),
  bundled('pngjs', 'the decoder of PNG in cli.images.js'),
  bundled('jpeg-js', 'the decoder of JPEG in cli.images.js'),
  bundled('bmp-ts', 'the decoder of BMP in cli.images.js'),
  bundled('@jsquash/webp', 'the decoder of WebP in cli.images.js'),
  {
    what: 'libwebp, the code inside @jsquash/webp; Copyright (c) 2010, Google Inc. All rights reserved.',
    licence: 'BSD-3-Clause, whose text is that of jpeg-js above',
    texts: [],
  },
];

function writeNotices(root) {
  const rule = '='.repeat(100);
  const sections = compiledIn(root).map(({ what, licence, texts }) =>
    [rule, what, `Licence: ${licence}`, ...texts.map(textOf)].join('\n\n'),
  );
  const start = 'Octet is licensed under Apache-2.0 (LICENSE). Compiled into this package are:';
  writeFileSync(path('dist/NOTICES.txt'), `${[start, ...sections].join('\n\n')}\n`);
}

/** Of the compiler that CMake found. */
function compilerVersion() {
  const folder = path('../build/wasm/CMakeFiles');
  for (const version of readdirSync(folder).filter((name) => /^\d/.test(name))) {
    const found = /CMAKE_CXX_COMPILER_VERSION "(.*)"/.exec(
      textOf(`${folder}/${version}/CMakeCXXCompiler.cmake`),
    );
    if (found) return found[1];
  }
  throw new Error(`${folder}: no compiler`);
}

function writeProvenance(root, modules) {
  const hash = (name) =>
    createHash('sha256')
      .update(readFileSync(path(`dist/${name}`)))
      .digest('hex');
  const provenance = {
    command: './octet build',
    flags: 'bindings/emscripten.cmake and CMakePresets.json',
    emscripten: textOf(`${root}/emscripten-version.txt`).replaceAll('"', ''),
    clang: compilerVersion(),
    sha256: Object.fromEntries(modules.map((name) => [name, hash(name)])),
  };
  writeFileSync(path('dist/provenance.json'), `${JSON.stringify(provenance, undefined, 2)}\n`);
}

/** @param {string[]} modules the .wasm files in dist */
export function writeReleaseFiles(modules) {
  copyFileSync(path('../LICENSE'), path('LICENSE'));
  const root = execFileSync('em-config', ['EMSCRIPTEN_ROOT'], { encoding: 'utf8' }).trim();
  writeNotices(root);
  writeProvenance(root, modules);
}
