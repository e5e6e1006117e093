import { randomUUID } from 'node:crypto';

/** An agent among the pollers of its task queue: `host:pid:start:random`. */
export interface AgentIdentity {
  readonly host: string;
  readonly pid: number;
  /** Milliseconds since 1970, by the host's own clock. */
  readonly startedAt: number;
  /** Tells two that began in the same millisecond, or in clones of one machine. */
  readonly random: string;
}

export const newIdentity = (host: string): AgentIdentity => ({
  host: host.replaceAll(':', '-'),
  pid: process.pid,
  startedAt: Date.now(),
  random: randomUUID().slice(0, 8),
});

export const identityText = ({ host, pid, startedAt, random }: AgentIdentity): string => [host, pid, startedAt, random].join(':');

/** Null: somebody polls that is no agent. */
export function parseIdentity(text: string): AgentIdentity | null {
  const [, host = '', pid = '', startedAt = '', random = ''] = /^([^:]+):([1-9]\d*):(\d+):([0-9a-f]{8})$/.exec(text) ?? [];
  return host === '' ? null : { host, pid: Number(pid), startedAt: Number(startedAt), random };
}

/** Of two, the one that stays; both come to the same answer. */
export const isOlder = (one: AgentIdentity, other: AgentIdentity): boolean =>
  one.startedAt === other.startedAt ? identityText(one) < identityText(other) : one.startedAt < other.startedAt;
