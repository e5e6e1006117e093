import { patternCovers, type ProfileDescription } from '../profile.js';
import { shownProfile } from './build-request.js';
import type { Bundle } from './bundle.js';
import { descriptionOf } from './bundle.js';
import { expectationsOf, isMeant, profileNamed, specifierOf, type Expectation } from './expectations.js';
import { fine, wrong, type Finding } from './finding.js';
import type { TriageInput } from './input.js';

const DAY = 86_400_000;
const about = (check: string, subject: string) => ({ stage: 'embedded-profile', check, subject }) as const;
const day = (iso: string): string => iso.slice(0, 10);
const shown = (profile: ProfileDescription): string => `${profile.uuid} "${profile.name}"`;

/** `embedded.mobileprovision` of each bundle against what the build was asked for, against its bundle and against the host's. */
export function judgeEmbeddedProfiles(input: TriageInput): readonly Finding[] {
  const bundles = input.artifact?.bundles ?? [];
  const [host] = bundles;
  return [...oneForAll(input), ...bundles.flatMap((bundle) => judgeBundle(bundle, host ?? bundle, input))];
}

function judgeBundle(bundle: Bundle, host: Bundle, input: TriageInput): readonly Finding[] {
  const { path, profile } = bundle;
  switch (profile.state) {
    case 'missing':
      return [
        wrong(
          about('profile-missing', path),
          'fail',
          'there is no embedded.mobileprovision',
          'Export it again with a profile for this target: nothing installs or uploads without one',
          'S10',
        ),
      ];
    case 'not-a-profile':
      return [
        wrong(
          about('not-a-profile', path),
          'fail',
          `embedded.mobileprovision is no profile. ${profile.reason}`,
          'Look at what the build copies there, and build again',
          'S10',
          'T5',
        ),
      ];
    case 'untrusted':
      return [
        wrong(
          about('profile-untrusted', path),
          'fail',
          profile.reason,
          'Take the profile from the store, which holds verified bytes only; do not use this file',
          'T5',
        ),
      ];
    case 'read': {
      const problems = [
        ...asAsked(bundle, host, profile.profile, input),
        ...ownFaults(bundle, profile.profile, input),
        ...besideHost(bundle, host, profile.profile, input),
      ];
      return problems.length > 0 ? problems : [fine(about('profile', path), fineText(profile.profile, expectationsOf(bundle, input)))];
    }
  }
}

function fineText(profile: ProfileDescription, expected: readonly Expectation[]): string {
  const sources = expected.map(({ source }) => source);
  const because = sources.length === 0 ? '' : `, as ${sources.join(', ')} ${sources.length === 1 ? 'names' : 'name'} it`;
  return `${shown(profile)} until ${day(profile.expiresAt)}${because}`;
}

function asAsked(bundle: Bundle, host: Bundle, profile: ProfileDescription, input: TriageInput): readonly Finding[] {
  return expectationsOf(bundle, input)
    .filter(({ profiles }) => !profiles.some((named) => isMeant(profile, named)))
    .map(({ source, profiles, violates }) => {
      const wanted = profiles.map(shownProfile).join(' or ');
      const while_ =
        bundle !== host && isHostAsAsked(host, source, input) ? `, while ${host.path} has the one that ${source} names for it` : '';
      return wrong(
        about('other-profile', bundle.path),
        'fail',
        `embeds ${shown(profile)}, and ${source} names ${wanted}${while_}`,
        bundle === host
          ? 'Build with the settings of the manifest in force (reseal manifest settings), and export again'
          : `Name the profile for ${bundle.product} too: each target has its own, by UUID (reseal manifest settings)`,
        ...violates,
      );
    });
}

function isHostAsAsked(host: Bundle, source: string, input: TriageInput): boolean {
  const profile = descriptionOf(host.profile);
  const expected = expectationsOf(host, input).find((one) => one.source === source);
  return profile !== null && expected !== undefined && expected.profiles.some((named) => isMeant(profile, named));
}

