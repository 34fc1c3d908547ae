import './styles/base.css';
import './styles/parts.css';
import './styles/panels.css';
import './styles/model.css';
import { startDigit } from './digit/panel.ts';
import { Engine } from './engine/engine.ts';
import { startModel } from './model/panel.ts';
import { startReading } from './reading/panel.ts';
import { byId } from './ui/dom.ts';
import { onDrop, onPaste } from './ui/files.ts';
import { startTabs } from './ui/tabs.ts';

const engine = new Engine();
const digit = startDigit(engine);
const reading = startReading(new Engine());
const model = startModel(new Engine());

const tabs = startTabs(['digit', 'text', 'model'], (panel) => {
  if (panel === 'digit') digit.shown();
});

/** Pictures are read, models are opened; other files go where the user is, to be refused there. */
function take(files: File[]): void {
  const isPicture = files[0].type.startsWith('image/');
  const isModel = files.some((file) => file.name.endsWith('.onnx'));
  const toReading = !isModel && (isPicture || tabs.shown() === 'text');
  tabs.show(toReading ? 'text' : 'model');
  if (toReading) reading.take(files[0]);
  else model.take(files);
}
onDrop(take);
onPaste(take);

void engine.call('about', []).then(({ version, simd, threads }) => {
  const cores = threads === 1 ? 'one thread' : `${threads} threads`;
  byId('engine').textContent = `Octet ${version}, WebAssembly with ${simd}, ${cores}.`;
});
