import type { KeychainPolicy } from '../topology.js';

/** A keychain that a node signs with and that did not open when it had to; what people are told of it. */
export interface LockedKeychain {
  /** What people call it: the last part of its path. */
  readonly keychain: string;
  /** Why it did not open, without capital and full stop. Never a password. */
  readonly why: string;
  /** What to do about it, in a sentence. */
  readonly remedy: string;
  /** What its line declares for this: another signer takes the node's place in the canary, or people are paged and asked. */
  readonly then: 'another-signer' | 'page';
}

/** What a line declares for a keychain that stays locked after its retries; null: nothing, the node has failed. Nobody is woken before another signer was tried. */
export function afterRetries(keychains: Pick<KeychainPolicy, 'onUnlockFailure'> | undefined): LockedKeychain['then'] | null {
  const declared = keychains?.onUnlockFailure ?? [];
  if (declared.includes('another-signer')) return 'another-signer';
  return declared.includes('page') ? 'page' : null;
}

/** The page, a line per node: host, keychain, reason and remedy. */
export const lockedInWords = (node: string, { keychain, why, remedy }: LockedKeychain): string =>
  `Node ${node}, keychain ${keychain}: it stays locked: ${why}. ${remedy}`;
