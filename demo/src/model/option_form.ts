/** The part of the form that says how to quantize: fields for the rows of the table, of which those that apply are shown. */
import type { ModelSummary } from 'octet-web';
import type { PlainOptions } from '../engine/protocol.ts';
import { byId, make } from '../ui/dom.ts';
import { type Control, controlOf } from './option_controls.ts';
import { type Group, type Row, type Settings, groups, optionRows } from './option_rows.ts';
import { choicesOf, optionsFrom, settled } from './settings.ts';

export interface OptionForm {
  /** Shows what applies to the model. */
  fit(model: ModelSummary): void;
  options(model: ModelSummary): PlainOptions;
  /** Marks the field that a message about an option begins with, and opens what hides it; other messages unmark. */
  mark(message: string): void;
}

interface Field extends Control {
  row: Row;
}

function fieldset(group: Group, fields: Field[]): HTMLElement {
  const elements = fields.map(({ element }) => element);
  return make(
    'fieldset',
    { 'data-group': group },
    make('legend', {}, groups[group]),
    make('div', { class: 'fields' }, ...elements),
  );
}

const fieldsets = (fields: Field[]): HTMLElement[] =>
  (Object.keys(groups) as Group[])
    .map((group) => [group, fields.filter(({ row }) => row.group === group)] as const)
    .filter(([, some]) => some.length)
    .map(([group, some]) => fieldset(group, some));

const optionNamed = /^(?:quantize: )?([a-zA-Z]+(?:\.[a-zA-Z]+)?)\b/;

export function optionForm(): OptionForm {
  const more = byId<HTMLDetailsElement>('model-more');
  const fields: Field[] = optionRows.map((row) => ({ row, ...controlOf(row) }));
  for (const { row, element } of fields) element.dataset.option = row.option;
  byId('model-basic').append(...fieldsets(fields.filter(({ row }) => row.isBasic)));
  more.append(...fieldsets(fields.filter(({ row }) => !row.isBasic)));

  const settings = (model: ModelSummary): Settings =>
    settled(Object.fromEntries(fields.map(({ row, given }) => [row.option, given()])), model);
  const show = (model: ModelSummary) => {
    const now = settings(model);
    for (const { row, element, show } of fields) {
      const setting = now[row.option];
      element.hidden = setting === undefined;
      const inputs = element.querySelectorAll<HTMLInputElement>('input, select, textarea');
      for (const input of inputs) input.disabled = element.hidden;
      if (!element.hidden) show(setting, 'choices' in row ? choicesOf(row, now) : []);
    }
    for (const set of document.querySelectorAll<HTMLElement>('#model-form [data-group]'))
      set.hidden = !set.querySelector('[data-option]:not([hidden])');
  };

  // What is refused must be seen.
  more.addEventListener('invalid', () => (more.open = true), { capture: true });
  let current: ModelSummary | undefined;
  for (const id of ['model-basic', 'model-more'])
    byId(id).addEventListener('change', () => current && show(current));
  return {
    fit(model) {
      current = model;
      for (const field of fields) field.fit?.(model);
      show(model);
    },
    options: (model) => optionsFrom(settings(model), model),
    mark(message) {
      const option = optionNamed.exec(message)?.[1];
      for (const { row, input, element } of fields) {
        const isMeant = row.option === option && !element.hidden;
        if (!isMeant) input.removeAttribute('aria-invalid');
        else input.setAttribute('aria-invalid', 'true');
        if (!isMeant) continue;
        if (!row.isBasic) more.open = true;
        input.focus();
      }
    },
  };
}
