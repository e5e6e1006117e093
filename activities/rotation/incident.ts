import { describeDuration } from '../../src/domain/duration.js';
import { horizonOf } from '../../src/domain/groups.js';
import { diffManifests, revertEntries } from '../../src/domain/manifest-changes.js';
import { ResealError } from '../../src/domain/errors.js';
import { claimCommand, deadInWords, horizonWith, revokedAmong, signingCertificates } from '../../src/domain/revocations.js';
import { maxUnavailable, planCohorts } from '../../src/domain/rotation/cohorts.js';
import { newRotation } from '../../src/domain/rotation/machine.js';
import { epochOf, type Plan, type Reached, type RotationState } from '../../src/domain/rotation/state.js';
import type { RotationId, Sha256 } from '../../src/domain/brands.js';
import type { Manifest } from '../../src/domain/manifest.js';
import { freezeManifest } from '../../src/manifest/freeze.js';
import { revocationsOn } from '../revocations/known.js';
import { mustBeAskedBy } from '../approvals/start.js';
import type { ClosingRecord, RotationActivities } from './contract.js';
import { freezePlan } from './frozen-plan.js';
import { heardOf, mustBeNew } from './heard.js';
import { authorityOf, headOf, manifestOf, nodesOf, rightsOf, situationOf, type Surroundings } from './surroundings.js';

type Request = Parameters<RotationActivities['prepareIncident']>[0];

/** A state in which everything the old rotation did is still to be undone; the machine's own rollback plan does the rest. */
export async function prepareIncident(
  around: Surroundings,
  { rotation, request, key, askedAt }: Request,
): ReturnType<RotationActivities['prepareIncident']> {
  const situation = situationOf(around, request.line);
  const { store, configuration } = situation;
  const record = (await store.record(rotation)) as ClosingRecord | null;
  const old = record?.state.plan ?? null;
  if (record === null || old === null) throw new ResealError('NOT_FOUND', `The store has no record of rotation ${rotation} with a plan.`);
  if (record.state.phase !== 'completed')
    return {
      state: null,
      reasons: [`${rotation} ended as ${record.state.phase}: only a completed rotation leaves something to bring back`],
    };

  if (record.state.emergency !== undefined)
    return { state: null, reasons: [`${rotation} was an emergency: what it replaced was revoked, and cannot sign`] };

  mustBeAskedBy(configuration, request, askedAt, { id: rotation, epoch: epochOf(record.state) });
  if (request.signed !== undefined) await mustBeNew(store, request.line, request.signed.statement.nonce);

  const { head, manifest } = await headOf(store, request.line);
  const [before, after] = await Promise.all([manifestOf(store, old.from), manifestOf(store, old.to)]);
  const back = revertEntries(manifest, before, after);
  if (back.reverted.length === 0)
    return {
      state: null,
      reasons: [`none of what ${rotation} brought is in force any more: the line's head is ${head.digest.slice(0, 12)}`],
    };
  const target =
    head.digest === old.to
      ? old.from
      : await store.putManifest(freezeManifest(back.manifest).bytes, { rotation, ticket: request.trigger.ticket });
  const targetManifest = await manifestOf(store, target);

  const now = around.clock();
  const entries = diffManifests(manifest, targetManifest).changed.map((change) => change.after);
  const horizon = horizonOf(targetManifest, entries);
  const { revocations } = await revocationsOn(around, request.line);
  const dead = revokedAmong(revocations, signingCertificates(targetManifest, entries));
  const reasons = [
    ...(await deadAssets(around, store, entries, horizon, now + request.offset)),
    ...dead.flatMap((one) => (one.standing.kind === 'revoked' ? [`the old ${deadInWords(one)}: it died with that`] : [])),
  ];
  if (reasons.length > 0) return { state: null, reasons };

  const by = { rotation, ticket: request.trigger.ticket, by: request.trigger.by };
  const k = await store.allot(request.line, key, by, request.signed?.statement.nonce);
  const id = `${request.line}-${k}` as RotationId;
  const nodes = nodesOf(situation, targetManifest);
  const context = { rotation: id, ticket: request.trigger.ticket };
  const cohorts = planCohorts(nodes, configuration.policy);
  const plan: Plan = {
    kind: old.kind,
    fromSeq: head.seq,
    from: target,
    to: head.digest,
    ...(await freezePlan(store, configuration, cohorts, context)),
    waves: cohorts.map((wave) => wave.length),
    nodes: nodes.length,
    maxUnavailable: maxUnavailable(configuration.policy.cohorts.maxUnavailable, nodes.length),
    horizon: horizonWith(horizon, dead),
    eligible: [],
    importers: [],
    summary: entries.map(
      (entry) => `${entry.app} ${entry.bundleId}: back to ${entry.profile.uuid.slice(0, 8)} until ${entry.profile.expiresAt.slice(0, 10)}`,
    ),
  };
  const state: RotationState = {
    ...newRotation(request.line, request.trigger, configuration.policy, request.offset, now),
    id,
    undoes: rotation,
    k,
    rights: rightsOf(configuration),
    authority: authorityOf(configuration, request.line, request.offset),
    heard: request.signed === undefined ? [] : [heardOf(request.signed)],
    phase: 'rolling-back',
    plan,
    headSeq: head.seq,
    served: true,
    done: { staged: 'done', switched: plan.waves.map((): Reached => 'done'), head: 'done', retired: 'done' },
    turnedAt: 'completed',
    // Rolled back once they had completed: the scan must not bring the very same successors again in the morning.
    fingerprint: record.state.fingerprint,
    reasons: [
      `incident rollback of ${rotation}, asked for by ${request.trigger.by}`,
      // It is no reason to stay: whoever writes a store would keep everybody from going back.
      ...dead.map((one) => `it goes back to what may be dead: ${deadInWords(one)}; ${claimCommand(one.certificate)}`),
    ],
  };
  return { state, reasons: [] };
}

/** The horizon, checked against the bytes themselves: an asset that cannot sign is nothing to go back to. */
async function deadAssets(
  around: Surroundings,
  store: { profile(digest: Sha256): Promise<Uint8Array> },
  entries: Manifest['profiles'],
  horizon: number,
  at: number,
): Promise<readonly string[]> {
  const reasons: string[] = [];
  for (const entry of entries) {
    const { profile } = around.profiles.verify(await store.profile(entry.profile.sha256));
    const certificate = profile.certificates.find((one) => one.sha1 === entry.identity);
    if (Date.parse(profile.expiresAt) <= at)
      reasons.push(`${entry.bundleId}: the old profile ${profile.uuid} expired ${profile.expiresAt}`);
    if (certificate === undefined)
      reasons.push(`${entry.bundleId}: the old profile ${profile.uuid} does not embed its identity ${entry.identity.slice(0, 8)}`);
    else if (Date.parse(certificate.notAfter) <= at)
      reasons.push(`${entry.bundleId}: the old certificate ${entry.identity.slice(0, 8)} expired ${certificate.notAfter}`);
  }
  if (reasons.length === 0 && horizon <= at) reasons.push(`the old assets died ${describeDuration(at - horizon)} ago`);
  return reasons;
}
