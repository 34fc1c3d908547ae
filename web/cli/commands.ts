import { bench } from './bench.js';
import type { Command } from './command.js';
import { compare } from './compare.js';
import { completion } from './completion.js';
import { inspect } from './inspect.js';
import { quantize } from './quantize.js';
import { run } from './run.js';

const commands: Record<string, Command> = { quantize, run, inspect, compare, bench };
commands.completion = completion(commands);

export { commands };
