import { posix } from 'node:path';
import { keyAlias } from '../../src/domain/key-alias.js';
import type { CanaryApp, Finding } from '../../src/domain/node/canary.js';
import type { CommandResult, NodePath } from '../../src/node-shell/contract.js';
import { bundlesFolder } from '../../src/node-shell/socket/trusted.js';
import { askToSign } from '../../src/sidecar/client.js';
import { APP, APPLICATIONS, entitlementsOf, writeApp, type Signed } from './canary-app.js';
import { CanaryFolder, removeTree } from './canary-folder.js';
import type { KnownManifest } from './frozen-contents.js';
import { readBack } from './read-back.js';
import type { NodeSession } from './session.js';

const inconclusive = (sentence: string): Finding => ({ verdict: 'inconclusive', sentence });

/**
 * Has the line's sidecar sign the stub app, as a build would: by the alias of the identity. What came of it is read back on the node, in a folder where
 * its own `codesign` may look.
 */
export async function signAtSidecar(
  session: NodeSession,
  target: KnownManifest,
  app: CanaryApp,
  folder: CanaryFolder,
  parts: readonly Signed[],
  beat: () => void,
): Promise<Finding | null> {
  const { files, line, policy, node } = session;
  const socket = line.sidecar?.socket;
  if (socket === undefined) return { verdict: 'fail', sentence: 'the line names no sidecar; say where it is in topology.yaml' };
  const exchange = bundlesFolder(socket);
  if (!(await files.exists(exchange)))
    return inconclusive(`the signing sidecar is not there: ${exchange} is missing. Start \`reseal sidecar run\` there`);
  const brought = new CanaryFolder(files, { folder: exchange, whose: 'group' }, kinOf(session));
  const signed = await brought.use(() => signBrought(session, app, { brought, exchange, socket }, parts, beat));
  if ('verdict' in signed) return signed;
  try {
    await folder.copyIn(signed.path, `${APPLICATIONS}/${APP}`);
  } finally {
    await removeTree(files, posix.dirname(signed.path));
  }
  if (signed.signature === 'stand-in' && node.environment === 'simulated')
    return { verdict: 'not-due', sentence: 'its sidecar leaves stand-ins, and signs nothing' };
  const codesign = async (...args: readonly string[]): Promise<CommandResult> => {
    beat();
    return files.run({ program: 'codesign', args, timeout: policy.probe.checkTimeout });
  };
  const looked = await codesign('-d', await files.programPath(folder.at(`${APPLICATIONS}/${APP}`)));
  if (looked.code === 127)
    return node.environment === 'simulated'
      ? { verdict: 'not-due', sentence: 'its sidecar signs, and a simulated node without the tools of a Mac reads nothing back' }
      : inconclusive('its sidecar signs, and it has no `codesign` to read back what was signed');
  return readBack(session, target, folder, parts, codesign);
}

interface Exchange {
  readonly brought: CanaryFolder;
  readonly exchange: NodePath;
  readonly socket: NodePath;
}

interface SignedApp {
  readonly path: NodePath;
  readonly signature: 'made' | 'stand-in';
}

async function signBrought(
  session: NodeSession,
  app: CanaryApp,
  { brought, exchange, socket }: Exchange,
  parts: readonly Signed[],
  beat: () => void,
): Promise<SignedApp | Finding> {
  const { files, name, node, policy, order } = session;
  await writeApp(brought, parts);
  const below = (path: NodePath): string => posix.relative(exchange, path);
  const bundle = `${APPLICATIONS}/${APP}`;
  beat();
  const answer = await askToSign(
    (request) => files.askService(request),
    socket,
    {
      alias: keyAlias(name, app.identity),
      certificate: app.identity,
      bundle: below(brought.at(bundle)),
      entitlements: Object.fromEntries(parts.map((part) => [posix.relative(bundle, part.path), below(brought.at(entitlementsOf(part)))])),
      by: `canary of ${node.name} in ${order.rotation}`.slice(0, 200),
    },
    policy.probe.checkTimeout,
  );
  if ('away' in answer) return inconclusive(answer.away);
  if ('refused' in answer)
    return {
      verdict: answer.refused === 'now' ? 'inconclusive' : 'fail',
      sentence: `the signing sidecar did not sign: ${answer.sentence}`,
    };
  return { path: posix.join(exchange, answer.signed), signature: answer.signature };
}

/** Of one node and line, among those of all that the sidecar serves. */
const kinOf = ({ node, name }: NodeSession): string => `canary.${node.name}.${name}.`.replaceAll(/[^A-Za-z0-9.-]/g, '-');
