import type { Tensor as OrtTensor } from 'onnxruntime-common';
import { CallBlock } from './call_block.js';
import type { Engine, SessionHandle } from './engine.js';
import { releasedError } from './errors.js';
import { decodeImage, type EncodedImage } from './images.js';
import type { SessionRunner, StepTime, ValueMetadata } from './session.js';
import type { OctetValue } from './tensor.js';

interface Port {
  name: string;
  isTensor: boolean;
  type: string;
  shape: (number | string | null)[] | null;
}

function metadataOf(ports: Port[]): ValueMetadata[] {
  return ports.map(({ name, isTensor, type, shape }) =>
    isTensor
      ? {
          name,
          isTensor,
          type: type as OrtTensor.Type,
          shape: (shape ?? []).map((dim) => dim ?? ''),
        }
      : { name, isTensor },
  );
}

/** Runs a session of this thread's engine. */
export class EngineRunner implements SessionRunner {
  readonly inputs: readonly ValueMetadata[];
  readonly outputs: readonly ValueMetadata[];

  readonly #engine: Engine;
  readonly #block: CallBlock;
  readonly #images: readonly EncodedImage[];
  /** The names of what the engine is fed with: inputs, and once more those that images are decoded from. */
  readonly #feedNames: readonly string[];
  #handle: SessionHandle | undefined;

  constructor(engine: Engine, handle: SessionHandle) {
    this.#engine = engine;
    this.#block = new CallBlock(engine, handle);
    this.#handle = handle;
    this.inputs = metadataOf(JSON.parse(engine.get(() => handle.inputs())));
    this.outputs = metadataOf(JSON.parse(engine.get(() => handle.outputs())));
    this.#images = JSON.parse(engine.get(() => handle.images()));
    const names = this.inputs.map(({ name }) => name);
    this.#feedNames = [...names, ...this.#images.map(({ stream }) => names[stream])];
  }

  run(feeds: readonly unknown[], wanted: readonly number[]): OctetValue[] | Promise<OctetValue[]> {
    const run = (all: readonly unknown[]) => this.#block.run(this.#feedNames, all, wanted);
    return this.#images.length ? this.#withImages(feeds).then(run) : run(feeds);
  }

  /** As `InferenceSession.timeInSlices`. */
  async timeInSlices(feeds: readonly unknown[], signal: AbortSignal | undefined): Promise<number> {
    await this.#block.prepare(this.#feedNames, await this.#withImages(feeds), signal);
    return this.#block.advance(signal);
  }

  /** As `InferenceSession.runInSlices`. */
  async runInSlices(
    feeds: readonly unknown[],
    wanted: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<OctetValue[]> {
    const all = await this.#withImages(feeds);
    return this.#block.runInSlices(this.#feedNames, all, wanted, signal);
  }

  profile(): StepTime[] {
    return JSON.parse(this.#engine.get(() => this.#open().profile()));
  }

  release(): void {
    const handle = this.#open();
    this.#handle = undefined;
    if (!this.#engine.isDead) this.#engine.get(() => handle.delete());
  }

  #open(): SessionHandle {
    if (!this.#handle) throw releasedError();
    return this.#handle;
  }

  /** Feeds in the order of the inputs, followed by the images that they hold. */
  async #withImages(feeds: readonly unknown[]): Promise<unknown[]> {
    const images = await Promise.all(
      this.#images.map((image) =>
        decodeImage(image, this.inputs[image.stream].name, feeds[image.stream]),
      ),
    );
    this.#open();
    return [...feeds, ...images];
  }
}
