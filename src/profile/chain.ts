import type { Certificate } from './certificate.js';
import type { PinnedRoot } from './trust.js';

/** Longest chain that is followed; Apple's has three certificates. */
const LONGEST = 6;

export type Chain =
  | { readonly state: 'anchored'; readonly certificates: readonly Certificate[]; readonly root: PinnedRoot }
  /** Something in the file contradicts itself: a signature that does not hold, an issuer that is not there. */
  | { readonly state: 'broken'; readonly reason: string }
  /** All that is there holds, but it leads to nobody who is trusted. */
  | { readonly state: 'unanchored'; readonly reason: string };

/**
 * Follows the embedded certificates from the signer's up to a pinned root, verifying every signature on the way.
 * Times are not judged here.
 *
 * @param leaf the signer's certificate, one of `embedded`
 */
export function followChain(leaf: Certificate, embedded: readonly Certificate[], roots: readonly PinnedRoot[]): Chain {
  const path: Certificate[] = [leaf];
  for (let current = leaf; path.length <= LONGEST;) {
    const ended = end(current, path, roots);
    if (ended !== null) return ended;
    const issuers = embedded.filter((one) => one.subject === current.issuer && !path.includes(one));
    const issuer = issuers.find((one) => signs(one, current));
    if (issuer === undefined) return noIssuer(current, issuers, embedded.length > path.length);
    const refusal = mayNotIssue(issuer, current, path.length - 1);
    if (refusal !== null) return { state: 'unanchored', reason: refusal };
    path.push(issuer);
    current = issuer;
  }
  return { state: 'unanchored', reason: `the chain of certificates is longer than ${LONGEST}` };
}

/** The chain's end, where `current` is a root; null where it goes on. */
function end(current: Certificate, path: readonly Certificate[], roots: readonly PinnedRoot[]): Chain | null {
  const selfIssued = current.subject === current.issuer;
  const pin = roots.find((root) => root.sha256 === current.sha256) ?? roots.find((root) => root.keySha256 === current.keySha256);
  if (pin !== undefined && pin.sha256 === current.sha256) return { state: 'anchored', certificates: path, root: pin };
  if (!selfIssued && pin === undefined) return null;
  // A root known by its key alone must be one that this key really made.
  if (!selfIssued || !signs(current, current)) {
    return { state: 'broken', reason: `the signature of the root certificate ${quoted(current)} does not hold` };
  }
  if (pin !== undefined) return { state: 'anchored', certificates: path, root: pin };
  return { state: 'unanchored', reason: `the chain ends at ${quoted(current)} (SHA-256 ${current.sha256}), which is no pinned root` };
}

function noIssuer(current: Certificate, named: readonly Certificate[], others: boolean): Chain {
  if (named.length > 0)
    return {
      state: 'broken',
      reason: `the certificate ${quoted(current)} is not signed by ${quoted(named[0] ?? current)}, which it names as its issuer`,
    };
  const reason = `the certificate of the issuer of ${quoted(current)} is not in the file`;
  return others ? { state: 'broken', reason: `${reason}, though others are` } : { state: 'unanchored', reason };
}

function mayNotIssue(issuer: Certificate, subject: Certificate, below: number): string | null {
  if (!issuer.x509.ca) return `${quoted(subject)} was issued by ${quoted(issuer)}, which is no certificate authority`;
  if (!subject.x509.checkIssued(issuer.x509)) return `${quoted(issuer)} may not sign certificates, or not this one`;
  if (issuer.pathLength !== null && issuer.pathLength < below) return `${quoted(issuer)} may not have ${below} authorities below it`;
  return null;
}

function signs(issuer: Certificate, subject: Certificate): boolean {
  try {
    return subject.x509.verify(issuer.x509.publicKey);
  } catch {
    // OpenSSL refuses to try: another kind of key, or a signature algorithm that it does not know. Either way it does not hold.
    return false;
  }
}

const quoted = (certificate: Certificate): string => `"${certificate.commonName}"`;
