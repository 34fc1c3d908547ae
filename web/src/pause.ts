/** Lets events in: an abort, a repaint. */
export const yieldToEvents = () => new Promise<void>((resolve) => setTimeout(resolve, 0));
