import { runCommandLine } from './command_line.js';

process.exitCode = await runCommandLine(process.argv.slice(2));
