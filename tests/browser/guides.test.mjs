/** The programs of the guides that are for pages, in Chromium. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { transpiled } from '../js/compiler.mjs';
import { documents, programFiles, programs } from '../js/guides.mjs';
import { openPackagePage } from './package_page.mjs';

/** What bundlers do: workers have no import maps. */
const linked = (code) =>
  transpiled(code).replace(
    /(from |import )'octet-web(?:\/(\w+))?'/g,
    (_, before, part = 'index') => `${before}'/octet/${part}.js'`,
  );

/** Runs in the page: a program, to its end. */
const runProgram = async (url) => void (await import(url));

/** Runs in the page: what the model answers, and whether it came from the network. */
async function answerOffline() {
  const { InferenceSession, Tensor } = await import('/octet/index.js');
  const session = await InferenceSession.create('/model.onnx');
  const input = new Tensor(new Float32Array(3 * 224 * 224), [1, 3, 224, 224]);
  const { output } = await session.run({ input });
  return output.dims;
}

describe('guides run in a page', () => {
  let host;
  before(async () => {
    host = await openPackagePage({ isolated: true });
    for (const [name, content] of programFiles()) host.publish(`/${name}`, content);
  });
  after(() => host?.close());

  for (const document of documents) {
    const [files, others] = [true, false].map((isFile) =>
      programs.get(document).filter((program) => program.isFile === isFile),
    );
    for (const { name, code } of others.filter(({ place }) => place === 'page'))
      test(name, async () => {
        for (const file of files) host.publish(`/${file.place}`, Buffer.from(linked(file.code)));
        const url = host.publish(`/${encodeURIComponent(name)}.js`, Buffer.from(linked(code)));
        await host.reload();
        await host.page.evaluate(runProgram, url);
      });
  }

  test('guides/offline.md: what its service worker keeps runs without a network', async () => {
    await host.page.context().setOffline(true);
    await host.page.goto(`${host.origin}/`);
    assert.deepEqual(await host.page.evaluate(answerOffline), [1, 10]);
  });
});
