import type { Duration, Instant, Sha1 } from './brands.js';
import { narrowerEntitlements } from './entitlements.js';
import { windowOf } from './groups.js';
import type { Manifest, ManifestEntry, Method } from './manifest.js';
import type { Policy } from './policy.js';
import type { ProfileDescription } from './profile.js';
import { isSameSerial, serialLast6 } from './serial.js';

/** Where a candidate was found. */
export interface CandidateOrigin {
  /** Name of the source in reseal.yaml. */
  readonly source: string;
  /** For people: a path, or an address inside the source. */
  readonly path: string;
  readonly holder?: string;
  readonly variant?: string;
}

/** A verified profile that might succeed an entry. */
export interface SuccessorCandidate {
  readonly profile: ProfileDescription;
  readonly origin: CandidateOrigin;
}

/** When and by which policy successors are judged. */
export interface SuccessorTerms {
  /** The workflow's clock. */
  readonly now: Instant;
  /** Added to `now` in expiry comparisons (rehearsals). */
  readonly offset: Duration;
  readonly policy: Pick<Policy, 'window' | 'successor'>;
  /** Serials of certificates that are known to be revoked. */
  readonly revoked?: readonly string[];
}

export type Fit = { readonly fits: true } | { readonly fits: false; readonly reasons: readonly string[] };

/** Whether a candidate can take an entry's place; if not, every reason. */
export function fits(entry: ManifestEntry, candidate: SuccessorCandidate, from: Manifest, terms: SuccessorTerms): Fit {
  const { profile, origin } = candidate;
  const inUse = from.profiles.find((one) => one.profile.uuid === profile.uuid);
  const reasons = [
    ...differences(entry, profile),
    unless(origin.variant === entry.variant, `variant is ${named(origin.variant)}, needed is ${named(entry.variant)}`),
    unless(origin.holder === entry.holder, `holder is ${named(origin.holder)}, needed is ${named(entry.holder)}`),
    unless(inUse === undefined, sameUuid(profile, inUse)),
    unless(!profile.xcodeManaged, 'it is managed by Xcode, which replaces it as it likes'),
    ...lifeReasons(entry, profile, terms),
    revokedReason(profile, terms),
  ].filter((reason) => reason !== null);
  return reasons.length === 0 ? { fits: true } : { fits: false, reasons };
}

function differences(entry: ManifestEntry, profile: ProfileDescription): (string | null)[] {
  const missing = entry.profile.platforms.filter((platform) => !profile.platforms.includes(platform));
  return [
    unless(profile.team === entry.team, `team is ${profile.team}, needed is ${entry.team}`),
    unless(profile.appId === entry.profile.appId, `app id is ${profile.appId}, needed is ${entry.profile.appId}`),
    unless(profile.kind === entry.method, `kind is ${profile.kind}, needed is ${entry.method}`),
    unless(missing.length === 0, `platforms are ${profile.platforms.join(', ')}, ${missing.join(', ')} is missing`),
  ];
}

/** What embeds a revoked certificate signs with it on some machine, or is withdrawn with it. */
function revokedReason({ certificates }: ProfileDescription, { revoked = [] }: SuccessorTerms): string | null {
  const found = certificates.find(({ serial }) => revoked.some((one) => isSameSerial(one, serial)));
  return found === undefined
    ? null
    : `it embeds the certificate of serial …${serialLast6(found.serial)} ("${found.commonName}"), which is revoked`;
}

function sameUuid(profile: ProfileDescription, inUse: ManifestEntry | undefined): string {
  return inUse?.profile.sha256 === profile.sha256 ? 'it is in use already' : 'its UUID is in use already with other bytes';
}

function lifeReasons(entry: ManifestEntry, profile: ProfileDescription, terms: SuccessorTerms): (string | null)[] {
  const at = terms.now + terms.offset;
  const needed = neededLife(entry.method, terms);
  const left = Date.parse(profile.expiresAt) - at;
  const certified = profile.certificates.some((one) => Date.parse(one.notAfter) - at > needed);
  return [
    unless(
      left > needed,
      `${left > 0 ? `it expires ${profile.expiresAt}, ${days(left)} from now` : `it expired ${profile.expiresAt}`}; more than ${days(needed)} of life are needed`,
    ),
    unless(certified, `none of its certificates lives for more than ${days(needed)}`),
  ];
}

/** A successor's life must exceed this: otherwise it were due again at once. */
export const neededLife = (method: Method, terms: SuccessorTerms): Duration =>
  windowOf(method, terms.policy) + terms.policy.successor.minLifeBeyondWindow;

