/** What a person sees of the command line: colours and progress on a terminal alone, help, suggestions, completion. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { network } from '../models/networks.mjs';
import { command, folder, inFolder, octet, succeed } from './octet_command.mjs';

const model = await network('mnist').locate();
const names = ['quantize', 'run', 'inspect', 'compare', 'bench', 'completion'];
const escape = '\x1b[';
const plain = { CI: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined, TERM: 'xterm' };

/** Standard output and error of a command on a terminal that `script` makes; errors go into a file by `redirection`. */
function onTerminal(parameters, env = {}, redirection = '') {
  const words = [process.execPath, fs.realpathSync(command), ...parameters];
  const line = `${words.map((word) => `'${word}'`).join(' ')} ${redirection}`;
  const { status, stdout } = spawnSync('script', ['-qec', line, '/dev/null'], {
    cwd: folder,
    env: { ...process.env, ...plain, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { status, text: stdout.toString() };
}

const calibrated = [
  ...['quantize', model, '-o', inFolder('out.onnx'), '--mode', 'static'],
  ...['--calibration', 'random:8'],
];

describe('progress', () => {
  const bar = /█+░* *8\/8/;
  test('is shown on a terminal, and taken away before the results', () => {
    const { status, text } = onTerminal(calibrated);
    assert.equal(status, 0, text);
    assert.match(text.replaceAll(/\x1b\[\d*m/g, ''), bar);
    assert.match(text, /\r\x1b\[K\d+ tensors quantized/);
  });

  test('is for standard error, whatever becomes of standard output', () => {
    assert.match(onTerminal(calibrated, {}, '>/dev/null').text, /8\/8/);
    assert.doesNotMatch(onTerminal(calibrated, {}, '2>/dev/null').text, /8\/8/);
  });

  test('is not for builds, nor for terminals that can not', () => {
    for (const env of [{ CI: 'true' }, { CI: '1' }, { TERM: 'dumb' }])
      assert.doesNotMatch(onTerminal(calibrated, env).text, /8\/8/);
  });

  test('is not for pipes, even where colours are', () => {
    for (const env of [plain, { ...plain, FORCE_COLOR: '1' }])
      assert.equal(octet(calibrated, { env }).stderr, '');
  });

  test('is without colours where those are not wanted', () => {
    const { text } = onTerminal(calibrated, { NO_COLOR: '1' });
    assert.match(text, bar);
    assert.doesNotMatch(text, /\x1b\[\d+m/);
  });

  test('is told of comparing and timing too', () => {
    for (const parameters of [
      ['compare', model, model, '--samples', 'random:8'],
      ['bench', model, '--runs', '7'],
    ])
      assert.match(onTerminal(parameters).text, /8\/8/);
  });
});

describe('colours', () => {
  const isColoured = (text) => /\x1b\[\d+m/.test(text);
  test('are for a terminal alone, unless the environment says otherwise', () => {
    const inspect = ['inspect', model];
    assert.ok(isColoured(onTerminal(inspect).text));
    for (const env of [{ NO_COLOR: '1' }, { FORCE_COLOR: '0' }, { TERM: 'dumb' }])
      assert.ok(!isColoured(onTerminal(inspect, env).text), JSON.stringify(env));
    const piped = (env) => succeed(inspect, { env: { ...plain, ...env } }).toString();
    assert.ok(!isColoured(piped({})));
    assert.ok(isColoured(piped({ FORCE_COLOR: '1' })));
    assert.ok(isColoured(piped({ FORCE_COLOR: '1', NO_COLOR: '1' })));
  });

  test('are never in JSON', () => {
    const { text } = onTerminal(['inspect', model, '--json']);
    assert.ok(!text.includes(escape));
    JSON.parse(text);
  });
});

describe('help', () => {
  test('of all commands, and of each', () => {
    const all = succeed(['--help']).toString();
    for (const name of names) {
      assert.match(all, new RegExp(`^ {2}${name} `, 'm'));
      const help = succeed([name, '--help']).toString();
      assert.match(help, new RegExp(`^usage: octet ${name} `));
      assert.equal(succeed(['help', name]).toString(), help);
    }
  });

  test('and the version', () => {
    const { version } = JSON.parse(
      fs.readFileSync(new URL('../../web/package.json', import.meta.url)),
    );
    assert.equal(succeed(['--version']).toString(), `${version}\n`);
  });

  const suggested = {
    'inspect?': ['inspct'],
    'quantize?': ['quantise'],
    '--mode?': ['quantize', 'a', '-o', 'b', '--mdoe', 'static'],
    '--calibration?': ['quantize', 'a', '-o', 'b', '--calibraton=random:1'],
    '--json?': ['bench', model, '--jsn'],
    'zsh?': ['completion', 'zhs'],
  };
  for (const [meant, parameters] of Object.entries(suggested))
    test(`asks whether ${meant.slice(0, -1)} was meant`, () => {
      const { status, stderr } = octet(parameters);
      assert.equal(status, 2, stderr);
      const [line, usage] = stderr.split('\n');
      assert.ok(line.endsWith(`; did you mean ${meant}`), stderr);
      assert.match(usage, /^usage: octet /);
    });

  test('asks nothing about words that are like none', () => {
    assert.doesNotMatch(octet(['frobnicate']).stderr, /did you mean/);
  });
});

test('whoever stops reading is no failure to tell of', () => {
  const line = `'${process.execPath}' '${fs.realpathSync(command)}' inspect '${model}' --json | true`;
  const { stderr } = spawnSync('bash', ['-c', line]);
  assert.equal(stderr.toString(), '');
});

test('one thing alone goes to standard output', () => {
  const twice = [
    ['quantize', model, '-o', '-', '--json'],
    ['quantize', model, '-o', '-', '--report', '-'],
    ['run', model, '--input', 'image=random', '--output', '-', '--json'],
  ];
  for (const parameters of twice) {
    const { status, stdout, stderr } = octet(parameters);
    assert.equal(status, 2, stderr);
    assert.equal(stdout.length, 0);
  }
  const report = JSON.parse(succeed(['quantize', model, '-o', 'a.onnx', '--report', '-']));
  assert.deepEqual(
    report.tensors,
    JSON.parse(succeed(['quantize', model, '-o', 'a.onnx', '--json'])).tensors,
  );
});

describe('completion in bash', () => {
  /** What bash offers for the last of these words. */
  function offered(...words) {
    const script = `
      source <('${process.execPath}' '${fs.realpathSync(command)}' completion bash)
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      $(complete -p octet | sed 's/.*-F \\([^ ]*\\).*/\\1/')
      printf '%s\\n' "\${COMPREPLY[@]}"
    `;
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', ...words]);
    assert.equal(status, 0, stderr.toString());
    return stdout.toString().split('\n').filter(Boolean);
  }

  test('offers commands, flags, and what they may be', () => {
    assert.deepEqual(offered('octet', ''), [...names, '--help', '--version']);
    assert.deepEqual(offered('octet', 'qu'), ['quantize']);
    assert.deepEqual(offered('octet', 'inspect', '--'), ['--dim', '--json', '--help']);
    assert.deepEqual(offered('octet', 'quantize', 'a.onnx', '--mode', ''), [
      ...['dynamic', 'static', 'weight-only', 'mixed'],
    ]);
    assert.deepEqual(offered('octet', 'quantize', '--mode', 'w'), ['weight-only']);
    assert.deepEqual(offered('octet', 'completion', ''), ['bash', 'zsh', 'fish']);
  });

  test('offers every flag that the help has', () => {
    for (const name of names) {
      const help = succeed([name, '--help']).toString();
      const flags = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag);
      assert.deepEqual(offered('octet', name, '--'), [...flags, '--help']);
    }
  });

  test('leaves files to the shell', () => {
    assert.deepEqual(offered('octet', 'inspect', 'mo'), []);
    assert.deepEqual(offered('octet', 'quantize', 'a', '-o', 'b'), []);
  });
});
