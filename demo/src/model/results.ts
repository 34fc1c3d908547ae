/** What came of a quantization: the files to take away, and the report. */
import type { QuantizationReport } from 'octet-web';
import type { PlainOptions, Rendered } from '../engine/protocol.ts';
import { byId, make } from '../ui/dom.ts';

export interface Result {
  /** Of the file that was quantized. */
  name: string;
  options: PlainOptions;
  model: Blob;
  report: QuantizationReport;
  rendered: Rendered;
  /** Whether the samples were made up. */
  isRandom: boolean;
}

let urls: string[] = [];

function download(id: string, name: string, content: Blob, text: string, kind: string) {
  const href = URL.createObjectURL(content);
  urls.push(href);
  return make('a', { id, class: `button ${kind}`, href, download: name }, text);
}

function downloads({ name, options, model, report, rendered }: Result): HTMLElement {
  urls.forEach((url) => URL.revokeObjectURL(url));
  urls = [];
  const base = `${name.replace(/\.onnx$/, '')}.${options.weights?.type ?? options.mode}`;
  const json = new Blob([`${JSON.stringify(report, null, 2)}\n`], { type: 'application/json' });
  const html = new Blob([rendered.page], { type: 'text/html' });
  const file = new Blob([model], { type: 'application/octet-stream' });
  return make(
    'p',
    { class: 'row' },
    download('model-download', `${base}.onnx`, file, 'Download the quantized model', 'primary'),
    download('model-json', `${base}.report.json`, json, 'Report as JSON', ''),
    download('model-html', `${base}.report.html`, html, 'Report as a page', ''),
  );
}

/** The package's own rendering, kept apart from the page's styles. */
function reportElement({ body, style }: Rendered): HTMLElement {
  const host = make('div', { class: 'card', id: 'model-report' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  const root = host.attachShadow({ mode: 'open' });
  root.adoptedStyleSheets = [sheet];
  root.innerHTML = body;
  return host;
}

const randomNotice = () =>
  make('p', { class: 'note' }, 'Measured on random inputs, which say little about real ones.');

export function showResults(result: Result): void {
  byId('model-results').replaceChildren(
    downloads(result),
    ...(result.isRandom ? [randomNotice()] : []),
    reportElement(result.rendered),
  );
}

export const hideResults = (): void => byId('model-results').replaceChildren();
