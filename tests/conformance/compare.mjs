/**
 * Compares results with expectations as ONNX's own runner does: types and shapes exactly, integers, booleans and strings
 * exactly, floats with `|result - expected| <= absolute + relative * |expected|`, NaN and infinities by identity.
 *
 * https://github.com/onnx/onnx/blob/main/onnx/backend/test/runner/__init__.py (assert_similar_outputs)
 */
import { elementsOf, isFloat } from './elements.mjs';
import { typeName } from './values.mjs';

function isClose(result, expected, { relative, absolute }) {
  if (Object.is(result, expected) || result === expected) return true;
  if (!Number.isFinite(result) || !Number.isFinite(expected)) return false;
  return Math.abs(result - expected) <= absolute + relative * Math.abs(expected);
}

const show = (element) => (typeof element === 'string' ? JSON.stringify(element) : String(element));

function tensorDifference(result, expected, tolerance) {
  if (result.type !== expected.type) {
    return `is ${typeName(result.type)}, not ${typeName(expected.type)}`;
  }
  if (result.dims.join() !== expected.dims.join()) {
    return `has shape [${result.dims}], not [${expected.dims}]`;
  }
  const [results, expectations] = [elementsOf(result), elementsOf(expected)];
  if (results.length !== expectations.length) {
    return `has ${results.length} elements, not ${expectations.length}`;
  }
  const close = isFloat(expected.type) ? isClose : Object.is;
  const wrong = results.flatMap((value, i) =>
    close(value, expectations[i], tolerance) ? [] : [i],
  );
  if (wrong.length === 0) return undefined;
  const [first] = wrong;
  const count = wrong.length === 1 ? '' : ` (and ${wrong.length - 1} more of ${results.length})`;
  return `has ${show(results[first])} instead of ${show(expectations[first])} at ${first}${count}`;
}

const kindOf = (value) => {
  if (value === null) return 'an empty optional';
  return Array.isArray(value) ? 'a sequence' : 'a tensor';
};

/** What differs first, as a clause that follows the value's name; undefined if nothing does. */
export function difference(result, expected, tolerance) {
  if (kindOf(result) !== kindOf(expected)) return `is ${kindOf(result)}, not ${kindOf(expected)}`;
  if (expected === null) return undefined;
  if (!Array.isArray(expected)) return tensorDifference(result, expected, tolerance);
  if (result.length !== expected.length) {
    return `has ${result.length} values, not ${expected.length}`;
  }
  for (const [i, value] of expected.entries()) {
    const found = difference(result[i], value, tolerance);
    if (found) return `at ${i} ${found}`;
  }
  return undefined;
}
