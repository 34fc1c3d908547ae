/** The controls of the form: one kind for each kind of row. */
import type { ModelSummary } from 'octet-web';
import { make } from '../ui/dom.ts';
import { matcher } from './node_patterns.ts';
import type { Choice, ChoiceRow, Row, SwitchRow, TextRow } from './option_rows.ts';
import { keyOf } from './settings.ts';

export interface Control {
  /** Label and all. */
  element: HTMLElement;
  /** What takes the focus and is marked when its value is refused. */
  input: HTMLElement;
  given(): string | boolean;
  /** Shows a setting, and which choices there are. */
  show(setting: string | boolean, choices: Choice[]): void;
  /** Where it depends on the model. */
  fit?(model: ModelSummary): void;
}

/** A control below its label, which alone is its name; what follows describes it. */
function labelled(row: Row, input: HTMLElement, ...more: HTMLElement[]): HTMLElement {
  const id = `option-${row.option}`;
  const described = [...(row.hint ? [make('span', {}, row.hint)] : []), ...more];
  input.id = id;
  const label = make('label', { for: id }, row.label);
  if (!described.length) return make('div', { class: 'field' }, label, input);
  const note = make('div', { class: 'note', id: `${id}-note` }, ...described);
  input.setAttribute('aria-describedby', note.id);
  return make('div', { class: 'field' }, label, input, note);
}

function cards(row: ChoiceRow): Control {
  const radios = row.choices.map((choice, i) => {
    const radio = make('input', { type: 'radio', name: row.option, value: keyOf(choice) });
    radio.checked = i === 0;
    return radio;
  });
  const card = ({ label, hint = '' }: Choice, i: number) =>
    make(
      'label',
      { class: 'choice-card' },
      radios[i],
      make('strong', {}, label),
      make('span', { class: 'note' }, hint),
    );
  return {
    element: make('div', { class: 'choice-cards' }, ...row.choices.map(card)),
    input: radios[0],
    given: () => radios.find((radio) => radio.checked)!.value,
    show: () => {},
  };
}

function choice(row: ChoiceRow): Control {
  const options = row.choices.map((each) => make('option', { value: keyOf(each) }, each.label));
  const select = make('select', {}, ...options);
  return {
    element: labelled(row, select),
    input: select,
    given: () => select.value,
    show(setting, choices) {
      options.forEach((option, i) => {
        option.hidden = option.disabled = !choices.includes(row.choices[i]);
      });
      select.value = String(setting);
    },
  };
}

function toggle(row: SwitchRow): Control {
  const box = make('input', { type: 'checkbox' });
  box.checked = row.initial;
  return {
    element: make('label', { class: 'toggle' }, box, make('span', {}, row.label)),
    input: box,
    given: () => box.checked,
    show: () => {},
  };
}

function text(row: TextRow): Control {
  const attributes: Record<string, string> = { type: row.kind === 'number' ? 'number' : 'text' };
  const input = make('input', { ...attributes, ...row.range });
  input.placeholder = row.placeholder ?? '';
  input.value = row.initial;
  return {
    element: labelled(row, input),
    input,
    given: () => input.value,
    show: () => {},
  };
}

/** A list of nodes, with the model's to choose from, and how many match. */
function nodes(row: TextRow): Control {
  const area = make('textarea', { rows: '2', spellcheck: 'false' });
  const add = make('select', { 'aria-label': `Add to: ${row.label}` });
  const matched = make('span');
  let names: string[] = [];
  const count = () => {
    try {
      const pattern = matcher(area.value);
      const matching = names.filter((name) => pattern.test(name)).length;
      matched.textContent = area.value.trim() ? ` ${matching} of ${names.length} nodes.` : '';
    } catch (error) {
      matched.textContent = (error as Error).message;
    }
  };
  add.addEventListener('change', () => {
    area.value = `${area.value.trimEnd()}\n${add.value}`.trimStart();
    add.selectedIndex = 0;
    count();
  });
  area.addEventListener('input', count);
  return {
    element: make('div', { class: 'wide' }, labelled(row, area, matched), add),
    input: area,
    given: () => area.value,
    show: () => {},
    fit({ nodeList }) {
      names = nodeList.map(({ name }) => name);
      const options = nodeList.map(({ name, opType }) =>
        make('option', { value: name }, `${name} (${opType})`),
      );
      add.replaceChildren(make('option', { value: '' }, 'Add a node …'), ...options);
      area.value = '';
      count();
    },
  };
}

export function controlOf(row: Row): Control {
  switch (row.kind) {
    case 'cards':
      return cards(row);
    case 'choice':
      return choice(row);
    case 'switch':
      return toggle(row);
    case 'nodes':
      return nodes(row);
    default:
      return text(row);
  }
}
