/** What a panel tells of its work: a status line, a progress bar, and what went wrong. */
import { EngineError } from '../engine/engine.ts';
import { byId } from './dom.ts';

/** Shows `text`, and how much is done when `share` (0 to 1) is known; no text ends the work. */
export type Report = (text: string, share?: number) => void;

export interface Feedback {
  report: Report;
  /** Says how the work ended, until the next begins. */
  conclude(text: string): void;
  /** Tells of a problem; no text takes it away. */
  tell(problem: string): void;
  /** Runs an action of the user's and tells what went wrong, with `subject` if it is about one. */
  attempt(action: () => Promise<unknown>, subject?: string): Promise<void>;
}

function describe(error: unknown): string {
  if (error instanceof EngineError) return `${error.message} (${error.code})`;
  return error instanceof Error ? error.message : String(error);
}

/** Failures after which an engine is better started anew. */
const grave = ['internal', 'out-of-memory'];

/** The elements are `#{panel}-status`, `-progress` and `-problem`. `restart` is called after a grave failure. */
export function panelFeedback(panel: string, restart: () => void): Feedback {
  const status = byId(`${panel}-status`);
  const progress = byId<HTMLProgressElement>(`${panel}-progress`);
  const problem = byId(`${panel}-problem`);

  const report: Report = (text, share) => {
    if (status.textContent !== text) status.textContent = text;
    progress.hidden = text === '';
    if (share === undefined) progress.removeAttribute('value');
    else progress.value = share;
  };
  const tell = (text: string) => {
    problem.textContent = text;
  };
  return {
    report,
    conclude(text) {
      status.textContent = text;
    },
    tell,
    async attempt(action, subject) {
      tell('');
      try {
        await action();
      } catch (error) {
        const code = error instanceof EngineError ? error.code : '';
        if (grave.includes(code)) restart();
        if (code !== 'aborted') tell(`${subject ? `${subject}: ` : ''}${describe(error)}`);
      } finally {
        report('');
      }
    },
  };
}
