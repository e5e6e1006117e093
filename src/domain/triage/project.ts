import type { Manifest, ManifestEntry } from '../manifest.js';
import { placeOf, reviewSigning, type SigningCheck, type SigningFinding } from '../project-review.js';
import type { SigningTarget } from '../project-signing.js';
import { namedProfile } from './build-request.js';
import { fine, wrong, type Finding, type Requirement } from './finding.js';
import type { ProjectLook } from './input.js';

const about = (check: string, subject: string) => ({ stage: 'settings', check, subject }) as const;

/**
 * What an Xcode project's own settings say of each target: what leaves the profile to Xcode or to a name (S14, S3), and, where a manifest is given, whether
 * they name what it names. Names are judged as in CI files, whatever a policy lets pass: triage asks why a build signs with something else.
 */
export function judgeProject({ targets, gaps }: ProjectLook, manifest: Manifest | null): readonly Finding[] {
  const reviewed = reviewSigning(targets, 'uuid-only');
  return [
    ...reviewed.map(asFinding),
    ...targets.flatMap((target) => againstManifest(target, manifest)),
    ...targets.filter((target) => !reviewed.some((one) => isAbout(one, target))).map(perTarget),
    ...gaps.map((gap) => wrong(about('project-file', placeOf(gap)), 'warn', gap.found, sentence(gap.next), 'S10')),
  ];
}

const isAbout = (finding: SigningFinding, { name, configuration }: SigningTarget): boolean =>
  finding.target === name && finding.configuration === configuration;

const VIOLATES: Readonly<Record<SigningCheck, Requirement>> = {
  'automatic-style': 'S14',
  'automatic-with-profile': 'S14',
  'mixed-style': 'S14',
  'specifier-by-name': 'S3',
};

const asFinding = ({ check, target, configuration, found, expected, ...place }: SigningFinding): Finding =>
  wrong(
    about(check, subjectOf(target, configuration)),
    'fail',
    `${found} (${placeOf(place)})`,
    `In the project or its xcconfig: ${expected}`,
    VIOLATES[check],
  );

const subjectOf = (target: string | null, configuration: string | null): string =>
  target === null ? '' : configuration === null ? target : `${target} (${configuration})`;

const perTarget = (target: SigningTarget): Finding => {
  const { style, specifier, profile, bundleId } = target;
  const named = specifier ?? profile;
  const says = named === null ? 'names no profile: what the build is given counts' : `names profile ${named.value}`;
  return fine(
    about('target', subjectOf(target.name, target.configuration)),
    `${bundleId?.value ?? 'no bundle id'}, ${style === null ? 'no style of its own' : `style ${style.value}`}, ${says}`,
  );
};

function againstManifest(target: SigningTarget, manifest: Manifest | null): readonly Finding[] {
  const bundleId = target.bundleId?.value;
  if (manifest === null || bundleId === undefined) return [];
  const subject = subjectOf(target.name, target.configuration);
  const entries = manifest.profiles.filter((entry) => entry.bundleId === bundleId);
  if (entries.length === 0)
    return [
      wrong(
        about('not-in-manifest', subject),
        'warn',
        `the manifest has no profile for ${bundleId} (${placeOf(target.bundleId ?? target)})`,
        `Freeze one for ${bundleId}, or give the manifest of the line that builds it`,
        'R2',
      ),
    ];
  return [...otherProfile(target, subject, entries), ...otherTeam(target, subject, entries)];
}

function otherProfile(target: SigningTarget, subject: string, entries: readonly ManifestEntry[]): readonly Finding[] {
  const stated = target.specifier ?? target.profile;
  const named = namedProfile(stated?.value);
  if (stated === null || named?.by !== 'uuid' || entries.some(({ profile }) => profile.uuid === named.uuid)) return [];
  const expected = entries.map(({ method, profile }) => `${profile.uuid} (${method})`).join(', ');
  return [
    wrong(
      about('other-profile', subject),
      'fail',
      `the project names profile ${named.uuid} (${placeOf(stated)}), the manifest ${expected}`,
      'Take the profile out of the project: the settings that reseal renders name the one in force',
      'S3',
      'R2',
    ),
  ];
}

function otherTeam({ team }: SigningTarget, subject: string, entries: readonly ManifestEntry[]): readonly Finding[] {
  const teams = [...new Set(entries.map((entry) => entry.team))];
  if (team === null || teams.some((one) => one === team.value)) return [];
  return [
    wrong(
      about('other-team', subject),
      'fail',
      `DEVELOPMENT_TEAM is ${team.value} (${placeOf(team)}), the profile in force is of team ${teams.join(', ')}`,
      `DEVELOPMENT_TEAM = ${teams.join(' or ')}, or nothing`,
      'S10',
    ),
  ];
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
