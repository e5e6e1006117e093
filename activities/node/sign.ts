import { build, type PlistValue } from 'plist';
import type { Instant } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { expectedEntries, expectedIdentities } from '../../src/domain/expected.js';
import type { ManifestEntry } from '../../src/domain/manifest.js';
import {
  canaryApps,
  canaryResult,
  judgeProfileOf,
  judgeSignature,
  judgeSigningFault,
  type CanaryApp,
  type Finding,
} from '../../src/domain/node/canary.js';
import type { CheckResult } from '../../src/domain/node/probe.js';
import type { ProfileDescription } from '../../src/domain/profile.js';
import { Security } from '../../src/mac/security.js';
import { parseCodesignDisplay, signingFault } from '../../src/mac/codesign.js';
import { stubApp } from '../../src/mac/stub-app.js';
import type { CommandResult } from '../../src/node-shell/contract.js';
import { inspectProfile } from '../../src/profile/index.js';
import { CanaryFolder } from './canary-folder.js';
import { exportApp } from './export.js';
import type { KnownManifest } from './frozen-contents.js';
import { holdersOf, unlockWindow } from './keys.js';
import type { NodeSession } from './session.js';

export const APP = 'Canary.app';
export const EXTENSION = `${APP}/PlugIns/CanaryExtension.appex`;
/** Where a compiler's archive has its app. */
export const APPLICATIONS = 'Canary.xcarchive/Products/Applications';

/** An entry with the profile that is embedded for it. */
interface Signed {
  readonly entry: ManifestEntry;
  readonly bytes: Uint8Array;
  readonly profile: ProfileDescription;
  /** Below the canary's folder. */
  readonly path: string;
}

/**
 * Signs a stub app with each identity that the node is to hold, as a build would, reads back what came of it, and exports it by `xcodebuild`
 * where there is one (S2, S5). Signing changes nothing on the node but a folder that is removed again.
 *
 * @param beat called between two commands, which may take long
 */
export async function signCanary(
  session: NodeSession,
  target: KnownManifest,
  now: Instant,
  beat: () => void,
): Promise<readonly CheckResult[]> {
  const { node, line } = session;
  const notDue = (reason: string): readonly CheckResult[] => [
    { check: 'signing', verdict: 'not-due', reason },
    { check: 'export', verdict: 'not-due', reason },
  ];
  if (node.keys === 'forbidden') return notDue('keys: forbidden');
  const apps = canaryApps(expectedIdentities(node, line, target.manifest), expectedEntries(node, line, target.manifest));
  if (apps.length === 0) return notDue('no identity is to be on this node');
  if (unlockWindow(line, now) === 'closed') return notDue('outside the unlock window');
  const signing: Finding[] = [];
  const exporting: Finding[] = [];
  let signatures = 0;
  for (const app of apps) {
    beat();
    const { found, exported, signed } = await tryApp(session, target, app, beat);
    signatures += signed;
    if (found !== null) signing.push(found);
    if (exported !== null) exporting.push(exported);
  }
  const reason = `${signatures} stub bundles were signed with ${apps.length} identities and read back`;
  return [
    canaryResult('signing', node.name, signing, reason, { identities: apps.length, signatures }),
    canaryResult('export', node.name, exporting, `${apps.length} stub archives were exported with the rendered options`, {
      identities: apps.length,
    }),
  ];
}

interface Tried {
  readonly found: Finding | null;
  readonly exported: Finding | null;
  readonly signed: number;
}

/** Of one node and line: several may be tried in one place at a time, and of these one alone. */
const kinOf = ({ node, name }: NodeSession): string => `${node.name}.${name}.`.replaceAll(/[^A-Za-z0-9.-]/g, '-');

async function tryApp(session: NodeSession, target: KnownManifest, app: CanaryApp, beat: () => void): Promise<Tried> {
  const none = { exported: { verdict: 'not-due', sentence: 'nothing was signed to export' }, signed: 0 } as const;
  try {
    const parts = await partsOf(session, app);
    if ('verdict' in parts) return { ...none, found: parts };
    const folder = new CanaryFolder(session.files, session.paths.canaries, kinOf(session));
    return await folder.use(async () => {
      await writeApp(folder, parts);
      const found = await signAll(session, target, app, folder, parts, beat);
      if (found !== null) return { ...none, found };
      return { found: null, exported: await exportApp(session, target, app, folder), signed: parts.length };
    });
  } catch (error) {
    if (!(error instanceof ResealError) || error.code !== 'NODE_WRITE_FAILED') throw error;
    return { ...none, found: { verdict: 'inconclusive', sentence: `the stub app could not be written: ${error.message}` } };
  }
}

