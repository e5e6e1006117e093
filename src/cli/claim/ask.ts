import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ResealError } from '../../domain/errors.js';
import type { ClaimKeyView, ClaimStandingView } from '../../presenters/claim.js';
import { keyText } from '../../presenters/claim-text.js';
import type { ApiClient } from '../api-client.js';
import type { Context } from '../command.js';
import { durationOf, ownName } from '../given.js';
import { digestOf } from './key.js';

/** Between two looks at a claim that another holds, in milliseconds. */
const LOOK_EVERY = 1_000;

/** What everybody says who asks for a claim. */
export const SIGNER = {
  manifest: {
    kind: 'text',
    required: true,
    description: 'Manifest that it is signed by: profiles.json, or its SHA-256',
    value: 'PATH|SHA',
  },
  ticket: { kind: 'text', required: true, description: 'Ticket id', value: 'TICKET' },
  for: { kind: 'text', description: "How long signing takes at most (default: the policy's claims.lease)", value: 'DURATION' },
  job: { kind: 'text', description: 'Key of the job: asking again under it gets the same claim (default: a new one)', value: 'KEY' },
  holder: { kind: 'text', description: 'Who signs (default: USER@HOST)', value: 'NAME' },
  pipeline: { kind: 'text', description: 'Pipeline that it is signed in (default: none)', value: 'NAME' },
  resign: { kind: 'flag', description: 'Sign once more what is signed already' },
} as const;

interface Asked {
  readonly manifest: string;
  readonly ticket: string;
  readonly for?: string | undefined;
  readonly job?: string | undefined;
  readonly holder?: string | undefined;
  readonly pipeline?: string | undefined;
  readonly resign: boolean;
}

/** Asks, and waits for another that signs for at most `wait` milliseconds. @throws ResealError ALREADY_DECIDED where that one still signs */
export async function askForClaim(
  context: Context,
  api: ApiClient,
  key: ClaimKeyView,
  { resign, ...asked }: Asked,
  wait: number,
): Promise<ClaimStandingView> {
  const body = {
    key,
    holder: asked.holder ?? ownName(),
    pipeline: asked.pipeline ?? 'none',
    ticket: asked.ticket,
    job: asked.job ?? randomUUID(),
    manifest: await digestOf(context, asked.manifest),
    purpose: resign ? 'resign' : 'sign',
    ...(asked.for === undefined ? {} : { lease: durationOf('--for', asked.for) }),
  };
  const until = Date.now() + wait;
  const signal = wait > 0 ? context.interrupted() : undefined;
  let standing = await api.post<ClaimStandingView>('/v1/claims', body);
  while (standing.heldBy !== null && Date.now() < until && signal?.aborted !== true) {
    context.output.progress(`waiting for ${standing.heldBy.holder}, job ${standing.heldBy.job}, which signs ${keyText(key)}`);
    await sleep(LOOK_EVERY, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    standing = await api.post<ClaimStandingView>('/v1/claims', body);
  }
  if (standing.heldBy === null) return standing;
  const { holder, job, until: end } = standing.heldBy;
  const next = wait === 0 ? 'Wait for it with --wait 30m' : 'Wait longer';
  throw new ResealError('ALREADY_DECIDED', `${holder}, job ${job}, signs ${keyText(key)} until ${end} at the latest. ${next}.`);
}
