import { patternCovers, type ProfileDescription } from '../profile.js';
import { targetIdentifier } from '../settings.js';
import { descriptionOf, type Bundle } from './bundle.js';
import { namedProfile, type NamedProfile } from './build-request.js';
import type { Requirement } from './finding.js';
import type { TriageInput } from './input.js';

/** What a source says that a bundle should embed: any one of these profiles. */
export interface Expectation {
  /** As a sentence names it: `the manifest`. */
  readonly source: string;
  readonly profiles: readonly NamedProfile[];
  readonly violates: readonly Requirement[];
}

/** Everything that was said about a bundle's profile: the manifest, rendered settings, the log, the command line, export options. */
export function expectationsOf(bundle: Bundle, input: TriageInput): readonly Expectation[] {
  return [
    ...fromManifest(bundle, input),
    ...fromTargets(bundle, input),
    ...fromCommandLine(bundle, input),
    ...fromExportOptions(bundle, input),
  ].filter(({ profiles }) => profiles.length > 0);
}

export const isMeant = (profile: ProfileDescription, named: NamedProfile): boolean =>
  named.by === 'uuid' ? profile.uuid === named.uuid : profile.name === named.name;

/** Of entries with the embedded profile's own method alone, where there are such: another method's UUID would never do. */
function fromManifest(bundle: Bundle, { manifest }: TriageInput): readonly Expectation[] {
  const entries = manifest?.profiles.filter((entry) => entry.bundleId === bundle.bundleId) ?? [];
  const embedded = descriptionOf(bundle.profile);
  const same = entries.filter((entry) => entry.method === embedded?.kind);
  const profiles = (same.length > 0 ? same : entries).map(({ profile }): NamedProfile => ({
    by: 'uuid',
    uuid: profile.uuid,
    name: profile.name,
  }));
  return [{ source: 'the manifest', profiles, violates: ['S2', 'S3'] }];
}

function fromTargets(bundle: Bundle, { request, manifest }: TriageInput): readonly Expectation[] {
  const targets = manifest?.profiles.filter((entry) => entry.bundleId === bundle.bundleId).flatMap((entry) => entry.targets) ?? [];
  const names = [bundle.product, ...targets];
  const inSettings = names.map(targetIdentifier);
  return (request?.targets ?? []).flatMap(({ name, source, profile }): readonly Expectation[] => {
    if (profile === null) return [];
    if (source === 'log')
      return names.includes(name) ? [{ source: "the log's CodeSign step", profiles: [profile], violates: ['S10'] }] : [];
    return inSettings.includes(name) ? [{ source: 'the rendered settings', profiles: [profile], violates: ['R12'] }] : [];
  });
}

/**
 * A setting of the command line counts for every target, and is meant for one: the host, unless the profile it names is embedded somewhere
 * and is for other bundles.
 */
function fromCommandLine(bundle: Bundle, input: TriageInput): readonly Expectation[] {
  const named = specifierOf(input);
  if (named === null) return [];
  const known = profileNamed(named, input);
  const counts = known === null ? bundle.role === 'host' : patternCovers(known.bundleId, bundle.bundleId ?? '');
  return counts ? [{ source: 'the command line', profiles: [named], violates: ['S10'] }] : [];
}

/** The profile that the command line names for all targets; null where it names none. */
export const specifierOf = ({ request }: TriageInput): NamedProfile | null =>
  namedProfile(request?.settings.get('PROVISIONING_PROFILE_SPECIFIER')) ?? namedProfile(request?.settings.get('PROVISIONING_PROFILE'));

/** Where some bundle embeds it, what a named profile says of itself. */
export function profileNamed(named: NamedProfile, { artifact }: TriageInput): ProfileDescription | null {
  const all = artifact?.bundles.map(({ profile }) => descriptionOf(profile)) ?? [];
  return all.find((profile) => profile !== null && isMeant(profile, named)) ?? null;
}

function fromExportOptions(bundle: Bundle, { exportOptions }: TriageInput): readonly Expectation[] {
  if (exportOptions?.state !== 'read' || bundle.bundleId === null) return [];
  const profile = exportOptions.profiles.get(bundle.bundleId);
  return profile === undefined ? [] : [{ source: exportOptions.named, profiles: [profile], violates: ['R12'] }];
}
