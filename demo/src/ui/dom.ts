/** Finding and making elements. */

/** The element of this id; the page has it. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as T;
}

export type Child = Node | string;

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

/** A bar that fills `share` (0 to 1) of its track; the number stands beside it as text. */
export function bar(share: number): HTMLElement {
  const fill = make('span', { class: 'bar', 'aria-hidden': 'true' });
  fill.style.setProperty('--share', String(Math.min(1, Math.max(0, share))));
  return fill;
}

/** A table with a caption for those who can't see where it stands. */
export function table(caption: string, columns: string[], rows: HTMLElement[]): HTMLElement {
  const head = columns.map((text) => make('th', { scope: 'col' }, text));
  return make(
    'div',
    { class: 'scroll' },
    make(
      'table',
      {},
      make('caption', { class: 'unseen' }, caption),
      make('thead', {}, make('tr', {}, ...head)),
      make('tbody', {}, ...rows),
    ),
  );
}
