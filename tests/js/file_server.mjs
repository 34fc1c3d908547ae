/** A server of one file, and of an empty page, which does as it is told, also what servers should not. */
import assert from 'node:assert/strict';
import http from 'node:http';
import zlib from 'node:zlib';

/** @param {string | undefined} range of a request, as `bytes=5-` */
const startOf = (range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);

const page = Buffer.from('<!doctype html><title>page</title>');

class FileServer {
  /** What it has; tests change these at any time. */
  content;
  etag = '"first"';
  lastModified;
  /** Headers that are sent with everything. */
  headers = {};
  /** Answers this instead of the file. */
  status;
  /** Bytes of a body after which it waits for `cut`. */
  heldAfter = Infinity;
  /** Answers nothing, until `cut`. */
  isSilent = false;
  #held = new Set();
  /** Says another length. */
  announced;
  hasLength = true;
  isCompressed = false;
  /** 'obeyed', 'ignored', or 'shifted' by a byte. */
  ranges = 'obeyed';
  /** Headers of all requests, with the status and the bytes of the answers. */
  asked = [];
  #server;

  constructor(content) {
    this.content = content;
    this.#server = http.createServer((request, response) => this.#answer(request, response));
  }

  async listen() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}/model.onnx`;
    return this;
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  get statuses() {
    return this.asked.map(({ status }) => status);
  }

  #isUnchanged({ headers }) {
    if (headers['if-none-match']) return headers['if-none-match'] === this.etag;
    return this.lastModified && headers['if-modified-since'] === this.lastModified;
  }

  #answer(request, response) {
    const { headers } = request;
    const names = {
      ...(this.etag && { etag: this.etag }),
      ...(this.lastModified && { 'last-modified': this.lastModified }),
      ...this.headers,
    };
    const send = (status, more, body) => {
      const log = { headers, method: request.method, status, sent: 0 };
      this.asked.push(log);
      response.writeHead(status, { ...names, ...more });
      this.#send(response, body, log);
    };
    if (request.url === '/') return send(200, { 'content-type': 'text/html' }, page);
    if (this.isSilent) return this.#hold(response);
    if (this.status) return send(this.status, {}, Buffer.alloc(0));
    if (this.#isUnchanged(request)) return send(304, {}, Buffer.alloc(0));
    const ifRange = headers['if-range'];
    const isRange =
      headers.range &&
      this.ranges !== 'ignored' &&
      (!ifRange || [this.etag, this.lastModified].includes(ifRange));
    if (!isRange) {
      const body = this.isCompressed ? zlib.gzipSync(this.content) : this.content;
      const length = this.announced ?? body.length;
      return send(
        200,
        {
          ...(this.isCompressed && { 'content-encoding': 'gzip' }),
          ...(this.hasLength && { 'content-length': length }),
        },
        body,
      );
    }
    const { length } = this.content;
    const start = startOf(headers.range) + (this.ranges === 'shifted' ? 1 : 0);
    if (start >= length)
      return send(416, { 'content-range': `bytes */${length}` }, Buffer.alloc(0));
    const range = `bytes ${start}-${length - 1}/${length}`;
    const more = { 'content-range': range, 'content-length': length - start };
    send(206, more, this.content.subarray(start));
  }

  #send(response, body, log) {
    const part = body.subarray(0, this.heldAfter);
    log.sent = part.length;
    if (part.length === body.length && this.announced === undefined) return response.end(body);
    response.write(part);
    this.#hold(response);
  }

  #hold(response) {
    this.#held.add(response);
    response.on('close', () => this.#held.delete(response));
  }

  /** How many answers wait. */
  get held() {
    return this.#held.size;
  }

  /** Until no answer waits, because those who asked have hung up. */
  async quiet() {
    for (let i = 0; i < 1000 && this.held > 0; ++i)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(this.held, 0);
  }

  /** Ends the connections of answers that wait. */
  cut() {
    for (const response of this.#held) response.destroy();
  }
}

/** `close` ends it. */
export const serveFile = (content) => new FileServer(content).listen();
