import { build } from 'plist';
import { iPhoneExecutable } from './stub-executable.js';

export interface StubAppRequest {
  /** Name of app and executable, as `Courier`. */
  readonly name: string;
  readonly bundleId: string;
  /** Of every bundle, the embedded.mobileprovision; none by default. */
  readonly profile?: Uint8Array;
  /** App extensions under PlugIns/. */
  readonly extensions?: readonly { readonly name: string; readonly bundleId: string; readonly profile?: Uint8Array }[];
}

/** A file of an unsigned app; `path` begins with `<name>.app/`. */
export interface AppFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

/** The smallest iPhone app that can be signed, as a compiler leaves it behind. */
export function stubApp(request: StubAppRequest): readonly AppFile[] {
  const app = `${request.name}.app`;
  return [
    ...bundleFiles(app, request, 'APPL'),
    ...(request.extensions ?? []).flatMap((extension) => bundleFiles(`${app}/PlugIns/${extension.name}.appex`, extension, 'XPC!')),
  ];
}

function bundleFiles(path: string, request: Omit<StubAppRequest, 'extensions'>, packageType: 'APPL' | 'XPC!'): readonly AppFile[] {
  const text = (name: string, content: string): AppFile => ({ path: `${path}/${name}`, bytes: Buffer.from(content, 'utf8'), mode: 0o644 });
  return [
    { path: `${path}/${request.name}`, bytes: iPhoneExecutable(), mode: 0o755 },
    text('Info.plist', build(infoPlist(request, packageType))),
    text('PkgInfo', `${packageType}????`),
    text('en.lproj/Localizable.strings', `"name" = "${request.name}";\n`),
    ...(request.profile === undefined ? [] : [{ path: `${path}/embedded.mobileprovision`, bytes: request.profile, mode: 0o644 }]),
  ];
}

const infoPlist = (request: Omit<StubAppRequest, 'extensions'>, packageType: string): Record<string, string | string[]> => ({
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
