import type { LineName, Sha1, Sha256, TeamId, Uuid } from '../../src/domain/brands.js';
import type { Manifest, ManifestEntry } from '../../src/domain/manifest.js';
import type { ProfileCertificate, ProfileDescription } from '../../src/domain/profile.js';
import type { CandidateOrigin, SuccessorCandidate, SuccessorTerms } from '../../src/domain/successor.js';

export const DAY = 86_400_000;
export const NOW = Date.parse('2026-06-01T00:00:00Z');

export const terms = (now = NOW): SuccessorTerms => ({
  now,
  offset: 0,
  policy: {
    window: { appStore: 7 * DAY, development: 7 * DAY, adHoc: 60 * DAY, enterprise: 60 * DAY },
    successor: { minLifeBeyondWindow: 14 * DAY, lookEvery: 300_000, askEvery: DAY, pageWhenLeft: [] },
  },
});

const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

/** A certificate whose SHA-1 repeats one hexadecimal digit. */
export const certificate = (digit: string, over: Partial<ProfileCertificate> = {}): ProfileCertificate => ({
  sha1: digit.repeat(40) as Sha1,
  commonName: 'Apple Distribution: Acme GmbH (9QK4T7XW2B)',
  serial: digit.repeat(16).toUpperCase(),
  notBefore: iso(NOW - 30 * DAY),
  notAfter: iso(NOW + 300 * DAY),
  ...over,
});

/** An App Store profile that lives 300 days from NOW; `digit` makes its UUID and digest. */
export const profile = (digit: string, over: Partial<ProfileDescription> = {}): ProfileDescription => ({
  sha256: digit.repeat(64) as Sha256,
  uuid: `${digit.repeat(8)}-0000-4000-8000-000000000000` as Uuid,
  name: `Courier ${digit}`,
  team: '9QK4T7XW2B' as TeamId,
  teamName: 'Acme GmbH',
  prefix: '9QK4T7XW2B',
  appId: '9QK4T7XW2B.com.acme.courier',
  bundleId: 'com.acme.courier',
  wildcard: false,
  kind: 'app-store',
  platforms: ['iOS'],
  entitlements: { 'application-identifier': '9QK4T7XW2B.com.acme.courier', 'get-task-allow': false },
  devices: [],
  xcodeManaged: false,
  certificates: [certificate('a')],
  createdAt: iso(NOW - DAY),
  expiresAt: iso(NOW + 300 * DAY),
  ...over,
});

export const candidate = <P extends ProfileDescription>(of: P, origin: Partial<CandidateOrigin> = {}): SuccessorCandidate => ({
  profile: of,
  origin: { source: 'drop', path: `drop/${of.uuid}.mobileprovision`, ...origin },
});

/** The manifest entry that a profile takes. */
export const entryOf = (of: ProfileDescription, over: Partial<ManifestEntry> = {}): ManifestEntry => ({
  app: 'courier',
  role: 'host',
  team: of.team,
  bundleId: of.bundleId,
  method: of.kind,
  targets: ['Courier'],
  identity: of.certificates[0]?.sha1 ?? ('0'.repeat(40) as Sha1),
  profile: {
    uuid: of.uuid,
    fileName: `${of.uuid}.mobileprovision`,
    sha256: of.sha256,
    name: of.name,
    appId: of.appId,
    platforms: of.platforms,
    certificates: of.certificates.map((one) => one.sha1),
    createdAt: of.createdAt,
    expiresAt: of.expiresAt,
  },
  ...over,
});

export const manifest = (
  entries: readonly ManifestEntry[],
  certificates: readonly ProfileCertificate[] = [certificate('a')],
): Manifest => ({
  schemaVersion: 1,
  line: 'ios-main' as LineName,
  certificates: Object.fromEntries(
    certificates.map((one) => [
      one.sha1,
      { commonName: one.commonName, team: '9QK4T7XW2B' as TeamId, serial: one.serial, expiresAt: one.notAfter },
    ]),
  ),
  profiles: entries,
});
