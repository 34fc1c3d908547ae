/** The processes that run models for the conformance tests: a command each, which speaks wire.mjs's lines. */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (file) => fileURLToPath(new URL(file, import.meta.url));

/** The packed package in Node. */
export async function packageCommand() {
  const { entry } = await import('../js/package_under_test.mjs');
  return [process.execPath, here('package_child.mjs'), entry.href];
}

/** The native build with sanitizers. */
export function nativeCommand() {
  const executable = here('../../build/native/tests/octet_conformance');
  if (!fs.existsSync(executable)) {
    throw new Error(`${executable} is missing: run ./octet conformance --native`);
  }
  return [executable];
}
