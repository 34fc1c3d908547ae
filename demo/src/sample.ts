/** The lines of the sample picture. */
export const sampleLines = [
  { text: 'Octet reads this text in INT8.', font: '34px "Liberation Sans", Arial, sans-serif' },
  {
    text: 'No server, no upload: 100% local.',
    font: 'italic 30px "Liberation Serif", Georgia, serif',
  },
  { text: 'Total: 1,234.50 EUR on 2026-11-23', font: '28px "Liberation Mono", monospace' },
  {
    text: 'Quantized weights are 4x smaller',
    font: 'bold 32px "DejaVu Sans", Verdana, sans-serif',
  },
];
