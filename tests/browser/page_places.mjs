/** The places of a page that can have an engine: what their scripts are, and how the page asks them. */

/** Scripts of workers, by URL, and a page beside them. */
export const files = {
  '/place.html': '<!doctype html><title>place</title>',
  '/module_worker.js': `import { answerMessage } from '/tests/browser/job.mjs';
    globalThis.onmessage = answerMessage;`,
  '/classic_worker.js': `globalThis.onmessage = async (event) => {
      const { answerMessage } = await import('/tests/browser/job.mjs');
      answerMessage(event);
    };`,
  '/service_worker.js': `import { answerMessage } from '/tests/browser/job.mjs';
    globalThis.onmessage = (event) => event.waitUntil(answerMessage(event));`,
};

/** Runs in the page: gives a task to the page itself or to a worker of it. */
export async function askInPage({ place, task }) {
  if (place === 'the main thread') return (await import('/tests/browser/job.mjs')).doJob(task);
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
  });
  const ask = (worker) => worker.postMessage({ task, port: port2 }, [port2]);
  if (place === 'a module worker') ask(new Worker('/module_worker.js', { type: 'module' }));
  if (place === 'a classic worker') ask(new Worker('/classic_worker.js'));
  if (place !== 'a service worker') return answer;
  const script = await navigator.serviceWorker.register('/service_worker.js', { type: 'module' });
  await navigator.serviceWorker.ready;
  ask(script.active);
  await answer;
  await script.unregister();
  return answer;
}
