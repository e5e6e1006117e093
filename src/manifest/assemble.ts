import { z } from 'zod';
import { ResealError } from '../domain/errors.js';
import type { LineName, NodeName, Sha1 } from '../domain/brands.js';
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

/** Where apps come from, for messages, and what else it says. */
export interface AppsOrigin {
  /** As sentences name it. */
  readonly name: string;
  /** CODE_SIGN_IDENTITY of a bundle id's targets; null where nothing says it. */
  readonly identityOf: (bundleId: string) => string | null;
  /** Why a profile that it does not name may be there; empty where that is not known. */
  readonly unnamed: (profile: ProfileDescription) => string;
}

const APPS_YAML: AppsOrigin = { name: 'apps.yaml', identityOf: () => null, unnamed: () => '' };

/** Profiles that one node alone gets; of `holder: null` whoever needs them. */
export interface HeldProfiles {
  readonly holder: NodeName | null;
  readonly profiles: readonly ProfileDescription[];
}

/**
 * A line's manifest from verified profiles and `apps.yaml`. Every bundle id that the file names gets the profiles that cover it,
 * one entry per distribution method.
 * @throws ResealError MANIFEST_INVALID with every mismatch: a bundle id without a profile, a profile without a bundle id, two for one entry
 */
export const assembleManifest = (line: LineName, profiles: readonly ProfileDescription[], apps: Apps): Manifest =>
  assembleHeldManifest(line, [{ holder: null, profiles }], apps);

/**
 * The same with profiles per holder: entries are keyed by whose folder a profile was in, and by `holder` of apps.yaml where it was in none. A bundle id that
 * a holder has no profile for has to have one for all.
 * @throws ResealError MANIFEST_INVALID
 */
export function assembleHeldManifest(
  line: LineName,
  groups: readonly HeldProfiles[],
  { apps }: Apps,
  origin: AppsOrigin = APPS_YAML,
): Manifest {
  const problems: string[] = [];
  const used = new Set<ProfileDescription>();
  const entries: ManifestEntry[] = [];
  for (const [app, bundles] of Object.entries(apps)) {
    for (const [bundleId, facts] of Object.entries(bundles)) {
      const covered = groups.map((group) => ({ ...group, covering: coveringOf(group, bundleId, facts.holder) }));
      const forAll = covered.some(({ holder, covering }) => holder === null && covering.length > 0);
      const without = covered.filter(({ holder, covering }) => holder !== null && covering.length === 0 && isFor(holder, facts.holder));
      if (covered.every(({ covering }) => covering.length === 0)) problems.push(`no profile is for ${bundleId} (${app})`);
      else if (!forAll)
        for (const { holder } of without)
          problems.push(`${holder ?? ''} has no profile for ${bundleId} (${app}), and there is none for all`);
      for (const { holder, covering } of covered) {
        for (const profile of covering) {
          used.add(profile);
          const identity = identityOf(profile, facts.identity, origin.identityOf(bundleId));
          if (identity === null)
            problems.push(
              `${profile.uuid} embeds ${profile.certificates.length} certificates: name one as identity of ${bundleId} in apps.yaml`,
            );
          else entries.push(entryOf(app, bundleId, { ...facts, holder: holder ?? facts.holder }, profile, identity));
        }
      }
    }
  }
  for (const profile of groups.flatMap((group) => group.profiles)) {
    if (!used.has(profile))
      problems.push(`${profile.uuid} is for ${profile.bundleId}, which ${origin.name} does not name${origin.unnamed(profile)}`);
  }
  if (problems.length > 0) {
    throw new ResealError('MANIFEST_INVALID', `Profiles and ${origin.name} do not make a manifest of ${line}: ${problems.join('; ')}.`, {
      details: problems,
    });
  }
  return { schemaVersion: 1, line, certificates: manifestCertificates([...used]), profiles: entries };
}

/** Whether a bundle of apps.yaml concerns a holder's folder. */
const isFor = (holder: NodeName, declared: string | undefined): boolean => declared === undefined || declared === holder;

function coveringOf({ holder, profiles }: HeldProfiles, bundleId: string, declared: string | undefined): readonly ProfileDescription[] {
  if (holder !== null && !isFor(holder, declared)) return [];
  const exact = profiles.filter((profile) => profile.bundleId === bundleId);
  return exact.length > 0 ? exact : profiles.filter((profile) => patternCovers(profile.bundleId, bundleId));
}

type BundleFacts = Omit<Apps['apps'][string][string], 'holder'> & { readonly holder: string | undefined };

function entryOf(app: string, bundleId: string, facts: BundleFacts, profile: ProfileDescription, identity: Sha1): ManifestEntry {
  return {
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
  };
}

/** Named by its SHA-1; else the only one; else the only one that CODE_SIGN_IDENTITY fits, which Xcode holds against SHA-1s and beginnings of common names. */
function identityOf(profile: ProfileDescription, named: string | undefined, wanted: string | null): Sha1 | null {
  if (named !== undefined) return profile.certificates.find((one) => one.sha1 === named)?.sha1 ?? null;
  if (profile.certificates.length === 1 || wanted === null) return onlyOf(profile.certificates);
  return onlyOf(profile.certificates.filter((one) => one.sha1 === wanted.toLowerCase() || one.commonName.startsWith(wanted)));
}

const onlyOf = (certificates: ProfileDescription['certificates']): Sha1 | null =>
  certificates.length === 1 ? (certificates[0]?.sha1 ?? null) : null;
