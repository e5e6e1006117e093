import type { Instant, Sha1, TeamId, Uuid } from './brands.js';
import type { Manifest } from './manifest.js';
import { isAbout, type Revocation } from './revocations.js';

/** What a source knows of the certificates of its team. */
export interface TeamCertificates {
  /** Those that it lists now: one that was revoked or deleted there, which revokes it too, is listed no more; nor is one that has expired. */
  readonly listed: readonly Sha1[];
  /** The team's profiles, in whatever state: by them it shows whether a manifest is of this team at all. */
  readonly profiles: readonly Uuid[];
}

/**
 * Certificates that builds sign with by a manifest, that are alive by their dates, and that their team does not list any more. Of another team's nothing is known. What a
 * person has settled, one way or the other, is not asked again.
 */
export function goneCertificates(
  manifest: Manifest,
  { listed, profiles }: TeamCertificates,
  revocations: readonly Revocation[],
  now: Instant,
): readonly Sha1[] {
  const isKnownBy = ({ identity, profile }: Manifest['profiles'][number]): boolean =>
    listed.includes(identity) || profiles.includes(profile.uuid);
  const teams = new Set<TeamId>(manifest.profiles.filter(isKnownBy).map(({ team }) => team));
  const used = new Set(manifest.profiles.filter(({ team }) => teams.has(team)).map(({ identity }) => identity));
  return [...used].filter((sha1) => {
    const certificate = manifest.certificates[sha1];
    if (listed.includes(sha1) || certificate === undefined || Date.parse(certificate.expiresAt) <= now) return false;
    return !revocations.some(({ statement, lacks }) => lacks === null && isAbout(statement, { sha1, serial: certificate.serial }));
  });
}
