import { env } from 'octet-web';
import { readDigits } from './digits.js';

/** Fills the page's output element with what the model beside the page answers. */
export async function fillPage() {
  const output = document.querySelector('output');
  try {
    if (globalThis.crossOriginIsolated) env.wasm.numThreads = 2;
    env.wasm.proxy = location.search === '?proxy';
    const response = await fetch(new URL('model.onnx', document.baseURI));
    const answer = await readDigits(new Uint8Array(await response.arrayBuffer()));
    output.textContent = JSON.stringify({ ...answer, ...env.octet });
  } catch (error) {
    output.textContent = `${error.name}: ${error.message}`;
  }
}
