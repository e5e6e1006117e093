import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, type PlistValue } from 'plist';
import type { MacState } from '../state.js';
import { contentOf } from './signed-content.js';

/** What `xcodebuild` asks of a provisioning profile. */
export interface InstalledProfile {
  readonly bytes: Uint8Array;
  readonly uuid: string;
  readonly name: string;
  readonly team: string;
  /** Without its prefix; may end in `*`. */
  readonly bundleId: string;
  readonly prefix: string;
  readonly kind: 'development' | 'ad-hoc' | 'enterprise' | 'app-store';
  readonly expiresAt: Date;
  /** SHA-1 of the certificates that may sign with it, upper-case hexadecimal. */
  readonly certificates: readonly string[];
  readonly entitlements: Readonly<Record<string, PlistValue>>;
}

/** Of Xcode 16 and later, and of all before, which Xcode 16 still reads (mac-tools.md). */
const FOLDERS = ['Library/Developer/Xcode/UserData/Provisioning Profiles', 'Library/MobileDevice/Provisioning Profiles'] as const;

/** Every profile in the folders that Xcode reads; files that are none are passed over, as Xcode does. */
export function installedProfiles(state: MacState): readonly InstalledProfile[] {
  return FOLDERS.map((folder) => join(state.home, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.mobileprovision'))
        .map((name) => join(folder, name)),
    )
    .flatMap((path) => readProfile(readFileSync(path)) ?? []);
}

function readProfile(bytes: Uint8Array): InstalledProfile | null {
  const content = contentOf(bytes);
  if (content === null) return null;
  try {
    return described(bytes, parse(Buffer.from(content).toString('utf8')) as unknown as ProfilePlist);
  } catch {
    return null;
  }
}

interface ProfilePlist {
  readonly UUID: string;
  readonly Name: string;
  readonly TeamIdentifier: readonly string[];
  readonly ApplicationIdentifierPrefix: readonly string[];
  readonly Entitlements: Readonly<Record<string, PlistValue>>;
  readonly ExpirationDate: Date;
  readonly DeveloperCertificates: readonly Uint8Array[];
  readonly ProvisionedDevices?: readonly string[];
  readonly ProvisionsAllDevices?: boolean;
}

function described(bytes: Uint8Array, plist: ProfilePlist): InstalledProfile {
  const [prefix = ''] = plist.ApplicationIdentifierPrefix;
  const appId = plist.Entitlements['application-identifier'] as string;
  return {
    bytes,
    uuid: plist.UUID,
    name: plist.Name,
    team: plist.TeamIdentifier[0] ?? '',
    bundleId: appId.slice(prefix.length + 1),
    prefix,
    kind: kindOf(plist),
    expiresAt: plist.ExpirationDate,
    certificates: plist.DeveloperCertificates.map((der) => createHash('sha1').update(der).digest('hex').toUpperCase()),
    entitlements: plist.Entitlements,
  };
}

function kindOf(plist: ProfilePlist): InstalledProfile['kind'] {
  if (plist.ProvisionsAllDevices === true) return 'enterprise';
  if (plist.ProvisionedDevices === undefined) return 'app-store';
  return plist.Entitlements['get-task-allow'] === true ? 'development' : 'ad-hoc';
}
