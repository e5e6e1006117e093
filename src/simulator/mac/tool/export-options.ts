import { parse } from 'plist';
import type { InstalledProfile } from './installed-profiles.js';

/** What an ExportOptions.plist says. */
export interface ExportOptions {
  readonly kind: InstalledProfile['kind'];
  readonly team: string | null;
  readonly style: 'manual' | 'automatic';
  /** SHA-1, or a name or its beginning, as `Apple Distribution`; null where it says none. */
  readonly certificate: string | null;
  /** UUID or name of the profile, by bundle id. */
  readonly profiles: Readonly<Record<string, string>>;
}

/** By the names of Xcode 15.3 and later, and by those of before. */
const KINDS: Readonly<Record<string, InstalledProfile['kind']>> = {
  'app-store-connect': 'app-store',
  'app-store': 'app-store',
  'release-testing': 'ad-hoc',
  'ad-hoc': 'ad-hoc',
  enterprise: 'enterprise',
  debugging: 'development',
  development: 'development',
};

/** Null where it is no property list, or names a method that there is not. */
export function readExportOptions(text: string): ExportOptions | null {
  let plist: Readonly<Record<string, unknown>>;
  try {
    plist = parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
  const { method = 'development', signingStyle = 'automatic', teamID = null, signingCertificate = null, provisioningProfiles = {} } = plist;
  const kind = KINDS[String(method)];
  if (kind === undefined) return null;
  return {
    kind,
    team: teamID as string | null,
    style: signingStyle === 'manual' ? 'manual' : 'automatic',
    certificate: signingCertificate as string | null,
    profiles: provisioningProfiles as Readonly<Record<string, string>>,
  };
}
