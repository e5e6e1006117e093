import { posix } from 'node:path';
import type { Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { NodeStep, ReadBack } from '../../src/domain/node/steps.js';
import { differences } from './differences.js';
import { planEffect, type ChangingStep } from './effects.js';
import type { Effect } from './effect.js';
import { identityProblems } from './identities.js';
import { profilePath } from './paths.js';
import { makeFolders, missingFolders } from './folders.js';
import { digestAt } from './manifest-effects.js';
import { manifestProblems } from './manifest-problems.js';
import type { WritingSession } from './session.js';
import { published } from './volume.js';

/** Steps that follow each other, or a read-back. */
type Part = { readonly steps: readonly ChangingStep[] } | { readonly readBack: ReadBack; readonly step: NodeStep };

/**
 * Executes the steps of a node operation in order. Each step looks at the node first and does only what is missing; the fence is asked
 * right before every rename; steps that follow each other share one synced write of their intents to the journal.
 * @returns whether anything on the node was changed.
 * @throws ResealError STALE_EPOCH, ORDER_EXPIRED, READ_BACK_FAILED, NODE_WRITE_FAILED, NODE_UNREACHABLE, REFUSED, DIGEST_MISMATCH, STORE_UNREACHABLE
 */
export async function executeSteps(session: WritingSession, steps: readonly NodeStep[]): Promise<boolean> {
  let changed = false;
  for (const part of parts(steps)) {
    if ('steps' in part) {
      changed = (await executeBatch(session, part.steps)) || changed;
    } else {
      await readBack(session, part.readBack);
      await session.hooks.afterStep?.(part.step);
    }
  }
  return changed;
}

function parts(steps: readonly NodeStep[]): readonly Part[] {
  const result: Part[] = [];
  let batch: ChangingStep[] = [];
  const close = (): void => {
    if (batch.length > 0) result.push({ steps: batch });
    batch = [];
  };
  for (const [index, step] of steps.entries()) {
    if (step.do === 'fence') continue;
    if (step.do === 'read-back') {
      close();
      result.push({ readBack: step.expect, step });
    } else if (steps[index - 1]?.do === 'fence') {
      batch.push(step);
    } else {
      throw new ResealError('INTERNAL', `The step ${step.do} changes a node without a fence right before it.`);
    }
  }
  close();
  return result;
}

interface Planned {
  readonly step: ChangingStep;
  readonly effect: Effect | null;
}

async function executeBatch(session: WritingSession, steps: readonly ChangingStep[]): Promise<boolean> {
  await session.held.check();
  const planned = await Promise.all(steps.map(async (step): Promise<Planned> => ({ step, effect: await planEffect(session, step) })));
  const due = planned.flatMap(({ step, effect }) => (effect === null ? [] : [{ step, effect }]));
  try {
    if (due.length > 0) await prepare(session, due);
    for (const stretch of stretches(planned)) {
      for (const one of stretch) await applyOne(session, one);
      // One kind of step is on disk before the next begins: a manifest is un-accepted before its files go, whenever the power fails.
      await session.files.syncFolders(stretch.flatMap(({ effect }) => effect?.touched ?? []));
    }
  } finally {
    for (const { effect } of due) await effect.discard();
  }
  return due.length > 0;
}

/**
 * Intents are on disk before the first folder and the first rename; folders are before anything is moved into them. Bytes that nobody
 * sees yet wait for neither: they go to the disk at the same time.
 */
async function prepare(session: WritingSession, due: readonly { readonly step: ChangingStep; readonly effect: Effect }[]): Promise<void> {
  const effects = due.map(({ effect }) => effect);
  const wanted = effects.flatMap((effect) => effect.folders);
  const folders = await missingFolders(session, wanted);
  const intended = session.attempt.journal.intend(due.map(({ step, effect }) => ({ do: step.do, subject: effect.subject })));
  if (folders.length > 0) {
    await intended;
    await makeFolders(session, folders);
  }
  const made = session.files.syncFolders(folders.map((folder) => posix.dirname(folder)));
  await settleAll([intended, made, ...effects.map((effect) => effect.prepare())]);
}

async function applyOne(session: WritingSession, { step, effect }: Planned): Promise<void> {
  if (effect !== null) {
    await session.hooks.beforeEffect?.(step);
    await effect.apply();
    session.attempt.journal.result({ do: step.do, subject: effect.subject }, true);
  }
  await session.hooks.afterStep?.(step);
}

/** Waits for all, then throws the first failure: nothing is still being written when the clean-up begins. */
async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
}

function stretches(planned: readonly Planned[]): readonly (readonly Planned[])[] {
  const result: Planned[][] = [];
  for (const one of planned) {
    const last = result.at(-1);
    if (last?.[0]?.step.do === one.step.do) last.push(one);
    else result.push([one]);
  }
  return result;
}

/** Reads what was written, or must be there. @throws ResealError READ_BACK_FAILED naming node and file */
async function readBack(session: WritingSession, expect: ReadBack): Promise<void> {
  const problems = await readBackProblems(session, expect);
  const [first] = problems;
  if (first === undefined) return;
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
  throw new ResealError('READ_BACK_FAILED', `Node ${session.files.node}: ${first}${more}. Look for what else writes there.`, {
    details: problems,
  });
}

/** Every difference between what is expected and what the node has. */
export async function readBackProblems(session: WritingSession, expect: ReadBack): Promise<readonly string[]> {
  const { files } = session;
  const problems: string[] = [];
  const present = await files.digests((expect.present ?? []).map(profilePath));
  for (const [position, placement] of (expect.present ?? []).entries())
    problems.push(...differences(profilePath(placement), present[position], placement.sha256));
  for (const placement of expect.absent ?? []) {
    if (await files.exists(profilePath(placement))) problems.push(`${profilePath(placement)} is still there`);
  }
  problems.push(...(await identityProblems(session, expect.identitiesPresent ?? [], expect.identitiesAbsent ?? [])));
  for (const digest of expect.manifestsPresent ?? []) problems.push(...(await manifestProblems(session, digest)));
  for (const digest of expect.manifestsAbsent ?? []) problems.push(...(await leftOf(session, digest)));
  if (expect.active !== undefined) {
    // Where there is a volume, at the publisher: the node's own mount may show what was there before, and is waited for without the lock.
    const at = published(session);
    const found = await digestAt(at, at.paths.active);
    const active = found.kind === 'file' ? found.sha256 : found.kind === 'other' ? found.what : 'nothing';
    if (active !== expect.active) problems.push(`${placeOf(session)}${at.paths.active} has ${active}, expected ${expect.active}`);
  }
  return problems;
}

/** What is still there of a manifest that was taken away; of a published one, that the node needs it: other nodes may need it yet. */
async function leftOf(session: WritingSession, digest: Sha256): Promise<readonly string[]> {
  const { files, paths, volume } = session;
  const gone = volume === null ? [paths.manifest(digest), paths.settingsOf(digest)] : [volume.paths.need(digest)];
  const problems: string[] = [];
  for (const path of gone) if (await (volume?.files ?? files).exists(path)) problems.push(`${placeOf(session)}${path} is still there`);
  return problems;
}

const placeOf = ({ volume }: WritingSession): string => (volume === null ? '' : `at the publisher ${volume.files.node} `);
