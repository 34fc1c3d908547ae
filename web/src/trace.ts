/** onnxruntime's marks on the browser's timeline and in the console, made while `env.trace` (or `env.wasm.trace`) is set. */
import { env } from './index.js';

const isTraced = () => env.trace ?? env.wasm.trace ?? false;

/** Marks a moment on the timeline. */
export function TRACE(deviceType: string, label: string): void {
  if (isTraced()) console.timeStamp(`${deviceType}::ORT::${label}`);
}

/** Marks that the caller begins. */
export const TRACE_FUNC_BEGIN = (extraMsg?: string) => traceCaller('BEGIN', extraMsg);
/** Marks that the caller ends. */
export const TRACE_FUNC_END = (extraMsg?: string) => traceCaller('END', extraMsg);

/** Starts a timer of the console. */
export function TRACE_EVENT_BEGIN(extraMsg?: string): void {
  if (isTraced()) console.time(`ORT::${extraMsg}`);
}

/** Ends the timer of this name, which tells its time. */
export function TRACE_EVENT_END(extraMsg?: string): void {
  if (isTraced()) console.timeEnd(`ORT::${extraMsg}`);
}

function traceCaller(moment: string, extraMsg: string | undefined): void {
  if (!isTraced()) return;
  const lines = new Error().stack?.split('\n') ?? [];
  // Above it are this function and the one that called it; engines differ in whether the message comes first.
  const caller = lines[lines[0]?.startsWith('Error') ? 3 : 2]?.trim().replace(/^at /, '');
  TRACE('CPU', [`FUNC_${moment}`, caller, extraMsg].filter(Boolean).join('::'));
}