function ownFaults({ path, bundleId }: Bundle, profile: ProfileDescription, { at, request }: TriageInput): readonly Finding[] {
  const findings: Finding[] = [];
  if (Date.parse(profile.expiresAt) <= at)
    findings.push(
      wrong(
        about('profile-expired', path),
        'fail',
        `${shown(profile)} expired on ${day(profile.expiresAt)}`,
        'Put its successor in force (reseal rotation start), and build again',
        'R2',
      ),
    );
  if (bundleId === null)
    findings.push(
      wrong(
        about('no-bundle-id', path),
        'fail',
        'its Info.plist is missing, unreadable, or names no CFBundleIdentifier',
        'Build it again',
        'S10',
      ),
    );
  else if (!patternCovers(profile.bundleId, bundleId))
    findings.push(
      wrong(
        about('other-bundle', path),
        'fail',
        `the bundle is ${bundleId}, and ${shown(profile)} is for ${profile.bundleId}`,
        'Name the profile of this bundle for its target',
        'S10',
      ),
    );
  else if (profile.wildcard)
    findings.push(
      wrong(
        about('wildcard-profile', path),
        'warn',
        `${shown(profile)} is for ${profile.bundleId}: it covers ${bundleId}, and every other bundle that begins so`,
        'Use an explicit profile: a wildcard grants no push, groups or domains, and cannot tell targets apart',
        'S10',
      ),
    );
  if (profile.xcodeManaged)
    findings.push(
      wrong(
        about('xcode-managed', path),
        'fail',
        `${shown(profile)} is one that Xcode's automatic signing made, and replaces as it likes`,
        'Make a profile by hand, and name its UUID',
        'S14',
      ),
    );
  const team = request?.settings.get('DEVELOPMENT_TEAM');
  if (team !== undefined && /^[A-Z0-9]{10}$/.test(team) && team !== profile.team)
    findings.push(
      wrong(
        about('other-team', path),
        'fail',
        `${shown(profile)} is of team ${profile.team}, and the command line says DEVELOPMENT_TEAM=${team}`,
        'Name a profile of that team, or the other team',
        'S10',
      ),
    );
  return findings;
}

/** Team and kind must be the host's; where nothing says which profile a bundle should have, its age beside the host's tells. */
function besideHost(bundle: Bundle, host: Bundle, profile: ProfileDescription, input: TriageInput): readonly Finding[] {
  const hosts = bundle === host ? null : descriptionOf(host.profile);
  if (hosts === null) return [];
  const findings: Finding[] = [];
  if (hosts.team !== profile.team)
    findings.push(
      wrong(
        about('other-team', bundle.path),
        'fail',
        `${shown(profile)} is of team ${profile.team}, and that of ${host.path} of ${hosts.team}`,
        'Sign host and extensions for one team',
        'S10',
      ),
    );
  if (hosts.kind !== profile.kind)
    findings.push(
      wrong(
        about('other-kind', bundle.path),
        'fail',
        `${shown(profile)} is an ${profile.kind} profile, and that of ${host.path} an ${hosts.kind} one`,
        'Sign host and extensions for one way of distribution',
        'S10',
      ),
    );
  const isOlder = (key: 'createdAt' | 'expiresAt'): boolean => Date.parse(hosts[key]) - Date.parse(profile[key]) > DAY;
  if (isOlder('createdAt') && isOlder('expiresAt') && expectationsOf(bundle, input).length === 0)
    findings.push(
      wrong(
        about('older-than-host', bundle.path),
        'warn',
        `${shown(profile)} was made on ${day(profile.createdAt)} and ends on ${day(profile.expiresAt)}; that of ${host.path} was made on ${day(hosts.createdAt)} and ends on ${day(hosts.expiresAt)}`,
        'If the host was renewed, renew this one with it; --manifest says for sure which UUID is meant',
        'S10',
      ),
    );
  return findings;
}

/** A profile of the command line is every target's, and one profile is one bundle's. */
function oneForAll(input: TriageInput): readonly Finding[] {
  const named = specifierOf(input);
  const known = named === null ? null : profileNamed(named, input);
  const others =
    input.artifact?.bundles.filter(({ bundleId }) => bundleId !== null && known !== null && !patternCovers(known.bundleId, bundleId)) ?? [];
  if (named === null || known === null || others.length === 0) return [];
  return [
    wrong(
      about('one-profile-for-all', ''),
      'warn',
      `the command line gives ${shownProfile(named)} to every target, and it is for ${known.bundleId} alone, not for ${others.map(({ product }) => product).join(', ')}`,
      'Give each target its own: -xcconfig with the settings that reseal renders (reseal manifest settings)',
      'R12',
      'S10',
    ),
  ];
}
