/** Runs Octet off the page's thread. */
import {
  InferenceSession,
  OctetError,
  type QuantizeOptions,
  Tensor,
  env,
  inspect,
  quantize,
  renderReport,
  renderReportBody,
  reportStyle,
} from 'octet-web';
import type { SamplePlan } from '../samples/plan.ts';
import { SampleError } from '../samples/sample_error.ts';
import { openSamples } from '../samples/samples.ts';
import type {
  Call,
  Calls,
  FromWorker,
  ModelFiles,
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

function toTensors(feeds: PlainFeeds): Feeds {
  const toTensor = ({ type, data, dims }: PlainTensor) =>
    new Tensor(type as 'float32', data as Float32Array, dims);
  return Object.fromEntries(Object.entries(feeds).map(([name, plain]) => [name, toTensor(plain)]));
}

function toPlain(results: Feeds): PlainFeeds {
  const plain = ({ type, data, dims }: Tensor) => ({ type, data: data as TensorData, dims });
  return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, plain(t)]));
}

const externalDataOf = ({ data }: ModelFiles): QuantizeOptions['externalData'] =>
  data.map((file) => ({ path: file.name, data: file }));

async function calibrationOf(plan: SamplePlan): Promise<QuantizeOptions['calibration']> {
  const samples = await openSamples(plan);
  return {
    length: samples.length,
    async *[Symbol.asyncIterator]() {
      for await (const sample of samples) yield toTensors(sample);
    },
  };
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
  inspect: (_, files, freeDimensions) =>
    inspect(files.model, { freeDimensions, externalData: externalDataOf(files) }),
  async quantize(context, files, options, samples) {
    const { model, report } = await quantize(files.model, {
      ...options,
      ...context,
      externalData: externalDataOf(files),
      calibration: samples && (await calibrationOf(samples)),
    });
    return { model: new Blob([model as Uint8Array<ArrayBuffer>]), report };
  },
  render: async (_, report) => ({
    body: renderReportBody(report),
    style: reportStyle,
    page: renderReport(report),
  }),
};

async function answer({ id, name, arguments: args }: Call): Promise<unknown> {
  const stop = new AbortController();
  const onProgress = (progress: Progress) => reply({ id, progress });
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
    const isTold = error instanceof OctetError || error instanceof SampleError;
    const code = isTold ? error.code : 'internal';
    reply({ id: data.id, error: { code, message: (error as Error).message } });
  }
};
