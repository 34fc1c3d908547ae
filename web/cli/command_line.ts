import { parseArgs } from 'node:util';
import { OctetError, env } from './index.js';
import type { Command, Flag, Values } from './command.js';
import { commands } from './commands.js';
import { UsageError } from './errors.js';
import { callOf, helpOf, helpOfAll } from './help.js';
import { nearest } from './nearest.js';
import { fail, print } from './terminal.js';

const help: Flag = { flag: 'help', short: 'h', help: 'this' };

const optionsOf = (flags: readonly Flag[]) =>
  Object.fromEntries(
    flags.map(({ flag, short, argument, multiple }) => [
      flag,
      {
        type: argument ? 'string' : 'boolean',
        ...(short && { short }),
        ...(multiple && { multiple }),
      } as const,
    ]),
  );

function usageError(name: string, { flags }: Command, error: Error & { code?: string }) {
  const [, unknown] = /^Unknown option '(-[^']*)'/.exec(error.message) ?? [];
  if (error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION' || !unknown)
    return new UsageError(error.message.split('\n')[0]);
  const known = flags.map(({ flag }) => flag);
  const meant = nearest(unknown.replace(/^-+/, ''), known, '--');
  return new UsageError(`${name} has no flag ${unknown}${meant}`);
}

/** The arguments of a command; undefined where its help is asked for. */
function parse(name: string, command: Command, args: string[]) {
  const options = optionsOf([...command.flags, help]);
  const parsed = (() => {
    try {
      return parseArgs({ args, options, allowPositionals: true });
    } catch (error) {
      throw usageError(name, command, error as Error);
    }
  })();
  const values = parsed.values as Values;
  if (values.help) return undefined;
  const count = command.arguments.length;
  const [positionals, rest] = [parsed.positionals.slice(0, count), parsed.positionals.slice(count)];
  const more = command.more === undefined ? undefined : values[command.more];
  if (positionals.length < count || (rest.length && !Array.isArray(more)))
    throw new UsageError(`${name} takes ${command.arguments.join(' ')}`);
  if (Array.isArray(more)) more.push(...rest);
  return { positionals, values };
}

/** The exit code for an error, of which it says one line, and how to call if that was wrong. */
function explain(error: unknown, usage: string): number {
  // Whoever reads has read enough.
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return 1;
  fail((error as Error).message.split('\n')[0]);
  if (error instanceof UsageError) process.stderr.write(`usage: ${usage}\n`);
  const isOption = error instanceof OctetError && error.code === 'invalid-option';
  return isOption || error instanceof UsageError ? 2 : 1;
}

async function runCommand(name: string, args: string[]): Promise<number> {
  const command = commands[name];
  try {
    const parsed = parse(name, command, args);
    if (parsed) await command.run(parsed.positionals, parsed.values);
    else await print(helpOf(name, command));
    return 0;
  } catch (error) {
    return explain(error, `${callOf(name, command)}; octet ${name} --help lists the flags`);
  }
}

const isCommand = (name: string) => Object.hasOwn(commands, name);

/** Runs a command line and returns the exit code. */
export async function runCommandLine(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name !== undefined && isCommand(name)) return runCommand(name, rest);
  try {
    if (name === 'help' && rest.length && isCommand(rest[0]))
      return runCommand(rest[0], ['--help']);
    if (['--help', '-h', 'help'].includes(name)) await print(helpOfAll(commands));
    else if (['--version', '-v'].includes(name)) await print(env.octet.version);
    else if (name === undefined) throw new UsageError('a command is missing');
    else {
      const meant = nearest(name, Object.keys(commands));
      throw new UsageError(`there is no command '${name}'${meant}`);
    }
    return 0;
  } catch (error) {
    return explain(error, 'octet COMMAND …; octet --help lists the commands');
  }
}
