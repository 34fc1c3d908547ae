/** Runs Octet off the page's thread. */
import { InferenceSession, OctetError, Tensor, compare, inspect, quantize } from 'octet-web';
import type {
  Call,
  Calls,
  FromWorker,
  PlainFeeds,
  PlainTensor,
  Port,
  ToWorker,
} from './protocol.ts';

const sessions = new Map<number, InferenceSession>();
const aborts = new Map<number, AbortController>();
let nextSession = 1;

const reply = (message: FromWorker) => postMessage(message);

function toTensor({ type, data, dims }: PlainTensor): Tensor {
  return new Tensor(type as 'float32', data as Float32Array, dims);
}

function toTensors(feeds: PlainFeeds): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, toTensor(t)]));
}

function toPlain(results: Awaited<ReturnType<InferenceSession['run']>>): PlainFeeds {
  return Object.fromEntries(
    Object.entries(results).map(([name, value]) => {
      const { type, data, dims } = value as Tensor;
      return [name, { type, data: data as PlainTensor['data'], dims }];
    }),
  );
}

function portsOf(session: InferenceSession): Port[] {
  return session.inputMetadata.map((port) => ({
    name: port.name,
    type: port.isTensor ? port.type : 'unknown',
    shape: port.isTensor ? [...port.shape] : [],
  }));
}

function sessionOf(id: number): InferenceSession {
  const session = sessions.get(id);
  if (!session) throw new OctetError('internal', `there is no session ${id}`);
  return session;
}

type Answers = {
  [Name in keyof Calls]: (
    call: number,
    ...args: Parameters<Calls[Name]>
  ) => Promise<ReturnType<Calls[Name]>>;
};

const answers: Answers = {
  async open(_, model) {
    const session = await InferenceSession.create(model);
    sessions.set(nextSession, session);
    return { session: nextSession++, inputs: portsOf(session), outputs: [...session.outputNames] };
  },
  async run(_, id, feeds, repeats) {
    const session = sessionOf(id);
    const tensors = toTensors(feeds);
    let results = await session.run(tensors);
    const times: number[] = [];
    for (let i = 0; i < repeats; ++i) {
      const start = performance.now();
      results = await session.run(tensors);
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    return { outputs: toPlain(results), milliseconds: times[times.length >> 1] ?? 0 };
  },
  async close(_, id) {
    await sessionOf(id).release();
    sessions.delete(id);
  },
  inspect: (_, model) => inspect(model),
  async quantize(call, model, weights) {
    const stop = new AbortController();
    aborts.set(call, stop);
    try {
      return await quantize(model, {
        mode: 'dynamic',
        weights,
        signal: stop.signal,
        onProgress: (progress) => reply({ id: call, progress }),
      });
    } finally {
      aborts.delete(call);
    }
  },
  compare: (_, reference, candidate, samples) =>
    compare(reference, candidate, samples.map(toTensors)),
};

function answer(call: Call): Promise<unknown> {
  const method = answers[call.name] as (id: number, ...args: unknown[]) => Promise<unknown>;
  return method(call.id, ...call.arguments);
}

onmessage = async ({ data }: MessageEvent<ToWorker>) => {
  if ('abort' in data) return aborts.get(data.abort)?.abort();
  try {
    reply({ id: data.id, value: await answer(data) });
  } catch (error) {
    const code = error instanceof OctetError ? error.code : 'internal';
    reply({ id: data.id, error: { code, message: (error as Error).message } });
  }
};
