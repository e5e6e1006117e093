import type { Manifest, Method } from '../domain/manifest.js';
import type { ExportOptions } from '../domain/project-signing.js';

/** Both names of each method: Xcode 15.3 renamed three of them. */
const METHODS: Readonly<Record<string, Method>> = {
  'app-store': 'app-store',
  'app-store-connect': 'app-store',
  'ad-hoc': 'ad-hoc',
  'release-testing': 'ad-hoc',
  development: 'development',
  debugging: 'development',
  enterprise: 'enterprise',
};

/** Where an ExportOptions.plist asks for something that a manifest does not have: sentences without their full stop. */
export function exportMismatches(manifest: Manifest, options: ExportOptions): readonly string[] {
  const method = METHODS[options.method];
  if (method === undefined)
    return [`${options.file}: method is ${JSON.stringify(options.method)}, expected one of ${Object.keys(METHODS).join(', ')}`];
  const entries = manifest.profiles.filter((entry) => entry.method === method);
  if (entries.length === 0) {
    const kinds = [...new Set(manifest.profiles.map((entry) => entry.method))].join(', ');
    return [`${options.file}: method is ${options.method}, and no profile is of that kind; there are ${kinds}`];
  }
  const { team } = options;
  const teams = [...new Set(entries.map((entry) => entry.team))].filter((one) => team !== null && one !== team);
  const named = Object.entries(options.profiles);
  return [
    ...(teams.length === 0 ? [] : [`${options.file}: teamID is ${team ?? ''}, and profiles are of ${teams.join(', ')}`]),
    ...named.flatMap(([bundleId, wanted]): string[] => {
      const known = entries.filter((entry) => entry.bundleId === bundleId);
      if (known.length === 0) return [`${options.file}: provisioningProfiles names ${bundleId}, and no ${method} profile is for it`];
      const fits = known.some(({ profile }) => profile.name === wanted || profile.uuid === wanted.toLowerCase());
      if (fits) return [];
      return [
        `${options.file}: provisioningProfiles says ${JSON.stringify(wanted)} for ${bundleId}, and its profile is ${known.map(({ profile }) => `${JSON.stringify(profile.name)} (${profile.uuid})`).join(' or ')}`,
      ];
    }),
    // A plist without the key leaves it to Xcode; one with it has to name every bundle.
    ...(named.length === 0
      ? []
      : entries
          .filter(({ bundleId }) => options.profiles[bundleId] === undefined)
          .map(({ bundleId }) => `${options.file}: provisioningProfiles does not name ${bundleId}`)),
  ];
}
