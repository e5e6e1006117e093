import { hkdfSync } from 'node:crypto';
import { isAudience, type Audience } from '../../domain/codec/audience.js';
import { ResealError } from '../../domain/errors.js';
import { KEY_LENGTH, type StoredKey } from './key-file.js';

/** A key that payloads are encrypted under. */
export interface PayloadKey {
  /** `<root>/<audience>`, in the metadata of every payload: not secret. */
  readonly id: string;
  readonly audience: Audience;
  readonly bytes: Uint8Array;
}

/** The keys that a process has. */
export interface KeyRing {
  /** Roots, the active one first: what a worker says of itself, so that others see which keys it reads. */
  readonly roots: readonly string[];
  /** The key to write with. */
  active(audience: Audience): PayloadKey;
  /** Null: this process does not have it. */
  find(id: string): PayloadKey | null;
}

const SALT = Buffer.from('reseal-codec-v1');

const idOf = (root: string, audience: Audience): string => `${root}/${audience}`;

/**
 * The key of an audience, derived from a root by HKDF-SHA-256 (RFC 5869): the control plane has every node's key without keeping one, and from the key of one
 * node nobody comes to the root, or to another node's.
 */
export const derivedKey = (root: StoredKey, audience: Audience): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', root.key, SALT, Buffer.from(idOf(root.id, audience)), KEY_LENGTH));

const activeFirst = (keys: readonly StoredKey[]): readonly StoredKey[] => [
  ...keys.filter((key) => key.status === 'active'),
  ...keys.filter((key) => key.status !== 'active'),
];

/** The control plane's: reads and writes what is for anybody. @throws ResealError CONFIG_INVALID where the file is that of a node */
export function controlRing(stored: readonly StoredKey[], where: string): KeyRing {
  const roots = activeFirst(stored.filter((key) => key.for === 'control'));
  const [active] = roots;
  if (active === undefined)
    throw new ResealError(
      'CONFIG_INVALID',
      `${where} holds keys of ${[...new Set(stored.map((key) => key.for))].join(', ')} and none of the control plane. Correct codec.control in reseal.yaml.`,
    );
  const derived = new Map<string, PayloadKey>();
  const keyOf = (root: StoredKey, audience: Audience): PayloadKey => {
    const id = idOf(root.id, audience);
    const known = derived.get(id) ?? { id, audience, bytes: derivedKey(root, audience) };
    derived.set(id, known);
    return known;
  };
  return {
    roots: roots.map((root) => root.id),
    active: (audience) => keyOf(active, audience),
    find: (id) => {
      const [, name = '', audience = ''] = /^([^/]+)\/(.+)$/.exec(id) ?? [];
      const root = roots.find((one) => one.id === name);
      return root === undefined || !isAudience(audience) ? null : keyOf(root, audience);
    },
  };
}

/** Of the agent of one node, or of the gateway of one region: reads and writes for that audience alone. @throws ResealError CONFIG_INVALID */
export function ringOf(audience: Audience, stored: readonly StoredKey[], where: string): KeyRing {
  const own = activeFirst(stored.filter((key) => key.for === audience));
  const [active] = own;
  if (active === undefined)
    throw new ResealError(
      'CONFIG_INVALID',
      stored.some((key) => key.for === 'control')
        ? `${where} holds the keys of the control plane, which have no place here. Put there what \`reseal codec-key hand-out --for ${audience}\` makes.`
        : `${where} holds no key for ${audience}. Put there what \`reseal codec-key hand-out --for ${audience}\` makes where the control plane's keys are.`,
    );
  const keyOf = (key: StoredKey): PayloadKey => ({ id: idOf(key.id, audience), audience, bytes: key.key });
  return {
    roots: own.map((key) => key.id),
    active: () => keyOf(active),
    find: (id) => {
      const found = own.find((key) => idOf(key.id, audience) === id);
      return found === undefined ? null : keyOf(found);
    },
  };
}

/** What is handed out to a node or a gateway: the key of each root that is for it, with the root's id and status. */
export const handedOut = (audience: Audience, stored: readonly StoredKey[]): readonly StoredKey[] =>
  stored.filter((key) => key.for === 'control').map((root) => ({ ...root, for: audience, key: derivedKey(root, audience) }));