/** The certificates of a successor that live long enough to be an identity, newest first. */
export function livingCertificates(entry: ManifestEntry, profile: ProfileDescription, terms: SuccessorTerms): readonly Sha1[] {
  const until = terms.now + terms.offset + neededLife(entry.method, terms);
  return profile.certificates
    .filter((one) => Date.parse(one.notAfter) > until)
    .sort((a, b) => Date.parse(b.notBefore) - Date.parse(a.notBefore))
    .map((one) => one.sha1);
}

/** One line of preflight's comparison. */
export interface SuccessorCheck {
  readonly check: 'uuid' | 'team' | 'bundle' | 'kind' | 'platforms' | 'validity' | 'life' | 'xcode-managed' | 'devices' | 'entitlements';
  readonly ok: boolean;
  /** What was found; for a failure also what was expected. */
  readonly reason: string;
}

/**
 * Preflight's comparison of an old profile with the new one, in a fixed order, with every failure at once (entitlements: one
 * line each). The successor may be wider, never narrower.
 *
 * @param at the instant of the comparison, offset applied
 */
export function compareSuccessor(predecessor: ProfileDescription, successor: ProfileDescription, at: Instant): readonly SuccessorCheck[] {
  const platforms = predecessor.platforms.filter((one) => !successor.platforms.includes(one));
  const devices = predecessor.devices.filter((one) => !successor.devices.includes(one));
  const gained = Date.parse(successor.expiresAt) - Date.parse(predecessor.expiresAt);
  const check = (name: SuccessorCheck['check'], ok: boolean, reason: string): SuccessorCheck => ({ check: name, ok, reason });
  const same = (name: SuccessorCheck['check'], found: string, expected: string): SuccessorCheck =>
    check(name, found === expected, found === expected ? `${found} as before` : `${found}, expected ${expected}`);
  return [
    check('uuid', successor.uuid !== predecessor.uuid, uuidReason(predecessor, successor)),
    same('team', successor.team, predecessor.team),
    same('bundle', successor.appId, predecessor.appId),
    same('kind', successor.kind, predecessor.kind),
    check(
      'platforms',
      platforms.length === 0,
      platforms.length === 0
        ? successor.platforms.join(', ')
        : `${platforms.join(', ')} is missing; there is only ${successor.platforms.join(', ')}`,
    ),
    validity(successor, at),
    check(
      'life',
      gained > 0,
      gained > 0
        ? `lives ${days(gained)} longer, until ${successor.expiresAt}`
        : `expires ${successor.expiresAt}, not later than the predecessor (${predecessor.expiresAt})`,
    ),
    check(
      'xcode-managed',
      !successor.xcodeManaged,
      successor.xcodeManaged ? 'managed by Xcode, which replaces it as it likes' : 'managed by hand',
    ),
    check(
      'devices',
      devices.length === 0,
      devices.length === 0
        ? `${successor.devices.length} devices, none lost`
        : `${devices.length} of ${predecessor.devices.length} devices are missing`,
    ),
    ...entitlements(predecessor, successor),
  ];
}

function uuidReason(predecessor: ProfileDescription, successor: ProfileDescription): string {
  if (successor.uuid !== predecessor.uuid) return successor.uuid;
  return successor.sha256 === predecessor.sha256 ? 'the predecessor itself' : "the predecessor's UUID with other bytes";
}

function validity(successor: ProfileDescription, at: Instant): SuccessorCheck {
  const certificate = successor.certificates.some((one) => Date.parse(one.notBefore) <= at && at < Date.parse(one.notAfter));
  if (at < Date.parse(successor.createdAt))
    return { check: 'validity', ok: false, reason: `not yet valid: created ${successor.createdAt}` };
  if (at >= Date.parse(successor.expiresAt)) return { check: 'validity', ok: false, reason: `expired ${successor.expiresAt}` };
  return {
    check: 'validity',
    ok: certificate,
    reason: certificate ? `valid until ${successor.expiresAt}` : 'none of its certificates is valid now',
  };
}

function entitlements(predecessor: ProfileDescription, successor: ProfileDescription): readonly SuccessorCheck[] {
  const narrower = narrowerEntitlements(predecessor.entitlements, successor.entitlements);
  if (narrower.length > 0) return narrower.map((reason) => ({ check: 'entitlements', ok: false, reason }));
  return [{ check: 'entitlements', ok: true, reason: `all ${Object.keys(predecessor.entitlements).length} kept` }];
}

const unless = (ok: boolean, reason: string): string | null => (ok ? null : reason);
const named = (value: string | undefined): string => (value === undefined ? 'none' : `"${value}"`);

/** Days with one decimal, for sentences. */
const days = (ms: Duration): string => `${(ms / 86_400_000).toFixed(1)} d`;

/** UUID and origin, as a person would look for it. */
export const candidateName = (candidate: SuccessorCandidate): string =>
  `${candidate.profile.uuid} "${candidate.profile.name}" (${candidate.origin.path})`;
