/** What a person sees: colours and a progress bar, on a terminal alone. NO_COLOR and FORCE_COLOR are as everywhere. */
import { writeOutput } from './files.js';

const { env, stderr, stdout } = process;
const isOn = (setting: string | undefined) =>
  setting !== undefined && !['', '0', 'false'].includes(setting);

function hasColours(stream: NodeJS.WriteStream): boolean {
  if (env.FORCE_COLOR !== undefined) return !['0', 'false'].includes(env.FORCE_COLOR);
  return stream.isTTY && !env.NO_COLOR && env.TERM !== 'dumb';
}

const style = (stream: NodeJS.WriteStream, code: number) => (text: string) =>
  hasColours(stream) ? `\x1b[${code}m${text}\x1b[0m` : text;

/** For standard output. */
export const bold = style(stdout, 1);
export const dimmed = style(stdout, 2);
const red = style(stderr, 31);
const green = style(stderr, 32);

const hasBar = stderr.isTTY && env.TERM !== 'dumb' && !isOn(env.CI);
const barWidth = 24;
/** Milliseconds between two drawings. */
const drawingPause = 50;
let drawnPhase: string | undefined;
let drawnAt = 0;

function clearProgress(): void {
  if (drawnPhase !== undefined) stderr.write('\r\x1b[K');
  drawnPhase = undefined;
}

function draw({ phase, done, total }: { phase: string; done: number; total: number }): void {
  const now = performance.now();
  if (phase === drawnPhase && done < total && now - drawnAt < drawingPause) return;
  [drawnPhase, drawnAt] = [phase, now];
  const filled = Math.round((barWidth * done) / Math.max(done, total, 1));
  const bar = `${green('█'.repeat(filled))}${'░'.repeat(barWidth - filled)}`;
  const line = `${phase.padEnd(11)} ${bar} ${done}/${total}`;
  stderr.write(`\r\x1b[K${line}`);
}

/** Draws how far the work is, where there is somebody to see it. */
export const showProgress = hasBar ? draw : undefined;

/** Prints results. */
export async function print(text: string): Promise<void> {
  clearProgress();
  await writeOutput('-', text.endsWith('\n') ? text : `${text}\n`);
}

export const printJson = (value: unknown): Promise<void> => print(JSON.stringify(value, null, 2));

/** One line for standard error. */
export function warn(message: string): void {
  clearProgress();
  stderr.write(`octet: ${message}\n`);
}

export const fail = (message: string): void => warn(red(message));

export const kilobytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} KB`;
export const decibels = (value: number | null) =>
  value === null || value === Infinity ? 'exact' : `${value.toFixed(1)} dB`;
