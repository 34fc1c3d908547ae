/** Where the command line finds inputs and samples: files of every kind, folders, patterns, archives. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { GraphBuilder, encodeModel, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { fed, folder, identity, inFolder, octet, succeed, write } from './octet_command.mjs';

const row = identity('row', ['x', 'float32', [1, 2]]);
const pair = identity('pair', ['a', 'float32', [1, 2]], ['b', 'int64', [1]]);

/** Debian's numpy writes what people have. */
function numpy(script) {
  const { status, stderr } = spawnSync('/usr/bin/python3', ['-c', `import numpy as n\n${script}`], {
    cwd: folder,
  });
  assert.equal(status, 0, stderr.toString());
}
numpy(`
for i in range(4): n.save(f'row{i}.npy', n.array([[i, -i]], 'f4'))
n.savez('named.npz', x=n.array([[7, 8]], 'f4'))
n.savez_compressed('stack.npz', x=n.arange(6, dtype='f4').reshape(3, 1, 2))
n.savez('loose.npz', n.array([[1, 2]], 'f4'), n.array([[3, 4]], 'f4'))
n.savez('pair.npz', a=n.array([[1, 2]], 'f4'), b=n.array([9], 'i8'))
n.savez('uneven.npz', a=n.zeros((2, 1, 2), 'f4'), b=n.zeros((3, 1), 'i8'))
`);

describe('inputs of run', () => {
  const seven = { type: 'float32', dims: [1, 2], data: [7, 8] };
  test('come from an archive, by name', () => {
    assert.deepEqual(fed(row, '--input', 'x=named.npz'), { x: seven });
    const both = fed(pair, '--input', 'a=pair.npz', '--input', 'b=pair.npz');
    assert.deepEqual([both.a.data, both.b.data], [[1, 2], [9]]);
  });

  test('come from standard input, of whatever kind', () => {
    for (const [file, data] of [
      ['named.npz', [7, 8]],
      ['row3.npy', [3, -3]],
    ]) {
      const bytes = fs.readFileSync(inFolder(file));
      const { x_out: x } = JSON.parse(
        succeed(['run', row, '--input', 'x=-', '--json'], { input: bytes }),
      );
      assert.deepEqual(x.data, data);
    }
  });

  test('and outputs go to a folder, an archive or standard output', () => {
    const run = ['run', pair, '--input', 'a=pair.npz', '--input', 'b=pair.npz', '--output'];
    succeed([...run, 'out']);
    succeed([...run, 'out.npz']);
    const piped = succeed([...run, '-']);
    write('piped.npz', piped);
    numpy(`
for name in ['out.npz', 'piped.npz']:
  with n.load(name) as f: assert f['a_out'].tolist() == [[1, 2]] and f['b_out'].dtype == 'int64', name
assert n.load('out/b_out.npy').tolist() == [9]
`);
  });

  test('JSON has every number', () => {
    numpy(
      `n.save('odd.npy', n.array([[n.nan, -n.inf]], 'f4')); n.save('big.npy', n.array([2**60], 'i8'))`,
    );
    assert.deepEqual(fed(row, '--input', 'x=odd.npy').x.data, ['NaN', '-Infinity']);
    const big = fed(pair, '--input', 'a=row1.npy', '--input', 'b=big.npy');
    assert.deepEqual(big.b.data, [String(2n ** 60n)]);
  });
});

describe('samples', () => {
  const compared = (model, ...flags) =>
    JSON.parse(succeed(['compare', model, model, '--json', ...flags])).samples;
  write('single/0.npy', fs.readFileSync(inFolder('row1.npy')));
  write('single/1.npy', fs.readFileSync(inFolder('row2.npy')));
  write('single/notes.txt', 'no sample');
  write('folders/0/x.npy', fs.readFileSync(inFolder('row1.npy')));
  write('folders/1/x.npy', fs.readFileSync(inFolder('row2.npy')));

  const counts = {
    'a pattern': [row, ['--samples', 'row[0-2].npy'], 3],
    'what a shell makes of a pattern': [row, ['--samples', 'row0.npy', 'row1.npy', 'row2.npy'], 3],
    'the flag again': [row, ['--samples', 'row0.npy', '--samples', 'random:2'], 3],
    'a pattern of folders': [row, ['--samples', 's*gle'], 2],
    'a folder of files': [row, ['--samples', 'single'], 2],
    'a folder of folders': [row, ['--samples', 'folders'], 2],
    'an archive, by name': [row, ['--samples', 'named.npz'], 1],
    'an archive with a dimension more': [row, ['--samples', 'stack.npz'], 3],
    'an archive without names': [row, ['--samples', 'loose.npz'], 2],
    'an archive of several inputs': [pair, ['--samples', 'pair.npz'], 1],
  };
  for (const [name, [model, flags, count]] of Object.entries(counts))
    test(`from ${name}`, () => assert.equal(compared(model, ...flags), count));

  test('from standard input, more than once', () => {
    const bytes = fs.readFileSync(inFolder('stack.npz'));
    const graph = new GraphBuilder('product');
    const weights = tensor('float32', [2, 64], new Random('w').normals(128));
    const operands = [graph.input('x', 'float32', [1, 2]), graph.initializer('w', weights)];
    graph.output(graph.add('MatMul', operands, {}, ['y']), 'float32', [1, 64]);
    const model = write('product.onnx', encodeModel(graph));
    const flags = ['--mode', 'static', '--calibration', '-', '--json'];
    const report = JSON.parse(
      succeed(['quantize', model, '-o', 'int8.onnx', ...flags], { input: bytes }),
    );
    assert.ok(report.tensors.length > 0);
  });

  const failures = {
    'no such file': [row, 'none.npy', /none\.npy: no such file/],
    'a pattern that matches nothing': [row, 'none*.npy', /none\*\.npy: nothing matches/],
    'a folder without samples': [row, '.git', /no such file/],
    'a lone array for two inputs': [pair, 'row1.npy', /row1\.npy: the model has inputs a, b/],
    'an archive that lacks an input': [pair, 'named.npz', /named\.npz: arrays called a, b/],
    'stacks of different heights': [pair, 'uneven.npz', /uneven\.npz: arrays of different numbers/],
  };
  for (const [name, [model, spec, message]] of Object.entries(failures))
    test(`${name} is told in one line`, () => {
      const { status, stderr } = octet(['compare', model, model, '--samples', spec]);
      assert.equal(status, 1, stderr);
      assert.match(stderr, message);
      assert.equal(stderr.trim().split('\n').length, 1);
    });

  test('a damaged archive is told too', () => {
    write('damaged.npz', fs.readFileSync(inFolder('stack.npz')).subarray(0, 60));
    const { status, stderr } = octet(['compare', row, row, '--samples', 'damaged.npz']);
    assert.equal(status, 1);
    assert.match(stderr, /damaged\.npz: not a \.npz file/);
  });
});
