import type { z } from 'zod';
import type { Sha256 } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { claimView, unclaimed, type ClaimKey, type CompletionAnswer } from '../domain/signing/claim.js';
import {
  heldView,
  signingView,
  standingView,
  type ClaimCompletionView,
  type ClaimReleaseView,
  type ClaimShowView,
  type ClaimStandingView,
} from '../presenters/claim.js';
import { Claims } from '../temporal/claims.js';
import { mustBeTicket, type RotationDesk } from './rotations.js';
import type { ClaimAcquireBody, ClaimCompleteBody, ClaimKeyBody, ClaimReleaseBody } from './routes.js';

const claimsOf = (desk: RotationDesk): Claims => new Claims(desk.client, desk.taskQueue);
const keyOf = ({ artifact, bundleId, method }: z.infer<typeof ClaimKeyBody>): ClaimKey => ({
  artifact: artifact as Sha256,
  bundleId,
  method,
});

/** Asks for the right to sign, and answers at once. */
export async function acquireClaim(desk: RotationDesk, asked: z.infer<typeof ClaimAcquireBody>): Promise<ClaimStandingView> {
  mustBeTicket(desk, asked.ticket);
  const key = keyOf(asked.key);
  const { holder, pipeline, ticket, job, manifest, lease = null, purpose } = asked;
  const { claims } = desk.around.configuration().policy;
  const request = { holder, pipeline, ticket, job, manifest: manifest as Sha256, lease, purpose };
  return standingView(key, await claimsOf(desk).acquire(key, claims, request));
}

/** @throws ResealError ALREADY_DECIDED where another has the claim, or has signed */
export async function completeClaim(desk: RotationDesk, asked: z.infer<typeof ClaimCompleteBody>): Promise<ClaimCompletionView> {
  const key = keyOf(asked.key);
  const { token, signed, location = null } = asked;
  const answer = await claimsOf(desk).complete(key, { token, signed: signed as Sha256, location });
  if (answer.kind !== 'completed') throw new ResealError('ALREADY_DECIDED', notCompleted(answer));
  return { schemaVersion: 1, key, signing: signingView(answer.signing) };
}

function notCompleted(answer: Exclude<CompletionAnswer, { kind: 'completed' }>): string {
  if (answer.kind === 'contradicts')
    return `This claim was completed before, with the signed artifact ${answer.signing.signed}. Use that one; to sign once more, acquire a new claim with --resign.`;
  const over = 'This claim is over: its lease ended, or it was given up.';
  const { by } = answer;
  if (by === null) return `${over} Acquire it anew.`;
  return 'signed' in by
    ? `${over} The artifact was signed meanwhile by ${by.holder}, job ${by.job}: ${by.signed}. Use that one, and throw yours away.`
    : `${over} ${by.holder}, job ${by.job}, signs it now. Throw your signature away, and wait for that one with \`reseal claim acquire --wait\`.`;
}

export async function releaseClaim(desk: RotationDesk, asked: z.infer<typeof ClaimReleaseBody>): Promise<ClaimReleaseView> {
  const key = keyOf(asked.key);
  await claimsOf(desk).release(key, asked.token);
  return { schemaVersion: 1, key };
}

export async function showClaim(desk: RotationDesk, asked: z.infer<typeof ClaimKeyBody>): Promise<ClaimShowView> {
  const key = keyOf(asked);
  const { held, signings } = (await claimsOf(desk).view(key)) ?? claimView(unclaimed(key, await desk.ledger.signings(key)));
  return { schemaVersion: 1, key, held: held === null ? null : heldView(held), signings: signings.map(signingView) };
}
