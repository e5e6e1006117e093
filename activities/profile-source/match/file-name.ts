import type { Method } from '../../../src/domain/manifest.js';
import type { ProfileDescription } from '../../../src/domain/profile.js';

/** match's folder and prefix of each kind; source: fastlane, `Match.profile_type_sym` and `Match::Generator.profile_type_name`. */
const KINDS: Readonly<Record<Method, { readonly folder: string; readonly prefix: string }>> = {
  'app-store': { folder: 'appstore', prefix: 'AppStore' },
  'ad-hoc': { folder: 'adhoc', prefix: 'AdHoc' },
  development: { folder: 'development', prefix: 'Development' },
  enterprise: { folder: 'enterprise', prefix: 'InHouse' },
};

/** The platform at the end of a name, which iOS has not. By a profile's `Platform`, whose first is its own. */
const PLATFORMS: Readonly<Record<string, string>> = { tvOS: '_tvos', OSX: '_macos' };

/** Where match looks for the profile of a bundle id: `profiles/appstore/AppStore_com.acme.courier.mobileprovision`. */
export function matchFileName({ kind, bundleId, platforms }: Pick<ProfileDescription, 'kind' | 'bundleId' | 'platforms'>): string {
  const { folder, prefix } = KINDS[kind];
  return `profiles/${folder}/${prefix}_${bundleId}${PLATFORMS[platforms[0] ?? ''] ?? ''}.mobileprovision`;
}
