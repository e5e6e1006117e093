import { isName, isSha1, isSha256, isTeamId, isUuid, type NodeName } from './brands.js';
import type { Manifest, ManifestEntry, ManifestProfile } from './manifest.js';
import { settingsSelections, targetIdentifier } from './settings.js';

/** An entry's key, `<team> <bundle id> <method> [variant <variant>] [on <holder>]`: unique in a manifest, and readable in a sentence. */
export function entryKey(entry: Pick<ManifestEntry, 'team' | 'bundleId' | 'method' | 'variant' | 'holder'>): string {
  const variant = entry.variant === undefined ? [] : ['variant', entry.variant];
  const holder = entry.holder === undefined ? [] : ['on', entry.holder];
  return [entry.team, entry.bundleId, entry.method, ...variant, ...holder].join(' ');
}

/** One thing wrong with a manifest. */
export interface ManifestProblem {
  /** Path of the field, as `['profiles', 0, 'profile', 'uuid']`. */
  readonly path: readonly (string | number)[];
  readonly found: string;
  readonly expected: string;
}

/** `profiles[0].profile.uuid`; the whole file where the path is empty. */
export function fieldName(path: readonly (string | number)[]): string {
  const name = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
  return name.replace(/^\./, '') || 'the file';
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** Milliseconds of an ISO 8601 UTC time with whole seconds; null for anything else, impossible dates included. */
export function parseInstant(text: string): number | null {
  if (!INSTANT.test(text)) return null;
  const at = Date.parse(text);
  return !Number.isNaN(at) && new Date(at).toISOString() === text.replace('Z', '.000Z') ? at : null;
}

/** Whether an app id (`<prefix>.<bundle id or wildcard>`) covers a bundle id. A wildcard stands at the end only (Apple, TN3125). */
export function coversBundle(appId: string, bundleId: string): boolean {
  const pattern = appId.slice(appId.indexOf('.') + 1);
  return pattern.endsWith('*') ? bundleId.startsWith(pattern.slice(0, -1)) : pattern === bundleId;
}

/** Every problem of a manifest at once, in the order of the file; empty when it may be frozen. */
export function manifestProblems(manifest: Manifest): readonly ManifestProblem[] {
  return [
    ...headProblems(manifest),
    ...manifest.profiles.flatMap((entry, index) => entryProblems(manifest, entry, index)),
    ...duplicateKeys(manifest),
    ...sharedUuids(manifest),
    ...targetCollisions(manifest),
  ];
}

function headProblems(manifest: Manifest): ManifestProblem[] {
  const problems: ManifestProblem[] = [];
  const version: number = manifest.schemaVersion;
  if (version !== 1) problems.push({ path: ['schemaVersion'], found: `${version}`, expected: '1' });
  if (!isName(manifest.line)) problems.push({ path: ['line'], found: manifest.line, expected: 'lower-case letters, digits and hyphens' });
  for (const [sha1, certificate] of Object.entries(manifest.certificates)) {
    const path = ['certificates', sha1];
    if (!isSha1(sha1)) problems.push({ path, found: sha1, expected: 'the SHA-1 of a certificate, 40 lower-case hexadecimal digits' });
    if (!isTeamId(certificate.team))
      problems.push({ path: [...path, 'team'], found: certificate.team, expected: 'a team id of ten characters' });
    if (!/^[0-9A-F]+$/.test(certificate.serial)) {
      problems.push({ path: [...path, 'serial'], found: certificate.serial, expected: 'upper-case hexadecimal digits' });
    }
    problems.push(...instantProblems([...path, 'expiresAt'], certificate.expiresAt));
  }
  return problems;
}

function instantProblems(path: readonly (string | number)[], text: string): ManifestProblem[] {
  return parseInstant(text) === null ? [{ path, found: text, expected: 'a time as 2026-11-29T09:14:07Z' }] : [];
}

function entryProblems(manifest: Manifest, entry: ManifestEntry, index: number): ManifestProblem[] {
  const at = (...rest: readonly string[]): readonly (string | number)[] => ['profiles', index, ...rest];
  const problems: ManifestProblem[] = [];
  if (!isTeamId(entry.team)) problems.push({ path: at('team'), found: entry.team, expected: 'a team id of ten characters' });
  if (entry.targets.length === 0)
    problems.push({ path: at('targets'), found: 'no target', expected: 'the targets of Xcode that this profile signs' });
  const certificate = manifest.certificates[entry.identity];
  if (certificate === undefined) {
    problems.push({ path: at('identity'), found: entry.identity, expected: 'a certificate of `certificates`' });
  } else if (certificate.team !== entry.team) {
    problems.push({
      path: at('identity'),
      found: `a certificate of team ${certificate.team}`,
      expected: `one of the entry's team ${entry.team}`,
    });
  }
  if (!entry.profile.certificates.includes(entry.identity)) {
    problems.push({ path: at('identity'), found: entry.identity, expected: 'one of the certificates that the profile embeds' });
  }
  return [...problems, ...profileProblems(entry, at)];
}

function profileProblems(entry: ManifestEntry, at: (...rest: readonly string[]) => readonly (string | number)[]): ManifestProblem[] {
  const { profile } = entry;
  const path = (field: string): readonly (string | number)[] => at('profile', field);
  const problems: ManifestProblem[] = [];
  if (!isUuid(profile.uuid)) problems.push({ path: path('uuid'), found: profile.uuid, expected: 'a UUID in lower case' });
  if (!isSha256(profile.sha256))
    problems.push({ path: path('sha256'), found: profile.sha256, expected: '64 lower-case hexadecimal digits' });
  if (profile.fileName !== `${profile.uuid}.mobileprovision`) {
    problems.push({ path: path('fileName'), found: profile.fileName, expected: `${profile.uuid}.mobileprovision` });
  }
  if (!coversBundle(profile.appId, entry.bundleId)) {
    problems.push({ path: path('appId'), found: profile.appId, expected: `an app id that covers ${entry.bundleId}` });
  }
  problems.push(...instantProblems(path('createdAt'), profile.createdAt), ...instantProblems(path('expiresAt'), profile.expiresAt));
  const created = parseInstant(profile.createdAt);
  const expires = parseInstant(profile.expiresAt);
  if (created !== null && expires !== null && created >= expires) {
    problems.push({ path: path('expiresAt'), found: profile.expiresAt, expected: `a time after createdAt, ${profile.createdAt}` });
  }
  return problems;
}

function duplicateKeys(manifest: Manifest): ManifestProblem[] {
  const first = new Map<string, number>();
  return manifest.profiles.flatMap((entry, index) => {
    const key = entryKey(entry);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, index);
    return earlier === undefined
      ? []
      : [{ path: ['profiles', index], found: key, expected: `a key of its own; profiles[${earlier}] has it already` }];
  });
}

