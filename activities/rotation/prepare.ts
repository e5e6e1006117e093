import { uncountedIn } from '../../src/domain/adopted-rosters.js';
import type { Instant, Sha256 } from '../../src/domain/brands.js';
import type { MeshSize } from '../../src/domain/rotation/timeline.js';
import { composeTo, type Replacement } from '../../src/domain/manifest-changes.js';
import type { Manifest } from '../../src/domain/manifest.js';
import type { ProfileDescription } from '../../src/domain/profile.js';
import { horizonOf } from '../../src/domain/groups.js';
import { cohortsInEmergency } from '../../src/domain/rotation/emergency.js';
import {
  claimCommand,
  deadInWords,
  emergencyCommand,
  horizonWith,
  revokedAmong,
  signingCertificates,
  type Revocation,
} from '../../src/domain/revocations.js';
import { refusals, type Delivery, type PreflightFacts } from '../../src/domain/rotation/preflight.js';
import { heldIdentities } from '../../src/domain/expected.js';
import { notInForce } from '../../src/domain/revoked-certificate.js';
import { serialLast6 } from '../../src/domain/serial.js';
import { keyAlias } from '../../src/domain/key-alias.js';
import type { LineDeclaration, NodeDeclaration } from '../../src/domain/topology.js';
import { canaryProof, maxUnavailable, planCohorts, type CohortPlan } from '../../src/domain/rotation/cohorts.js';
import type { Plan, RotationKind } from '../../src/domain/rotation/state.js';
import { entryKey } from '../../src/domain/manifest-rules.js';
import { compareSuccessor } from '../../src/domain/successor.js';
import type { EntryMatch } from '../../src/domain/successor-match.js';
import { manifestCertificates, manifestProfile } from '../../src/manifest/assemble.js';
import { freezeManifest } from '../../src/manifest/freeze.js';
import { revocationsOn } from '../revocations/known.js';
import { notAdopted, rosterStandingOn } from '../roster/standing.js';
import type { StoreContext, StoreItem } from '../manifest-store/contract.js';
import type { Candidate } from '../profile-source/contract.js';
import type { Prepared, RotationRequest } from './contract.js';
import { freezePlan } from './frozen-plan.js';
import { importersOf, successorItems, type Delivered, type Importers } from './importers.js';
import { firstExpiry, missingLines, surveyLine, type Survey } from './survey.js';
import { authorityOf, nodesOf, rightsOf, type Surroundings } from './surroundings.js';

type Matched = Extract<EntryMatch<Candidate>, { outcome: 'matched' }>;

/** Everything that preflight finds out before it writes anything. */
export interface Preview {
  readonly survey: Survey;
  readonly matched: readonly Matched[];
  readonly kind: RotationKind;
  /** What would come into force, as far as successors are matched. */
  readonly to: Manifest;
  readonly nodes: ReturnType<typeof nodesOf>;
  readonly cohorts: CohortPlan;
  readonly mesh: MeshSize;
  /** Null where nothing is due. */
  readonly horizon: Instant | null;
  readonly importers: Importers;
  readonly eligible: readonly string[];
  readonly summary: readonly string[];
  readonly missing: readonly string[];
  readonly ignored: readonly string[];
  /** Why the rotation must not begin; missing successors apart. */
  readonly reasons: readonly string[];
}

