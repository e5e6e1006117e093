import { ResealError, type ErrorCode } from '../domain/errors.js';
import type { VerifiedProfile } from '../profile/read.js';
import { signerExpired } from '../profile/signature.js';

/** One file of `reseal profile verify` or `import`. */
export type ProfileVerdictView =
  | {
      readonly path: string;
      readonly ok: true;
      readonly uuid: string;
      readonly name: string;
      readonly sha256: string;
      readonly expiresAt: string;
      readonly signedAt: string | null;
      readonly signerExpired: boolean;
      readonly reason: string;
    }
  | { readonly path: string; readonly ok: false; readonly error: { readonly code: ErrorCode; readonly message: string } };

export interface ProfileVerdictsView {
  readonly schemaVersion: 1;
  readonly ok: boolean;
  readonly profiles: readonly ProfileVerdictView[];
}

/** What `reseal profile import` did: all of the files, or none of them. */
export interface ProfileImportView extends ProfileVerdictsView {
  readonly imported: boolean;
  readonly importedBy: string;
}

/** @param at by which a signer's certificate has expired since or not */
export function profileVerdictsView(
  outcomes: readonly { readonly path: string; readonly outcome: VerifiedProfile | ResealError }[],
  at: number,
): ProfileVerdictsView {
  const profiles = outcomes.map(({ path, outcome }) => verdictView(path, outcome, at));
  return { schemaVersion: 1, ok: profiles.every((one) => one.ok), profiles };
}

function verdictView(path: string, outcome: VerifiedProfile | ResealError, at: number): ProfileVerdictView {
  if (outcome instanceof ResealError) return { path, ok: false, error: { code: outcome.code, message: outcome.message } };
  const { profile, signature } = outcome;
  return {
    path,
    ok: true,
    uuid: profile.uuid,
    name: profile.name,
    sha256: profile.sha256,
    expiresAt: profile.expiresAt,
    signedAt: signature.signedAt,
    signerExpired: signerExpired(signature, at),
    reason: signature.reason,
  };
}
