/** Downloads a file of the page's own origin, reporting the share that has arrived. */
export async function fetchBlob(url: string, onProgress?: (share: number) => void): Promise<Blob> {
  const response = await fetch(url);
  if (!response.ok || !response.body)
    throw new Error(`${url}: ${response.status} ${response.statusText}`);
  const total = Number(response.headers.get('content-length')) || 0;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let received = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    chunks.push(part.value);
    received += part.value.length;
    if (total) onProgress?.(Math.min(1, received / total));
  }
  return new Blob(chunks);
}
