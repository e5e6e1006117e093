import type { LineName, RotationId } from '../../src/domain/brands.js';
import { routesAmong } from '../../src/domain/node/routes.js';
import type { RotationState } from '../../src/domain/rotation/state.js';
import { writeBackOf } from '../../src/domain/write-back.js';
import { mustBeAskedBy, rightTo } from '../approvals/start.js';
import { heardOf, mustBeNew } from './heard.js';
import type { ClosingRecord, DueLine, RotationActivities, ScanActivities, Successors } from './contract.js';
import type { FrozenCohorts } from './frozen-plan.js';
import { advanceHead, returnHead } from './head.js';
import { adoptRotation } from './adopt.js';
import { holdsLine, orphanInWords } from '../../src/domain/rotation/orphan.js';
import { ResealError } from '../../src/domain/errors.js';
import { isBeforeChange } from '../../src/domain/rotation/phases.js';
import type { Orphans } from './orphans.js';
import { prepareIncident } from './incident.js';
import { prepareRotation } from './prepare.js';
import type { KeptApprovals } from '../../src/domain/node/approved.js';
import { mustStandOnAdopted } from '../roster/standing.js';
import { findStandIn } from './stand-in.js';
import { asFailure, authorityOf, rightsOf, situationOf, type Surroundings } from './surroundings.js';
import { supplyMissing } from './supply.js';
import { writeBackSuccessors } from './write-back.js';
import { goneFromSources, revokedInForce } from '../revocations/in-force.js';
import { missingLines, surveyLine, type Survey } from './survey.js';

export function createRotationActivities(around: Surroundings, orphans: Orphans): RotationActivities & ScanActivities {
  return {
    openRotation: (request) => asFailure(() => openRotation(around, orphans, request)),
    adoptRotation: (request) => asFailure(() => adoptRotation(around, orphans, request)),
    findSuccessors: (request) => asFailure(() => findSuccessors(around, request)),
    prepareRotation: (request) => asFailure(() => prepareRotation(around, request)),
    cohortNodes: ({ cohorts, first, count, again }) =>
      asFailure(async () => {
        // By digest alone: a configuration that somebody has just broken keeps no node from being brought back.
        const { waves, routes } = (await around.content.frozen(cohorts)) as FrozenCohorts;
        const nodes = waves.flat().slice(first, first + count);
        return { nodes, routes: routesAmong([...again, ...nodes], routes) };
      }),
    findStandIn: (request) => asFailure(() => findStandIn(around, request)),
    keepApprovals: ({ line, to, id, ticket, approvals }) =>
      asFailure(async () => {
        const document: KeptApprovals = { schemaVersion: 1, line, manifest: to, approvals };
        await situationOf(around, line).store.putApprovals(to, document, { rotation: id, ticket });
      }),
    advanceHead: (move) => asFailure(() => advanceHead(around, move)),
    returnHead: (move) => asFailure(() => returnHead(around, move)),
    closeRotation: (state) =>
      asFailure(async () => {
        // Nothing was allotted: nothing is there to be recorded.
        if (state.k === 0) return { writtenBack: null };
        const record: ClosingRecord = { schemaVersion: 1, state };
        await situationOf(around, state.line).store.putRecord(state.id, record, { rotation: state.id, ticket: state.trigger.ticket });
        const request = writeBackOf(state);
        return { writtenBack: request === null ? null : await writeBackSuccessors(around, request) };
      }),
    writeBackSuccessors: (request) => asFailure(() => writeBackSuccessors(around, request)),
    prepareIncident: (request) => asFailure(() => prepareIncident(around, request)),
    surveyLines: (offset) => asFailure(() => surveyLines(around, orphans, offset)),
  };
}

async function openRotation(
  around: Surroundings,
  orphans: Pick<Orphans, 'on'>,
  request: Parameters<RotationActivities['openRotation']>[0],
): ReturnType<RotationActivities['openRotation']> {
  const { line, key, trigger, offset, signed, askedAt } = request;
  const { store, configuration } = situationOf(around, line);
  mustBeAskedBy(configuration, request, askedAt, null);
  if (signed !== undefined) {
    await mustBeNew(store, line, signed.statement.nonce);
    if (authorityOf(configuration, line, offset).assurance === 'signature')
      await mustStandOnAdopted(around, line, { by: trigger.by, right: rightTo(request, null), ...signed });
  }
  await mustHoldNothing(orphans, line);
  const k = await store.allot(line, key, { ticket: trigger.ticket, by: trigger.by }, signed?.statement.nonce);
  return {
    k,
    id: `${line}-${k}` as RotationId,
    policy: configuration.policy,
    rights: rightsOf(configuration),
    authority: authorityOf(configuration, line, offset),
    heard: signed === undefined ? null : heardOf(signed),
  };
}

