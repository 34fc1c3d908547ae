/// <reference path="../node_modules/@jsquash/webp/emscripten-types.d.ts" />
declare module '*.wasm' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
