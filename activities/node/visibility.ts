import type { Instant } from '../../src/domain/brands.js';
import { describeDuration } from '../../src/domain/duration.js';
import { cacheTimeOf } from '../../src/domain/published-volume.js';
import type { NodeSession } from './session.js';

/** How long a mount is left alone between two looks at it, in milliseconds, at most. */
const LOOK_EVERY = 1_000;

interface Waiting {
  readonly clock: () => Instant;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/**
 * Waits until the node's mount shows what was published, for as long as the line's mounts may show what was there before, and no longer.
 * @param look what the node sees otherwise than published; null: it sees it
 * @returns the last answer: null as soon as the node sees it
 */
export async function hiddenFor(
  session: NodeSession,
  { clock, sleep }: Waiting,
  look: () => Promise<string | null>,
): Promise<string | null> {
  const patience = cacheTimeOf(session.line);
  for (const began = clock(); ;) {
    const hidden = await look();
    const left = began + patience - clock();
    if (hidden === null || left <= 0) return hidden;
    await sleep(Math.min(LOOK_EVERY, left));
  }
}

/** Why a node that does not see what was published has failed, and what to do. */
export const notShown = ({ node, line, name }: NodeSession, hidden: string): string =>
  `Node ${node.name}: ${hidden}, ${describeDuration(cacheTimeOf(line))} (cacheTime) after ${line.publisher ?? 'the publisher'} had published it on the volume of ${name}. See that ${node.mount} is its volume, or raise cacheTime.`;
