import { type PortSummary, inspect as inspectModel } from './index.js';
import { type Command, dim, json, sizesFrom } from './command.js';
import { modelFrom } from './files.js';
import { bold, kilobytes, print, printJson } from './terminal.js';

const port = ({ name, type, shape }: PortSummary) =>
  `  ${name}: ${type} [${shape?.map((d) => d ?? '?') ?? '…'}]`;

export const inspect: Command = {
  summary: 'tell what a model holds',
  arguments: ['MODEL'],
  flags: [dim, json],
  async run([path], values) {
    const summary = await inspectModel(await modelFrom(path), {
      freeDimensions: sizesFrom(values),
    });
    if (values.json) return printJson(summary);
    const counts = Object.entries(summary.operators).sort((a, b) => b[1] - a[1]);
    const lines = [
      `producer ${summary.producer || 'unknown'}, opset ${summary.opsets['ai.onnx']}`,
      bold('inputs'),
      ...summary.inputs.map(port),
      bold('outputs'),
      ...summary.outputs.map(port),
      `${bold(`${summary.nodes} nodes`)}: ${counts.map(([op, n]) => `${op} ×${n}`).join(', ')}`,
      `${summary.parameters} parameters, ${kilobytes(summary.bytes)}, ` +
        `${summary.macs === null ? 'unknown' : (summary.macs / 1e6).toFixed(1)} million multiply-adds`,
    ];
    const missing = Object.keys(summary.unsupported);
    if (missing.length) lines.push(`operators that Octet can't run: ${missing.join(', ')}`);
    const quantized = Object.keys(summary.quantized);
    if (quantized.length) lines.push(`quantized already: ${quantized.join(', ')}`);
    await print(lines.join('\n'));
  },
};
