/** What a command of `octet` is: one row of the table in commands.ts, from which parsing, help and completion follow. */
import { UsageError } from './errors.js';

export interface Flag {
  flag: string;
  /** The same in one letter. */
  short?: string;
  /** What stands for its argument in the help, choices as A|B; a flag without one is a switch. */
  argument?: string;
  /** May be given several times. */
  multiple?: boolean;
  /** The option of the package's function that it sets, keys separated by dots. */
  option?: string;
  help: string;
}

/** Flags by name, as they were given. */
export type Values = Record<string, string | boolean | string[] | undefined>;

export interface Command {
  summary: string;
  /** Names of the positional arguments, all required. */
  arguments: readonly string[];
  /** The flag of several values that takes what stands behind the arguments, once it is given itself. */
  more?: string;
  flags: readonly Flag[];
  run(positionals: string[], values: Values): Promise<void>;
}

export const dim: Flag = {
  flag: 'dim',
  argument: 'NAME=SIZE',
  multiple: true,
  help: 'an open dimension of the inputs; 1 unless told',
};
export const json: Flag = { flag: 'json', help: 'print the results as JSON' };
export const preprocess: Flag = {
  flag: 'preprocess',
  argument: 'SPEC',
  help: 'how pictures become tensors: size=, fit=, layout=, channels=, range=, mean=, std=, imagenet',
};

/** The words of `argument` where it lists choices. */
export const choicesOf = ({ argument }: Flag): string[] =>
  argument && /^[a-z0-9-]+(\|[a-z0-9-]+)+$/.test(argument) ? argument.split('|') : [];

export function required(values: Values, { flag }: Flag): string {
  const value = values[flag];
  if (typeof value !== 'string') throw new UsageError(`--${flag} is required`);
  return value;
}

export const listOf = (values: Values, { flag }: Flag): string[] =>
  (values[flag] as string[] | undefined) ?? [];

/** Sizes of open dimensions, from --dim. */
export function sizesFrom(values: Values): Record<string, number> {
  return Object.fromEntries(
    listOf(values, dim).map((spec) => {
      const [name, size] = spec.split('=');
      if (!name || !/^\d+$/.test(size ?? ''))
        throw new UsageError(`--dim ${spec}: NAME=SIZE expected`);
      return [name, Number(size)];
    }),
  );
}

export function countOf(flag: string, given: unknown): number {
  const count = Number(given);
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`--${flag}: a number above 0 expected`);
  return count;
}
