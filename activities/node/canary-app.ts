import { build, type PlistValue } from 'plist';
import { ResealError } from '../../src/domain/errors.js';
import type { ManifestEntry } from '../../src/domain/manifest.js';
import { judgeProfileOf, type CanaryApp, type Finding } from '../../src/domain/node/canary.js';
import type { ProfileDescription } from '../../src/domain/profile.js';
import { stubApp } from '../../src/mac/stub-app.js';
import { inspectProfile } from '../../src/profile/index.js';
import type { CanaryFolder } from './canary-folder.js';
import type { NodeSession } from './session.js';

export const APP = 'Canary.app';
export const EXTENSION = `${APP}/PlugIns/CanaryExtension.appex`;
/** Where a compiler's archive has its app. */
export const APPLICATIONS = 'Canary.xcarchive/Products/Applications';

/** A bundle of the stub app: an entry with the profile that is embedded for it. */
export interface Signed {
  readonly entry: ManifestEntry;
  readonly bytes: Uint8Array;
  readonly profile: ProfileDescription;
  /** Below the canary's folder. */
  readonly path: string;
}

/** The extension first: what is inside has to be sealed before what is around it. */
export async function partsOf(session: NodeSession, { host, extension }: CanaryApp): Promise<readonly Signed[] | Finding> {
  const wanted = [...(extension === null ? [] : [{ entry: extension, path: EXTENSION }]), { entry: host, path: APP }];
  const parts: Signed[] = [];
  for (const { entry, path } of wanted) {
    const bytes = await session.contents.profile(entry.profile.sha256);
    // Whether its signature counts is another check's matter, which came before.
    const profile = profileIn(bytes);
    if (profile === null) return { verdict: 'fail', sentence: `the profile ${entry.profile.uuid} cannot be decoded` };
    const unfit = judgeProfileOf(
      entry,
      profile.certificates.map(({ sha1 }) => sha1),
    );
    if (unfit !== null) return unfit;
    parts.push({ entry, bytes, profile, path: `${APPLICATIONS}/${path}` });
  }
  return parts;
}

function profileIn(bytes: Uint8Array): ProfileDescription | null {
  try {
    return inspectProfile(bytes, { roots: [] }).profile;
  } catch (error) {
    if (error instanceof ResealError && error.code === 'NOT_A_PROFILE') return null;
    throw error;
  }
}

export async function writeApp(folder: CanaryFolder, parts: readonly Signed[]): Promise<void> {
  const of = (path: string): Signed | undefined => parts.find((part) => part.path.endsWith(path));
  const host = of(APP);
  const extension = of(EXTENSION);
  if (host === undefined) throw new ResealError('INTERNAL', 'A canary without an app.');
  const files = stubApp({
    name: 'Canary',
    bundleId: host.entry.bundleId,
    profile: host.bytes,
    ...(extension === undefined
      ? {}
      : { extensions: [{ name: 'CanaryExtension', bundleId: extension.entry.bundleId, profile: extension.bytes }] }),
  });
  for (const { path, bytes, mode } of files)
    await folder.write(`${APPLICATIONS}/${path}`, bytes, (mode & 0o111) === 0 ? 'data' : 'program');
  for (const part of parts) await folder.write(entitlementsOf(part), Buffer.from(build(entitlements(part)), 'utf8'));
}

/** Below the canary's folder. */
export const entitlementsOf = ({ path }: Signed): string => (path.endsWith(EXTENSION) ? 'extension.entitlements' : 'app.entitlements');

/** Those of the profile, with the app's own id where that of the profile is a pattern, as Xcode makes them. */
function entitlements({ entry, profile }: Signed): Record<string, PlistValue> {
  const id = `${profile.prefix}.${entry.bundleId}`;
  const own = profile.entitlements as Record<string, PlistValue>;
  const key = 'com.apple.application-identifier' in own ? 'com.apple.application-identifier' : 'application-identifier';
  return { ...own, [key]: id };
}
