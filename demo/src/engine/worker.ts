/** Runs Octet off the page's thread. */
import { InferenceSession, OctetError, Tensor, compare, env, inspect, quantize } from 'octet-web';
import type {
  Call,
  Calls,
  FromWorker,
  PlainFeeds,
  PlainTensor,
  Progress,
  TensorData,
  ToWorker,
} from './protocol.ts';

type Feeds = Record<string, Tensor>;

/** What a call may use besides its arguments. */
interface Context {
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

type Answers = {
  [Name in keyof Calls]: (
    context: Context,
    ...args: Parameters<Calls[Name]>
  ) => Promise<ReturnType<Calls[Name]>>;
};

const sessions: InferenceSession[] = [];
const running = new Map<number, AbortController>();

const reply = (message: FromWorker) => postMessage(message);
const nextEvent = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

function toTensors(feeds: PlainFeeds): Feeds {
  const toTensor = ({ type, data, dims }: PlainTensor) =>
    new Tensor(type as 'float32', data as Float32Array, dims);
  return Object.fromEntries(Object.entries(feeds).map(([name, plain]) => [name, toTensor(plain)]));
}

function toPlain(results: Feeds): PlainFeeds {
  const plain = ({ type, data, dims }: Tensor) => ({ type, data: data as TensorData, dims });
  return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, plain(t)]));
}

/** Hands out samples one by one; lets messages in before each, so that an abort is heard. */
async function* announced(samples: PlainFeeds[], { signal, onProgress }: Context) {
  for (const [done, sample] of samples.entries()) {
    onProgress({ done, total: samples.length });
    await nextEvent();
    if (signal.aborted) throw new OctetError('aborted', 'the comparison was aborted');
    yield toTensors(sample);
  }
}

const answers: Answers = {
  about: async () => env.octet,
  async open(_, model) {
    const session = await InferenceSession.create(model);
    return {
      session: sessions.push(session) - 1,
      inputs: [...session.inputNames],
      outputs: [...session.outputNames],
    };
  },
  async run(_, id, feeds, repeats) {
    const session = sessions[id];
    const tensors = toTensors(feeds);
    const times: number[] = [];
    let results = {};
    for (let i = 0; i < repeats; ++i) {
      const start = performance.now();
      results = await session.run(tensors);
      times.push(performance.now() - start);
    }
    return { outputs: toPlain(results), times };
  },
  inspect: (_, model, freeDimensions) => inspect(model, { freeDimensions }),
  quantize: ({ signal, onProgress }, model, weights) =>
    quantize(model, { mode: 'dynamic', weights, signal, onProgress }),
  compare: (context, reference, candidate, samples) =>
    compare(reference, candidate, announced(samples, context), { signal: context.signal }),
};

async function answer({ id, name, arguments: args }: Call): Promise<unknown> {
  const stop = new AbortController();
  const onProgress = ({ done, total }: Progress) => reply({ id, progress: { done, total } });
  running.set(id, stop);
  try {
    const method = answers[name] as (context: Context, ...args: unknown[]) => Promise<unknown>;
    return await method({ signal: stop.signal, onProgress }, ...args);
  } finally {
    running.delete(id);
  }
}

onmessage = async ({ data }: MessageEvent<ToWorker>) => {
  if ('abort' in data) return running.get(data.abort)?.abort();
  try {
    reply({ id: data.id, value: await answer(data) });
  } catch (error) {
    const code = error instanceof OctetError ? error.code : 'internal';
    reply({ id: data.id, error: { code, message: (error as Error).message } });
  }
};
