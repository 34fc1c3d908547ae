/** Models that come with the page, each with a picture that it makes sense of. */
import detectorUrl from '#ocr-models/ch_PP-OCRv4_det_infer.onnx?url';
import recogniserUrl from '#ocr-models/ch_PP-OCRv4_rec_infer.onnx?url';
import mnistUrl from '#fixtures/mnist_cnn.onnx?url';
import { samplePicture } from '../reading/sample_picture.ts';
import { make } from '../ui/dom.ts';

export interface OwnModel {
  /** Of its button. */
  id: string;
  name: string;
  url: string;
  picture: () => HTMLCanvasElement;
}

/** One line of text, filling a canvas. */
function writing(text: string, width: number, height: number, ink: string, ground: string) {
  const canvas = make('canvas', { width: String(width), height: String(height) });
  const context = canvas.getContext('2d')!;
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  context.fillStyle = ink;
  context.font = `${height * 0.75}px "Liberation Sans", Arial, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(text, width / 2, height * 0.54);
  return canvas;
}

export const ownModels: OwnModel[] = [
  {
    id: 'model-mnist',
    name: 'mnist_cnn.onnx',
    url: mnistUrl,
    picture: () => writing('5', 112, 112, '#fff', '#000'),
  },
  {
    id: 'model-detector',
    name: 'ch_PP-OCRv4_det.onnx',
    url: detectorUrl,
    picture: samplePicture,
  },
  {
    id: 'model-recogniser',
    name: 'ch_PP-OCRv4_rec.onnx',
    url: recogniserUrl,
    picture: () => writing('Octet reads text', 224 * 2, 96, '#000', '#fff'),
  },
];
