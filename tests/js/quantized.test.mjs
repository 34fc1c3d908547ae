/**
 * Dynamic quantization of every network: onnxruntime loads the exported file and gives the answers that Octet gives.
 *
 * Between two engines the results of float operators differ in the last bit, which now and then moves a value to the next
 * integer. Deep nets amplify such steps: where the whole net agrees to less than 35 dB, every integer layer of it must agree
 * alone, on the input that it had in onnxruntime, to a fraction of one step of its accumulator.
 *
 * Small networks are quantized in all eight ways, large ones in two. What would stay in float for accuracy's sake is included.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { casesOf, networks } from '../models/networks.mjs';
import { assertTensorClose, sqnr } from './closeness.mjs';
import { integerLayers, withOutputs } from './integer_layers.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, exactReference, runSteps, withSession } from './sessions.mjs';

const leastSqnr = 35;
const largeBytes = 5e7;
const both = [false, true];
const allVariants = ['int8', 'uint8'].flatMap((type) =>
  both.flatMap((symmetric) => both.map((perChannel) => ({ type, symmetric, perChannel }))),
);
const fewVariants = [
  { type: 'int8', symmetric: true, perChannel: true },
  { type: 'uint8', symmetric: false, perChannel: false },
];
const reduced = { ...fewVariants[0], reduceRange: true };

const describe = ({ type, symmetric, perChannel, reduceRange }) =>
  `${type} ${symmetric ? 'symmetric' : 'asymmetric'} ${perChannel ? 'per channel' : 'per tensor'}` +
  (reduceRange ? ', 7 bits' : '');

/** All outputs of each case, step after step. */
const runCases = (library, model, cases) =>
  withSession(library, model, async (session) => {
    const results = [];
    for (const { steps } of cases) {
      const outputs = await runSteps(library, session, steps);
      results.push(outputs.flatMap((step) => session.outputNames.map((name) => step[name])));
    }
    return results;
  });

/** Every integer layer alone, on what flows through it in onnxruntime. */
async function assertLayersAgree(model, { feeds }) {
  const layers = integerLayers(model);
  assert.notEqual(layers.length, 0, 'no integer layers');
  const tapped = withOutputs(
    model,
    layers.flatMap(({ input, output }) => [{ name: input }, { name: output }]),
  );
  const [values] = await withSession(exactReference, tapped, (session) =>
    runSteps(exactReference, session, [{ feeds }]),
  );
  for (const { name, input, output, model: layer } of layers) {
    const [actual] = await withSession(candidate(octet), layer, (session) =>
      runSteps(candidate(octet), session, [{ feeds: { [input]: values[input] } }]),
    );
    const largest = values[output].data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const tolerance = { relative: 0, absolute: 1e-6 * largest };
    assertTensorClose(actual[output], values[output], tolerance, name);
  }
}

for (const network of networks) {
  test(`dynamic quantization of ${network.name}`, async (t) => {
    const source = fs.readFileSync(await network.locate());
    const cases = casesOf(network);
    const variants = source.length > largeBytes ? fewVariants : allVariants;
    for (const weights of [...variants, reduced]) {
      await t.test(describe(weights), async (t) => {
        const options = { mode: 'dynamic', weights, include: () => true };
        const { model, report } = await octet.quantize(source, options);
        assert.ok(report.tensors.length > 0, 'nothing was quantized');
        assert.ok(model.length < source.length, 'the file has not become smaller');
        const expected = await runCases(exactReference, model, cases);
        const actual = await runCases(candidate(octet), model, cases);
        for (const [i, { label, steps }] of cases.entries()) {
          const agreement = sqnr(actual[i], expected[i]);
          t.diagnostic(`${label}: ${agreement.toFixed(1)} dB`);
          if (!(agreement >= leastSqnr)) await assertLayersAgree(model, steps[0]);
        }
      });
    }
  });
}
