/** What `QuantizeOptions` holds, told by the compiler, so that no test has to list it. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const web = new URL('../../web/', import.meta.url);
const { default: ts } = await import(
  pathToFileURL(createRequire(new URL('package.json', web)).resolve('typescript'))
);

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
  const file = new URL('src/quantize_options.ts', web).pathname;
  const program = ts.createProgram([file], {
    strict: true,
    target: 99,
    moduleResolution: 100,
    module: 99,
    skipLibCheck: true,
  });
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
