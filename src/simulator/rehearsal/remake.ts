import type { Duration, Instant, Sha1, Sha256 } from '../../domain/brands.js';
import { dueAt, windowOf } from '../../domain/groups.js';
import type { Manifest, ManifestEntry } from '../../domain/manifest.js';
import { entryKey } from '../../domain/manifest-rules.js';
import type { Policy } from '../../domain/policy.js';
import type { ProfileDescription } from '../../domain/profile.js';
import { manifestCertificates, manifestProfile } from '../../manifest/assemble.js';
import { pinRoots, verifyProfile } from '../../profile/index.js';
import type { AppleHierarchy, DistributionCertificate, ProfileRequest } from '../apple-hierarchy.js';
import { stableUuid, wholeSecond } from '../mesh/create.js';

const DAY: Duration = 86_400_000;
const YEAR: Duration = 365 * DAY;
/** Where nothing is known of a profile's devices, it gets one: without any it would be of another kind. */
const STAND_IN_DEVICE = '00008030-000000000000002E';

/** What the simulated Apple made in place of what is in force. */
export interface Remade {
  readonly manifest: Manifest;
  readonly profiles: readonly Uint8Array[];
  readonly certificates: readonly DistributionCertificate[];
}

/** A file of a drop folder. */
export interface DropFile {
  /** Holder and variant, as names of folders. */
  readonly below: readonly string[];
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Successors, and the certificates that follow others. */
export interface NextEdition {
  readonly files: readonly DropFile[];
  /** By the identity that each follows. */
  readonly newCertificates: ReadonlyMap<Sha1, DistributionCertificate>;
}

type Known = ReadonlyMap<Sha256, ProfileDescription>;

/**
 * The manifest in force once more, signed by the simulated Apple: the same UUIDs, names, bundle ids, kinds, entitlements, devices and lifetimes, under
 * certificates of the same names and lifetimes whose keys are the simulation's.
 * @param known what the profiles' own bytes say, by digest; of one that is not there only what the manifest says is kept
 */
export async function remakeInForce(apple: AppleHierarchy, from: Manifest, known: Known, now: Instant): Promise<Remade> {
  const counterparts = new Map<Sha1, DistributionCertificate>();
  for (const { identity, team } of from.profiles) {
    if (counterparts.has(identity)) continue;
    const real = from.certificates[identity];
    const notAfter = Date.parse(real?.expiresAt ?? '') || now + YEAR;
    const certificate = await apple.issueCertificate({
      commonName: real?.commonName ?? `Apple Distribution: ${team}`,
      team,
      notBefore: wholeSecond(Math.min(notAfter - YEAR, now - DAY)),
      notAfter: wholeSecond(notAfter),
    });
    counterparts.set(identity, certificate);
  }
  const made = new Map<string, Made>();
  const profiles = from.profiles.map((entry): ManifestEntry => {
    const certificate = counterpartOf(counterparts, entry.identity);
    const { uuid, name, createdAt, expiresAt } = entry.profile;
    const lifetime = { uuid, name, createdAt: new Date(createdAt), expiresAt: new Date(expiresAt) };
    const one = made.get(uuid) ?? make(apple, entry, known, certificate, lifetime);
    made.set(uuid, one);
    return { ...entry, identity: certificate.sha1, profile: manifestProfile(one.described) };
  });
  const all = [...made.values()];
  return {
    manifest: { ...from, certificates: manifestCertificates(all.map(({ described }) => described)), profiles },
    profiles: all.map(({ bytes }) => bytes),
    certificates: [...counterparts.values()],
  };
}

function counterpartOf(counterparts: ReadonlyMap<Sha1, DistributionCertificate>, identity: Sha1): DistributionCertificate {
  const found = counterparts.get(identity);
  if (found === undefined) throw new Error(`identity ${identity} has no counterpart in the simulation`);
  return found;
}

interface Made {
  readonly bytes: Uint8Array;
  readonly described: ProfileDescription;
}

function make(
  apple: AppleHierarchy,
  entry: ManifestEntry,
  known: Known,
  certificate: DistributionCertificate,
  edition: Pick<ProfileRequest, 'uuid' | 'name' | 'createdAt' | 'expiresAt'>,
): Made {
  const bytes = apple.makeProfile({ ...factsOf(entry, known.get(entry.profile.sha256)), ...edition, certificates: [certificate] });
  return { bytes, described: verifyProfile(bytes, { roots: pinRoots([apple.rootPem]) }).profile };
}

/** What a profile grants, to whom, and where. */
function factsOf(
  { method, team, profile }: ManifestEntry,
  known: ProfileDescription | undefined,
): Omit<ProfileRequest, 'uuid' | 'name' | 'createdAt' | 'expiresAt' | 'certificates'> {
  const [prefix = team, ...bundle] = profile.appId.split('.');
  const listed = method === 'ad-hoc' || method === 'development';
  const facts = { team, kind: method, platforms: profile.platforms };
  if (known === undefined) return { ...facts, prefix, bundleId: bundle.join('.'), ...(listed ? { devices: [STAND_IN_DEVICE] } : {}) };
  const { entitlements, devices, teamName, bundleId } = known;
  return {
    ...facts,
    teamName,
    prefix: known.prefix,
    bundleId,
    entitlements: entitlements as NonNullable<ProfileRequest['entitlements']>,
    ...(listed ? { devices } : {}),
  };
}

export interface EditionRequest {
  /** In force, as it was remade. */
  readonly from: Manifest;
  /** Of its profiles and of what they stand for. */
  readonly known: Known;
  readonly certificates: readonly DistributionCertificate[];
  readonly policy: Policy;
  /** When the rotation begins that is to find them. */
  readonly at: Instant;
  readonly now: Instant;
  /** Tells this set of successors from others. */
  readonly name: string;
  /** Certificates that an earlier edition has brought already, by the identity that each follows. */
  readonly earlier?: ReadonlyMap<Sha1, DistributionCertificate>;
}

/** What the portal would give: a successor for all that is due, with a new certificate where the old one does not live long enough for them. */
export async function nextEdition(apple: AppleHierarchy, request: EditionRequest): Promise<NextEdition> {
  const { from, known, certificates, policy, at, now, name } = request;
  const born = Math.min(at, now);
  const neededLife = (entry: ManifestEntry): Duration => windowOf(entry.method, policy) + policy.successor.minLifeBeyondWindow + DAY;
  const isShort = (entry: ManifestEntry): boolean =>
    Date.parse(from.certificates[entry.identity]?.expiresAt ?? '') - at <= neededLife(entry);
  const due = withWholeIdentities(from, dueAt(from, policy, at).entries, isShort);
  const newCertificates = new Map<Sha1, DistributionCertificate>(request.earlier);
  for (const { identity } of due.filter(isShort)) {
    const before = certificates.find(({ sha1 }) => sha1 === identity);
    if (before === undefined || newCertificates.has(identity)) continue;
    const { commonName, team } = before;
    const fresh = { commonName, team, notBefore: wholeSecond(born - DAY), notAfter: wholeSecond(at + YEAR) };
    newCertificates.set(identity, await apple.issueCertificate(fresh));
  }
  const made = new Map<string, Made>();
  const files = due.map((entry): DropFile => {
    const certificate = newCertificates.get(entry.identity) ?? certificates.find(({ sha1 }) => sha1 === entry.identity);
    if (certificate === undefined) throw new Error(`identity ${entry.identity} is not the simulation's`);
    const uuid = stableUuid(`${apple.folder} ${entry.profile.uuid} ${name}`);
    const expiresAt = wholeSecond(Math.min(at + YEAR, certificate.notAfter.getTime()));
    const lifetime = { uuid, name: entry.profile.name, createdAt: wholeSecond(born - DAY / 24), expiresAt };
    const one = made.get(uuid) ?? make(apple, entry, known, certificate, lifetime);
    made.set(uuid, one);
    const below = [entry.holder, entry.variant].filter((part) => part !== undefined);
    return { below, name: `${uuid}.mobileprovision`, bytes: one.bytes };
  });
  return { files, newCertificates };
}

/** An identity is replaced as a whole: with one entry that gets a new certificate, all that sign with the old one move. */
function withWholeIdentities(
  from: Manifest,
  due: readonly ManifestEntry[],
  isShort: (entry: ManifestEntry) => boolean,
): readonly ManifestEntry[] {
  const keys = new Set(due.map(entryKey));
  const replaced = new Set(due.filter(isShort).map(({ identity }) => identity));
  return from.profiles.filter((entry) => keys.has(entryKey(entry)) || replaced.has(entry.identity));
}
