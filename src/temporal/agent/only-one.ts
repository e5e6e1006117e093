import type { NodeName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import { identityText, isOlder, parseIdentity, type WorkerIdentity } from '../worker-identity.js';
import type { Poller } from './pollers.js';

/** A poll lasts a minute at most, so an agent that lives is heard of within that; a little more for clocks that differ. In milliseconds. */
export const SILENCE = 75_000;

interface Surroundings {
  readonly mine: WorkerIdentity;
  readonly now: number;
  /** Whether an agent that says to be of this machine runs on it. */
  readonly isRunning: (agent: WorkerIdentity) => boolean;
  /** When each poller was last heard of, at the look before this one. */
  readonly before: ReadonlyMap<string, number>;
}

/**
 * Who serves the node already; null where nobody else does. One that was there before stays, whoever it is; a younger one will see this one and leave. What a
 * killed agent of this machine left among the pollers is told by its process, unless it was heard of since the last look: then it is one of another machine of
 * the same name.
 */
export function agentBefore(pollers: readonly Poller[], { mine, now, isRunning, before }: Surroundings): string | null {
  const other = pollers.find(({ identity, seenAt }) => {
    if (identity === identityText(mine) || now - seenAt > SILENCE) return false;
    const agent = parseIdentity(identity);
    if (agent !== null && isOlder(mine, agent)) return false;
    const last = before.get(identity);
    const heardOfSince = last !== undefined && seenAt > last;
    return heardOfSince || agent === null || agent.host !== mine.host || isRunning(agent);
  });
  return other?.identity ?? null;
}

export function secondAgent(node: NodeName, other: string): ResealError {
  const agent = parseIdentity(other);
  const who = agent === null ? `a worker that calls itself ${other}` : `process ${agent.pid} on ${agent.host}`;
  return new ResealError(
    'SECOND_AGENT',
    `Node ${node} has an agent already: ${who}. Two would write two Macs under one name, so this one does not serve it. End the other one, or give this Mac its own name with --node; if the other one has just ended, Temporal forgets it within ${SILENCE / 1000} s.`,
  );
}
