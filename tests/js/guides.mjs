/**
 * The programs of the two READMEs for users and of web/guides: blocks of JavaScript and TypeScript, and of commands that say so. A block
 * begins a program where it imports something, is a file, or runs elsewhere than the one above, which it else goes on with. What stands
 * behind the language tells where:
 *
 *   js            in a page
 *   js node       in Node
 *   js NAME.js    in a worker, as a file of this name that other programs of the document use
 *   js compiled   nowhere, for it needs what is not here
 *   ts            nowhere, for it is about types
 *   sh command    in bash, with `npx octet`
 */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { png } from '../browser/image_files.mjs';
import { conv, gemm } from '../models/layers.mjs';
import { encodeModel, GraphBuilder } from '../models/onnx_builder.mjs';

export const web = fileURLToPath(new URL('../../web', import.meta.url));
const guides = fs.readdirSync(path.join(web, 'guides')).map((name) => `guides/${name}`);
export const documents = ['../README.md', 'README.md', ...guides];

const blocks = /^```(js|ts|sh(?= command$))(?: (\S+))?\n(.*?)^```$/gms;

function programsIn(document) {
  const text = fs.readFileSync(path.join(web, document), 'utf8');
  const programs = [];
  for (const [, language, told, code] of text.matchAll(blocks)) {
    const place = told ?? (language === 'ts' ? 'compiled' : 'page');
    const above = programs.at(-1);
    const isFile = place.endsWith('.js');
    const goesOn = above?.place === place && !isFile && !/^import\b/m.test(code);
    if (goesOn) above.code += code;
    else
      programs.push({ name: `${document}, ${programs.length + 1}`, language, place, isFile, code });
  }
  return programs;
}

/** What a document links to in the tree: [file, heading], the latter as links have it. */
export function linksIn(document) {
  const text = fs.readFileSync(path.join(web, document), 'utf8');
  return [...text.matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g)].map(([, file, heading]) => [
    file ? path.join(path.dirname(document), file) : document,
    heading,
  ]);
}

/** The headings of a document, as links have them. */
export function headingsIn(document) {
  const text = fs.readFileSync(path.join(web, document), 'utf8');
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** All programs of a document: where they run, and their text. */
export const programs = new Map(documents.map((document) => [document, programsIn(document)]));

/** The model of all these programs: ten numbers for a picture. */
function photoModel() {
  const graph = new GraphBuilder('photo');
  let y = graph.input('input', 'float32', [1, 3, 224, 224]);
  y = graph.add('Relu', [conv(graph, y, { from: 3, to: 8, kernel: 3, stride: 4 })]);
  y = graph.add('Relu', [conv(graph, y, { from: 8, to: 16, kernel: 3, stride: 2 })]);
  const pooled = graph.add('Flatten', [graph.add('GlobalAveragePool', [y])], { axis: 1 });
  graph.output(gemm(graph, pooled, { from: 16, to: 10, outputs: ['output'] }), 'float32', [1, 10]);
  return encodeModel(graph, { opset: 13 });
}

const sizeOfInput = 3 * 224 * 224;

const [width, height] = [320, 240];
const photo = (phase) =>
  png({
    width,
    height,
    channels: 3,
    data: Uint8Array.from(
      { length: width * height * 3 },
      (_, i) => 127 + 127 * Math.sin(i + phase),
    ),
  });

/** The files that programs read, by their places. */
export function programFiles() {
  const sample = (phase) =>
    Float32Array.from({ length: sizeOfInput }, (_, i) => Math.sin(i + phase));
  return new Map([
    ['model.onnx', photoModel()],
    ['samples/1.f32', sample(0)],
    ['samples/2.f32', sample(1)],
    ['photos/1.png', photo(1)],
    ['photos/2.png', photo(2)],
  ]);
}