/** Surveys, verifies and compares; every reason for a refusal at once. Nothing is written. */
export async function previewRotation(around: Surroundings, request: RotationRequest): Promise<Preview> {
  const survey = await surveyLine(around, request);
  const { situation, from, matches, due } = survey;
  const { policy } = situation.configuration;
  const matched = matches.entries.filter((match): match is Matched => match.outcome === 'matched');
  const kind: RotationKind = matches.kind ?? 'profile';
  const nodes = nodesOf(situation, from);
  const { emergency } = request;
  const cohorts = planCohorts(nodes, emergency === undefined ? policy : cohortsInEmergency(policy));
  const mesh = {
    nodes: nodes.length,
    waves: cohorts.map((wave) => wave.length),
    // In an emergency nobody signs anyhow: no node can be worse off than it is.
    maxUnavailable: emergency === undefined ? maxUnavailable(policy.cohorts.maxUnavailable, nodes.length) : nodes.length,
  };
  const to = composeTo(from, matched.map(replacement), certificatesOf(matched));
  const delivered = await deliveriesOf(situation, from, to, nodes);
  const importers = await importersOf(around, situation, request, {
    candidates: matched.map(({ candidate }) => candidate),
    delivered,
    to: matched.length > 0 && matched.length === matches.entries.length ? to : null,
  });
  const approvers = Object.entries(rightsOf(situation.configuration)).flatMap(([person, commands]) =>
    commands.includes('approve') ? [person] : [],
  );
  const { assurance, keys } = authorityOf(situation.configuration, request.line, request.offset);
  const keyless = assurance === 'signature' ? approvers.filter((person) => !Object.hasOwn(keys, person)) : [];
  const standing = await rosterStandingOn({ ...around, configuration: () => situation.configuration }, request.line);
  const uncounted = uncountedIn(standing).filter(({ keys: some }) => some === null);
  const unadopted = notAdopted(standing, assurance);
  const excluded = new Map([
    ...uncounted.map(({ person, because }) => [person, because] as const),
    ...keyless.map((person) => [person, 'has no key on the roster to sign with'] as const),
    ...importers.freezers.map((person) => [person, 'froze the manifest'] as const),
    ...importers.ofProfiles.flat().map((person) => [person, 'imported a successor'] as const),
    ...importers.ofIdentities.map((person) => [person, 'imported the new identity'] as const),
    ...(emergency === undefined ? [[request.trigger.by, 'asked for the rotation'] as const] : []),
  ]);
  const { revocations } = await revocationsOn(around, request.line);
  const old = matches.entries.map((match) => match.entry);
  const dead = revokedAmong(revocations, signingCertificates(from, old));
  const found = {
    survey,
    matched,
    kind,
    to,
    nodes,
    cohorts,
    mesh,
    importers,
    eligible: approvers.filter((person) => !excluded.has(person)),
    summary: [
      ...matched.map(inWords),
      ...identitiesInWords(
        situation.declaration,
        from,
        matched,
        delivered.map(({ delivery }) => delivery),
      ),
      ...dead.flatMap((one) =>
        one.standing.kind === 'claimed' ? [`to be found out: ${deadInWords(one)}; ${claimCommand(one.certificate)}`] : [],
      ),
    ],
    missing: missingLines(survey),
    ignored: survey.ignored,
  };
  const choices = matches.unusedChoices.map((choice) => `--successor ${choice.uuid}: ${choice.reason}`);
  if (due.entries.length === 0) {
    const reason =
      emergency !== undefined
        ? notInForce(from, serialLast6(emergency.revoked))
        : `nothing is due on ${request.line} before ${new Date(firstExpiry(from)).toISOString()}; name successors with --successor to replace them early`;
    return { ...found, horizon: null, reasons: [reason, ...choices] };
  }
  // What was revoked is dead already, whatever its calendar says.
  const horizon = emergency === undefined ? horizonOf(from, old) : around.clock() + request.offset;
  // An emergency replaces it for just that.
  const condemned = dead.flatMap((one) =>
    emergency === undefined && one.standing.kind === 'revoked'
      ? [
          `old-asset-revoked: ${deadInWords(one)}: there is no way back to it, and nothing to wait for; ${emergencyCommand(request.line, one.certificate.sha1 ?? '')}`,
        ]
      : [],
  );
  const compared = await Promise.all(matched.map((match) => compare(around, survey, match, request)));
  const reasons = [
    ...matches.entries.flatMap((match) => (match.outcome === 'ambiguous' ? [match.reason] : [])),
    ...choices,
    ...compared.flat(),
    ...matched.flatMap((match) => deadSuccessor(match, revocations)),
    ...condemned,
    ...(unadopted === null ? [] : [unadopted]),
    ...importers.findings,
    ...refusals({
      deliveries: delivered.map(({ delivery }) => delivery),
      after: to.profiles,
      nodes,
      policy,
      line: situation.declaration,
      offset: request.offset,
      now: around.clock() + request.offset,
      horizon,
      mesh,
      approvers,
      excluded,
      ...publishingOf(situation, from),
      methods: matches.entries.map((match) => match.entry.method),
      ...(emergency === undefined ? {} : { emergency }),
    }),
  ];
  return { ...found, horizon: horizonWith(horizon, dead), reasons };
}

