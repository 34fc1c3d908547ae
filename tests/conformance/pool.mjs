/**
 * Child processes that answer one line with one line. Each request is isolated: a child that ends, or that takes longer than
 * `seconds`, costs that request alone, and the next one finds a new child.
 */
import { spawn } from 'node:child_process';
import readline from 'node:readline';

class Child {
  #process;
  #stderr = '';
  #settle;

  constructor([command, ...parameters]) {
    this.#process = spawn(command, parameters, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process.stderr.on('data', (text) => (this.#stderr = (this.#stderr + text).slice(-2000)));
    this.#process.stdin.on('error', () => {}); // the child has ended, which 'close' reports
    this.#process.on('error', (error) => this.#end(error.message));
    this.#process.on('close', (code, signal) => this.#end(`ended with ${signal ?? code}`));
    const lines = readline.createInterface({ input: this.#process.stdout });
    lines.on('line', (line) => this.#settle?.({ line }));
  }

  #end(reason) {
    this.ended = true;
    const [said] = this.#stderr.split('\n').filter((line) => /error|trap|assert/i.test(line));
    this.#settle?.({ failure: said ? `${reason}: ${said.trim()}` : reason });
  }

  /** `{ line }`, or `{ failure }` with the reason that there is none. */
  async ask(line, seconds) {
    const answer = new Promise((resolve) => (this.#settle = resolve));
    const timer = setTimeout(() => {
      this.#settle({ failure: `no answer after ${seconds} s` });
      this.kill();
    }, seconds * 1000);
    this.#process.stdin.write(`${line}\n`);
    const result = await answer;
    clearTimeout(timer);
    return result;
  }

  kill() {
    this.ended = true;
    this.#process.kill('SIGKILL');
  }
}

/**
 * Gives `work` to `size` children: calls `run(item, { ask, restart })` for each, where `ask(line)` has a child's answer, and
 * after `restart()` another child's.
 * @returns the results of `run`, in the order of `work`
 */
export async function runInPool(work, run, { command, size, seconds }) {
  const results = new Array(work.length);
  let next = 0;
  const worker = async () => {
    let child;
    const restart = () => child?.kill();
    const ask = (line) => {
      if (!child || child.ended) child = new Child(command);
      return child.ask(line, seconds);
    };
    while (next < work.length) {
      const index = next++;
      results[index] = await run(work[index], { ask, restart });
    }
    restart();
  };
  await Promise.all(Array.from({ length: size }, worker));
  return results;
}
