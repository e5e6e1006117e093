import type { Instant, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { isReturn, type NodeOperation, type NodeOrder } from '../../src/domain/node/order.js';
import { pinned, pinsSeen } from '../../src/domain/node/pins.js';
import { lockedAlone, proof, type Verdict } from '../../src/domain/node/probe.js';
import type { NodeResult } from '../../src/domain/node/report.js';
import {
  activateSteps,
  identitySteps,
  removeSteps,
  restoreSteps,
  stageSteps,
  unlockSteps,
  type ManifestFiles,
  type NodeStep,
} from '../../src/domain/node/steps.js';
import { cacheTimeOf } from '../../src/domain/published-volume.js';
import { executeSteps, readBackProblems } from './execute-steps.js';
import { AdmittedAttempt } from './fence.js';
import { removeOwnFolders } from './folders.js';
import type { KnownManifest } from './frozen-contents.js';
import type { JournalSubject } from './journal.js';
import { manifestOnNode } from './manifest-on-node.js';
import { manifestProblems } from './manifest-problems.js';
import { readPins } from './pins.js';
import { probeNode, type Probe } from './probe.js';
import type { NodeSession, StepHooks, WritingSession } from './session.js';
import { SwitchCanary } from './switch-canary.js';
import { lockedAfter, lockedInProbe } from './unlock-failure.js';
import type { ProfileVerifier } from './verifier.js';
import { enterVolume, leaveVolume, published } from './volume.js';
import { hiddenFor, notShown } from './visibility.js';

/** What operations need beside the node. */
export interface OperationTools {
  readonly verifier: ProfileVerifier;
  readonly clock: () => Instant;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly heartbeat: (details: unknown) => void;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  readonly hooks: StepHooks;
}

type Proven = Omit<NodeResult, 'node' | 'active'>;

/** How an operation's own part ended; `changed` is for the journal. */
type Ended = Proven & { readonly changed: boolean };

/** What takes its time is done without the node's lock, and the end again under it. */
interface Unfinished {
  readonly apart: () => Promise<Proven>;
  readonly afterwards: (session: WritingSession, proven: Proven) => Promise<Ended>;
}

export async function stage(session: NodeSession, tools: OperationTools, to: Sha256): Promise<NodeResult> {
  await fetchFirst(session, to);
  return operate(session, tools, 'stage', to, async (writing) => bring(writing, tools, to, stageSteps(await filesOf(session, to))));
}

export async function restore(session: NodeSession, tools: OperationTools, manifest: Sha256): Promise<NodeResult> {
  await fetchFirst(session, manifest);
  return operate(session, tools, 'restore', manifest, async (writing) => {
    const files = await filesOf(session, manifest);
    // Files come back whatever the keychains say; an identity that does not is told, and the node is in trouble by name.
    const trouble = await executeSteps(writing, identitySteps(files)).then(() => null, keyTrouble);
    if (trouble === null) return bring(writing, tools, manifest, restoreSteps(files));
    const told = (ended: Ended): Ended =>
      ended.outcome === 'done' ? { ...ended, outcome: 'failed', reason: `The old files are back, the identity is not: ${trouble}` } : ended;
    const brought = await bring(writing, tools, manifest, restoreSteps({ ...files, identities: [] }));
    if (!('apart' in brought)) return told(brought);
    return { ...brought, afterwards: async (again, proven) => told(await brought.afterwards(again, proven)) };
  });
}

/** What went wrong with keys, in its sentence; anything else is thrown on. */
function keyTrouble(error: unknown): string {
  if (error instanceof ResealError && isAboutKeys(error)) return error.message;
  throw error;
}

/**
 * Executes the steps that bring a manifest to the node. What went to a published volume the node sees after a while, and accepts it only then:
 * until that it is waited for without the lock.
 */
async function bring(
  writing: WritingSession,
  tools: OperationTools,
  manifest: Sha256,
  steps: readonly NodeStep[],
): Promise<Ended | Unfinished> {
  if (writing.volume === null) return done(await executeSteps(writing, steps));
  const written = await executeSteps(
    writing,
    steps.slice(
      0,
      steps.findIndex((step) => step.do === 'read-back'),
    ),
  );
  return {
    apart: async () => {
      const hidden = await hiddenFor(writing, tools, async () => (await manifestProblems(writing, manifest))[0] ?? null);
      return hidden === null ? { outcome: 'done', reason: '' } : { outcome: 'failed', reason: notShown(writing, hidden) };
    },
    afterwards: async (again, proven) => {
      if (proven.outcome !== 'done') return { ...proven, changed: written };
      const accepted = await executeSteps(again, steps);
      return done(written || accepted);
    },
  };
}

/**
 * `retire` and `unstage`: `gone` out, `keep` stays whole. What another accepted manifest needs, of this line or of any other that the node
 * follows, stays too. Folders that reseal made and nobody needs any more go with it. What a build on the node holds stays, unless the order says otherwise.
 */
export async function remove(
  session: NodeSession,
  tools: OperationTools,
  what: 'retire' | 'unstage',
  gone: Sha256,
  keep: Sha256,
  pins: 'heed' | 'ignore' = 'heed',
): Promise<NodeResult> {
  await fetchFirst(session, gone, keep);
  return operate(session, tools, what, gone, async (writing) => {
    const steps = await stepsOfRemoval(writing, gone, keep);
    // A build takes its pin first, and then looks whether the manifest is accepted; here it is the other way round, so that one of them notices the other.
    const unaccepted = steps.findIndex((step) => step.do === 'un-accept') + 1;
    const heldAtFirst = pins === 'ignore' ? null : await heldBack(writing, tools, gone);
    if (heldAtFirst !== null) return heldAtFirst;
    const begun = await executeSteps(writing, steps.slice(0, unaccepted));
    const held = pins === 'ignore' ? null : await heldBack(writing, tools, gone);
    if (held !== null) return held;
    const changed = await executeSteps(writing, steps.slice(unaccepted));
    const tidied = await removeOwnFolders(writing);
    return done(begun || changed || tidied);
  });
}

/**
 * Where builds hold a manifest that is whole, it is accepted (again), and the node keeps it; null: it may go. What an earlier attempt has begun to take
 * away no build can have pinned since.
 */
async function heldBack(writing: WritingSession, tools: OperationTools, gone: Sha256): Promise<Ended | null> {
  const pins = await readPins(writing, tools.clock());
  const on = pinned(pins, gone);
  if (on === null) return null;
  const { placements } = await filesOf(writing, gone);
  const missing = await readBackProblems(writing, { present: placements, manifestsPresent: [gone] });
  if (missing.length > 0) return null;
  const changed = await executeSteps(writing, [{ do: 'fence' }, { do: 'accept', manifest: gone }]);
  const builds = on.builds === 1 ? '1 build on it holds' : `${on.builds} builds on it hold`;
  return { outcome: 'pinned', reason: `${builds} manifest ${gone}: ${on.jobs.join(', ')}`, pins: pinsSeen(pins), changed };
}

async function stepsOfRemoval(session: WritingSession, gone: Sha256, keep: Sha256): Promise<readonly NodeStep[]> {
  const all = await session.attempt.accepted.readAll();
  const ofLine = [...new Set([keep, ...(all[session.name] ?? [])])].filter((digest) => digest !== gone);
  const kept = await Promise.all(ofLine.map((digest) => filesOf(session, digest)));
  const elsewhere = await Promise.all(
    Object.entries(all).flatMap(([line, digests]) =>
      line === session.name ? [] : digests.map((digest) => session.contents.manifest(digest, () => manifestOnNode(session, digest, line))),
    ),
  );
  const shared = new Set(elsewhere.flatMap(({ manifest }) => manifest.profiles.map(({ profile }) => profile.fileName)));
  const signedWith = new Set(elsewhere.flatMap(({ manifest }) => manifest.profiles.map(({ identity }) => identity)));
  const files = await filesOf(session, gone);
  const own: ManifestFiles = {
    ...files,
    placements: files.placements.filter(({ fileName }) => !shared.has(fileName)),
    identities: files.identities.filter((identity) => !signedWith.has(identity)),
  };
  return removeSteps(own, kept);
}

/**
 * Activates `target` and probes it until the policy's consecutive passes. On a failure, or when it stays unclear too long, the node goes back to
 * `revertTo` by itself, under the same fence.
 */
export async function switchTo(session: NodeSession, tools: OperationTools, target: Sha256, revertTo: Sha256 | null): Promise<NodeResult> {
  await fetchFirst(session, target, ...(revertTo === null ? [] : [revertTo]));
  return operate(session, tools, 'switch', target, async (writing) => {
    const known = await manifestOf(session, target);
    const files = await filesOf(session, target);
    const changed = isReturn(session.order) ? await activateAnyway(writing, files) : await executeSteps(writing, activateSteps(files));
    return {
      apart: () => prove(session, tools, known),
      afterwards: async (again, proven) => {
        if (proven.outcome === 'done' || revertTo === null) return { ...proven, changed };
        const back = await activateAnyway(again, await filesOf(session, revertTo));
        return { ...proven, reason: `${proven.reason} The node is back on manifest ${revertTo}.`, changed: changed || back };
      },
    };
  });
}

/**
 * Back to what served before. Builds read the pointer, and it must not wait for keychains: a Mac on which nobody is logged in, a `security` that does not
 * answer, keep no node on assets that fail. What is wrong with its keys the probes say afterwards.
 */
async function activateAnyway(writing: WritingSession, files: ManifestFiles): Promise<boolean> {
  const changed = await executeSteps(writing, activateSteps({ ...files, identities: [] }));
  if (files.identities.length === 0) return changed;
  const unlocked = await executeSteps(writing, unlockSteps(files)).catch((error: unknown) => {
    if (isAboutKeys(error)) return false;
    throw error;
  });
  return changed || unlocked;
}

const isAboutKeys = (error: unknown): boolean =>
  error instanceof ResealError && ['KEYCHAIN_FAILED', 'IDENTITY_UNAVAILABLE', 'NOT_AN_IDENTITY', 'REFUSED'].includes(error.code);

async function prove(session: NodeSession, tools: OperationTools, target: KnownManifest): Promise<Proven> {
  const { passes: needed, interval } = session.policy.probe;
  // An operation that outlives its time is cut off without its end: the way back has to lie within it.
  const inconclusiveFor = Math.min(session.policy.probe.inconclusiveFor, session.policy.limits.nodeOperationTimeout / 2);
  const canary = new SwitchCanary(session, target, () => tools.heartbeat({ node: session.node.name, signing: true }));
  const history: { readonly at: Instant; readonly verdict: Verdict }[] = [];
  if (session.publisher !== null) {
    const { paths } = session;
    const hidden = await hiddenFor(session, tools, async () => {
      const active = await activeOf(session);
      return active === target.digest ? null : `${paths.active} has ${active ?? 'nothing'}, expected ${target.digest}`;
    });
    if (hidden !== null) return { outcome: 'failed', passes: 0, reason: notShown(session, hidden) };
  }
  for (;;) {
    const probe = await canary.join(await probeNode(session, target, tools.verifier, tools.clock()));
    history.push({ at: probe.at, verdict: probe.verdict });
    const state = proof(history, needed, inconclusiveFor);
    tools.heartbeat({ node: session.node.name, probes: history.length, verdict: probe.verdict });
    switch (state.state) {
      case 'proven':
        return { outcome: 'done', passes: needed, reason: '' };
      case 'failed':
        return { ...failedOrLocked(session, probe), passes: 0, reason: reasonOf(probe, 'fail') };
      case 'unclear':
        return { outcome: 'inconclusive', passes: 0, reason: reasonOf(probe, 'inconclusive') };
      case 'proving':
        await tools.sleep(Math.max(interval, cacheTimeOf(session.line)));
    }
  }
}

/** A node whose keychain alone is locked goes back like one that fails; what happens then is for its line to say. On the way back nothing waits for keychains. */
function failedOrLocked(session: NodeSession, { checks }: Probe): Pick<NodeResult, 'outcome' | 'locked'> {
  const keychain = isReturn(session.order) ? null : lockedAlone(checks);
  const locked = keychain === null ? null : lockedInProbe(keychain, session.line);
  return locked === null ? { outcome: 'failed' } : { outcome: 'locked', locked };
}

/** The first checks of that verdict, as sentences. */
export function reasonOf(probe: Probe, verdict: 'fail' | 'inconclusive'): string {
  const reasons = probe.checks.filter((one) => one.verdict === verdict).map((one) => one.reason);
  return reasons.slice(0, 3).join(' ');
}

const done = (changed: boolean): Ended => ({ outcome: 'done', reason: '', changed });

/** Admits the order, does the work under the node's lock, and leaves intent and result in the node's journal whatever happens. */
async function operate(
  session: NodeSession,
  tools: OperationTools,
  what: NodeOperation,
  subject: Sha256,
  work: (writing: WritingSession) => Promise<Ended | Unfinished>,
): Promise<NodeResult> {
  const { files, paths, node } = session;
  await files.reach();
  refuseSkew(session);
  const order: NodeOrder = { ...session.order, node: node.name };
  const operation = { do: what, subject };
  const begun = await AdmittedAttempt.admit(files, paths, order, tools.attempt, tools.clock, operation, async (attempt, held) => {
    const { publisher } = session;
    const volume = publisher === null ? null : await enterVolume(publisher(), order, tools.attempt, tools.clock, operation);
    const writing: WritingSession = { ...session, attempt, held, hooks: tools.hooks, volume };
    return { writing, ended: await concluded(writing, operation, tools.attempt, () => work(writing)) };
  });
  const ended = 'apart' in begun.ended ? await goOn(begun.writing, operation, tools.attempt, begun.ended) : begun.ended;
  const { changed: _changed, ...result } = ended;
  return { node: node.name, active: await activeOf(published(begun.writing)), ...result };
}

/** What the operation left undone, and its end under the lock again. */
async function goOn(writing: WritingSession, operation: JournalSubject, number: number, { apart, afterwards }: Unfinished): Promise<Ended> {
  const { attempt } = writing;
  const proven = await apart().catch(async (error: unknown) => {
    await attempt.hold(() => attempt.journal.flush()).catch(() => undefined);
    throw error;
  });
  return attempt.hold((held) => {
    const again: WritingSession = { ...writing, held };
    return concluded(again, operation, number, () => afterwards(again, proven));
  });
}

/** Does one part of an operation, and leaves in the journal what came of it. @param number of this attempt, from 1 */
async function concluded<T extends Ended | Unfinished>(
  { attempt: { journal }, volume, line }: WritingSession,
  operation: JournalSubject,
  number: number,
  work: () => Promise<T>,
): Promise<T | Ended> {
  const ended = await work().catch(async (error: unknown): Promise<Ended> => {
    const locked = lockedAfter(error, line, number);
    if (locked !== null) return { outcome: 'locked', reason: (error as ResealError).message, locked, changed: false };
    if (error instanceof ResealError && error.code === 'REFUSED') return { outcome: 'failed', reason: error.message, changed: false };
    // The failure is what counts; a journal that cannot be written now shows an intent without a result.
    await journal.flush().catch(() => undefined);
    throw error;
  });
  if ('apart' in ended) {
    await journal.pause();
  } else {
    await journal.finish(operation, ended.changed);
    if (volume !== null) await leaveVolume(volume, operation, ended.changed);
  }
  return ended;
}

function refuseSkew(session: NodeSession): void {
  const { skew, policy, node } = session;
  if (Math.abs(skew) <= policy.clock.maxSkew) return;
  throw new ResealError(
    'CLOCK_SKEW',
    `Node ${node.name}: its clock is ${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? 'ahead of' : 'behind'} the sender's, allowed are ${policy.clock.maxSkew / 1000} s. Nothing was written; set the node's clock.`,
  );
}

/** What is active now, by digest; null where nothing is. */
export async function activeOf({ files, paths }: NodeSession): Promise<Sha256 | null> {
  const [found] = await files.digests([paths.active]);
  return found?.kind === 'file' ? found.sha256 : null;
}

/** A manifest by digest; while the store is out of reach, the node's own frozen copy serves, so that a rollback needs no store. */
export function manifestOf(session: NodeSession, digest: Sha256): Promise<KnownManifest> {
  return session.contents.manifest(
    digest,
    async () =>
      (await manifestOnNode(session, digest, session.name)) ?? (await inQuarantine(session.publisher?.() ?? session, session, digest)),
  );
}

/**
 * Fetches what an operation needs of the store before it takes the node's lock: a store that hangs must not hold up a newer order, nor another
 * line. What fails here is asked for again under the lock, where the node's own copies count too.
 */
async function fetchFirst(session: NodeSession, ...digests: readonly Sha256[]): Promise<void> {
  await session.files.reach();
  await Promise.allSettled(
    digests.map(async (digest) => {
      const { placements, identities } = await filesOf(session, digest);
      await Promise.all(placements.map(({ sha256 }) => session.contents.profile(sha256)));
      await Promise.all(identities.map((identity) => session.contents.sealedIdentity(session.node, identity)));
    }),
  );
}

async function filesOf(session: NodeSession, digest: Sha256): Promise<ManifestFiles> {
  return session.contents.files(session.node, session.line, await manifestOf(session, digest));
}

async function inQuarantine(
  { files, paths }: Pick<NodeSession, 'files' | 'paths'>,
  { order }: NodeSession,
  digest: Sha256,
): Promise<Uint8Array | null> {
  const found = await files.read(paths.quarantinedManifest(order.rotation, digest));
  return found.kind === 'file' ? found.bytes : null;
}
