import { isUuid } from './brands.js';
import type { Policy } from './policy.js';
import type { ExportOptions, Place, SigningTarget, Stated } from './project-signing.js';

/** S14: what lets Xcode take another profile than the one that the manifest names. */
export type SigningCheck = 'automatic-style' | 'automatic-with-profile' | 'mixed-style' | 'specifier-by-name';

export interface SigningFinding extends Place {
  readonly check: SigningCheck;
  /** `refused`: the gate fails on it. `warned`: the policy lets it be. */
  readonly verdict: 'refused' | 'warned';
  /** Null: of the whole project, or of an export. */
  readonly target: string | null;
  readonly configuration: string | null;
  /** Sentences without their full stop. */
  readonly found: string;
  readonly expected: string;
}

type Specifiers = Policy['specifiers'];

/**
 * What a project's settings leave to Xcode: automatic signing, automatic signing beside a profile, styles that differ within an app, profiles by
 * name. A name is refused or warned of, as the policy says; the rest is always refused (S14).
 */
export function reviewSigning(targets: readonly SigningTarget[], specifiers: Specifiers): readonly SigningFinding[] {
  return [...targets.flatMap((target) => [...styleFindings(target), ...nameFindings(target, specifiers)]), ...mixedStyles(targets)];
}

const isAutomatic = (style: string | null | undefined): boolean => style?.toLowerCase() === 'automatic';

function styleFindings(target: SigningTarget): SigningFinding[] {
  const { style } = target;
  if (style === null || !isAutomatic(style.value)) return [];
  const explicit = target.specifier ?? target.profile;
  const finding = findingAbout(target);
  if (explicit === null)
    return [finding('automatic-style', style, 'CODE_SIGN_STYLE = Automatic: Xcode chooses the profile', 'CODE_SIGN_STYLE = Manual')];
  const named = `CODE_SIGN_STYLE = Automatic (${placeOf(style)}) beside the profile "${explicit.value}"`;
  return [finding('automatic-with-profile', explicit, named, 'CODE_SIGN_STYLE = Manual, or no profile')];
}

function nameFindings(target: SigningTarget, specifiers: Specifiers): SigningFinding[] {
  const named = (key: string, stated: Stated | null): SigningFinding[] => {
    if (stated === null || isUuid(stated.value.toLowerCase())) return [];
    const finding = findingAbout(target, verdictOfNames(specifiers));
    return [
      finding(
        'specifier-by-name',
        stated,
        `${key} = ${stated.value}: any profile of that name will do`,
        'a UUID, or nothing: reseal.xcconfig sets it',
      ),
    ];
  };
  return [...named('PROVISIONING_PROFILE_SPECIFIER', target.specifier), ...named('PROVISIONING_PROFILE', target.profile)];
}

/** Within one app and configuration: the app by hand and its extension by Xcode is how builds sign with profiles of two ages. */
function mixedStyles(targets: readonly SigningTarget[]): SigningFinding[] {
  const groups = new Map<string, SigningTarget[]>();
  for (const target of targets) {
    for (const host of target.hosts) {
      const key = JSON.stringify([host, target.configuration]);
      groups.set(key, [...(groups.get(key) ?? []), target]);
    }
  }
  return [...groups.values()].flatMap((group): SigningFinding[] => {
    const automatic = group.filter(({ style }) => isAutomatic(style?.value));
    const manual = group.filter(({ style }) => style !== null && !isAutomatic(style.value));
    const [first] = automatic;
    const style = first?.style ?? null;
    if (first === undefined || style === null || manual.length === 0) return [];
    const names = (some: readonly SigningTarget[]): string => some.map(({ name }) => name).join(', ');
    const found = `${names(automatic)} signed automatically and ${names(manual)} manually, in one app`;
    return [findingAbout(first)('mixed-style', style, found, 'one style for an app and all that it carries, Manual')];
  });
}

/** The same of an ExportOptions.plist. */
export function reviewExport(options: ExportOptions, specifiers: Specifiers): readonly SigningFinding[] {
  const at = { file: options.file, line: 1, target: null, configuration: null };
  const automatic: SigningFinding[] = isAutomatic(options.style)
    ? [
        {
          ...at,
          check: 'automatic-style',
          verdict: 'refused',
          found: 'signingStyle automatic: Xcode chooses the profiles',
          expected: 'signingStyle manual',
        },
      ]
    : [];
  const names = Object.entries(options.profiles).filter(([, profile]) => !isUuid(profile.toLowerCase()));
  return [
    ...automatic,
    ...names.map(([bundleId, profile]): SigningFinding => ({
      ...at,
      check: 'specifier-by-name',
      verdict: verdictOfNames(specifiers),
      found: `provisioningProfiles: ${bundleId} = ${profile}: any profile of that name will do`,
      expected: 'its UUID, as in the ExportOptions.plist that reseal renders',
    })),
  ];
}

const verdictOfNames = (specifiers: Specifiers): SigningFinding['verdict'] => (specifiers === 'uuid-only' ? 'refused' : 'warned');

export const placeOf = ({ file, line }: Place): string => `${file}:${line}`;

const findingAbout =
  ({ name, configuration }: SigningTarget, verdict: SigningFinding['verdict'] = 'refused') =>
  (check: SigningCheck, { file, line }: Place, found: string, expected: string): SigningFinding => ({
    check,
    verdict,
    target: name,
    configuration,
    file,
    line,
    found,
    expected,
  });

/** A finding on one line. */
export function signingSentence({ target, configuration, found, expected, ...place }: SigningFinding): string {
  const who = target === null ? '' : `${target}${configuration === null ? '' : ` (${configuration})`}: `;
  return `${who}${found}; expected ${expected} (${placeOf(place)})`;
}
