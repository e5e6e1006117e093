export interface UnwellNode {
  readonly node: string;
  readonly reason: string;
}

/** Nodes named one by one. */
const NAMED = 100;
/** Characters of a sentence where there are many. With `NAMED` of them an event that tells a refusal twice stays below 256 KiB, in any script. */
const LONGEST = 400;

/**
 * What is wrong with nodes, a sentence each in the order of their names. Of a mesh that is unwell as a whole, the first hundred and how many more there
 * are: all of it would not fit into one payload of Temporal's. What was read of each node is in the ledger.
 */
export function unwellInWords(unwell: readonly UnwellNode[]): readonly string[] {
  const byName = unwell.toSorted((a, b) => (a.node < b.node ? -1 : a.node > b.node ? 1 : 0));
  const whole = byName.slice(0, NAMED).map(({ node, reason }) => `${node}: ${reason}`);
  const length = whole.reduce((sum, sentence) => sum + sentence.length, 0);
  const named = length <= NAMED * LONGEST ? whole : whole.map(shortened);
  const more = unwell.length - named.length;
  return more === 0 ? named : [...named, `and ${more} more ${more === 1 ? 'node is' : 'nodes are'} not well: see reseal node list`];
}

/** Never ends in half of a character. */
const shortened = (sentence: string): string =>
  sentence.length <= LONGEST ? sentence : `${sentence.slice(0, LONGEST - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
