/** What the two readings of a picture say, side by side. */
import { type LinePair, characterAgreement } from '../ocr/agreement.ts';
import { byId, make, table } from '../ui/dom.ts';
import { milliseconds, percent } from '../ui/format.ts';
import { type Pair, agreementTile, sizeTile, tiles, timeTile } from '../ui/tiles.ts';
import { highlightBoxes } from './picture.ts';
import type { ReadLine } from './reader.ts';

/** Share of characters that INT8 should read as float does. */
const goodAgreement = 0.95;

/** Medians in milliseconds, of both networks. */
export interface Measured {
  detecting: Pair;
  recognising: Pair;
  runs: number;
}

function cell(line: ReadLine | undefined, kind: keyof Pair, other?: ReadLine): HTMLElement {
  if (!line) return make('td', { class: `${kind} missing` }, 'not found');
  const differs = other && other.text !== line.text;
  return make(
    'td',
    {
      class: differs ? `${kind} differs` : kind,
      title: `confidence ${percent(line.confidence)}`,
    },
    line.text,
  );
}

function linesTable(pairs: readonly LinePair<ReadLine>[]): HTMLElement {
  const rows = pairs.map(({ first, second }, i) => {
    const row = make(
      'tr',
      {},
      make('th', { scope: 'row' }, String(i + 1)),
      cell(first, 'float'),
      cell(second, 'int8', first),
    );
    row.addEventListener('pointerenter', () => highlightBoxes(i));
    row.addEventListener('pointerleave', () => highlightBoxes());
    return row;
  });
  return table('Lines of text as read in float and in INT8', ['', 'Float', 'INT8'], rows);
}

function timeNote({ detecting, recognising }: Measured): HTMLElement {
  const sides = (pair: Pair) => `${milliseconds(pair.float)} → ${milliseconds(pair.int8)}`;
  return make(
    'p',
    { class: 'note' },
    `Finding the lines: ${sides(detecting)}. Reading them: ${sides(recognising)}.`,
  );
}

/** `measured` comes later than the text; the time tile waits for it. */
export function showResults(
  pairs: readonly LinePair<ReadLine>[],
  size: Pair,
  measured?: Measured,
): void {
  if (pairs.length === 0) {
    byId('text-results').replaceChildren(make('p', {}, 'No text was found in this picture.'));
    return;
  }
  const same = pairs.filter(({ first, second }) => first?.text === second?.text).length;
  const total = measured && {
    float: measured.detecting.float + measured.recognising.float,
    int8: measured.detecting.int8 + measured.recognising.int8,
  };
  byId('text-results').replaceChildren(
    tiles(
      agreementTile(
        characterAgreement(pairs) >= goodAgreement,
        `${same} of ${pairs.length} lines`,
        'read the same in float and in INT8',
        `Characters that agree: ${percent(characterAgreement(pairs))}`,
      ),
      sizeTile(size),
      timeTile(total, measured?.runs ?? 0),
    ),
    make('div', { class: 'card' }, linesTable(pairs)),
    ...(measured ? [timeNote(measured)] : []),
  );
}
