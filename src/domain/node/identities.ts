import type { Sha1 } from '../brands.js';
import type { CheckResult } from './probe.js';

/** An identity as `security find-identity` lists it; an annotated one is unusable, though it is listed and counted. */
export interface ListedIdentity {
  readonly sha1: Sha1;
  readonly annotation: string | null;
}

/** What Apple's annotations mean, and what to do (names from CSSM, cssmerr.h). */
const ANNOTATIONS: Readonly<Record<string, string>> = {
  CSSMERR_TP_CERT_EXPIRED: 'has expired',
  CSSMERR_TP_CERT_REVOKED: 'is revoked',
  CSSMERR_TP_NOT_TRUSTED: "is not trusted: its issuer's certificate is missing or not the right one",
  CSSMERR_TP_CERT_NOT_VALID_YET: "is not valid yet: look at the node's clock",
};

const short = (sha1: string): string => sha1.slice(0, 8);
const more = (problems: readonly string[]): string => (problems.length > 1 ? ` (and ${problems.length - 1} more)` : '');

/** All that a node lists, and what of it macOS takes for valid. */
export interface Listed {
  readonly matching: readonly ListedIdentity[];
  readonly valid: readonly ListedIdentity[];
}

/** Every identity that the manifest's entries of this node sign with is there and usable. In two keychains is no fault: signing is by SHA-1. */
export function judgeIdentities(node: string, expected: readonly Sha1[], { matching, valid }: Listed): CheckResult {
  const wanted = [...new Set(expected)].sort();
  const problems = wanted.flatMap((sha1): string[] => {
    const rows = valid.filter((row) => row.sha1 === sha1);
    if (rows.some((row) => row.annotation === null)) return [];
    const row = rows[0] ?? matching.find((one) => one.sha1 === sha1);
    if (row === undefined)
      return [`the identity ${short(sha1)} is in no keychain of the search list; import it, or put its keychain on the list`];
    return [
      `the identity ${short(sha1)} ${ANNOTATIONS[row.annotation ?? ''] ?? `is not valid (${row.annotation ?? 'macOS does not say why'})`}`,
    ];
  });
  const evidence = { expected: wanted.length, listed: matching.length, usable: valid.filter((row) => row.annotation === null).length };
  const [first] = problems;
  return first === undefined
    ? { check: 'identities', verdict: 'pass', reason: `${wanted.length} expected identities are usable`, evidence }
    : { check: 'identities', verdict: 'fail', reason: `Node ${node}: ${first}${more(problems)}.`, evidence };
}

/** A host that may hold no keys holds none, usable or not. */
export function judgeNoIdentities(node: string, listed: readonly ListedIdentity[]): CheckResult {
  const evidence = { listed: listed.length };
  return listed.length === 0
    ? { check: 'identities', verdict: 'pass', reason: 'it holds no identity, as declared', evidence }
    : {
        check: 'identities',
        verdict: 'fail',
        reason: `Node ${node}: it is declared with keys: forbidden and holds ${listed.length} signing ${listed.length === 1 ? 'identity' : 'identities'}. Find out who imported what, and delete it there.`,
        evidence,
      };
}

export interface SeenKeychain {
  readonly path: string;
  readonly state: 'unlocked' | 'locked' | 'missing' | 'not-a-keychain' | 'unknown';
  /** Expected identities in it. */
  readonly holds: readonly Sha1[];
}

/**
 * The keychains of the search list: all there, and those that hold what this node signs with unlocked while the line's unlock window is open.
 * @param window `open`: also where none is declared
 */
export function judgeKeychains(node: string, keychains: readonly SeenKeychain[], window: 'open' | 'closed'): CheckResult {
  const name = (path: string): string => path.split('/').at(-1) ?? path;
  const broken = keychains.flatMap(({ path, state }) => {
    if (state === 'missing') return [`the search list names ${name(path)}, which is not there; take it off the list, or bring it back`];
    return state === 'not-a-keychain' ? [`${name(path)}, which the search list names, is no keychain`] : [];
  });
  // Of two keychains with the same identity the first of the search list counts.
  const first = (sha1: Sha1): SeenKeychain | undefined => keychains.find(({ holds }) => holds.includes(sha1));
  const locked = keychains.filter((keychain) => keychain.state === 'locked' && keychain.holds.some((sha1) => first(sha1) === keychain));
  const evidence = { keychains: keychains.length, locked: keychains.filter(({ state }) => state === 'locked').length };
  const result = (verdict: CheckResult['verdict'], reason: string): CheckResult => ({ check: 'keychains', verdict, reason, evidence });
  const [fault] = broken;
  if (fault !== undefined) return result('fail', `Node ${node}: ${fault}${more(broken)}.`);
  const [one] = locked;
  if (one === undefined) return result('pass', `${keychains.length} keychains of the search list are as they should be`);
  if (window === 'closed') return result('not-due', `${name(one.path)} is locked, outside the unlock window`);
  return result(
    'fail',
    `Node ${node}: the keychain ${name(one.path)} is locked, so nothing can be signed with ${one.holds.map(short).join(', ')}. Unlock it in the session in which builds sign.`,
  );
}
