/** Handwritten digits for the MNIST net: its input, and how many it reads rightly. */
import { loadDigits } from '../models/mnist_data.mjs';
import { tensor } from '../models/onnx_builder.mjs';

const calibrationCount = 100;

const stepsOf = (digits) =>
  digits.map(({ image }) => ({ feeds: { image: tensor('float32', [1, 1, 28, 28], image) } }));

/** Training digits to calibrate on, test digits to judge by, and the share of these that outputs name rightly. */
export function makeDigits() {
  const { train, test } = loadDigits();
  const largest = ([{ data }]) => data.indexOf(Math.max(...data));
  return {
    calibration: stepsOf(train.slice(0, calibrationCount)),
    steps: stepsOf(test),
    accuracyOf(outputs) {
      const right = outputs.filter((named, i) => largest(Object.values(named)) === test[i].label);
      return right.length / test.length;
    },
  };
}
