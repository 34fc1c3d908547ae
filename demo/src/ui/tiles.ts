/** The three tiles that close every demonstration: agreement, size and time of float against INT8. */
import { bar, make } from './dom.ts';
import { bytes, change, milliseconds } from './format.ts';

export interface Pair {
  float: number;
  int8: number;
}

function tile(title: string, isGood: boolean, headline: string, ...body: Node[]): HTMLElement {
  return make(
    'div',
    { class: 'tile' },
    make('h3', {}, title),
    make('p', { class: isGood ? 'headline' : 'headline poor' }, headline),
    ...body,
  );
}

function versus({ float, int8 }: Pair, show: (value: number) => string): HTMLElement {
  const most = Math.max(float, int8);
  const row = (kind: keyof Pair, name: string, value: number) =>
    make(
      'div',
      { class: kind },
      make('dt', {}, name),
      make('dd', {}, bar(value / most), make('span', { class: 'value' }, show(value))),
    );
  return make('dl', { class: 'versus' }, row('float', 'Float', float), row('int8', 'INT8', int8));
}

export function agreementTile(
  isGood: boolean,
  headline: string,
  ...details: string[]
): HTMLElement {
  const list = details.map((text) => make('li', {}, text));
  return tile('Agreement', isGood, headline, make('ul', { class: 'details' }, ...list));
}

export function sizeTile(size: Pair): HTMLElement {
  return tile(
    'Size',
    size.int8 <= size.float,
    change(size.float, size.int8, 'smaller', 'larger'),
    versus(size, bytes),
  );
}

/** `time` in milliseconds, medians of `runs` runs; without it, the tile waits for the measurement. */
export function timeTile(time: Pair | undefined, runs: number): HTMLElement {
  if (!time) return tile('Time', true, 'measuring …');
  return tile(
    'Time',
    time.int8 <= time.float,
    change(time.float, time.int8, 'faster', 'slower'),
    versus(time, milliseconds),
    make('p', { class: 'note' }, `Median of ${runs} runs on this device.`),
  );
}

export function tiles(...children: HTMLElement[]): HTMLElement {
  return make('div', { class: 'tiles' }, ...children);
}
