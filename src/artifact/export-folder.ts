import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { namedIdentity, namedProfile, type NamedProfile } from '../domain/triage/build-request.js';
import type { ExportFolder, ExportOptions } from '../domain/triage/input.js';
import { dictionary, isDictionary, textOf } from './property-list.js';
import { readSmallFile } from './small-file.js';
import { unreadable } from './tree.js';

const MOST_OPTIONS = 1_048_576;

/** What `-exportPath` holds. @throws ResealError FILE_UNREADABLE */
export async function readExportFolder(path: string, named: string): Promise<ExportFolder> {
  try {
    const names = await readdir(path);
    return { named, path, ipas: names.filter((name) => name.endsWith('.ipa')).sort() };
  } catch (cause) {
    throw unreadable(named, 'there is no such folder, or it may not be looked at', 'Give the folder that -exportPath named.', cause);
  }
}

/** The options that xcodebuild leaves in the export directory; null where there are none. */
export const exportOptionsIn = (path: string, named: string): Promise<ExportOptions | null> =>
  readExportOptions(join(path, 'ExportOptions.plist'), join(named, 'ExportOptions.plist'));

/** Reads an ExportOptions.plist; null where there is none. @throws ResealError FILE_UNREADABLE */
export async function readExportOptions(path: string, named: string): Promise<ExportOptions | null> {
  const bytes = await readSmallFile(path, named, MOST_OPTIONS);
  if (bytes === null) return null;
  const list = dictionary(bytes);
  if (list === null) return { state: 'unreadable', named, reason: 'it is no property list' };
  const profiles = list['provisioningProfiles'];
  return {
    state: 'read',
    named,
    method: textOf(list, 'method'),
    style: textOf(list, 'signingStyle'),
    team: textOf(list, 'teamID'),
    certificate: namedIdentity(textOf(list, 'signingCertificate') ?? undefined),
    profiles: new Map(
      Object.entries(isDictionary(profiles) ? profiles : {}).flatMap(([bundleId, value]): [string, NamedProfile][] => {
        const profile = typeof value === 'string' ? namedProfile(value) : null;
        return profile === null ? [] : [[bundleId, profile]];
      }),
    ),
  };
}
