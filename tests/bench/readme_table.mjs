/**
 * Writes measurements into the README's tables: `node readme_table.mjs PLACE FILE` puts those that `./octet bench --json FILE`
 * saved between `<!-- measured: PLACE -->` and `<!-- end -->`.
 */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { geometricMean, showRatio } from './table.mjs';

const readme = fileURLToPath(new URL('../../README.md', import.meta.url));

/** The networks of the table; its means are over those for which a bar is set. */
const networks = {
  mnist: 'MNIST CNN',
  ocr_det: 'OCR detection',
  ocr_rec: 'OCR recognition',
  ocr_cls: 'OCR direction',
  encoder: 'BERT-style encoder, 6 layers',
  decoder: 'GPT-2-style decoder step',
  mobilenet_v2: 'MobileNetV2',
  resnet50: 'ResNet-50',
  wake_word_embedding: 'wake-word embedding',
  melspectrogram: 'mel spectrogram (float where dynamic)',
  lstm_classifier: 'LSTM classifier',
};

const showMs = (ms) => (ms < 100 ? ms.toPrecision(ms < 1 ? 2 : 3) : ms.toFixed(0));

function rowOf({ name, label, medianMs, speedup }) {
  const { octetFloat, octetInt8, octetQdq, ortFloat, ortInt8, ortQdq } = medianMs;
  const times = [ortFloat, ortInt8, ortQdq, octetFloat, octetInt8, octetQdq].map(showMs);
  const ratios = [speedup.float, speedup.bestInt8].map(showRatio);
  return [networks[name], label, ...times, ...ratios];
}

function tableOf(results) {
  const titles = ['network', 'input', 'theirs, float', 'dynamic', 'QDQ'];
  titles.push('Octet, float', 'dynamic', 'QDQ', 'float', 'INT8 to best');
  const chosen = results.filter(({ name }) => name in networks);
  const mean = (ratio) => showRatio(geometricMean(chosen.map(({ speedup }) => speedup[ratio])));
  const means = [
    'geometric mean',
    ...Array(titles.length - 3).fill(''),
    mean('float'),
    mean('bestInt8'),
  ];
  const rule = titles.map((_, i) => (i < 2 ? '---' : '--:'));
  const rows = [titles, rule, ...chosen.map(rowOf), means];
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const [place, file] = process.argv.slice(2);
const { results } = JSON.parse(fs.readFileSync(file, 'utf8'));
const text = fs.readFileSync(readme, 'utf8');
const start = `<!-- measured: ${place} -->\n`;
const from = text.indexOf(start) + start.length;
const to = text.indexOf('\n<!-- end -->', from);
if (from < start.length || to < 0) throw new Error(`README.md has no table for ${place}`);
fs.writeFileSync(readme, text.slice(0, from) + tableOf(results) + text.slice(to));
