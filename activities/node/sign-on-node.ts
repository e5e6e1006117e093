import { judgeSigningFault, type CanaryApp, type Finding } from '../../src/domain/node/canary.js';
import { Security } from '../../src/mac/security.js';
import { signingFault } from '../../src/mac/codesign.js';
import type { CommandResult } from '../../src/node-shell/contract.js';
import { entitlementsOf, writeApp, type Signed } from './canary-app.js';
import type { CanaryFolder } from './canary-folder.js';
import type { KnownManifest } from './frozen-contents.js';
import { holdersOf } from './keys.js';
import { readBack } from './read-back.js';
import type { NodeSession } from './session.js';

/** Signs the stub app with an identity of the node's keychains, by its `codesign`, and reads back what came of it. */
export async function signOnNode(
  session: NodeSession,
  target: KnownManifest,
  app: CanaryApp,
  folder: CanaryFolder,
  parts: readonly Signed[],
  beat: () => void,
): Promise<Finding | null> {
  const { files, node, policy } = session;
  await writeApp(folder, parts);
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
  return readBack(session, target, folder, parts, codesign);
}
