/**
 * A seeded random generator, so that test models and inputs are the same on every machine.
 * The sequence is sfc32 (Chris Doty-Humphrey, PractRand); its state is drawn from the seed by an FNV-1a hash.
 */
export class Random {
  #a;
  #b;
  #c;
  #counter = 1;
  #spareNormal;

  /** @param {string | number} seed */
  constructor(seed) {
    const hash = (salt) => {
      let h = 0x811c9dc5;
      for (const character of `${salt}:${seed}`) {
        h = Math.imul(h ^ character.codePointAt(0), 0x01000193);
      }
      return h | 0;
    };
    this.#a = hash('a');
    this.#b = hash('b');
    this.#c = hash('c');
    for (let i = 0; i < 16; ++i) this.uint32();
  }

  uint32() {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** Uniform in [low, high). */
  uniform(low = 0, high = 1) {
    return low + (high - low) * (this.uint32() / 0x100000000);
  }

  /** A whole number, uniform in [low, high]. */
  integer(low, high) {
    return low + Math.floor(this.uniform() * (high - low + 1));
  }

  boolean() {
    return this.uint32() % 2 === 1;
  }

  pick(list) {
    return list[this.integer(0, list.length - 1)];
  }

  /** Normally distributed (Box-Muller). */
  normal(mean = 0, deviation = 1) {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return mean + deviation * spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spareNormal = radius * Math.sin(angle);
    return mean + deviation * radius * Math.cos(angle);
  }

  normals(count, mean = 0, deviation = 1) {
    return Float32Array.from({ length: count }, () => this.normal(mean, deviation));
  }

  uniforms(count, low = 0, high = 1) {
    return Float32Array.from({ length: count }, () => this.uniform(low, high));
  }

  integers(count, low, high) {
    return Array.from({ length: count }, () => this.integer(low, high));
  }

  shuffled(list) {
    const result = Array.from(list);
    for (let i = result.length - 1; i > 0; --i) {
      const j = this.integer(0, i);
      [result[i], result[j]] = [result[j], result[i]];
    }
    return result;
  }
}
