import type { Command, Flag } from './command.js';

const written = ({ flag, short, argument }: Flag) =>
  `${short ? `-${short}, ` : ''}--${flag}${argument ? ` ${argument}` : ''}`;

function table(rows: string[][]): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows
    .map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i])).join('  ')}`.trimEnd())
    .join('\n');
}

/** How a command is called, in one line. */
export const callOf = (name: string, { arguments: positionals }: Command) =>
  `octet ${[name, ...positionals].join(' ')} [FLAGS]`;

export function helpOfAll(commands: Record<string, Command>): string {
  const rows = Object.entries(commands).map(([name, command]) => [
    [name, ...command.arguments].join(' '),
    command.summary,
  ]);
  return `usage: octet COMMAND …

${table(rows)}

octet COMMAND --help lists the flags of a command. '-' stands for standard input or output.
Files appear whole or not at all. On a terminal the progress is shown; Ctrl-C stops every command.
Exit codes: 0, 1 for a failure, 2 for wrong usage.
`;
}

export function helpOf(name: string, command: Command): string {
  const hasOptions = command.flags.some(({ option }) => option);
  const rows = command.flags.map((flag) => [
    written(flag),
    ...(hasOptions ? [flag.option ?? ''] : []),
    flag.help,
  ]);
  const notes = [
    `usage: ${callOf(name, command)}`,
    command.summary,
    ...(rows.length ? [table(rows)] : []),
    ...(hasOptions ? ['The second column is the option of the function that a flag sets.'] : []),
  ];
  return `${notes.join('\n\n')}\n`;
}
