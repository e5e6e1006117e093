import type { Duration, Instant, Sha256 } from '../brands.js';
import type { Method } from '../manifest.js';

/** What is signed once (S11): the unsigned artifact, for one bundle and one way of distribution. */
export interface ClaimKey {
  /** Digest of the unsigned artifact. */
  readonly artifact: Sha256;
  readonly bundleId: string;
  readonly method: Method;
}

/** Who signs. One job of one holder has one claim, however often it asks. */
export interface Signer {
  readonly holder: string;
  readonly pipeline: string;
  readonly ticket: string;
  readonly job: string;
  /** The manifest that it signs by. */
  readonly manifest: Sha256;
}

export interface ClaimRequest extends Signer {
  /** Used where there is no claim of this job yet. */
  readonly token: string;
  /** Null: the policy's. Never longer than the policy's longest. */
  readonly lease: Duration | null;
  /** `sign`: unless it is signed already; `resign`: once more, under a ticket of its own. */
  readonly purpose: 'sign' | 'resign';
}

/** `policy.yaml`, claims. */
export interface ClaimTerms {
  readonly lease: Duration;
  readonly longest: Duration;
}

/** A claim that is held: its job signs, or died. */
export interface HeldClaim extends Signer {
  /** Who has it may complete and release; never shown to others. */
  readonly token: string;
  readonly purpose: ClaimRequest['purpose'];
  readonly grantedAt: Instant;
  readonly until: Instant;
}

/** A signature that was made: what a re-run gets instead of a second one. */
export interface Signing extends Signer {
  readonly key: ClaimKey;
  readonly token: string;
  readonly purpose: ClaimRequest['purpose'];
  /** Digest of the signed artifact. */
  readonly signed: Sha256;
  /** Where it is, in the team's own words: a path or an address. Null where nobody said. */
  readonly location: string | null;
  readonly grantedAt: Instant;
  readonly completedAt: Instant;
}

/** Everything that is known of one key. */
export interface SigningClaim {
  readonly key: ClaimKey;
  /** Oldest first. The last one counts. */
  readonly signings: readonly Signing[];
  readonly held: HeldClaim | null;
  /** The last claim whose lease ended unused: it may still be completed as long as nobody else has claimed the key. */
  readonly lapsed: HeldClaim | null;
}

export const unclaimed = (key: ClaimKey, signings: readonly Signing[]): SigningClaim => ({ key, signings, held: null, lapsed: null });

/** What who asks is told. */
export type ClaimAnswer =
  | { readonly kind: 'granted'; readonly token: string; readonly until: Instant }
  | { readonly kind: 'held'; readonly by: PublicClaim }
  | { readonly kind: 'signed'; readonly signing: PublicSigning };

/** What who has signed is told. `gone`: the lease ended and another has the claim, or it never was. */
export type CompletionAnswer =
  | { readonly kind: 'completed'; readonly signing: PublicSigning }
  | { readonly kind: 'gone'; readonly by: PublicClaim | PublicSigning | null }
  /** It was completed before, with another artifact. */
  | { readonly kind: 'contradicts'; readonly signing: PublicSigning };

export type PublicClaim = Omit<HeldClaim, 'token'>;
export type PublicSigning = Omit<Signing, 'token'>;

const isBy = (one: Signer, other: Pick<Signer, 'holder' | 'job'>): boolean => one.holder === other.holder && one.job === other.job;
const shown = <T extends { readonly token: string }>({ token: _token, ...rest }: T): Omit<T, 'token'> => rest;

/** Brings a claim to `now`: a lease that is over ends, by the clock of who asks us, never by that of its holder. */
export function settleClaim(claim: SigningClaim, now: Instant): SigningClaim {
  return claim.held === null || claim.held.until > now ? claim : { ...claim, held: null, lapsed: claim.held };
}

/** Asks for the claim, or again for the one that the same job has already: its lease is not lengthened by asking. */
export function acquireClaim(
  before: SigningClaim,
  request: ClaimRequest,
  now: Instant,
  terms: ClaimTerms,
): { readonly claim: SigningClaim; readonly answer: ClaimAnswer } {
  const claim = settleClaim(before, now);
  const { held } = claim;
  if (held !== null && isBy(held, request)) return { claim, answer: { kind: 'granted', token: held.token, until: held.until } };
  if (held !== null) return { claim, answer: { kind: 'held', by: shown(held) } };
  const signing = answerOf(claim, request);
  if (signing !== undefined) return { claim, answer: { kind: 'signed', signing: shown(signing) } };
  const { lease, ...signer } = request;
  const until = now + Math.min(lease ?? terms.lease, terms.longest);
  return {
    claim: { ...claim, held: { ...signer, grantedAt: now, until }, lapsed: null },
    answer: { kind: 'granted', token: request.token, until },
  };
}

/** The signature that answers a request. Who signs once more gets its own from before, where it has made it already. */
function answerOf({ signings }: SigningClaim, request: ClaimRequest): Signing | undefined {
  if (request.purpose === 'sign') return signings.at(-1);
  return signings.findLast((signing) => signing.purpose === 'resign' && isBy(signing, request));
}

/** Says what was signed. Said twice it is one signature; a claim that has lapsed counts as long as nobody else has claimed the key since. */
export function completeClaim(
  before: SigningClaim,
  token: string,
  { signed, location }: Pick<Signing, 'signed' | 'location'>,
  now: Instant,
): { readonly claim: SigningClaim; readonly answer: CompletionAnswer } {
  const claim = settleClaim(before, now);
  const made = claim.signings.find((signing) => signing.token === token);
  if (made !== undefined) return { claim, answer: { kind: made.signed === signed ? 'completed' : 'contradicts', signing: shown(made) } };
  const own = [claim.held, claim.lapsed].find((one) => one?.token === token);
  if (own === undefined || own === null) {
    const last = claim.signings.at(-1);
    const by = claim.held !== null ? shown(claim.held) : last !== undefined ? shown(last) : null;
    return { claim, answer: { kind: 'gone', by } };
  }
  const { until: _until, ...signer } = own;
  const signing: Signing = { ...signer, key: claim.key, signed, location, completedAt: now };
  return {
    claim: { ...claim, signings: [...claim.signings, signing], held: null, lapsed: null },
    answer: { kind: 'completed', signing: shown(signing) },
  };
}

/** Gives the claim up unsigned, so that the next job need not wait for the lease. Of a claim that is gone: nothing. */
export function releaseClaim(before: SigningClaim, token: string, now: Instant): SigningClaim {
  const claim = settleClaim(before, now);
  if (claim.held?.token === token) return { ...claim, held: null };
  return claim.lapsed?.token === token ? { ...claim, lapsed: null } : claim;
}

/** A claim as anybody may see it: without tokens, which are their holders' alone. */
export interface ClaimView {
  readonly key: ClaimKey;
  readonly held: PublicClaim | null;
  readonly signings: readonly PublicSigning[];
}

export const claimView = ({ key, held, signings }: SigningClaim): ClaimView => ({
  key,
  held: held === null ? null : shown(held),
  signings: signings.map(shown),
});
