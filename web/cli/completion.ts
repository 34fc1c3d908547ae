/** `octet completion`: scripts that complete commands, flags and their choices in a shell, made from the table of commands. */
import { type Command, type Flag, choicesOf } from './command.js';
import { UsageError } from './errors.js';
import { nearest } from './nearest.js';
import { print } from './terminal.js';

type Commands = Readonly<Record<string, Command>>;

const spellings = ({ flag, short }: Flag) => [`--${flag}`, ...(short ? [`-${short}`] : [])];

/** What a positional argument of a command may be: one of these, or a file. */
const wordsOf = ({ arguments: [first] }: Command) => (first?.includes('|') ? first.split('|') : []);

function bash(commands: Commands): string {
  const choices = Object.entries(commands).flatMap(([name, { flags }]) =>
    flags.flatMap((flag) => {
      const words = choicesOf(flag);
      return words.length ? [`    '${name} --${flag.flag}') words='${words.join(' ')}' ;;`] : [];
    }),
  );
  const flags = Object.entries(commands).map(
    ([name, command]) =>
      `      ${name}) words='${[...command.flags.flatMap(spellings), '--help'].join(' ')}' ;;`,
  );
  const words = Object.entries(commands).flatMap(([name, command]) =>
    wordsOf(command).length ? [`      ${name}) words='${wordsOf(command).join(' ')}' ;;`] : [],
  );
  return `# bash: source <(octet completion bash)
_octet() {
  local current=\${COMP_WORDS[COMP_CWORD]} words=''
  case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD - 1]}" in
${choices.join('\n')}
  esac
  if [ "$COMP_CWORD" = 1 ]; then
    words='${Object.keys(commands).join(' ')} --help --version'
  elif [ -z "$words" ] && [[ $current = -* ]]; then
    case \${COMP_WORDS[1]} in
${flags.join('\n')}
    esac
  elif [ -z "$words" ]; then
    case \${COMP_WORDS[1]} in
${words.join('\n')}
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o default -F _octet octet
`;
}

/** Inside single quotes, of a shell's specification in which colons and brackets separate. */
const quoted = (text: string) => text.replaceAll("'", "'\\''").replace(/[[\]:]/g, '\\$&');

function zshFlag(flag: Flag): string[] {
  const choices = choicesOf(flag);
  const values = choices.length ? `(${choices.join(' ')})` : '_files';
  const argument = flag.argument ? `:${quoted(flag.argument)}:${values}` : '';
  return spellings(flag).map(
    (spelling) => `'${flag.multiple ? '*' : ''}${spelling}[${quoted(flag.help)}]${argument}'`,
  );
}

function zsh(commands: Commands): string {
  const described = Object.entries(commands).map(
    ([name, { summary }]) => `      '${name}:${quoted(summary)}'`,
  );
  const cases = Object.entries(commands).map(([name, command]) => {
    const words = wordsOf(command);
    const positional = words.length ? `'1:word:(${words.join(' ')})'` : `'*:file:_files'`;
    const specs = [...command.flags.flatMap(zshFlag), "'--help[what it takes]'", positional];
    return `    ${name}) _arguments ${specs.join(' ')} ;;`;
  });
  return `#compdef octet
# zsh: source <(octet completion zsh), or a file called _octet in a folder of $fpath
_octet() {
  if (( CURRENT == 2 )); then
    local -a commands=(
${described.join('\n')}
    )
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _octet ]; then _octet "$@"; else compdef _octet octet; fi
`;
}

function fish(commands: Commands): string {
  const escaped = (text: string) => text.replaceAll("'", "\\'");
  const flagLine = (name: string, { flag, short, argument, help }: Flag, choices: string[]) => {
    const values = choices.length ? ` -x -a '${choices.join(' ')}'` : argument ? ' -r' : '';
    return (
      `complete -c octet -n '__fish_seen_subcommand_from ${name}' -l ${flag}` +
      `${short ? ` -s ${short}` : ''}${values} -d '${escaped(help)}'`
    );
  };
  const lines = Object.entries(commands).flatMap(([name, command]) => [
    `complete -c octet -f -n __fish_use_subcommand -a ${name} -d '${escaped(command.summary)}'`,
    ...command.flags.map((flag) => flagLine(name, flag, choicesOf(flag))),
    ...wordsOf(command).map(
      (word) => `complete -c octet -f -n '__fish_seen_subcommand_from ${name}' -a ${word}`,
    ),
  ]);
  return `# fish: octet completion fish | source\n${lines.join('\n')}\n`;
}

const shells: Record<string, (commands: Commands) => string> = { bash, zsh, fish };

export const completion = (commands: Commands): Command => ({
  summary: 'print what makes a shell complete these words',
  arguments: [Object.keys(shells).join('|')],
  flags: [],
  async run([shell]) {
    const script = shells[shell];
    if (!script)
      throw new UsageError(
        `completion: bash, zsh or fish expected, not '${shell}'${nearest(shell, Object.keys(shells))}`,
      );
    await print(script(commands));
  },
});
