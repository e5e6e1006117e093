import { posix } from 'node:path';
import type { Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { NodeStep, ReadBack } from '../../src/domain/node/steps.js';
import { sha256Of } from '../../src/manifest/digest.js';
import { planEffect, type ChangingStep, type Effect } from './effects.js';
import { PROFILE_FOLDERS, profilePath } from './paths.js';
import { makeFolders, missingFolders } from './folders.js';
import type { NodeSession, WritingSession } from './session.js';

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
  session.held.check();
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
    for (const { effect } of due) effect.discard();
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
  const folders = missingFolders(session, wanted);
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
  throw new ResealError(
    'READ_BACK_FAILED',
    `Node ${session.files.node}: ${first}${more}. The operation is tried again; look for what else writes there.`,
    { details: problems },
  );
}

/** Every difference between what is expected and what the node has. */
export async function readBackProblems(session: NodeSession, expect: ReadBack): Promise<readonly string[]> {
  const { files, paths, contents } = session;
  const problems: string[] = [];
  for (const placement of expect.present ?? []) {
    const found = files.read(profilePath(placement));
    const where = `${PROFILE_FOLDERS[placement.folder]}/${placement.fileName}`;
    if (found.kind === 'absent') problems.push(`${where} is missing, expected SHA-256 ${placement.sha256}`);
    else if (found.kind === 'other') problems.push(`${where} is ${found.what}, expected a file of SHA-256 ${placement.sha256}`);
    else if (!contents.matches(found.bytes, placement.sha256))
      problems.push(`${where} has SHA-256 ${sha256Of(found.bytes)}, expected ${placement.sha256}`);
  }
  for (const placement of expect.absent ?? []) {
    if (files.exists(profilePath(placement))) problems.push(`${profilePath(placement)} is still there`);
  }
  for (const digest of expect.manifestsPresent ?? []) problems.push(...(await manifestProblems(session, digest)));
  for (const digest of expect.manifestsAbsent ?? []) {
    for (const path of [paths.manifest(digest), paths.settingsOf(digest)]) if (files.exists(path)) problems.push(`${path} is still there`);
  }
  if (expect.active !== undefined) {
    const found = files.read(paths.active);
    const active = found.kind === 'file' ? sha256Of(found.bytes) : found.kind === 'absent' ? 'nothing' : found.what;
    if (active !== expect.active) problems.push(`${paths.active} has ${active}, expected ${expect.active}`);
  }
  return problems;
}

/** Differences in a manifest's frozen bytes and rendered settings on the node. */
export async function manifestProblems(session: NodeSession, digest: Sha256): Promise<readonly string[]> {
  const { files, paths, contents } = session;
  const known = await contents.manifest(digest);
  const settings = await contents.settings(known, session.node.name);
  const wanted = [
    { path: paths.manifest(digest), bytes: known.bytes },
    ...settings.map(({ path, bytes }) => ({ path: `${paths.settings}/${path}`, bytes })),
  ];
  return wanted.flatMap(({ path, bytes }) => {
    const found = files.read(path);
    if (found.kind === 'absent') return [`${path} is missing`];
    if (found.kind === 'other') return [`${path} is ${found.what}, expected a file`];
    return Buffer.compare(found.bytes, bytes) === 0 ? [] : [`${path} has SHA-256 ${sha256Of(found.bytes)}, expected ${sha256Of(bytes)}`];
  });
}
