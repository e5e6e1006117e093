import type { Instant, Sha256 } from '../../src/domain/brands.js';
import { expectedEntries } from '../../src/domain/expected.js';
import { nodeVerdict, type CheckResult, type Verdict } from '../../src/domain/node/probe.js';
import { wipeableTreeOf } from '../../src/domain/wipeable.js';
import { isTemporary, type Digested } from '../../src/node-shell/contract.js';
import type { IdentitySummary } from '../../src/domain/node/report.js';
import { judged, pass, type Check, type Observed } from './checks/check.js';
import { image, mountRefuses, power, updates } from './checks/host.js';
import { keyFiles } from './checks/key-files.js';
import { profileFolders, profileNames } from './checks/profile-folders.js';
import { sidecar } from './checks/sidecar.js';
import { differences } from './differences.js';
import type { KnownManifest } from './frozen-contents.js';
import { lookAtKeys } from './keys.js';
import { manifestOnNode } from './manifest-on-node.js';
import { manifestFiles, unlike } from './manifest-problems.js';
import { PROFILE_FOLDERS, profilePath } from './paths.js';
import type { NodeSession } from './session.js';
import { StateFile } from './state-file.js';
import type { ProfileVerdict, ProfileVerifier } from './verifier.js';

export interface Probe {
  readonly at: Instant;
  readonly verdict: Verdict;
  readonly checks: readonly CheckResult[];
  /** Worth saying, and no reason to fail. */
  readonly findings: readonly string[];
  readonly active: Sha256 | null;
  readonly accepted: readonly Sha256[];
  readonly identities: IdentitySummary | null;
  /** What its journal was when everything else was read. */
  readonly journal: Digested;
}

/** In the order in which a person would look; each says what it found and names the file. */
const CHECKS: readonly Check[] = [
  activeManifest,
  accepted,
  settings,
  profileFiles,
  profileSignatures,
  expiry,
  staleCopies,
  profileFolders,
  profileNames,
  keyFiles,
  image,
  clock,
  wipeable,
  mountRefuses,
  power,
  updates,
  signing,
];

/**
 * Reads the node and judges it against the manifest that should be active. Changes nothing.
 * @param next a manifest that is to come into force, where there is one
 */
export async function probeNode(
  session: NodeSession,
  expected: KnownManifest,
  verifier: ProfileVerifier,
  now: Instant,
  next: KnownManifest | null = null,
): Promise<Probe> {
  const { files, paths, contents, node, line } = session;
  await files.reach();
  const { placements } = contents.files(node, line, expected);
  const frozen = await manifestFiles(session, expected.digest);
  const state = new StateFile<readonly Sha256[]>(files, paths.stateFile('accepted.json'));
  // All at once: over SSH that is one process on the node.
  const [active, acceptedFile, journal, ...found] = await files.digests([
    ...[paths.active, state.path, paths.stateFile('journal')],
    ...[...placements.map(profilePath), ...frozen.map(({ path }) => path)],
  ]);
  const observed: Observed = {
    session,
    expected,
    verifier,
    now,
    active: active?.kind === 'file' ? active.sha256 : null,
    accepted: await state.readAll(acceptedFile?.kind === 'file' ? acceptedFile.sha256 : null),
    manifestProblems: unlike(frozen, found.slice(placements.length)),
    profiles: placements.map((placement, position) => ({ placement, found: found[position] })),
    findings: [],
    known: [],
    strays: [],
  };
  const checks: CheckResult[] = [];
  for (const check of CHECKS) checks.push(await check(observed));
  const keys = await lookAtKeys(session, expected, now);
  checks.push(...keys.checks);
  if (line.identity === 'sidecar') checks.push(await sidecar(session, next === null ? [expected] : [expected, next], now));
  observed.findings.push(...keys.findings);
  const { findings } = observed;
  return {
    at: now,
    verdict: nodeVerdict(checks),
    checks,
    findings,
    active: observed.active,
    accepted: observed.accepted[session.name] ?? [],
    identities: keys.summary,
    journal: journal ?? { kind: 'absent' },
  };
}

async function activeManifest({ session, expected, active }: Observed): Promise<CheckResult> {
  const found = active === null ? 'no manifest' : `manifest ${active}`;
  const problems = active === expected.digest ? [] : [`${session.paths.active} has ${found}, expected ${expected.digest}`];
  return judged(session, 'active-manifest', problems, `manifest ${expected.digest} is active`);
}

async function accepted({ session, expected, accepted: all }: Observed): Promise<CheckResult> {
  const problems = (all[session.name] ?? []).includes(expected.digest)
    ? []
    : [`manifest ${expected.digest} is not among those that it accepts on ${session.name}`];
  return judged(session, 'accepted', problems, 'the manifest is accepted');
}

async function settings({ session, manifestProblems }: Observed): Promise<CheckResult> {
  return judged(session, 'settings', manifestProblems, 'frozen manifest and rendered settings are whole');
}

async function profileFiles({ session, profiles }: Observed): Promise<CheckResult> {
  const problems = profiles.flatMap(({ placement, found }) => differences(profilePath(placement), found, placement.sha256));
  return judged(session, 'profile-files', problems, `${profiles.length} profile files are as frozen`);
}

