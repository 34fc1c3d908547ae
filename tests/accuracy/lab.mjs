/** Networks in float and quantized, run over many inputs. */
import fs from 'node:fs';
import { octet } from '../js/package_under_test.mjs';
import { candidate, runSteps, stepThrough, withSession } from '../js/sessions.mjs';
import { network } from '../models/networks.mjs';

export { octet };

const library = candidate(octet);

export const fileOf = async (name) => new Uint8Array(fs.readFileSync(await network(name).locate()));

/** The outputs of every step. */
export const runAll = (model, steps) =>
  withSession(library, model, (session) => runSteps(library, session, steps));

/** Calls `visit` with the outputs of each step and its number, for outputs too large to keep. */
export const visitAll = (model, steps, visit) =>
  withSession(library, model, async (session) => {
    let i = 0;
    for await (const outputs of stepThrough(library, session, steps)) visit(outputs, i++);
  });

/** Steps as samples for a calibration; states that the steps carry over come from a run of the float model. */
export async function samplesOf(float, steps) {
  const outputs = steps.some(({ carry }) => carry) ? await runAll(float, steps) : [];
  return steps.map(({ feeds, carry = {} }, i) => {
    const given = Object.entries(feeds).map(([key, { type, dims, data }]) => [
      key,
      new octet.Tensor(type, data, dims),
    ]);
    const carried = Object.entries(carry).map(([to, from]) => [to, outputs[i - 1][from]]);
    return Object.fromEntries([...given, ...carried]);
  });
}

/** Signal and noise of outputs that come one by one. */
export class Sqnr {
  #signal = 0;
  #noise = 0;

  add(actual, expected) {
    for (let i = 0; i < expected.length; ++i) {
      this.#signal += expected[i] ** 2;
      this.#noise += (actual[i] - expected[i]) ** 2;
    }
  }

  get decibels() {
    return this.#noise === 0 ? Infinity : 10 * Math.log10(this.#signal / this.#noise);
  }
}

/** SQNR in dB of all outputs of a model together, against `answers`, those of another one. */
export async function outputSqnr(model, steps, answers) {
  const sqnr = new Sqnr();
  await visitAll(model, steps, (outputs, i) => {
    for (const [name, { data }] of Object.entries(answers[i])) sqnr.add(outputs[name].data, data);
  });
  return sqnr.decibels;
}
