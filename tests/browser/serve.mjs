/** A server for pages under test. */
import http from 'node:http';
import path from 'node:path';

const mediaTypes = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
};

const mediaTypeOf = (place) =>
  mediaTypes[place === '/' ? '.html' : path.extname(place)] ?? 'application/octet-stream';

/** Headers by which a page may share memory with its workers. */
export const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** Serves `contentOf(path)`, or 404 where that is undefined, at an address of its own. */
export async function serve(contentOf, headers = {}) {
  const server = http.createServer(({ url }, response) => {
    const place = url.split('?')[0];
    const content = contentOf(place);
    response.writeHead(content === undefined ? 404 : 200, {
      'content-type': mediaTypeOf(place),
      ...headers,
    });
    response.end(content);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
