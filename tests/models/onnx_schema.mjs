/**
 * The messages of ONNX, from the official schema (onnx.proto of Debian's libonnx-dev), so that what tests read and write never
 * depends on the code under test.
 */
import fs from 'node:fs';
import protobuf from 'protobufjs';

const schemaPath = '/usr/include/onnx/onnx.proto';
if (!fs.existsSync(schemaPath)) {
  throw new Error(`${schemaPath} is missing: install libonnx-dev (./octet test does)`);
}
const schema = protobuf.loadSync(schemaPath);

// Of onnx-data.proto, which libonnx-dev lacks: sequences and optionals of tensors.
// https://github.com/onnx/onnx/blob/main/onnx/onnx-data.proto
const dataSchema = `
  syntax = "proto2";
  package onnx;
  message SequenceProto {
    optional string name = 1;
    optional int32 elem_type = 2;
    repeated TensorProto tensor_values = 3;
    repeated SequenceProto sequence_values = 5;
    repeated OptionalProto optional_values = 7;
  }
  message OptionalProto {
    optional string name = 1;
    optional int32 elem_type = 2;
    optional TensorProto tensor_value = 3;
    optional SequenceProto sequence_value = 5;
    optional OptionalProto optional_value = 7;
  }`;
protobuf.parse(dataSchema, schema);

/** A message by its name in the schema. */
export const messageType = (name) => schema.lookupType(`onnx.${name}`);

/** The numbers of an enumeration by their names. */
export const enumValues = (name) => schema.lookupEnum(`onnx.${name}`).values;
