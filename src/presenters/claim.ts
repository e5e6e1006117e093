import type { ClaimAnswer, ClaimKey, PublicClaim, PublicSigning } from '../domain/signing/claim.js';

const iso = (at: number): string => new Date(at).toISOString();

interface SignerView {
  readonly holder: string;
  readonly pipeline: string;
  readonly ticket: string;
  readonly job: string;
  /** SHA-256 of the manifest that it signs by. */
  readonly manifest: string;
  readonly purpose: 'sign' | 'resign';
  readonly grantedAt: string;
}

export interface HeldClaimView extends SignerView {
  readonly until: string;
}

export interface SigningView extends SignerView {
  /** SHA-256 of the signed artifact. */
  readonly signed: string;
  readonly location: string | null;
  readonly completedAt: string;
}

export interface ClaimKeyView {
  /** SHA-256 of the unsigned artifact. */
  readonly artifact: string;
  readonly bundleId: string;
  readonly method: string;
}

/** Where a request stands. `granted`: sign now, and complete under the token; `held`: another signs; `signed`: it is signed already. */
export interface ClaimStandingView {
  readonly schemaVersion: 1;
  readonly key: ClaimKeyView;
  readonly state: ClaimAnswer['kind'];
  /** For who asked alone. */
  readonly token: string | null;
  readonly until: string | null;
  readonly heldBy: HeldClaimView | null;
  readonly signing: SigningView | null;
}

export interface ClaimShowView {
  readonly schemaVersion: 1;
  readonly key: ClaimKeyView;
  readonly held: HeldClaimView | null;
  /** Oldest first; the last one counts. */
  readonly signings: readonly SigningView[];
}

export interface ClaimCompletionView {
  readonly schemaVersion: 1;
  readonly key: ClaimKeyView;
  readonly signing: SigningView;
}

export interface ClaimReleaseView {
  readonly schemaVersion: 1;
  readonly key: ClaimKeyView;
}

export const heldView = ({ grantedAt, until, ...signer }: PublicClaim): HeldClaimView => ({
  ...signer,
  grantedAt: iso(grantedAt),
  until: iso(until),
});

export const signingView = ({ key: _key, grantedAt, completedAt, ...signing }: PublicSigning): SigningView => ({
  ...signing,
  grantedAt: iso(grantedAt),
  completedAt: iso(completedAt),
});

export function standingView(key: ClaimKey, answer: ClaimAnswer): ClaimStandingView {
  const base = { schemaVersion: 1, key, state: answer.kind, token: null, until: null, heldBy: null, signing: null } as const;
  switch (answer.kind) {
    case 'granted':
      return { ...base, token: answer.token, until: iso(answer.until) };
    case 'held':
      return { ...base, heldBy: heldView(answer.by) };
    case 'signed':
      return { ...base, signing: signingView(answer.signing) };
  }
}
