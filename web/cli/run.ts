import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import type { Tensor } from './index.js';
import { type Command, type Flag, dim, json, listOf, preprocess } from './command.js';
import { UsageError } from './errors.js';
import { feedsFrom } from './feeds.js';
import { type Output, modelFrom, writeOutputs } from './files.js';
import { writeNpy } from './npy.js';
import { sampleFlagsFrom } from './samples.js';
import { withSession } from './session.js';
import { bold, print, printJson } from './terminal.js';

const input: Flag = {
  flag: 'input',
  argument: 'NAME=FILE|NAME=random',
  multiple: true,
  help: 'a .npy, .pb or .npz file, a picture, or numbers made up',
};
const output: Flag = {
  flag: 'output',
  argument: 'DIR|FILE.npz',
  help: 'where the outputs go: a .npy file each, or all in one',
};

/** Numbers that JSON lacks are words; integers that a number can't hold are text. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

const describe = ({ type, dims, data }: Tensor) => ({
  type,
  dims,
  data: Array.from(data as ArrayLike<unknown>, plain),
});

function lineOf([name, { type, dims, data, size }]: [string, Tensor]): string {
  const shown = Array.from(data as Float32Array).slice(0, 8);
  return `${bold(name)}: ${type} [${dims}] ${shown.join(', ')}${size > 8 ? ', …' : ''}`;
}

const npyName = (name: string) => `${name.replace(/[/\\]/g, '_')}.npy`;

async function save(results: [string, Tensor][], place: string): Promise<void> {
  const files = results.map(([name, tensor]) => [npyName(name), writeNpy(tensor)] as const);
  if (place === '-' || place.endsWith('.npz'))
    return writeOutputs([{ path: place, data: zipSync(Object.fromEntries(files), { level: 0 }) }]);
  await mkdir(place, { recursive: true });
  await writeOutputs(files.map(([name, data]): Output => ({ path: join(place, name), data })));
}

export const run: Command = {
  summary: 'compute the outputs of a model',
  arguments: ['MODEL'],
  flags: [input, preprocess, dim, output, json],
  async run([path], values) {
    const place = values[output.flag] as string | undefined;
    if (place === '-' && values.json)
      throw new UsageError('only one thing can go to standard output');
    const results = await withSession(await modelFrom(path), async (session) =>
      session.run(await feedsFrom(session, listOf(values, input), sampleFlagsFrom(values))),
    );
    const entries = Object.entries(results) as [string, Tensor][];
    if (place !== undefined) await save(entries, place);
    if (values.json)
      return printJson(
        Object.fromEntries(entries.map(([name, tensor]) => [name, describe(tensor)])),
      );
    if (place !== '-') await print(entries.map(lineOf).join('\n'));
  },
};
