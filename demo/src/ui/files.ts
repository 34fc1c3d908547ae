/** Files that come by picker, drop or paste. */

/** Calls `take` with the files chosen; the same ones may be chosen again. */
export function onPick(input: HTMLInputElement, take: (files: File[]) => void): void {
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    if (files.length) take(files);
    input.value = '';
  });
}

/** Calls `take` with files dropped anywhere on the page, which is marked while one hangs over it. */
export function onDrop(take: (files: File[]) => void): void {
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
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) take(files);
  });
}

/** Calls `take` with files pasted into the page. */
export function onPaste(take: (files: File[]) => void): void {
  document.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) take(files);
  });
}
