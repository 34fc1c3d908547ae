/** HTML, as opposed to text, which `html` escapes. */
export class Markup {
  constructor(readonly text: string) {}
}

export type Part = Markup | string | number | readonly Part[];

/** What stands for a part in HTML. */
export function escaped(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (Array.isArray(part)) return part.map(escaped).join('');
  return String(part).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** Markup from a template; everything that is put into it is escaped, unless it is markup. The indentation goes. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  const raw = strings.raw.map((text) => text.replace(/\s*\n\s*/g, '\n'));
  return new Markup(String.raw({ raw }, ...parts.map(escaped)));
}

export const nothing = new Markup('');

/** A number, and what is said of one that isn't there, to be set in its column. */
export interface Numeric {
  number: string;
}

export const numeric = (number: string): Numeric => ({ number });

type Cell = Part | Numeric;

const isNumeric = (cell: Cell): cell is Numeric => typeof cell === 'object' && 'number' in cell;

/** A column whose first cell is numeric has its head on the right, too. */
export function table(heads: readonly string[], rows: readonly (readonly Cell[])[]): Markup {
  const head = (text: string, i: number) =>
    rows[0] && isNumeric(rows[0][i])
      ? html`<th scope="col" class="number">${text}</th>`
      : html`<th scope="col">${text}</th>`;
  const cell = (one: Cell) =>
    isNumeric(one) ? html`<td class="number">${one.number}</td>` : html`<td>${one}</td>`;
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${heads.map(head)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map(cell)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

export const section = (title: string, ...parts: Part[]): Markup =>
  html`<section>
    <h2>${title}</h2>
    ${parts}
  </section>`;

export const details = (summary: Part, ...parts: Part[]): Markup =>
  html`<details>
    <summary>${summary}</summary>
    ${parts}
  </details>`;
