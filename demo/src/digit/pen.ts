/** Drawing on a canvas: by pointer, or by keyboard with a pen that arrows move and the space bar lowers and lifts. */

export const canvasSide = 280;
const penWidth = 22;
const keyStep = 10;
const ink = '#fff';
const ground = '#000';

type Point = [number, number];

const moves: Record<string, Point> = {
  ArrowLeft: [-keyStep, 0],
  ArrowRight: [keyStep, 0],
  ArrowUp: [0, -keyStep],
  ArrowDown: [0, keyStep],
};

export interface Drawing {
  pixels(): ImageData;
  clear(): void;
}

/** `cursor` shows where the keyboard's pen is. `onChange` follows every stroke and every clearing. */
export function startPen(
  canvas: HTMLCanvasElement,
  cursor: HTMLElement,
  onChange: (isEmpty: boolean) => void,
): Drawing {
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  const keyPen = { at: [canvasSide / 2, canvasSide / 4] as Point, down: false };
  let last: Point | undefined;

  const line = (from: Point, to: Point) => {
    context.strokeStyle = ink;
    context.lineWidth = penWidth;
    context.lineCap = 'round';
    context.lineJoin = 'round';
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
    onChange(false);
  };
  const showCursor = () => {
    cursor.style.left = `${(keyPen.at[0] / canvasSide) * 100}%`;
    cursor.style.top = `${(keyPen.at[1] / canvasSide) * 100}%`;
    cursor.classList.toggle('down', keyPen.down);
  };
  const clear = () => {
    context.fillStyle = ground;
    context.fillRect(0, 0, canvasSide, canvasSide);
    keyPen.down = false;
    showCursor();
    onChange(true);
  };
  const moveKeyPen = ([dx, dy]: Point) => {
    const within = (value: number) => Math.min(Math.max(value, 0), canvasSide);
    const from = keyPen.at;
    keyPen.at = [within(from[0] + dx), within(from[1] + dy)];
    if (keyPen.down) line(from, keyPen.at);
  };
  const togglePen = () => {
    keyPen.down = !keyPen.down;
    if (keyPen.down) line(keyPen.at, keyPen.at);
  };
  const pointOf = (event: PointerEvent): Point => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * canvasSide) / box.width,
      ((event.clientY - box.top) * canvasSide) / box.height,
    ];
  };

  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = pointOf(event);
    line(last, last);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!last) return;
    const next = pointOf(event);
    line(last, next);
    last = next;
  });
  for (const end of ['pointerup', 'pointercancel'] as const)
    canvas.addEventListener(end, () => (last = undefined));
  canvas.addEventListener('keydown', (event) => {
    if (event.key === ' ') togglePen();
    else if (event.key === 'Delete') clear();
    else if (moves[event.key]) moveKeyPen(moves[event.key]);
    else return;
    event.preventDefault();
    showCursor();
  });

  clear();
  return { pixels: () => context.getImageData(0, 0, canvasSide, canvasSide), clear };
}
