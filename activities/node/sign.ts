import type { Instant } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { aliasedIdentities, expectedEntries, expectedIdentities } from '../../src/domain/expected.js';
import { canaryApps, canaryResult, type CanaryApp, type Finding } from '../../src/domain/node/canary.js';
import type { CheckResult } from '../../src/domain/node/probe.js';
import { partsOf } from './canary-app.js';
import { CanaryFolder, signingPlace } from './canary-folder.js';
import { exportApp } from './export.js';
import type { KnownManifest } from './frozen-contents.js';
import { unlockWindow } from './keys.js';
import type { NodeSession } from './session.js';
import { signAtSidecar } from './sign-at-sidecar.js';
import { signOnNode } from './sign-on-node.js';

/**
 * Signs a stub app with each identity that the node is to hold, or to have its sidecar sign with, as a build would, reads back what came of it, and
 * exports what the node itself signed by `xcodebuild` where there is one (S2, S5). Signing changes nothing on the node but a folder that is removed again.
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
  const atSidecar = line.identity === 'sidecar';
  if (!atSidecar && node.keys === 'forbidden') return notDue('keys: forbidden');
  const identities = atSidecar ? aliasedIdentities(node, line, target.manifest) : expectedIdentities(node, line, target.manifest);
  const apps = canaryApps(identities, expectedEntries(node, line, target.manifest));
  if (apps.length === 0) return notDue(atSidecar ? 'it needs no profile of the line' : 'no identity is to be on this node');
  if (!atSidecar && unlockWindow(line, now) === 'closed') return notDue('outside the unlock window');
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

const AT_SIDECAR: Finding = { verdict: 'not-due', sentence: 'the keys are at the sidecar, and xcodebuild signs with none of them' };

/** Of one node and line: several may be tried in one place at a time, and of these one alone. */
const kinOf = ({ node, name }: NodeSession): string => `${node.name}.${name}.`.replaceAll(/[^A-Za-z0-9.-]/g, '-');

async function tryApp(session: NodeSession, target: KnownManifest, app: CanaryApp, beat: () => void): Promise<Tried> {
  const none = { exported: { verdict: 'not-due', sentence: 'nothing was signed to export' }, signed: 0 } as const;
  try {
    const parts = await partsOf(session, app);
    if ('verdict' in parts) return { ...none, found: parts };
    const atSidecar = session.line.identity === 'sidecar';
    const folder = new CanaryFolder(session.files, signingPlace(session.files, session.paths.canaries), kinOf(session));
    return await folder.use(async () => {
      const found = await (atSidecar ? signAtSidecar : signOnNode)(session, target, app, folder, parts, beat);
      if (found !== null) return { ...none, found };
      const exported = atSidecar ? AT_SIDECAR : await exportApp(session, target, app, folder);
      return { found: null, exported, signed: parts.length };
    });
  } catch (error) {
    if (!(error instanceof ResealError) || error.code !== 'NODE_WRITE_FAILED') throw error;
    return { ...none, found: { verdict: 'inconclusive', sentence: `the stub app could not be written: ${error.message}` } };
  }
}