/**
 * Preflight: what the preview finds, and where it finds no fault, everything frozen and written. Nothing on any node is touched. Where it finds
 * faults, what node truth is read by is frozen all the same: a refusal names every reason at once, those of the nodes among them.
 */
export async function prepareRotation(around: Surroundings, request: RotationRequest & { readonly id: string }): Promise<Prepared> {
  const preview = await previewRotation(around, request);
  const { survey, matched, importers, horizon } = preview;
  const { head } = survey;
  // A source that is away for a moment is no reason for a refusal: this is begun anew.
  const away = survey.troubles.find((trouble) => trouble.code === 'SOURCE_UNREACHABLE');
  if (preview.missing.length > 0 && away !== undefined) throw away;
  const context: StoreContext = { rotation: request.id, ticket: request.trigger.ticket, by: request.trigger.by };
  const reasons = [...preview.missing, ...preview.reasons];
  // With nothing due there is nothing that nodes could stand in the way of.
  if (horizon === null) return { plan: null, reasons };
  if (reasons.length > 0) {
    if (preview.nodes.length === 0) return { plan: null, reasons };
    const inspect = { from: head.digest, ...(await freeze(preview, context)), nodes: preview.nodes.length };
    return { plan: null, reasons, inspect };
  }

  const to = freezeManifest(preview.to);
  const candidates = matched.map(({ candidate }) => candidate);
  const { ofProfiles, ofIdentities, freezers } = importers;
  const profiles = await successorItems(around, survey.situation, candidates, importers);
  const eligible = preview.eligible as Plan['eligible'];
  const plan: Plan = {
    kind: preview.kind,
    fromSeq: head.seq,
    from: head.digest,
    to: to.sha256,
    ...(await freeze(preview, context, [{ kind: 'manifest', bytes: to.bytes }, ...profiles])),
    ...preview.mesh,
    horizon,
    eligible,
    importers: [...new Set([...ofProfiles.flat(), ...ofIdentities, ...freezers])],
    summary: preview.summary,
    canaryProof: canaryProof(preview.cohorts, preview.nodes),
    pipelines: pipelinesOf(survey.situation, preview.to),
  };
  return { plan, reasons: [] };
}

/** The declared pipelines that build something of the line. */
const pipelinesOf = ({ configuration }: Survey['situation'], to: Manifest): readonly string[] =>
  configuration.topology.pipelines
    .filter(({ bundles }) => to.profiles.some(({ bundleId }) => bundles.includes(bundleId)))
    .map(({ name }) => name);

function publishingOf(
  { configuration, declaration }: Survey['situation'],
  from: Manifest,
): Pick<PreflightFacts, 'publisher' | 'gateways' | 'holders'> {
  return {
    publisher: configuration.topology.nodes.find((node) => node.name === declaration.publisher) ?? null,
    gateways: configuration.reseal.ssh.gateways,
    holders: [...new Set(from.profiles.flatMap(({ holder }) => (holder === undefined ? [] : [holder])))],
  };
}

/** Which nodes need which new identity, and whether it can come to them. */
async function deliveriesOf(
  { declaration, store }: Survey['situation'],
  from: Manifest,
  to: Manifest,
  nodes: readonly NodeDeclaration[],
): Promise<readonly Delivered[]> {
  const needed = nodes.flatMap((node) => {
    const before = heldIdentities(node, declaration, from);
    return heldIdentities(node, declaration, to).flatMap((identity) => (before.includes(identity) ? [] : [{ node, identity }]));
  });
  return Promise.all(
    needed.map(async ({ node, identity }) => {
      const recipient = node.deliveryKey;
      if (recipient === undefined) return { delivery: { node, identity, missing: 'delivery-key' } as const, sealed: null };
      const sealed = await store.sealedIdentity({ identity, node: node.name, recipient });
      if (sealed === null) return { delivery: { node, identity, missing: 'sealed-copy' } as const, sealed };
      return { delivery: { node, identity, missing: 'nothing' } as const, sealed };
    }),
  );
}

