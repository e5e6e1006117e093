import { randomUUID } from 'node:crypto';
import { version } from './version.js';

/** A worker among the pollers of its task queue: `host:pid:start:random:version`, and `:key,key` where it encrypts payloads. */
export interface WorkerIdentity {
  readonly host: string;
  readonly pid: number;
  /** Milliseconds since 1970, by the host's own clock. */
  readonly startedAt: number;
  /** Tells two that began in the same millisecond, or in clones of one machine. */
  readonly random: string;
  /** Of reseal; agents of 0.1.0 before its release told none. */
  readonly version?: string;
  /** Roots of the codec keys that it reads, the one that it writes with first; absent: it has none. */
  readonly codecKeys?: readonly string[];
}

/** @param codecKeys roots of the keys that it has */
export const newIdentity = (host: string, codecKeys: readonly string[] = []): WorkerIdentity => ({
  host: host.replaceAll(':', '-'),
  pid: process.pid,
  startedAt: Date.now(),
  random: randomUUID().slice(0, 8),
  version: version(),
  ...(codecKeys.length === 0 ? {} : { codecKeys }),
});

export const identityText = ({ host, pid, startedAt, random, version: release, codecKeys }: WorkerIdentity): string =>
  [
    host,
    pid,
    startedAt,
    random,
    ...(release === undefined ? [] : [release]),
    ...(codecKeys === undefined ? [] : [codecKeys.join(',')]),
  ].join(':');

const PATTERN = /^([^:]+):([1-9]\d*):(\d+):([0-9a-f]{8})(?::([\w.+-]+)(?::([a-z0-9-]+(?:,[a-z0-9-]+)*))?)?$/;

/** Null: somebody polls that is no worker of reseal. */
export function parseIdentity(text: string): WorkerIdentity | null {
  const [, host = '', pid = '', startedAt = '', random = '', release, keys] = PATTERN.exec(text) ?? [];
  if (host === '') return null;
  return {
    ...{ host, pid: Number(pid), startedAt: Number(startedAt), random },
    ...(release === undefined ? {} : { version: release }),
    ...(keys === undefined ? {} : { codecKeys: keys.split(',') }),
  };
}

/** Of two, the one that stays; both come to the same answer. */
export const isOlder = (one: WorkerIdentity, other: WorkerIdentity): boolean =>
  one.startedAt === other.startedAt ? identityText(one) < identityText(other) : one.startedAt < other.startedAt;
