/** Notes every WebAssembly memory that is made from now on; returns how many bytes they have. */
export function watchMemories() {
  const memories = new Set();
  const { Memory, instantiate } = WebAssembly;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor) {
      super(descriptor);
      memories.add(this);
    }
    static [Symbol.hasInstance](value) {
      return value instanceof Memory;
    }
  };
  WebAssembly.instantiate = async (...parameters) => {
    const result = await instantiate(...parameters);
    for (const value of Object.values((result.instance ?? result).exports))
      if (value instanceof Memory) memories.add(value);
    return result;
  };
  return () => [...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}
