/**
 * What onnxruntime-web exports, by name and as a default, and nothing else, so that a bundler's alias `onnxruntime-web` →
 * `octet-web/ort` works. Backends given to `registerBackend` are checked and kept, as there, and serve nobody: the sessions here have
 * one backend.
 */
import { registerBackend } from 'onnxruntime-common';
import { env, InferenceSession, Tensor } from './index.js';
import {
  TRACE,
  TRACE_EVENT_BEGIN,
  TRACE_EVENT_END,
  TRACE_FUNC_BEGIN,
  TRACE_FUNC_END,
} from './trace.js';

export { env, type Env, InferenceSession, Tensor } from './index.js';
export { registerBackend } from 'onnxruntime-common';
export {
  TRACE,
  TRACE_EVENT_BEGIN,
  TRACE_EVENT_END,
  TRACE_FUNC_BEGIN,
  TRACE_FUNC_END,
} from './trace.js';
export type * from 'onnxruntime-common';

/** @hidden */
export default {
  InferenceSession,
  TRACE,
  TRACE_EVENT_BEGIN,
  TRACE_EVENT_END,
  TRACE_FUNC_BEGIN,
  TRACE_FUNC_END,
  Tensor,
  env,
  registerBackend,
};
