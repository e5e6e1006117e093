import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { ClaimAnswer, ClaimKey, ClaimRequest, ClaimTerms, ClaimView, CompletionAnswer, Signing } from '../src/domain/signing/claim.js';

/** Asks for the claim, or again. Answered at once: granted, held by another, or signed already. */
export const acquireClaimUpdate = defineUpdate<ClaimAnswer, [Omit<ClaimRequest, 'token'> & { readonly terms: ClaimTerms }]>('acquire');
export const completeClaimUpdate = defineUpdate<CompletionAnswer, [Pick<Signing, 'token' | 'signed' | 'location'>]>('complete');
export const releaseClaimUpdate = defineUpdate<void, [{ readonly token: string }]>('release');
/** Null until the ledger has said what was signed before. */
export const claimQuery = defineQuery<ClaimView | null>('claim');

export interface SignClaimInput {
  readonly key: ClaimKey;
}
