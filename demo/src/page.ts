/** Small building blocks of the page. */
import { EngineError } from './engine.ts';

/** The element of this id; the page has it. */
export function byId<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as T;
}

type Child = Node | string;

/** Makes an element with attributes and children. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A description list of names and values. */
export function facts(entries: [string, string][]): HTMLDListElement {
  return make(
    'dl',
    { class: 'facts' },
    ...entries.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]),
  );
}

/** A card with a heading; `kind` 'int8' sets it off. */
export function card(kind: 'float' | 'int8', title: string, ...children: Child[]): HTMLElement {
  return make('div', { class: `card ${kind}` }, make('h3', {}, title), ...children);
}

export function bytes(count: number): string {
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} kB`;
  return `${(count / 1e6).toFixed(2)} MB`;
}

export function milliseconds(time: number): string {
  return `${time < 10 ? time.toFixed(2) : time.toFixed(1)} ms`;
}

/** Runs an action of the user's and tells in `#{prefix}-problem` what went wrong. */
export async function attempt(prefix: string, action: () => Promise<void>): Promise<void> {
  const problem = byId(`${prefix}-problem`);
  problem.textContent = '';
  try {
    await action();
  } catch (error) {
    if (error instanceof EngineError && error.code === 'aborted') return;
    const code = error instanceof EngineError ? ` (${error.code})` : '';
    problem.textContent = `${(error as Error).message}${code}`;
  }
}

/** Downloads a file of the page's own origin, reporting the share that has arrived. */
export async function fetchBytes(
  url: string,
  onProgress?: (share: number) => void,
): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok || !response.body)
    throw new Error(`${url}: ${response.status} ${response.statusText}`);
  const total = Number(response.headers.get('content-length')) || 0;
  const chunks: Uint8Array[] = [];
  let received = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    chunks.push(part.value);
    received += part.value.length;
    if (total) onProgress?.(Math.min(1, received / total));
  }
  const all = new Uint8Array(received);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Calls `action` with files dropped on the element. */
export function acceptDrops(element: HTMLElement, action: (file: File) => void): void {
  element.addEventListener('dragover', (event) => {
    event.preventDefault();
    element.classList.add('over');
  });
  element.addEventListener('dragleave', () => element.classList.remove('over'));
  element.addEventListener('drop', (event) => {
    event.preventDefault();
    element.classList.remove('over');
    const file = event.dataTransfer?.files[0];
    if (file) action(file);
  });
}
