import type { Manifest } from '../manifest.js';
import { namedIdentity, namedProfile, shownProfile, type BuildRequest, type NamedProfile } from './build-request.js';
import { judgeCiFile } from './ci-files.js';
import { fine, wrong, type Finding } from './finding.js';
import type { TriageInput } from './input.js';
import { judgeProject } from './project.js';

const about = (check: string, subject: string) => ({ stage: 'settings', check, subject }) as const;
const COMMAND_LINE = 'command line';

/** Style and specifier of the build and of its project, target by target, and what CI files ask for (S14). */
export function judgeSettings({ request, project, manifest, ciFiles }: TriageInput): readonly Finding[] {
  return [
    ...(request === null ? [] : judgeRequest(request, manifest)),
    ...(project === null ? [] : judgeProject(project, manifest)),
    ...ciFiles.flatMap(judgeCiFile),
  ];
}

function judgeRequest(request: BuildRequest, manifest: Manifest | null): readonly Finding[] {
  const problems = [
    ...updates(request),
    ...style(request),
    ...specifier(request),
    ...notOfManifest(request, manifest),
    ...identity(request),
  ];
  return [
    ...problems,
    ...(problems.length === 0 ? [fine(about('settings', COMMAND_LINE), fineText(request))] : []),
    ...request.targets.filter(({ name }) => !problems.some(({ subject }) => subject === name)).map(perTarget),
  ];
}

function fineText({ settings }: BuildRequest): string {
  const named = ['CODE_SIGN_STYLE', 'PROVISIONING_PROFILE_SPECIFIER', 'CODE_SIGN_IDENTITY', 'DEVELOPMENT_TEAM']
    .filter((name) => settings.has(name))
    .map((name) => `${name}=${settings.get(name) ?? ''}`);
  return named.length === 0 ? 'no signing settings of its own, no automatic signing' : named.join(' ');
}

const perTarget = ({ name, profile, identity, style, source }: BuildRequest['targets'][number]): Finding =>
  style !== null && style.toLowerCase() !== 'manual'
    ? wrong(
        about('automatic-style', name),
        'fail',
        `${name} is signed with style ${style}`,
        'CODE_SIGN_STYLE=Manual for every target',
        'S14',
      )
    : fine(
        about('target', name),
        `${profile === null ? 'no profile' : shownProfile(profile)}, signed with ${identity === null ? 'nothing that is named' : identity.by === 'sha1' ? identity.sha1.slice(0, 8) : `"${identity.name}"`}, by ${source === 'log' ? 'the log' : 'the rendered settings'}`,
      );

const UPDATES = ['-allowProvisioningUpdates', '-allowProvisioningDeviceRegistration'];

const updates = ({ flags }: BuildRequest): readonly Finding[] =>
  flags
    .filter((flag) => UPDATES.includes(flag))
    .map((flag) =>
      wrong(
        about('provisioning-updates', COMMAND_LINE),
        'fail',
        `${flag} lets Xcode fetch and make profiles during the build`,
        `Leave ${flag} out: the node has the profiles that the manifest names`,
        'S14',
        'S3',
      ),
    );

function style(request: BuildRequest): readonly Finding[] {
  const value = request.settings.get('CODE_SIGN_STYLE');
  if (value?.toLowerCase() !== 'automatic') return [];
  const explicit = explicitProfile(request);
  return [
    explicit === null
      ? wrong(
          about('automatic-style', COMMAND_LINE),
          'warn',
          `CODE_SIGN_STYLE=${value}: Xcode picks a profile of its own`,
          'CODE_SIGN_STYLE=Manual, with the profile of each target by UUID',
          'S14',
        )
      : wrong(
          about('mixed-signing', COMMAND_LINE),
          'fail',
          `CODE_SIGN_STYLE=${value} beside an explicit profile, ${explicit}`,
          'CODE_SIGN_STYLE=Manual: automatic signing is never mixed with explicit profiles',
          'S14',
        ),
  ];
}

function explicitProfile({ settings, targets }: BuildRequest): string | null {
  const named = namedProfile(settings.get('PROVISIONING_PROFILE_SPECIFIER')) ?? namedProfile(settings.get('PROVISIONING_PROFILE'));
  if (named !== null) return shownProfile(named);
  const inSettings = targets.find(({ source, profile }) => source === 'settings' && profile !== null)?.profile ?? null;
  return inSettings === null ? null : shownProfile(inSettings);
}

/** The profiles that are asked for, by the command line for all targets and by rendered settings for one. */
function askedFor({ settings, targets }: BuildRequest): readonly { readonly subject: string; readonly named: NamedProfile }[] {
  const named = namedProfile(settings.get('PROVISIONING_PROFILE_SPECIFIER')) ?? namedProfile(settings.get('PROVISIONING_PROFILE'));
  return [
    ...(named === null ? [] : [{ subject: COMMAND_LINE, named }]),
    ...targets.flatMap(({ source, name, profile }) =>
      source === 'settings' && profile !== null ? [{ subject: name, named: profile }] : [],
    ),
  ];
}

/** A UUID that the manifest does not have at all is wrong for whichever target it is meant. */
function notOfManifest(request: BuildRequest, manifest: Manifest | null): readonly Finding[] {
  if (manifest === null) return [];
  const known = new Set<string>(manifest.profiles.map(({ profile }) => profile.uuid));
  const signed = request.targets.flatMap(({ source, name, profile }) =>
    source === 'log' && profile !== null ? [{ subject: name, named: profile, how: 'was signed with, says the log,' }] : [],
  );
  const all = [...askedFor(request).map((one) => ({ ...one, how: 'is asked for,' })), ...signed];
  return all.flatMap(({ subject, named, how }) =>
    named.by === 'uuid' && !known.has(named.uuid)
      ? [
          wrong(
            about('not-of-manifest', subject),
            'fail',
            `${shownProfile(named)} ${how} and the manifest has no such profile`,
            'Name the UUID that the manifest has for the target, or leave it to the settings that reseal renders (reseal manifest settings)',
            'R12',
            'S2',
          ),
        ]
      : [],
  );
}

function specifier(request: BuildRequest): readonly Finding[] {
  return askedFor(request)
    .filter(({ named: one }) => one.by === 'name')
    .map(({ subject, named: one }) =>
      wrong(
        about('specifier-by-name', subject),
        'fail',
        `the profile is named ${shownProfile(one)}, and two on a node may bear that name`,
        'Name it by UUID',
        'S3',
      ),
    );
}

function identity({ settings }: BuildRequest): readonly Finding[] {
  const named = namedIdentity(settings.get('CODE_SIGN_IDENTITY'));
  if (named?.by !== 'name') return [];
  return [
    wrong(
      about('identity-by-name', COMMAND_LINE),
      'warn',
      `CODE_SIGN_IDENTITY="${named.name}": an expired and a renewed certificate bear one name`,
      'Name the certificate by SHA-1',
      'S3',
    ),
  ];
}
