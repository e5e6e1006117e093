import { build } from 'plist';
import { profilesInIpa } from '../../src/artifact/embedded-profiles.js';
import { judgeExportFault, type CanaryApp, type Finding } from '../../src/domain/node/canary.js';
import { exportFault } from '../../src/mac/xcodebuild.js';
import { sha256Of } from '../../src/manifest/digest.js';
import type { CanaryFolder } from './canary-folder.js';
import type { KnownManifest } from './frozen-contents.js';
import type { NodeSession } from './session.js';

const EXPORTED = 'exported';

/**
 * Exports the signed stub's archive with the options that builds read. Unlike `codesign`, `xcodebuild` consults the installed profiles, and so
 * finds what signing does not. null: exported, and the profiles in the .ipa are those of the manifest.
 */
export async function exportApp(
  session: NodeSession,
  target: KnownManifest,
  app: CanaryApp,
  folder: CanaryFolder,
): Promise<Finding | null> {
  const { files, paths, policy } = session;
  await folder.write('Canary.xcarchive/Info.plist', Buffer.from(archiveInfo(app), 'utf8'));
  const { method, variant } = app.host;
  const options = [paths.settingsOf(target.digest), method, ...(variant === undefined ? [] : [variant]), 'ExportOptions.plist'].join('/');
  const read = await files.read(options);
  if (read.kind !== 'file')
    return { verdict: 'fail', sentence: `${options} is ${read.kind === 'absent' ? 'missing' : read.what}; restore the node` };
  // A copy, so that whatever runs `xcodebuild` needs no way to the mount.
  await folder.write('ExportOptions.plist', read.bytes);
  const args = [
    '-exportArchive',
    '-archivePath',
    await files.programPath(folder.at('Canary.xcarchive')),
    '-exportOptionsPlist',
    await files.programPath(folder.at('ExportOptions.plist')),
    '-exportPath',
    await files.programPath(folder.at(EXPORTED)),
  ];
  const result = await files.run({ program: 'xcodebuild', args, timeout: policy.probe.checkTimeout });
  if (result.code !== 0 || result.expired) return judgeExportFault(exportFault(result), app);
  return readBack(session, app, folder);
}

async function readBack({ files }: NodeSession, { host, extension }: CanaryApp, folder: CanaryFolder): Promise<Finding | null> {
  const name = (await files.list(folder.at(EXPORTED))).find((one) => one.endsWith('.ipa'));
  const found = name === undefined ? null : await files.read(folder.at(`${EXPORTED}/${name}`));
  const profiles = found?.kind === 'file' ? await profilesInIpa(found.bytes) : null;
  if (profiles === null)
    return { verdict: 'fail', sentence: '`xcodebuild -exportArchive` says that it succeeded, and left no readable .ipa' };
  const exported = [...profiles.values()].map((bytes) => sha256Of(bytes)).sort();
  const expected = [host, ...(extension === null ? [] : [extension])].map(({ profile }) => profile.sha256).sort();
  if (exported.join() === expected.join()) return null;
  return {
    verdict: 'fail',
    sentence: `the exported .ipa of ${host.bundleId} has other profiles than manifest and ExportOptions.plist name; look for two profiles of one UUID or name in the folders that Xcode reads`,
  };
}

const archiveInfo = ({ host }: CanaryApp): string =>
  build({
    ApplicationProperties: {
      ApplicationPath: 'Applications/Canary.app',
      CFBundleIdentifier: host.bundleId,
      CFBundleShortVersionString: '1.0',
      CFBundleVersion: '1',
      Team: host.team,
    },
    ArchiveVersion: 2,
    Name: 'Canary',
    SchemeName: 'Canary',
  });