const sameProfile = (a: ManifestProfile, b: ManifestProfile): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
const sorted = (profile: ManifestProfile): [string, unknown][] => Object.entries(profile).sort(([a], [b]) => (a < b ? -1 : 1));

/**
 * One profile may serve several entries only where Apple lets it: a wildcard app id, or several holders of one bundle. Then
 * it is described the same in all of them; everything else that repeats a UUID is a slip.
 */
function sharedUuids(manifest: Manifest): ManifestProblem[] {
  const first = new Map<string, number>();
  return manifest.profiles.flatMap((entry, index): ManifestProblem[] => {
    const { uuid, sha256, appId } = entry.profile;
    const earlier = first.get(uuid);
    if (earlier === undefined) {
      first.set(uuid, index);
      return [];
    }
    const other = manifest.profiles[earlier];
    if (other === undefined) return [];
    if (other.profile.sha256 !== sha256) {
      return [
        {
          path: ['profiles', index, 'profile', 'sha256'],
          found: sha256,
          expected: `${other.profile.sha256}, as in profiles[${earlier}] for the same UUID`,
        },
      ];
    }
    const holdersOnly = entry.holder !== other.holder && entryKey({ ...bare(entry) }) === entryKey({ ...bare(other) });
    if (!appId.endsWith('*') && !holdersOnly) {
      return [
        { path: ['profiles', index, 'profile', 'uuid'], found: uuid, expected: `a UUID of its own; profiles[${earlier}] has it already` },
      ];
    }
    if (!sameProfile(entry.profile, other.profile)) {
      return [
        { path: ['profiles', index, 'profile'], found: `another description of ${uuid}`, expected: `the one of profiles[${earlier}]` },
      ];
    }
    return [];
  });
}

const bare = ({ team, bundleId, method, variant }: ManifestEntry) => ({
  team,
  bundleId,
  method,
  ...(variant === undefined ? {} : { variant }),
});

/** Two targets of one build whose names become the same setting name; each pair is told once. */
function targetCollisions(manifest: Manifest): ManifestProblem[] {
  const holders = new Set<NodeName | null>([
    null,
    ...manifest.profiles.flatMap((entry) => (entry.holder === undefined ? [] : [entry.holder])),
  ]);
  const problems = new Map<string, ManifestProblem>();
  for (const selection of [...holders].flatMap((holder) => settingsSelections(manifest, holder))) {
    const first = new Map<string, string>();
    for (const entry of selection.entries) {
      for (const [position, target] of entry.targets.entries()) {
        const path = ['profiles', manifest.profiles.indexOf(entry), 'targets', position];
        const identifier = targetIdentifier(target);
        const earlier = first.get(identifier);
        if (earlier === undefined) first.set(identifier, `${target} of ${entryKey(entry)}`);
        else
          problems.set(fieldName(path), {
            path,
            found: target,
            expected: `a name that differs from ${earlier} after Xcode's :identifier (both are ${identifier})`,
          });
      }
    }
  }
  return [...problems.values()];
}
