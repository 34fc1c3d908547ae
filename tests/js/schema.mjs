/** A checker for the part of JSON Schema (draft 2020-12) that the report's schema uses; it refuses what it does not know. */
import assert from 'node:assert/strict';

const typeOf = (value) => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
};

const isType = (value, type) =>
  type === 'integer' ? Number.isInteger(value) : typeOf(value) === type;

const keywords = {
  type(expected, value, where) {
    const types = [expected].flat();
    assert.ok(
      types.some((type) => isType(value, type)),
      `${where}: ${types} expected`,
    );
  },
  enum: (words, value, where) => assert.ok(words.includes(value), `${where}: ${words} expected`),
  minimum: (least, value, where) =>
    assert.ok(typeof value !== 'number' || value >= least, `${where}: ${value} is below ${least}`),
  maximum: (most, value, where) =>
    assert.ok(typeof value !== 'number' || value <= most, `${where}: ${value} is above ${most}`),
  maxItems: (most, value, where) =>
    assert.ok(!Array.isArray(value) || value.length <= most, `${where}: too long`),
  items(schema, value, where, root) {
    if (Array.isArray(value))
      value.forEach((each, i) => check(schema, each, `${where}[${i}]`, root));
  },
  required(names, value, where) {
    if (typeOf(value) !== 'object') return;
    for (const name of names) assert.ok(name in value, `${where}: ${name} is missing`);
  },
  properties(schemas, value, where, root) {
    if (typeOf(value) !== 'object') return;
    for (const [name, each] of Object.entries(value))
      if (schemas[name]) check(schemas[name], each, `${where}.${name}`, root);
  },
  additionalProperties() {},
  $ref(place, value, where, root) {
    check(root.$defs[place.replace('#/$defs/', '')], value, where, root);
  },
};
const annotations = ['$schema', '$id', '$defs', 'title', 'description'];

function checkAdditional({ properties = {}, additionalProperties }, value, where, root) {
  if (typeOf(value) !== 'object' || additionalProperties === undefined) return;
  for (const name of Object.keys(value).filter((each) => !(each in properties))) {
    assert.notEqual(additionalProperties, false, `${where}: ${name} is not known`);
    check(additionalProperties, value[name], `${where}.${name}`, root);
  }
}

function check(schema, value, where, root) {
  for (const [keyword, argument] of Object.entries(schema)) {
    if (annotations.includes(keyword)) continue;
    assert.ok(keywords[keyword], `the checker has no ${keyword}`);
    keywords[keyword](argument, value, where, root);
  }
  checkAdditional(schema, value, where, root);
}

/** Throws an AssertionError that names the place where a value breaks its schema. */
export const checkSchema = (schema, value) => check(schema, value, 'report', schema);