/** Policy, declared nodes and their cohorts: frozen by digest, so that a change applies to the next rotation. */
function freeze({ survey, cohorts }: Preview, context: StoreContext, more: readonly StoreItem[] = []): ReturnType<typeof freezePlan> {
  const { store, configuration } = survey.situation;
  return freezePlan(store, configuration, cohorts, context, more);
}

const day = (iso: string): string => iso.slice(0, 10);

const inWords = ({ entry, candidate }: Matched): string =>
  `${entry.app} ${entry.bundleId} (${entry.method}): ${entry.profile.uuid.slice(0, 8)} until ${day(entry.profile.expiresAt)} -> ${candidate.profile.uuid.slice(0, 8)} until ${day(candidate.profile.expiresAt)}`;

/** What of identities is approved with the profiles: which one follows which, and where its key goes. */
function identitiesInWords(
  line: LineDeclaration,
  from: Manifest,
  matched: readonly Matched[],
  deliveries: readonly Delivery[],
): readonly string[] {
  const certificates = certificatesOf(matched);
  const changes = new Map(
    matched.flatMap(({ entry, identity }) => (entry.identity === identity ? [] : [[identity, entry.identity] as const])),
  );
  return [...changes].map(([next, last]) => {
    const old = from.certificates[last]?.expiresAt;
    const fresh = certificates[next];
    const nodes = deliveries.filter(({ identity }) => identity === next).map(({ node }) => node.name);
    const where =
      line.identity === 'sidecar'
        ? `its key is at the sidecar, alias ${keyAlias(from.line, next)}`
        : nodes.length === 0
          ? 'its key goes to no node'
          : `its key goes to ${nodes.length > 5 ? `${nodes.length} nodes` : nodes.join(', ')}`;
    return `identity ${last.slice(0, 8)}${old === undefined ? '' : ` until ${day(old)}`} -> ${next.slice(0, 8)} ${fresh?.commonName ?? ''} until ${day(fresh?.expiresAt ?? '')}; ${where}`;
  });
}

/** Preflight's comparison against the predecessor's own bytes; failures only, each with the file's name. */
async function compare(
  around: Surroundings,
  survey: Survey,
  { entry, candidate }: Matched,
  request: RotationRequest,
): Promise<readonly string[]> {
  const predecessor = await describePredecessor(around, survey, entry.profile.sha256);
  return compareSuccessor(predecessor, candidate.profile, around.clock() + request.offset)
    .filter((check) => !check.ok)
    .map((check) => `${candidate.origin.path} for ${entryKey(entry)}: ${check.check}: ${check.reason}`);
}

/** What Apple has revoked, or is said to have, does not come into force anew: nothing was touched yet, so people are asked first. */
const deadSuccessor = ({ candidate }: Matched, revocations: readonly Revocation[]): readonly string[] =>
  revokedAmong(revocations, candidate.profile.certificates).map((dead) =>
    dead.standing.kind === 'revoked'
      ? `certificate-revoked: ${candidate.origin.path} embeds it: ${deadInWords(dead)}; take a profile without it`
      : `certificate-claimed-revoked: ${candidate.origin.path} embeds it: ${deadInWords(dead)}; find out whether it is, then sign for it: ${claimCommand(dead.certificate)}`,
  );

const describePredecessor = async (around: Surroundings, survey: Survey, digest: Sha256): Promise<ProfileDescription> =>
  around.profiles.verify(await survey.situation.store.profile(digest)).profile;

const replacement = ({ entry, candidate, identity }: Matched): Replacement => ({
  key: entryKey(entry),
  identity,
  profile: manifestProfile(candidate.profile),
});

const certificatesOf = (matched: readonly Matched[]): Manifest['certificates'] =>
  manifestCertificates(matched.map(({ candidate }) => candidate.profile));
