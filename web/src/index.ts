/** Octet: quantize neural networks on this device and run them in INT8 with WebAssembly SIMD. */
export { InferenceSession, type SessionOptions, type StepTime } from './session.js';
export {
  Tensor,
  type ElementType,
  type OctetValue,
  type OwnTensorConstructor,
  type OwnType,
} from './tensor.js';
export { env, type Env, type WasmFlags, type WasmPaths } from './env.js';
/** All other types of onnxruntime-common. */
export type * from 'onnxruntime-common';
export { OctetError, type OctetErrorCode } from './errors.js';
export { quantize, type QuantizeResult } from './quantize.js';
export type {
  ActivationOptions,
  DynamicQuantizeOptions,
  MixedQuantizeOptions,
  QuantizeMode,
  QuantizeOptions,
  QuantizeOptionsOf,
  QuantizeProgress,
  StaticQuantizeOptions,
  WeightOnlyQuantizeOptions,
  WeightOptions,
} from './quantize_options.js';
export type { ExternalData } from './model.js';
export type { Progress, Watch } from './progress.js';
export type {
  ClipRange,
  MeasuredTensor,
  Measurement,
  QuantizationReport,
  QuantizedTensorReport,
  ValueHistogram,
} from './report.js';
export type { NodeFilter } from './node_filter.js';
export { renderReport, renderReportBody } from './report_page.js';
export { reportStyle } from './report_style.js';
export { inspect, type InspectOptions, type ModelSummary, type PortSummary } from './inspect.js';
export {
  compare,
  type CompareOptions,
  type Comparison,
  type Feeds,
  type ModelSide,
} from './compare.js';
export type { TensorComparison } from './closeness.js';
export type { CorrectionEffect, Corrections, RangeEffect, SchemeEffect } from './correct.js';
export type { MixedPoint, MixedReport, MixedTarget, Scheme } from './mixed.js';
export {
  chooseQuantParams,
  dequantizeTensor,
  quantizeTensor,
  type Codes,
  type QuantizedParts,
  type QuantizedTensor,
  type QuantizedType,
  type QuantizeTensorOptions,
  type QuantLayout,
  type QuantParamArrays,
  type QuantParams,
  type QuantRangeOptions,
} from './arithmetic.js';
export type { Samples } from './samples.js';
export type { Source } from './source.js';
