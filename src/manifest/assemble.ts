import { z } from 'zod';
import { ResealError } from '../domain/errors.js';
import type { LineName, Sha1 } from '../domain/brands.js';
import type { Manifest, ManifestEntry, ManifestProfile } from '../domain/manifest.js';
import { patternCovers, type ProfileDescription } from '../domain/profile.js';

/**
 * `apps.yaml`, beside the profiles that `manifest freeze` takes: what no profile tells. App name, then bundle id, then role, Xcode
 * targets, and where a profile embeds several certificates the SHA-1 of the one that builds sign with.
 */
export const AppsSchema = z.strictObject({
  apps: z.record(
    z.string().min(1),
    z.record(
      z.string().min(1),
      z.strictObject({
        role: z.enum(['host', 'extension', 'watch', 'clip']),
        targets: z.array(z.string().min(1)).min(1),
        variant: z.string().min(1).optional(),
        holder: z.string().min(1).optional(),
        identity: z
          .string()
          .regex(/^[0-9a-f]{40}$/, { error: 'the SHA-1 of a certificate, lower case' })
          .optional(),
      }),
    ),
  ),
});
export type Apps = z.infer<typeof AppsSchema>;

/** What a manifest keeps of a profile. */
export function manifestProfile(profile: ProfileDescription): ManifestProfile {
  return {
    uuid: profile.uuid,
    fileName: `${profile.uuid}.mobileprovision`,
    sha256: profile.sha256,
    name: profile.name,
    appId: profile.appId,
    platforms: profile.platforms,
    certificates: profile.certificates.map((certificate) => certificate.sha1),
    createdAt: profile.createdAt,
    expiresAt: profile.expiresAt,
  };
}

/** The certificates that profiles embed, as a manifest describes them. */
export function manifestCertificates(profiles: readonly ProfileDescription[]): Manifest['certificates'] {
  return Object.fromEntries(
    profiles.flatMap((profile) =>
      profile.certificates.map((one) => [
        one.sha1,
        { commonName: one.commonName, team: profile.team, serial: one.serial, expiresAt: one.notAfter },
      ]),
    ),
  );
}

/**
 * A line's manifest from verified profiles and `apps.yaml`. Every bundle id that the file names gets the profiles that cover it,
 * one entry per distribution method.
 * @throws ResealError MANIFEST_INVALID with every mismatch: a bundle id without a profile, a profile without a bundle id, two for one entry
 */
export function assembleManifest(line: LineName, profiles: readonly ProfileDescription[], { apps }: Apps): Manifest {
  const problems: string[] = [];
  const used = new Set<ProfileDescription>();
  const entries: ManifestEntry[] = [];
  for (const [app, bundles] of Object.entries(apps)) {
    for (const [bundleId, facts] of Object.entries(bundles)) {
      const exact = profiles.filter((profile) => profile.bundleId === bundleId);
      const covering = exact.length > 0 ? exact : profiles.filter((profile) => patternCovers(profile.bundleId, bundleId));
      if (covering.length === 0) problems.push(`no profile is for ${bundleId} (${app})`);
      for (const profile of covering) {
        used.add(profile);
        const identity = identityOf(profile, facts.identity);
        if (identity === null)
          problems.push(`${profile.uuid} embeds ${profile.certificates.length} certificates: name one as identity of ${bundleId}`);
        else {
          entries.push({
            app,
            role: facts.role,
            team: profile.team,
            bundleId,
            method: profile.kind,
            ...(facts.variant === undefined ? {} : { variant: facts.variant }),
            ...(facts.holder === undefined ? {} : { holder: facts.holder as NonNullable<ManifestEntry['holder']> }),
            targets: facts.targets,
            identity,
            profile: manifestProfile(profile),
          });
        }
      }
    }
  }
  for (const profile of profiles) {
    if (!used.has(profile)) problems.push(`${profile.uuid} is for ${profile.bundleId}, which apps.yaml does not name`);
  }
  if (problems.length > 0) {
    throw new ResealError('MANIFEST_INVALID', `Profiles and apps.yaml do not make a manifest of ${line}: ${problems.join('; ')}.`, {
      details: problems,
    });
  }
  return { schemaVersion: 1, line, certificates: manifestCertificates([...used]), profiles: entries };
}

function identityOf(profile: ProfileDescription, named: string | undefined): Sha1 | null {
  if (named !== undefined) return profile.certificates.find((one) => one.sha1 === named)?.sha1 ?? null;
  return profile.certificates.length === 1 ? (profile.certificates[0]?.sha1 ?? null) : null;
}
