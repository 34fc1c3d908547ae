/** Sessions that are lost without `release()`: their memory is freed when they are garbage-collected. */
import { env } from './env.js';
import type { InferenceSession, SessionRunner } from './session.js';

interface Held {
  runner: SessionRunner;
  /** The stack of calls that made the session, where `env.debug` was set then. */
  stack?: string;
}

let hasWarned = false;

function warn(stack: string): void {
  if (hasWarned) return;
  hasWarned = true;
  console.warn(
    'octet-web: an InferenceSession was lost without release(), and its memory is freed only now. Call release(), or declare ' +
      `it with "await using". This is said once. The session was made at\n${stack}`,
  );
}

const registry = new FinalizationRegistry(({ runner, stack }: Held) => {
  if (stack !== undefined) warn(stack);
  Promise.resolve(runner.release()).catch(() => {});
});

/** From now on the runner, which must not refer to the session, is released when the session is lost. */
export function watchForLoss(session: InferenceSession, runner: SessionRunner): void {
  const stack = env.debug ? new Error().stack?.replace(/^.*\n/, '') : undefined;
  registry.register(session, { runner, stack }, session);
}

export const forgetLoss = (session: InferenceSession): boolean => registry.unregister(session);
