import { randomUUID } from 'node:crypto';
import { version } from '../version.js';

/** An agent or a gateway among the pollers of its task queue: `host:pid:start:random:version`. */
export interface AgentIdentity {
  readonly host: string;
  readonly pid: number;
  /** Milliseconds since 1970, by the host's own clock. */
  readonly startedAt: number;
  /** Tells two that began in the same millisecond, or in clones of one machine. */
  readonly random: string;
  /** Of reseal; agents of 0.1.0 before its release told none. */
  readonly version?: string;
}

export const newIdentity = (host: string): AgentIdentity => ({
  host: host.replaceAll(':', '-'),
  pid: process.pid,
  startedAt: Date.now(),
  random: randomUUID().slice(0, 8),
  version: version(),
});

export const identityText = ({ host, pid, startedAt, random, version: release }: AgentIdentity): string =>
  [host, pid, startedAt, random, ...(release === undefined ? [] : [release])].join(':');

/** Null: somebody polls that is no agent. */
export function parseIdentity(text: string): AgentIdentity | null {
  const [, host = '', pid = '', startedAt = '', random = '', release] =
    /^([^:]+):([1-9]\d*):(\d+):([0-9a-f]{8})(?::([\w.+-]+))?$/.exec(text) ?? [];
  return host === ''
    ? null
    : { host, pid: Number(pid), startedAt: Number(startedAt), random, ...(release === undefined ? {} : { version: release }) };
}

/** Of two, the one that stays; both come to the same answer. */
export const isOlder = (one: AgentIdentity, other: AgentIdentity): boolean =>
  one.startedAt === other.startedAt ? identityText(one) < identityText(other) : one.startedAt < other.startedAt;
