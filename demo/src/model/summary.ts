/** What a model holds, as a table of facts. */
import type { ModelSummary, PortSummary } from 'octet-web';
import { bar, byId, make, table } from '../ui/dom.ts';
import { bytes, count } from '../ui/format.ts';

function fact(name: string, value: string): HTMLElement {
  return make('div', {}, make('dt', {}, name), make('dd', {}, value));
}

function facts(summary: ModelSummary): HTMLElement {
  const opsets = Object.entries(summary.opsets)
    .map(([domain, version]) =>
      domain === 'ai.onnx' || !domain ? `${version}` : `${domain} ${version}`,
    )
    .join(', ');
  const quantized = Object.values(summary.quantized).reduce((sum, n) => sum + n, 0);
  return make(
    'dl',
    { class: 'facts' },
    fact('File', bytes(summary.bytes)),
    fact('Parameters', `${count(summary.parameters)} (${bytes(summary.parameterBytes)})`),
    fact('Multiply-adds', summary.macs === null ? 'unknown' : count(summary.macs)),
    fact('Opset', opsets),
    fact('Made by', summary.producer || 'not told'),
    fact('Quantized nodes', quantized === 0 ? 'none yet' : String(quantized)),
  );
}

function portsTable(summary: ModelSummary): HTMLElement {
  const row = (role: string) => (port: PortSummary) =>
    make(
      'tr',
      {},
      make('td', {}, role),
      make('td', {}, make('code', {}, port.name)),
      make('td', {}, port.type),
      make('td', {}, port.shape ? `[${port.shape.map((dim) => dim ?? '?').join(', ')}]` : 'any'),
    );
  return table(
    'Inputs and outputs',
    ['', 'Name', 'Type', 'Shape'],
    [...summary.inputs.map(row('input')), ...summary.outputs.map(row('output'))],
  );
}

function operatorBars({ operators, unsupported, quantized }: ModelSummary): HTMLElement {
  const sorted = Object.entries(operators).sort((a, b) => b[1] - a[1]);
  const most = sorted[0]?.[1] ?? 1;
  const rows = sorted.map(([name, n]) => {
    const kind = name in unsupported ? 'unsupported' : name in quantized ? 'int8' : 'float';
    return make(
      'li',
      { class: kind },
      make('span', { class: 'label' }, name),
      bar(n / most),
      make('span', { class: 'value' }, String(n)),
    );
  });
  return make('ul', { class: 'bars operators' }, ...rows);
}

function unsupportedNotice({ unsupported }: ModelSummary): HTMLElement[] {
  const names = Object.keys(unsupported);
  if (names.length === 0) return [];
  const text = `Octet can't run ${names.join(', ')} yet: this model can be quantized and downloaded, but not compared here.`;
  return [make('p', { class: 'notice' }, text)];
}

/** Shows the summary; called again when the sizes of open dimensions change the number of multiply-adds. */
export function showSummary(name: string, summary: ModelSummary): void {
  byId('model-summary').replaceChildren(
    make(
      'div',
      { class: 'card' },
      make('h3', {}, name),
      facts(summary),
      ...unsupportedNotice(summary),
      portsTable(summary),
      make('h4', {}, `Operators (${summary.nodes} nodes)`),
      operatorBars(summary),
    ),
  );
}
