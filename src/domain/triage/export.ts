import { wipeableTreeOf } from '../wipeable.js';
import { shownProfile } from './build-request.js';
import { fine, wrong, type Finding } from './finding.js';
import type { ExportFolder, ExportOptions, TriageInput } from './input.js';

const about = (check: string, subject: string) => ({ stage: 'export', check, subject }) as const;

/** The export directory, and the options that the export was made with. */
export function judgeExport({ exported, exportOptions, artifact }: TriageInput): readonly Finding[] {
  return [
    ...(exported === null ? [] : judgeFolder(exported)),
    ...(exportOptions === null ? [] : judgeOptions(exportOptions, artifact?.bundles ?? [])),
  ];
}

function judgeFolder({ named, path, ipas }: ExportFolder): readonly Finding[] {
  const tree = wipeableTreeOf(path);
  const problems = [
    ...(tree === null
      ? []
      : [
          wrong(
            about('export-wipeable', named),
            'warn',
            `it lies in ${tree}, which cleaners may empty`,
            'Export to a folder of the job that no cleaner empties',
            'S13',
          ),
        ]),
    ...(ipas.length > 1
      ? [
          wrong(
            about('export-several', named),
            'warn',
            `it holds ${ipas.length} .ipa files, ${ipas.join(', ')}: the next step may take an older one`,
            'Export into an empty folder',
            'S10',
          ),
        ]
      : []),
    ...(ipas.length === 0
      ? [
          wrong(
            about('export-empty', named),
            'fail',
            'it holds no .ipa: the export failed, or wrote elsewhere',
            'Look at the log of xcodebuild -exportArchive (--build-log)',
            'S10',
          ),
        ]
      : []),
  ];
  return problems.length > 0 ? problems : [fine(about('export-folder', named), `holds ${ipas.join(', ')}`)];
}

function judgeOptions(
  options: ExportOptions,
  bundles: readonly { readonly path: string; readonly bundleId: string | null }[],
): readonly Finding[] {
  const { named } = options;
  if (options.state === 'unreadable')
    return [
      wrong(
        about('options-unreadable', named),
        'fail',
        options.reason,
        'Give the ExportOptions.plist that reseal renders (reseal manifest settings)',
        'R12',
      ),
    ];
  const { profiles } = options;
  const isAutomatic = options.style === 'automatic' || (options.style === null && profiles.size === 0);
  const missing = bundles.filter(({ bundleId }) => bundleId !== null && !profiles.has(bundleId));
  const problems = [
    ...(isAutomatic && profiles.size > 0
      ? [
          wrong(
            about('mixed-signing', named),
            'fail',
            `signingStyle is automatic beside ${profiles.size} explicit profiles`,
            'signingStyle manual',
            'S14',
          ),
        ]
      : []),
    ...(isAutomatic && profiles.size === 0
      ? [
          wrong(
            about('automatic-style', named),
            'warn',
            'it names no profiles, and Xcode picks its own',
            'signingStyle manual, with the profile of each bundle by UUID',
            'S14',
          ),
        ]
      : []),
    ...[...profiles].flatMap(([bundleId, profile]) =>
      profile.by === 'name'
        ? [
            wrong(
              about('specifier-by-name', named),
              'fail',
              `the profile of ${bundleId} is named ${shownProfile(profile)}, and two on a node may bear that name`,
              'Name it by UUID',
              'S3',
            ),
          ]
        : [],
    ),
    ...(profiles.size === 0
      ? []
      : missing.map(({ path, bundleId }) =>
          wrong(
            about('bundle-not-in-options', path),
            'fail',
            `${named} names no profile for ${bundleId ?? ''}`,
            'Name one for every bundle of the app',
            'R12',
          ),
        )),
  ];
  return problems.length > 0
    ? problems
    : [fine(about('export-options', named), `${options.method ?? 'no method'}, ${profiles.size} profiles by UUID`)];
}