/** The extension first: what is inside has to be sealed before what is around it. */
async function partsOf(session: NodeSession, { host, extension }: CanaryApp): Promise<readonly Signed[] | Finding> {
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

async function writeApp(folder: CanaryFolder, parts: readonly Signed[]): Promise<void> {
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

const entitlementsOf = ({ path }: Signed): string => (path.endsWith(EXTENSION) ? 'extension.entitlements' : 'app.entitlements');

/** Those of the profile, with the app's own id where that of the profile is a pattern, as Xcode makes them. */
function entitlements({ entry, profile }: Signed): Record<string, PlistValue> {
  const id = `${profile.prefix}.${entry.bundleId}`;
  const own = profile.entitlements as Record<string, PlistValue>;
  const key = 'com.apple.application-identifier' in own ? 'com.apple.application-identifier' : 'application-identifier';
  return { ...own, [key]: id };
}

async function signAll(
  session: NodeSession,
  target: KnownManifest,
  app: CanaryApp,
  folder: CanaryFolder,
  parts: readonly Signed[],
  beat: () => void,
): Promise<Finding | null> {
  const { files, node, policy } = session;
  const environment = node.environment === 'simulated' ? 'simulated' : 'other';
  const codesign = async (...args: readonly string[]): Promise<CommandResult> => {
    beat();
    return files.run({ program: 'codesign', args, timeout: policy.probe.checkTimeout });
  };
  const place = (name: string): Promise<string> => files.programPath(folder.at(name));
  for (const part of parts) {
    const options = ['--timestamp=none', '--generate-entitlement-der', '--entitlements', await place(entitlementsOf(part))];
    const signed = await codesign('--force', '--sign', app.identity.toUpperCase(), ...options, await place(part.path));
    if (signed.code === 0 && !signed.expired) continue;
    const fault = signingFault(signed);
    const said = fault.kind === 'internal-component' ? await holdersOf(new Security(files, policy.probe.checkTimeout), app.identity) : null;
    return judgeSigningFault(fault, app.identity, said !== null && 'answer' in said ? said.answer : null, environment);
  }
  for (const part of parts) {
    const shown = await codesign('-dvvv', await place(part.path));
    const code = shown.code === 0 && !shown.expired ? parseCodesignDisplay(shown.stderr) : null;
    if (code === null) return { verdict: 'inconclusive', sentence: '`codesign -dvvv` does not show what was just signed' };
    if (code.signature === 'none' && environment === 'simulated')
      return { verdict: 'not-due', sentence: 'this simulated Mac cannot make real signatures' };
    const wrong = judgeSignature(code, part.entry, target.manifest.certificates);
    if (wrong !== null) return wrong;
  }
  const verified = await codesign('--verify', '--deep', '--strict', await place(`${APPLICATIONS}/${APP}`));
  if (verified.expired) return { verdict: 'inconclusive', sentence: '`codesign --verify` did not end in time' };
  if (verified.code !== 0) return { verdict: 'fail', sentence: `\`codesign --verify\` refuses what was just signed (${verified.code})` };
  return embedded(session, folder, parts);
}

/** The profiles in the signed app are those of the manifest, to the byte. */
async function embedded({ files }: NodeSession, folder: CanaryFolder, parts: readonly Signed[]): Promise<Finding | null> {
  const found = await files.digests(parts.map(({ path }) => folder.at(`${path}/embedded.mobileprovision`)));
  const other = parts.find(({ entry }, index) => {
    const one = found[index];
    return one?.kind !== 'file' || one.sha256 !== entry.profile.sha256;
  });
  return other === undefined
    ? null
    : { verdict: 'fail', sentence: `the signed ${other.entry.bundleId} embeds another profile than ${other.entry.profile.uuid}` };
}
