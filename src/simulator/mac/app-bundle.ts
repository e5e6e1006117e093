import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'plist';
import { iPhoneExecutable } from './mach-o.js';

export interface AppRequest {
  /** Name of app and executable, as `Courier`. */
  readonly name: string;
  readonly bundleId: string;
  /** Of every bundle, the embedded.mobileprovision; none by default. */
  readonly profile?: Uint8Array;
  /** App extensions under PlugIns/. */
  readonly extensions?: readonly { readonly name: string; readonly bundleId: string; readonly profile?: Uint8Array }[];
}

/** Makes an unsigned iPhone app in a folder, as a compiler leaves it behind, and answers its path. */
export async function makeApp(folder: string, request: AppRequest): Promise<string> {
  const app = join(folder, `${request.name}.app`);
  await makeBundle(app, request, 'APPL');
  for (const extension of request.extensions ?? []) await makeBundle(join(app, 'PlugIns', `${extension.name}.appex`), extension, 'XPC!');
  return app;
}

async function makeBundle(path: string, request: Omit<AppRequest, 'extensions'>, packageType: 'APPL' | 'XPC!'): Promise<void> {
  await mkdir(join(path, 'en.lproj'), { recursive: true });
  await writeFile(join(path, request.name), iPhoneExecutable(), { mode: 0o755 });
  await writeFile(join(path, 'Info.plist'), build(infoPlist(request, packageType)));
  await writeFile(join(path, 'PkgInfo'), `${packageType}????`);
  await writeFile(join(path, 'en.lproj', 'Localizable.strings'), `"name" = "${request.name}";\n`);
  if (request.profile) await writeFile(join(path, 'embedded.mobileprovision'), request.profile);
}

const infoPlist = (request: Omit<AppRequest, 'extensions'>, packageType: string): Record<string, string | string[]> => ({
  CFBundleDevelopmentRegion: 'en',
  CFBundleExecutable: request.name,
  CFBundleIdentifier: request.bundleId,
  CFBundleInfoDictionaryVersion: '6.0',
  CFBundleName: request.name,
  CFBundlePackageType: packageType,
  CFBundleShortVersionString: '1.0',
  CFBundleSupportedPlatforms: ['iPhoneOS'],
  CFBundleVersion: '1',
  MinimumOSVersion: '16.0',
});
