/** "Read text": finds and reads the lines of a picture, in float and in INT8. */
import type { Engine } from '../engine/engine.ts';
import { pairLines } from '../ocr/agreement.ts';
import type { Pixels } from '../ocr/pixels.ts';
import { decodePicture } from '../samples/pictures.ts';
import { byId } from '../ui/dom.ts';
import { panelFeedback } from '../ui/feedback.ts';
import { onPick } from '../ui/files.ts';
import { median } from '../ui/format.ts';
import { once } from '../ui/once.ts';
import { turns } from '../ui/turns.ts';
import { type Picture, placePicture, showBoxes } from './picture.ts';
import { type Readers, type Reading, loadReaders } from './reader.ts';
import { type Measured, showResults } from './results.ts';
import { samplePicture } from './sample_picture.ts';

const measuredRuns = 3;

/** Reads the picture in turn with both readers, after the first readings which prepared them. */
async function measure(
  { float, int8 }: Readers,
  image: Pixels,
  signal: AbortSignal,
): Promise<Measured> {
  const readings: { float: Reading; int8: Reading }[] = [];
  for (let i = 0; i < measuredRuns; ++i)
    readings.push({ float: await float.read(image, signal), int8: await int8.read(image, signal) });
  const medians = (part: 'detecting' | 'recognising') => ({
    float: median(readings.map((each) => each.float[part])),
    int8: median(readings.map((each) => each.int8[part])),
  });
  return {
    detecting: medians('detecting'),
    recognising: medians('recognising'),
    runs: measuredRuns,
  };
}

export function startReading(engine: Engine): { take(file: File): void } {
  const readers = once(() => loadReaders(engine, report));
  const { report, attempt } = panelFeedback('text', () => {
    engine.stop();
    readers.forget();
  });
  const { start } = turns();

  const read = async (open: () => Promise<Pixels>, signal: AbortSignal) => {
    byId('text-results').replaceChildren();
    const image = await open();
    const loaded = await readers.get();
    const { float, int8, size } = loaded;
    report('Reading in float …');
    const first = await float.read(image, signal);
    report('Reading in INT8 …');
    const second = await int8.read(image, signal);
    const pairs = pairLines(first.lines, second.lines);
    showBoxes(pairs);
    showResults(pairs, size);
    report('Measuring the time …');
    showResults(pairs, size, await measure(loaded, image, signal));
  };
  const show = (open: () => Promise<Picture>) =>
    start((signal) => attempt(() => read(async () => placePicture(await open()), signal)));
  const take = (file: File) => show(() => decodePicture(file));

  byId('text-sample').addEventListener('click', () => show(async () => samplePicture()));
  onPick(byId('text-file'), ([file]) => take(file));
  return { take };
}
