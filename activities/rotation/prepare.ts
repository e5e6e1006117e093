import type { Sha256 } from '../../src/domain/brands.js';
import { composeTo, type Replacement } from '../../src/domain/manifest-changes.js';
import type { Manifest } from '../../src/domain/manifest.js';
import type { ProfileDescription } from '../../src/domain/profile.js';
import { horizonOf } from '../../src/domain/groups.js';
import { refusals } from '../../src/domain/rotation/preflight.js';
import { maxUnavailable, planCohorts } from '../../src/domain/rotation/cohorts.js';
import type { Plan, RotationKind } from '../../src/domain/rotation/state.js';
import { compareSuccessor, entryKey } from '../../src/domain/successor.js';
import type { EntryMatch } from '../../src/domain/successor-match.js';
import { manifestCertificates, manifestProfile } from '../../src/manifest/assemble.js';
import { freezeManifest } from '../../src/manifest/freeze.js';
import type { StoreContext } from '../manifest-store/contract.js';
import type { Candidate } from '../profile-source/contract.js';
import type { Prepared, RotationRequest } from './contract.js';
import { firstExpiry, surveyLine, type Survey } from './survey.js';
import { nodesOf, rightsOf, type Surroundings } from './surroundings.js';

type Matched = Extract<EntryMatch<Candidate>, { outcome: 'matched' }>;

/** Verifies, compares, composes and freezes; every reason for a refusal at once. Nothing on any node is touched. */
export async function prepareRotation(around: Surroundings, request: RotationRequest & { readonly id: string }): Promise<Prepared> {
  const survey = await surveyLine(around, request);
  const { situation, from, head, matches, due } = survey;
  const { policy, topology } = situation.configuration;
  if (due.entries.length === 0) {
    return { plan: null, reasons: [`nothing is due on ${request.line} before ${new Date(firstExpiry(from)).toISOString()}; name successors with --successor to replace them early`] };
  }
  const matched = matches.entries.filter((match): match is Matched => match.outcome === 'matched');
  const unmatched = matches.entries.flatMap((match) => (match.outcome === 'matched' ? [] : [match.reason]));
  const unused = matches.unusedChoices.map((choice) => `--successor ${choice.uuid}: ${choice.reason}`);
  const compared = await Promise.all(matched.map((match) => compare(around, survey, match, request)));
  const kind: RotationKind = matches.kind ?? 'profile';
  const now = around.clock();

  const nodes = nodesOf(situation, from);
  const cohorts = planCohorts(nodes, policy);
  const waves = cohorts.map((wave) => wave.length);
  const mesh = { nodes: nodes.length, waves, maxUnavailable: maxUnavailable(policy.cohorts.maxUnavailable, nodes.length) };
  const horizon = horizonOf(from, matches.entries.map((match) => match.entry));
  const importers = await Promise.all(matched.map(async ({ candidate }) => (await situation.store.importer(candidate.profile.sha256)) ?? `source:${candidate.origin.source}`));
  const rights = rightsOf(situation.configuration);
  const approvers = Object.entries(rights).flatMap(([person, commands]) => (commands.includes('approve') ? [person] : []));
  const excluded = new Map([...importers.map((person) => [person, 'imported a successor'] as const), [request.trigger.by, 'asked for the rotation'] as const]);
  const reasons = [
    ...unmatched,
    ...unused,
    ...compared.flat(),
    ...refusals({ kind, nodes, policy, topology, offset: request.offset, now: now + request.offset, horizon, mesh, approvers, excluded, methods: matches.entries.map((match) => match.entry.method) }),
  ];
  if (reasons.length > 0) return { plan: null, reasons };

  const context: StoreContext = { rotation: request.id, ticket: request.trigger.ticket, by: request.trigger.by };
  const { store } = situation;
  for (const [index, { candidate }] of matched.entries()) await store.putProfile(candidate.bytes, importers[index] ?? 'reseal', context);
  const to = freezeManifest(composeTo(from, matched.map(replacement), certificatesOf(matched)));
  await store.putManifest(to.bytes, context);
  const frozen = {
    topology: await store.putFrozen(topology, context),
    policyDigest: await store.putFrozen(policy, context),
    cohorts: await store.putFrozen({ waves: cohorts }, context),
  };
  const eligible = approvers.filter((person) => !excluded.has(person)) as unknown as Plan['eligible'];
  const plan: Plan = { kind, fromSeq: head.seq, from: head.digest, to: to.sha256, ...frozen, ...mesh, horizon, eligible, summary: matched.map(inWords) };
  return { plan, reasons: [] };
}

const day = (iso: string): string => iso.slice(0, 10);

const inWords = ({ entry, candidate }: Matched): string =>
  `${entry.app} ${entry.bundleId} (${entry.method}): ${entry.profile.uuid.slice(0, 8)} until ${day(entry.profile.expiresAt)} -> ${candidate.profile.uuid.slice(0, 8)} until ${day(candidate.profile.expiresAt)}`;

/** Preflight's comparison against the predecessor's own bytes; failures only, each with the file's name. */
async function compare(around: Surroundings, survey: Survey, { entry, candidate }: Matched, request: RotationRequest): Promise<readonly string[]> {
  const predecessor = await describePredecessor(around, survey, entry.profile.sha256);
  return compareSuccessor(predecessor, candidate.profile, around.clock() + request.offset)
    .filter((check) => !check.ok)
    .map((check) => `${candidate.origin.path} for ${entryKey(entry)}: ${check.check}: ${check.reason}`);
}

const describePredecessor = async (around: Surroundings, survey: Survey, digest: Sha256): Promise<ProfileDescription> =>
  around.profiles.verify(await survey.situation.store.profile(digest)).profile;

const replacement = ({ entry, candidate, identity }: Matched): Replacement => ({ key: entryKey(entry), identity, profile: manifestProfile(candidate.profile) });

const certificatesOf = (matched: readonly Matched[]): Manifest['certificates'] => manifestCertificates(matched.map(({ candidate }) => candidate.profile));