/** @throws ResealError REFUSED where an orphaned rotation has changed nodes of the line */
export async function mustHoldNothing(orphans: Pick<Orphans, 'on'>, line: LineName): Promise<void> {
  const orphan = await orphans.on(line);
  if (orphan !== null && holdsLine(orphan)) throw new ResealError('REFUSED', `${orphanInWords(orphan)}.`);
}

async function findSuccessors(around: Surroundings, request: Parameters<RotationActivities['findSuccessors']>[0]): Promise<Successors> {
  const found = await surveyLine(around, request);
  const notMade = await supplyMissing(around, request, found);
  const { due, ignored, fingerprint, ...now } = notMade === null ? found : await surveyLine(around, request);
  const missing = missingLines(now);
  return {
    missing: missing.length === 0 ? [] : [...missing, ...(notMade ?? [])],
    ignored,
    fingerprint,
    expiresFirst: due.expiresFirst ?? Number.MAX_SAFE_INTEGER,
  };
}

/** Outcomes after which the same successors are not tried again by themselves. */
const UNSUCCESSFUL: readonly RotationState['phase'][] = ['rolled-back', 'parked', 'refused'];

/** While a source cannot be looked at, what it offers has an unknown part: that alone is nothing new. */
const offersNothingNew = ({ fingerprint, troubles }: Survey, before: string): boolean => fingerprint === before || troubles.length > 0;

/** People are asked at once: the scan neither waits for a store, with the other lines behind it, nor says nothing. */
const withoutStore = (line: LineName, store: string): Omit<DueLine, 'authority'> => ({
  line,
  due: ['not known: the store is not there'],
  start: false,
  reason: `its store ${store} is away, or has never been there, so nobody knows what is due. See reseal doctor for its place, and what to do`,
});

export async function surveyLines(
  around: Surroundings,
  orphans: Pick<Orphans, 'on'>,
  offset: number,
): ReturnType<ScanActivities['surveyLines']> {
  const configuration = around.configuration();
  const { topology, policy } = configuration;
  const lines: DueLine[] = [];
  for (const line of Object.keys(topology.lines) as (keyof typeof topology.lines)[]) {
    const { store, declaration } = situationOf(around, line);
    const authority = authorityOf(configuration, line, offset);
    if (!(await store.isThere())) {
      lines.push({ ...withoutStore(line, declaration.store), authority });
      continue;
    }
    if ((await store.head(line)) === null) {
      lines.push({ line, due: [], start: false, reason: 'the line has no manifest yet', authority });
      continue;
    }
    const orphan = await orphans.on(line);
    const survey = await surveyLine(around, { line, offset });
    const revoked = [...(await revokedInForce(around, line, survey.from)), ...(await goneFromSources(around, line, survey.from))];
    const last = (await store.records(line)).at(-1);
    const record = last === undefined ? null : ((await store.record(last)) as ClosingRecord | null);
    const repeated =
      record !== null && UNSUCCESSFUL.includes(record.state.phase) && offersNothingNew(survey, record.state.fingerprint)
        ? record.state
        : null;
    lines.push({
      authority,
      line,
      due: survey.due.groups.map((group) => group.name),
      ...(orphan === null || isBeforeChange(orphan.phase) ? {} : { orphaned: orphanInWords(orphan) }),
      start: repeated === null,
      ...(revoked.length === 0 ? {} : { revoked }),
      reason:
        repeated === null
          ? ''
          : `${repeated.id} ended as ${repeated.phase} with these very successors; bring new ones, or reseal rotation start --line ${line} --after ${repeated.id} --as PERSON --ticket TICKET`,
    });
  }
  return { lines, ticket: policy.scan.ticket, policy, rights: rightsOf(configuration) };
}
