/** Nodes as people write them: a name or a /pattern/ on each line. */

const literal = (name: string) => `^${name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`;

/** What matches any of them; throws for what is no pattern. */
export function matcher(text: string): RegExp {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const sources = lines.map((line) => {
    const pattern = /^\/(.+)\/$/.exec(line)?.[1];
    if (pattern === undefined) return literal(line);
    try {
      return new RegExp(pattern).source;
    } catch (error) {
      throw new Error(`${line}: ${(error as Error).message}`);
    }
  });
  return new RegExp(sources.map((source) => `(?:${source})`).join('|'));
}
