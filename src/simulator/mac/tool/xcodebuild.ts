import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nestedBundles, topLevelText } from './bundle.js';
import type { Answer, Call } from './call.js';
import { exportApp, type SigningPlan } from './export-app.js';
import { readExportOptions, type ExportOptions } from './export-options.js';
import { identities, isValid, type Chosen } from './identity-choice.js';
import { installedProfiles, type InstalledProfile } from './installed-profiles.js';

/**
 * The simulated Mac's `xcodebuild -exportArchive`. mac-tools.md says only that it, unlike `codesign`, consults profiles. Its sentences are those
 * that Xcode 15 and 16 print in public CI logs and support threads; exit code 70 and the streams are from there too.
 */
export function xcodebuild(call: Call): Answer {
  const value = (flag: string): string | undefined => call.args[call.args.indexOf(flag) + 1];
  const [archive, options, folder] = ['-archivePath', '-exportOptionsPlist', '-exportPath'].map((flag) =>
    call.args.includes(flag) ? value(flag) : undefined,
  );
  if (!call.args.includes('-exportArchive') || archive === undefined || options === undefined || folder === undefined)
    return {
      stderr:
        'xcodebuild: error: this simulated Mac knows -version and -exportArchive with -archivePath, -exportOptionsPlist and -exportPath\n',
      code: 64,
    };
  const app = appOf(archive);
  if (app === null) return failed([`archive not found at path '${archive}'`]);
  const read = existsSync(options) ? readExportOptions(readFileSync(options, 'utf8')) : null;
  if (read === null)
    return failed([`exportOptionsPlist error for key "method": the file '${options}' cannot be read or names no known method`]);
  const plans = planAll(call, read, app);
  const problems = plans.filter((plan) => typeof plan === 'string');
  if (problems.length > 0) return failed(problems);
  const exported = exportApp(
    call,
    app,
    plans.filter((plan) => typeof plan !== 'string'),
    folder,
  );
  if ('refusal' in exported) return failed([`exportArchive: codesign command failed (${exported.refusal})`]);
  return { stdout: `Exported ${exported.name} to: ${folder}\n** EXPORT SUCCEEDED **\n\n`, stderr: exported.warnings, code: 0 };
}

const failed = (sentences: readonly string[]): Answer => ({
  stderr: `${sentences.map((sentence) => `error: ${sentence}\n\n`).join('')}** EXPORT FAILED **\n\n`,
  code: 70,
});

function appOf(archive: string): string | null {
  const folder = join(archive, 'Products', 'Applications');
  const name = existsSync(folder) ? readdirSync(folder).find((one) => one.endsWith('.app')) : undefined;
  return name === undefined ? null : join(folder, name);
}

/** The extensions first, as they are signed: what is inside has to be sealed before what is around it. */
function planAll(call: Call, options: ExportOptions, app: string): readonly (SigningPlan | string)[] {
  const bundles = [...nestedBundles(app).filter((path) => !path.endsWith('.framework')), app];
  const withIds = bundles.map((path) => ({ path, bundleId: bundleIdOf(path) }));
  // Automatic signing needs an account, which no build node has.
  if (options.style === 'automatic')
    return ['exportArchive: No Accounts', ...withIds.map(({ bundleId }) => `exportArchive: No profiles for '${bundleId}' were found`)];
  const installed = installedProfiles(call.state);
  return withIds.map(({ path, bundleId }) => plan(call, options, installed, path, bundleId));
}

const bundleIdOf = (path: string): string => topLevelText(readFileSync(join(path, 'Info.plist')), 'CFBundleIdentifier') ?? '';

/** What a bundle is signed with, or the sentence that says why not: profile first, then certificate. */
function plan(
  call: Call,
  options: ExportOptions,
  installed: readonly InstalledProfile[],
  path: string,
  bundleId: string,
): SigningPlan | string {
  const specifier = options.profiles[bundleId];
  if (specifier === undefined) return `exportArchive: "${path.replace(/^.*\//, '')}" requires a provisioning profile.`;
  const profile = newest(installed.filter(({ uuid, name }) => uuid === specifier || name === specifier));
  if (profile === null) return `exportArchive: No profiles for '${bundleId}' were found`;
  const unfit = misfit(call, options, profile, bundleId);
  if (unfit !== null) return `exportArchive: ${unfit}`;
  const team = options.team ?? profile.team;
  const usable = identities(call, null).filter((one) => one.identity.codeSigning && isValid(call, one.identity) && isWanted(options, one));
  const [first] = usable;
  const wanted = options.certificate ?? (options.kind === 'development' ? 'iOS Development' : 'iOS Distribution');
  if (first === undefined)
    return `exportArchive: No signing certificate "${wanted}" found: No "${wanted}" signing certificate matching team ID "${team}" with a private key was found.`;
  const chosen = usable.find(({ identity }) => profile.certificates.includes(identity.sha1));
  if (chosen === undefined)
    return `exportArchive: Provisioning profile "${profile.name}" doesn't include signing certificate "${first.identity.label}".`;
  return { path, bundleId, profile, chosen };
}

/** Of several with one name the one that is valid longest. */
const newest = (profiles: readonly InstalledProfile[]): InstalledProfile | null =>
  [...profiles].sort((a, b) => b.expiresAt.getTime() - a.expiresAt.getTime())[0] ?? null;

const KIND_NAMES = {
  'app-store': 'iOS App Store',
  'ad-hoc': 'iOS Ad Hoc',
  enterprise: 'iOS In House',
  development: 'iOS Development',
} as const;

/** Why a profile does not do for a bundle; null where it does. */
function misfit(call: Call, options: ExportOptions, profile: InstalledProfile, bundleId: string): string | null {
  const named = `Provisioning profile "${profile.name}"`;
  if (options.team !== null && profile.team !== options.team)
    return `No profile for team '${options.team}' matching '${profile.name}' found`;
  const isMatch = profile.bundleId.endsWith('*') ? bundleId.startsWith(profile.bundleId.slice(0, -1)) : profile.bundleId === bundleId;
  if (!isMatch) return `${named} has app ID "${profile.bundleId}", which does not match the bundle ID "${bundleId}".`;
  if (profile.kind !== options.kind) return `${named} is not an "${KIND_NAMES[options.kind]}" profile.`;
  if (profile.expiresAt.getTime() <= call.now * 1000) return `${named} expired on ${dayOf(profile.expiresAt)}.`;
  return null;
}

const dayOf = (at: Date): string => at.toLocaleDateString('en-US', { year: 'numeric', month: 'short', day: 'numeric' });

function isWanted({ certificate }: ExportOptions, { identity }: Chosen): boolean {
  if (certificate === null) return true;
  return identity.sha1 === certificate.toUpperCase() || identity.label.startsWith(certificate);
}
