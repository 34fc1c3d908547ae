/** What the command line leaves behind when it is interrupted, or when a file can't be written: nothing, and one line. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { network } from '../models/networks.mjs';
import { projectDirectory } from './package_under_test.mjs';

const cli = path.join(projectDirectory, 'node_modules/octet-web/dist/cli.js');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-cli-'));
after(() => fs.rmSync(folder, { recursive: true }));

const large = await network('resnet50').locate();
const small = await network('ocr_cls').locate();

let folders = 0;
function emptyFolder() {
  const made = path.join(folder, String((folders += 1)));
  fs.mkdirSync(made);
  return made;
}

/** Runs a program to its end; `meanwhile` gets the process. */
function run(program, parameters, meanwhile = () => {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    child.stdout.resume();
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stderr }));
    meanwhile(child);
  });
}
const octetCli = (parameters, meanwhile) => run(process.execPath, [cli, ...parameters], meanwhile);

/** Nothing, or a whole model. */
async function assertWholeOrNothing(folder) {
  for (const name of fs.readdirSync(folder)) {
    assert.equal(name, 'out.onnx');
    assert.equal((await octetCli(['inspect', path.join(folder, name)])).code, 0);
  }
}

const oneLine = (text) => /^octet: [^\n]+\n$/.test(text);

describe('Ctrl-C', () => {
  const commands = {
    dynamic: ['--mode', 'dynamic'],
    'weight-only': ['--mode', 'weight-only', '--weights', 'int4'],
    static: ['--mode', 'static', '--calibration', 'random:50'],
    mixed: ['--mode', 'mixed', '--calibration', 'random:2', '--min-sqnr', '30'],
  };
  for (const [name, options] of Object.entries(commands)) {
    test(name, async () => {
      let interrupted = 0;
      for (const milliseconds of [300, 700, 1200, 2000]) {
        const into = emptyFolder();
        const output = path.join(into, 'out.onnx');
        const parameters = ['quantize', large, '-o', output, ...options];
        const { code, signal } = await octetCli(parameters, (child) =>
          setTimeout(() => child.kill('SIGINT'), milliseconds),
        );
        if (code === 0) continue;
        interrupted += 1;
        // Of which a shell makes 130.
        assert.equal(signal, 'SIGINT');
        await assertWholeOrNothing(into);
      }
      if (name === 'static' || name === 'mixed') assert.ok(interrupted > 0);
    });
  }

  test('while it waits for standard input', async () => {
    const into = emptyFolder();
    const parameters = ['quantize', '-', '-o', path.join(into, 'out'), '--mode', 'dynamic'];
    const { signal } = await octetCli(parameters, (child) =>
      setTimeout(() => child.kill('SIGINT'), 1500),
    );
    assert.equal(signal, 'SIGINT');
    assert.deepEqual(fs.readdirSync(into), []);
  });

  test('while it writes, at which the first of the files is whole already', async () => {
    const into = emptyFolder();
    const [output, pipe] = ['out.onnx', 'report'].map((name) => path.join(into, name));
    // Nobody reads the report, so that writing it waits.
    await run('mkfifo', [pipe]);
    const parameters = ['quantize', small, '-o', output, '--report', pipe];
    const { signal } = await octetCli(parameters, (child) => {
      const wait = setInterval(() => {
        if (!fs.readdirSync(into).some((name) => name.startsWith('.octet-'))) return;
        clearInterval(wait);
        setTimeout(() => child.kill('SIGINT'), 200);
      }, 5);
    });
    assert.equal(signal, 'SIGINT');
    assert.deepEqual(fs.readdirSync(into), ['report']);
  });

  test('ends it within 100 ms, whatever it does', async () => {
    const delays = [];
    for (const milliseconds of [400, 800, 1200, 1600]) {
      const parameters = ['quantize', large, '-o', path.join(emptyFolder(), 'out.onnx')];
      let sent;
      await octetCli([...parameters, ...commands.static], (child) =>
        setTimeout(() => {
          sent = performance.now();
          child.kill('SIGINT');
        }, milliseconds),
      );
      delays.push(performance.now() - sent);
    }
    // The least, for other tests may keep the processor from it.
    assert.ok(Math.min(...delays) < 100, delays.join());
  });
});

describe('a file that cannot be written', () => {
  const quantize = (output, more = []) => [
    ...['quantize', small, '-o', output, '--mode', 'dynamic'],
    ...more,
  ];
  const fails = ({ code, stderr }) => {
    assert.equal(code, 1, stderr);
    assert.ok(oneLine(stderr), stderr);
  };

  test('below a folder that does not exist, a file, or where nobody may write', async () => {
    const into = emptyFolder();
    fs.writeFileSync(path.join(into, 'file'), '');
    const places = ['none/out.onnx', 'file/out.onnx'].map((place) => path.join(into, place));
    for (const place of [...places, into, '/proc/out.onnx']) fails(await octetCli(quantize(place)));
    assert.deepEqual(fs.readdirSync(into), ['file']);
  });

  test('on a full device, which stays one', async () => {
    fails(await octetCli(quantize('/dev/full')));
    assert.ok(fs.statSync('/dev/full').isCharacterDevice());
    const { code } = await octetCli(quantize('/dev/null'));
    assert.equal(code, 0);
    assert.ok(fs.statSync('/dev/null').isCharacterDevice());
  });

  test('when there is no more room', async () => {
    const into = emptyFolder();
    const output = path.join(into, 'out.onnx');
    // The largest file that may be written, in blocks of 512 bytes or KiB: too little for the model.
    const script = `trap '' XFSZ; ulimit -f 100; exec "$@"`;
    const parameters = [process.execPath, cli, ...quantize(output)];
    fails(await run('sh', ['-c', script, 'sh', ...parameters]));
    assert.deepEqual(fs.readdirSync(into), []);
  });

  test('what was there before stays', async () => {
    const into = emptyFolder();
    const output = path.join(into, 'out.onnx');
    fs.writeFileSync(output, 'before');
    const report = path.join(into, 'none/report.json');
    fails(await octetCli(quantize(output, ['--report', report])));
    assert.equal(fs.readFileSync(output, 'utf8'), 'before');
    assert.deepEqual(fs.readdirSync(into), ['out.onnx']);
  });

  test('a link is followed, and its target keeps its permissions', async () => {
    const into = emptyFolder();
    const [target, link] = ['target.onnx', 'link.onnx'].map((name) => path.join(into, name));
    fs.writeFileSync(target, 'before', { mode: 0o600 });
    fs.symlinkSync(target, link);
    assert.equal((await octetCli(quantize(link))).code, 0);
    assert.ok(fs.lstatSync(link).isSymbolicLink());
    assert.ok(fs.statSync(target).size > 1000);
    assert.equal(fs.statSync(target).mode & 0o777, 0o600);
  });
});
