/** Files that come by picker, drop or paste. */

/** Calls `take` with the file chosen; the same file may be chosen again. */
export function onPick(input: HTMLInputElement, take: (file: File) => void): void {
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    if (file) take(file);
    input.value = '';
  });
}

/** Calls `take` with a file dropped anywhere on the page, which is marked while one hangs over it. */
export function onDrop(take: (file: File) => void): void {
  const mark = (over: boolean) => document.body.classList.toggle('over', over);
  window.addEventListener('dragover', (event) => {
    event.preventDefault();
    mark(event.dataTransfer?.types.includes('Files') ?? false);
  });
  window.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) mark(false);
  });
  window.addEventListener('drop', (event) => {
    event.preventDefault();
    mark(false);
    const file = event.dataTransfer?.files[0];
    if (file) take(file);
  });
}

/** Calls `take` with a file pasted into the page. */
export function onPaste(take: (file: File) => void): void {
  document.addEventListener('paste', (event) => {
    const file = event.clipboardData?.files[0];
    if (file) take(file);
  });
}

export async function decodePicture(file: File): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name || 'The file'} is not a picture that this browser can open.`);
  }
}
