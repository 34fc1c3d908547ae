/** From what a person has set to the options of `quantize`. */
import type { ModelSummary } from 'octet-web';
import type { PlainOptions } from '../engine/protocol.ts';
import { type Choice, type ChoiceRow, type Row, type Settings, optionRows } from './option_rows.ts';

/** Those that go with the settings of the rows above. */
export const choicesOf = (row: ChoiceRow, settings: Settings): Choice[] =>
  row.choices.filter(({ when }) => !when || when(settings));

/** A choice as settings hold it. */
export const keyOf = ({ is }: Choice): string => String(is);

function settle(row: Row, given: string | boolean | undefined, above: Settings): string | boolean {
  if (!('choices' in row)) return given ?? row.initial;
  const keys = choicesOf(row, above).map(keyOf);
  return keys.includes(given as string) ? given! : keys[0];
}

/** The settings that apply to this model, each with a value that goes with the others: what doesn't falls back to the default. */
export function settled(given: Settings, model: ModelSummary): Settings {
  const settings: Record<string, string | boolean> = {};
  for (const row of optionRows)
    if (!row.when || row.when(settings, model))
      settings[row.option] = settle(row, given[row.option], settings);
  return settings;
}

/** Undefined leaves the option to `quantize`. */
function valueOf(row: Row, setting: string | boolean, model: ModelSummary): unknown {
  switch (row.kind) {
    case 'cards':
    case 'choice':
      return row.choices.find((choice) => keyOf(choice) === setting)!.is;
    case 'switch':
      return setting === row.initial ? undefined : setting;
    default: {
      const text = String(setting).trim();
      return text ? row.read(text, model) : undefined;
    }
  }
}

function set(options: Record<string, unknown>, path: string, value: unknown): void {
  const [key, inner] = path.split('.');
  if (inner === undefined) options[key] = value;
  else options[key] = { ...(options[key] as object), [inner]: value };
}

/** The options that settled settings ask for. Throws for text that can't be read. */
export function optionsFrom(settings: Settings, model: ModelSummary): PlainOptions {
  const options: Record<string, unknown> = {};
  for (const row of optionRows) {
    const setting = settings[row.option];
    const value = setting === undefined ? undefined : valueOf(row, setting, model);
    if (value !== undefined) set(options, row.option, value);
  }
  return options as unknown as PlainOptions;
}

/** Whether `quantize` has a use for samples under these options. */
export const usesSamples = ({ mode, weights, correct, measure }: PlainOptions): boolean =>
  measure !== false ||
  mode === 'static' ||
  mode === 'mixed' ||
  weights?.method === 'gptq' ||
  !!correct?.biasCorrection ||
  !!correct?.smoothQuant;
