/** What `QuantizeOptions` holds, told by the compiler, so that no test has to list it. */
import { fileURLToPath } from 'node:url';
import { programOf, ts } from './compiler.mjs';

const file = fileURLToPath(new URL('../../web/src/quantize_options.ts', import.meta.url));

/** Objects that are options of their own, not groups of options. */
const whole = [
  'calibration',
  'include',
  'exclude',
  'opTypes',
  'externalData',
  'signal',
  'onProgress',
];

/** The options of `quantize`, those in groups behind a dot. */
export function optionKeys() {
  const program = programOf([file]);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const found = source.statements.find((one) => one.name?.text === 'QuantizeOptions');
  const isGroup = (type) =>
    type.isClassOrInterface() || (type.symbol?.flags ?? 0) & ts.SymbolFlags.TypeLiteral;
  return checker
    .getTypeAtLocation(found)
    .getProperties()
    .flatMap((property) => {
      const type = checker.getNonNullableType(checker.getTypeOfSymbol(property));
      if (whole.includes(property.name) || !isGroup(type)) return [property.name];
      return type.getProperties().map((inner) => `${property.name}.${inner.name}`);
    });
}
