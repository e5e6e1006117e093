import { allHandlersFinished, condition, setCurrentDetails, setHandler, uuid4 } from '@temporalio/workflow';
import {
  acquireClaim,
  claimView,
  completeClaim,
  releaseClaim,
  settleClaim,
  unclaimed,
  type Signing,
  type SigningClaim,
} from '../src/domain/signing/claim.js';
import { ledger } from './activities.js';
import { acquireClaimUpdate, claimQuery, completeClaimUpdate, releaseClaimUpdate, type SignClaimInput } from './claim-messages.js';

/** How long a claim that nobody asks for keeps its workflow; whoever asks later starts it anew. */
const IDLE_FOR = 60_000;

/**
 * Who may sign one artifact, as workflow `claim/<artifact>/<bundle>/<method>`: two jobs that race for it ask one workflow. It begins with
 * what the ledger has of earlier signatures, and ends when nobody holds it and the ledger has everything.
 */
export async function signClaim(input: SignClaimInput): Promise<void> {
  const known: { claim: SigningClaim | null } = { claim: null };
  let unrecorded: readonly Signing[] = [];
  let moves = 0;

  /** An Update that comes before the ledger has answered waits. What it decides on is read after that: two of them must see each other's claim. */
  const loaded = (): Promise<void> => condition(() => known.claim !== null);
  const now = (): SigningClaim => settleClaim(known.claim ?? unclaimed(input.key, []), Date.now());
  const take = (claim: SigningClaim): void => {
    known.claim = claim;
    moves += 1;
  };

  setHandler(acquireClaimUpdate, async ({ terms, ...asked }) => {
    await loaded();
    const { claim, answer } = acquireClaim(now(), { ...asked, token: uuid4() }, Date.now(), terms);
    take(claim);
    return answer;
  });
  setHandler(completeClaimUpdate, async ({ token, signed, location }) => {
    await loaded();
    const before = now();
    const { claim, answer } = completeClaim(before, token, { signed, location }, Date.now());
    const made = claim.signings.slice(before.signings.length);
    unrecorded = [...unrecorded, ...made];
    take(claim);
    return answer;
  });
  setHandler(releaseClaimUpdate, async ({ token }) => {
    await loaded();
    take(releaseClaim(now(), token, Date.now()));
  });
  setHandler(claimQuery, () => (known.claim === null ? null : claimView(known.claim)));

  take(unclaimed(input.key, await ledger.signings(input.key)));
  for (;;) {
    publish(known.claim);
    if (unrecorded.length > 0) {
      const batch = unrecorded;
      await ledger.recordSignings(batch);
      unrecorded = unrecorded.filter((signing) => !batch.includes(signing));
      continue;
    }
    const seen = moves;
    const changed = (): boolean => moves !== seen;
    const until = known.claim?.held?.until ?? null;
    if (until !== null) {
      if (!(await condition(changed, Math.max(1, until - Date.now())))) take(now());
    } else if (!(await condition(changed, IDLE_FOR))) {
      await condition(allHandlersFinished);
      if (moves === seen) return;
    }
  }
}

/** Tells Temporal's own UI where the claim stands. */
function publish(claim: SigningClaim | null): void {
  const last = claim?.signings.at(-1);
  const held = claim?.held ?? null;
  if (held !== null) setCurrentDetails(`**${held.holder}** signs under ${held.ticket}, job ${held.job}`);
  else if (last !== undefined) setCurrentDetails(`signed by **${last.holder}** under ${last.ticket}, job ${last.job}: \`${last.signed}\``);
  else setCurrentDetails('nobody holds it, and it is not signed');
}
