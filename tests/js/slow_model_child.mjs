/** Creates a session of a model that only comes once the engine is there: `node slow_model_child.mjs ENTRY MODEL`. Prints the inputs. */
import fs from 'node:fs';

const [entry, file] = process.argv.slice(2);
const { instantiate } = WebAssembly;
const engineIsThere = new Promise((resolve) => {
  WebAssembly.instantiate = async (...parameters) => {
    const instance = await instantiate(...parameters);
    resolve();
    return instance;
  };
});
const { InferenceSession } = await import(entry);
const model = new ReadableStream({
  async pull(controller) {
    await engineIsThere;
    controller.enqueue(new Uint8Array(fs.readFileSync(file)));
    controller.close();
  },
});
const session = await InferenceSession.create(model);
console.log(JSON.stringify(session.inputNames));
