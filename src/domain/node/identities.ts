import type { Sha1 } from '../brands.js';
import type { CheckResult } from './probe.js';

/** An identity as `security find-identity` lists it; an annotated one is unusable, though it is listed and counted. */
export interface ListedIdentity {
  readonly sha1: Sha1;
  readonly annotation: string | null;
}

/** Identities as text that depends on nothing but which they are: one line each, sorted. Its digest is the identity summary. */
export const summaryText = (identities: readonly Sha1[]): string => [...new Set(identities.map((sha1) => `${sha1}\n`))].sort().join('');

/** To the byte what `security find-identity -v -p codesigning` prints where there is none. */
const NONE_LISTED = '     0 valid identities found\n';

/**
 * What a node's identity summary is expected to be the digest of, where the node is not asked. Without identities it is what is printed then: the digest of
 * nothing is also that of a command that failed, and the gate refuses it.
 */
export const expectedSummaryText = (identities: readonly Sha1[]): string =>
  identities.length === 0 ? NONE_LISTED : summaryText(identities);

const REVOKED = 'CSSMERR_TP_CERT_REVOKED';
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
  /** Seconds of idleness; null: never, or not known. */
  readonly locksAfter: number | null;
  /** Of its private keys, the partitions of programs that may use each; null: the key shows none. Missing: not asked. */
  readonly partitions?: readonly (readonly string[] | null)[];
}

export const SYSTEM_KEYCHAIN = '/Library/Keychains/System.keychain';

/** The keychain that reseal makes for an identity, and no other: one each, so that one goes without the other (rotation.md, "A new certificate"). */
export const keychainOf = (identity: Sha1): string => `reseal-${short(identity)}.keychain-db`;

/** Of a keychain's path, what people call it. */
export const keychainName = (path: string): string => path.split('/').at(-1) ?? path;

/** Whether it is one of these. */
export const isDedicated = (path: string): boolean => /(?:^|\/)reseal-[0-9a-f]{8}\.keychain(?:-db)?$/.test(path);

/** One that everybody's Mac has. */
export const isShared = (path: string): boolean => path === SYSTEM_KEYCHAIN || /(?:^|\/)login\.keychain(?:-db)?$/.test(path);

/** An identity with a keychain of its own is in no keychain that everything on the host shares. Elsewhere there is nothing declared to hold it against. */
export function judgePlaces(node: string, expected: readonly Sha1[], keychains: readonly SeenKeychain[]): CheckResult {
  const own = expected.filter((sha1) => keychains.some(({ path, holds }) => isDedicated(path) && holds.includes(sha1)));
  if (own.length === 0) return { check: 'identity-places', verdict: 'not-due', reason: 'no identity has a keychain of its own' };
  const problems = own.flatMap((sha1) =>
    keychains
      .filter(({ path, holds }) => isShared(path) && holds.includes(sha1))
      .map(({ path }) => `the identity ${short(sha1)} has a keychain of its own and is in ${keychainName(path)} too; delete it there`),
  );
  const evidence = { dedicated: own.length, elsewhere: problems.length };
  const [first] = problems;
  return first === undefined
    ? { check: 'identity-places', verdict: 'pass', reason: `${own.length} identities are in keychains of their own alone`, evidence }
    : { check: 'identity-places', verdict: 'fail', reason: `Node ${node}: ${first}${more(problems)}.`, evidence };
}

/** Either lets `codesign` use a key without asking: it is Apple's, and has a partition of its own. */
const CODESIGN_PARTITIONS = ['apple:', 'codesign:'];

/** Of keychains that reseal made, every key names a partition of `codesign`; else it asks by a window that nobody answers. */
export function judgePartitions(node: string, keychains: readonly SeenKeychain[]): CheckResult {
  const asked = keychains.filter(({ partitions }) => partitions !== undefined);
  const lists = asked.flatMap(({ partitions = [] }) => partitions);
  const notDue = (reason: string): CheckResult => ({ check: 'partition-lists', verdict: 'not-due', reason });
  if (asked.length === 0) return notDue('no identity is in an open keychain of its own');
  const problems = asked.flatMap(({ path, partitions = [] }) =>
    partitions.some((list) => list !== null && !list.some((one) => CODESIGN_PARTITIONS.includes(one)))
      ? [
          `a key in ${keychainName(path)} has a partition list without \`codesign:\`, so \`codesign\` would ask a person; run \`security set-key-partition-list -S apple-tool:,apple:,codesign: -s ${keychainName(path)}\` on it`,
        ]
      : [],
  );
  const evidence = { keychains: asked.length, keys: lists.length, without: problems.length };
  const [first] = problems;
  if (first !== undefined)
    return { check: 'partition-lists', verdict: 'fail', reason: `Node ${node}: ${first}${more(problems)}.`, evidence };
  return lists.some((list) => list !== null)
    ? { check: 'partition-lists', verdict: 'pass', reason: `${lists.length} keys let \`codesign\` use them`, evidence }
    : notDue('its keychains show no partition lists');
}

/**
 * Identities of which macOS says that they are revoked, whether the node signs with them now or not. A person finds out whether it is so, and records it: a Mac may
 * be wrong, by its clock or by what it was told. Named as a report names them, by eight digits.
 */
export const revokedFindings = (node: string, { matching, valid }: Listed): readonly string[] =>
  [...new Set([...matching, ...valid].flatMap(({ sha1, annotation }) => (annotation === REVOKED ? [sha1] : [])))].map(
    (sha1) =>
      `macOS says that the identity ${short(sha1)} is revoked (${REVOKED}); find out whether it is, then sign for it by its whole SHA-1 (\`reseal node expected ${node}\` has it): reseal revoke record SHA1 --source ${node} --reason TEXT --as PERSON --ticket TICKET`,
  );

/**
 * Worth saying, and no reason to fail: one identity in two keychains, and a keychain that locks in the middle of a build.
 *
 * @param longestBuild milliseconds
 */
export function keychainFindings(expected: readonly Sha1[], keychains: readonly SeenKeychain[], longestBuild: number): readonly string[] {
  const doubled = expected.filter((sha1) => keychains.filter(({ holds }) => holds.includes(sha1)).length > 1);
  const early = keychains.filter(({ holds, locksAfter }) => holds.length > 0 && locksAfter !== null && locksAfter * 1000 < longestBuild);
  return [
    ...doubled.map((sha1) => `the identity ${short(sha1)} is in two keychains; one of them will be forgotten when it is retired`),
    ...early.map(
      ({ path, locksAfter }) =>
        `the keychain ${keychainName(path)} locks after ${locksAfter ?? 0} s without use, and a build may take ${longestBuild / 1000} s`,
    ),
  ];
}

/**
 * The keychains of the search list: all there, and those that hold what this node signs with unlocked while the line's unlock window is open.
 * @param window `open`: also where none is declared
 */
export function judgeKeychains(node: string, keychains: readonly SeenKeychain[], window: 'open' | 'closed'): CheckResult {
  const broken = keychains.flatMap(({ path, state }) => {
    if (state === 'missing')
      return [`the search list names ${keychainName(path)}, which is not there; take it off the list, or bring it back`];
    return state === 'not-a-keychain' ? [`${keychainName(path)}, which the search list names, is no keychain`] : [];
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
  if (window === 'closed') return result('not-due', `${keychainName(one.path)} is locked, outside the unlock window`);
  const reason = `Node ${node}: the keychain ${keychainName(one.path)} is locked, so nothing can be signed with ${one.holds.map(short).join(', ')}. Unlock it in the session in which builds sign.`;
  return { ...result('fail', reason), lockedKeychain: keychainName(one.path) };
}
