/** How many letters have to be changed, added, taken away or swapped with the next to get from a word to another. */
function distance(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, (_, i) => [i]);
  for (let j = 0; j <= b.length; ++j) table[0][j] = j;
  for (let i = 1; i <= a.length; ++i)
    for (let j = 1; j <= b.length; ++j) {
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      table[i][j] = Math.min(
        table[i - 1][j] + 1,
        table[i][j - 1] + 1,
        table[i - 1][j - 1] + Number(a[i - 1] !== b[j - 1]),
        isSwap ? table[i - 2][j - 2] + 1 : Infinity,
      );
    }
  return table[a.length][b.length];
}

/** A question after the word that was probably meant, or nothing. */
export function nearest(word: string, known: readonly string[], prefix = ''): string {
  const [best] = known
    .map((each) => ({ each, far: distance(word, each) }))
    .filter(({ each, far }) => far <= Math.max(1, Math.floor(each.length / 3)))
    .sort((a, b) => a.far - b.far);
  return best ? `; did you mean ${prefix}${best.each}?` : '';
}