/** Verdicts of the right bytes, by digest: whether the file has them is the check before this one. */
async function profileSignatures({ session, expected, verifier }: Observed): Promise<CheckResult> {
  const problems: string[] = [];
  const unknown: string[] = [];
  for (const { team, profile } of expectedEntries(session.node, session.line, expected.manifest)) {
    let verdict: ProfileVerdict;
    try {
      verdict = await verifier.verify(await session.contents.profile(profile.sha256), profile.sha256);
    } catch (error) {
      unknown.push(`${profile.fileName} could not be verified: ${error instanceof Error ? error.message : String(error)}`);
      continue;
    }
    if (verdict.status !== 'valid') problems.push(`${profile.fileName} does not verify (${verdict.status}): ${verdict.reason}`);
    else if (verdict.uuid !== profile.uuid) problems.push(`${profile.fileName} holds UUID ${verdict.uuid}, expected ${profile.uuid}`);
    else if (verdict.team !== team) problems.push(`${profile.fileName} is of team ${verdict.team}, expected ${team}`);
    else if (verdict.expiresAt !== Date.parse(profile.expiresAt)) {
      problems.push(`${profile.fileName} expires ${new Date(verdict.expiresAt).toISOString()}, the manifest says ${profile.expiresAt}`);
    }
  }
  if (problems.length === 0 && unknown.length > 0) return judged(session, 'profile-signatures', unknown, '', 'inconclusive');
  return judged(session, 'profile-signatures', problems, 'every profile is signed by Apple, of its team, with its UUID');
}

/** By the node's clock plus the order's offset (rehearsals). */
async function expiry({ session, expected, now }: Observed): Promise<CheckResult> {
  const at = now + session.order.offset;
  const entries = expectedEntries(session.node, session.line, expected.manifest);
  const profiles = entries.flatMap(({ profile }) =>
    Date.parse(profile.expiresAt) <= at ? [`${profile.fileName} expired ${profile.expiresAt}`] : [],
  );
  const certificates = [...new Set(entries.map((entry) => entry.identity))].flatMap((sha1) => {
    const expires = expected.manifest.certificates[sha1]?.expiresAt;
    return expires !== undefined && Date.parse(expires) <= at ? [`the certificate ${sha1} expired ${expires}`] : [];
  });
  return judged(session, 'expiry', [...profiles, ...certificates], 'nothing has expired');
}

/** Profiles in Xcode's folders that no accepted manifest of any line names: not a fault, but the classic cause of one. */
async function staleCopies(observed: Observed): Promise<CheckResult> {
  const { session, expected, accepted: all, findings, known, strays } = observed;
  const { node, contents, files, name } = session;
  const wanted = new Set(contents.files(node, session.line, expected).placements.map((placement) => placement.fileName));
  known.push(...expectedEntries(node, session.line, expected.manifest).map(({ profile }) => profile));
  for (const [line, digests] of Object.entries(all)) {
    for (const digest of digests) {
      if (line === name && digest === expected.digest) continue;
      // A manifest of another line may be in another store; its names are on the node itself.
      const names = await contents.manifest(digest, () => manifestOnNode(session, digest, line)).then(({ manifest }) => manifest.profiles.map(({ profile }) => profile), () => null); // prettier-ignore
      if (names === null) return pass('stale-copies', `manifest ${digest} cannot be read now: not looked for`);
      for (const { fileName } of names) wanted.add(fileName);
      known.push(...names);
    }
  }
  for (const folder of node.profileFolders) {
    const names = await files.list(PROFILE_FOLDERS[folder]);
    const stray = names.filter((file) => !wanted.has(file) && (isTemporary(file) || /\.(mobile)?provision(profile)?$/.test(file)));
    strays.push(...stray.map((file) => `${PROFILE_FOLDERS[folder]}/${file}`));
  }
  if (strays.length > 0)
    findings.push(
      `${strays.length} profile files that no accepted manifest names: ${strays.slice(0, 5).join(', ')}${strays.length > 5 ? ', …' : ''}`,
    );
  return {
    ...pass('stale-copies', strays.length === 0 ? 'no old or stray copies' : `${strays.length} old or stray copies, reported as a finding`),
    evidence: { strays: strays.length },
  };
}

async function clock({ session }: Observed): Promise<CheckResult> {
  const { skew, policy } = session;
  const problems =
    Math.abs(skew) > policy.clock.maxSkew
      ? [`its clock is ${Math.round(skew / 1000)} s off, allowed are ${policy.clock.maxSkew / 1000} s`]
      : [];
  return { ...judged(session, 'clock', problems, 'the clock is right'), evidence: { skewMs: skew } };
}

async function wipeable({ session }: Observed): Promise<CheckResult> {
  const { node, policy } = session;
  const problems = [node.mount, node.state].flatMap((path) => {
    const tree = wipeableTreeOf(path, policy.wipeable);
    return tree === null ? [] : [`${path} lies in ${tree}, which cleaners wipe`];
  });
  return judged(session, 'wipeable', problems, 'mount and state are out of cleaners’ reach');
}

/** A probe only looks; the first one after a switch that passes signs (`switch-canary.ts`). */
async function signing({ session }: Observed): Promise<CheckResult> {
  return {
    check: 'signing',
    verdict: 'not-due',
    reason: session.node.keys === 'forbidden' ? 'keys: forbidden' : 'a stub app is signed once per switch',
  };
}
