import { revertEntries } from '../../src/domain/manifest-changes.js';
import { ResealError } from '../../src/domain/errors.js';
import { freezeManifest } from '../../src/manifest/freeze.js';
import type { RotationActivities } from './contract.js';
import { headOf, manifestOf, situationOf, type Surroundings } from './surroundings.js';

type Advance = Parameters<RotationActivities['advanceHead']>[0];
type Return = Parameters<RotationActivities['returnHead']>[0];

export async function advanceHead(around: Surroundings, move: Advance): ReturnType<RotationActivities['advanceHead']> {
  const { store } = situationOf(around, move.line);
  const { moved, head } = await store.advance(move.line, move.expectedSeq, move.to, { rotation: move.id, ticket: move.ticket });
  if (moved && head !== null) return { moved: true, seq: move.expectedSeq + 1 };
  const now = head === null ? 'gone' : `${head.digest.slice(0, 12)} at seq ${head.seq}`;
  return {
    moved: false,
    reason: `the head of ${move.line} was moved by someone else: expected seq ${move.expectedSeq}, found ${now}`,
    found: head === null ? null : { seq: head.seq, digest: head.digest },
  };
}

/** How often a compare-and-swap is tried again when others keep moving the head. */
const TRIES = 10;

export async function returnHead(around: Surroundings, move: Return): ReturnType<RotationActivities['returnHead']> {
  const { store } = situationOf(around, move.line);
  const context = { rotation: move.id, ticket: move.ticket };
  for (let tries = 0; tries < TRIES; tries++) {
    const { head, manifest } = await headOf(store, move.line);
    let next = move.from;
    if (head.digest !== move.to && head.digest !== move.from) {
      // Other people's changes are kept; only this rotation's entries go back.
      const [from, to] = await Promise.all([manifestOf(store, move.from), manifestOf(store, move.to)]);
      next = await store.putManifest(freezeManifest(revertEntries(manifest, from, to).manifest).bytes, context);
    }
    const answer = await store.advance(move.line, head.seq, next, context);
    if (answer.moved) return { seq: head.seq + 1, digest: next };
  }
  throw new ResealError('HEAD_MOVED', `The head of ${move.line} keeps moving; ${TRIES} attempts to return it were lost.`);
}
