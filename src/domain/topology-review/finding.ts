import type { LineName, NodeName } from '../brands.js';

/** `error`: it cannot work as declared. `warning`: it works, until it hurts. `note`: worth knowing, nothing to mend. */
export type TopologyVerdict = 'error' | 'warning' | 'note';

/** Every thing that is looked for; a new one gets a test and a sentence where it is found. */
export type TopologyCheck =
  | 'line-without-nodes'
  | 'no-signer'
  | 'signer-without-key'
  | 'key-without-reason'
  | 'key-beside-sidecar'
  | 'keys-of-several-lines'
  | 'sprawl'
  | 'key-on-volume'
  | 'certificate-limit'
  | 'profiles-nowhere'
  | 'signer-without-profiles'
  | 'publisher-role'
  | 'publisher-off-line'
  | 'publisher-apart'
  | 'publisher-with-key'
  | 'publisher-unused'
  | 'cache-time'
  | 'signer-compiles'
  | 'laptop-signer'
  | 'image-moves'
  | 'image-shared'
  | 'one-signer'
  | 'no-other-signer'
  | 'mixed-environments'
  | 'node-without-line'
  | 'node-without-key'
  | 'pools-share-line'
  | 'pools-share-source'
  | 'pools-share-store'
  | 'pools-share-approvers'
  | 'wipeable-place';

export interface TopologyFinding {
  readonly verdict: TopologyVerdict;
  readonly check: TopologyCheck;
  /** The lines and nodes that it is about; either may be empty. */
  readonly lines: readonly LineName[];
  readonly nodes: readonly NodeName[];
  /** Where it is declared in topology.yaml: names of fields and positions in lists. */
  readonly path: readonly (string | number)[];
  /** Sentences without their full stop; each is understood without the others. */
  readonly found: string;
  readonly expected: string;
  readonly next: string;
}

/** Up to six names, then how many more: a mesh may have thousands. */
export function namesOf(names: readonly string[]): string {
  if (names.length > 6) return `${names.slice(0, 6).join(', ')} and ${names.length - 6} more`;
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}

export const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** `is` or `are`, by how many there are. */
export const be = (names: readonly unknown[]): string => (names.length === 1 ? 'is' : 'are');
