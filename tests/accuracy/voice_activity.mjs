/** Runs the Silero voice activity nets over a recording, as their authors' examples do. */
import { tensor } from '../models/onnx_builder.mjs';
import { sampleRate } from './speech.mjs';

const state = (input, output, dims) => ({ input, output, dims });

/** The newer nets want the last samples of the frame before in front of each frame. */
const newer = {
  frame: 512,
  context: 64,
  states: [state('state', 'stateN', [2, 1, 128])],
};
export const voiceNets = {
  silero_vad_legacy: {
    frame: 1536,
    context: 0,
    states: [state('h', 'hn', [2, 1, 64]), state('c', 'cn', [2, 1, 64])],
  },
  silero_vad_v5: newer,
  silero_vad_v6: newer,
};

const zeros = (dims) =>
  tensor('float32', dims, new Float32Array(dims.reduce((count, dim) => count * dim, 1)));

/** The steps of networks.mjs for a recording: one a frame. */
export function voiceSteps({ frame, context, states }, samples) {
  const count = Math.floor(samples.length / frame);
  const padded = new Float32Array(context + samples.length);
  padded.set(samples, context);
  const start = Object.fromEntries(states.map(({ input, dims }) => [input, zeros(dims)]));
  const carry = Object.fromEntries(states.map(({ input, output }) => [input, output]));
  return Array.from({ length: count }, (_, i) => ({
    feeds: {
      input: tensor(
        'float32',
        [1, context + frame],
        padded.slice(i * frame, (i + 1) * frame + context),
      ),
      sr: tensor('int64', [], [sampleRate]),
      ...(i === 0 && start),
    },
    carry: i === 0 ? {} : carry,
  }));
}

/** Whether each frame is speech. */
export const decisionsOf = (outputs) => outputs.map(({ output }) => output.data[0] >= 0.5);
