import { readFileSync } from 'node:fs';
import { sealIdentity } from '../../src/identity/sealed.js';
import { readPkcs12 } from '../../src/identity/pkcs12.js';
import { throughCanary } from '../../src/node-shell/canary/client.js';
import { thisMac } from '../../src/node-shell/place.js';
import { reachOnly } from '../../src/node-shell/reach.js';
import type { Sha1 } from '../../src/domain/brands.js';
import { NODE, reachNodesOver, world } from '../node/mesh.js';

/**
 * The agent's account of a Mac with two: `node --import tsx account-identity.ts SOCKET HOME P12 OLD RECIPIENT`. Brings a certificate through its
 * life on the node, and prints what came of each step.
 */
const [, , socket = '', home = '', p12 = '', old = '', recipient = ''] = process.argv;
process.umask(0o022);
reachNodesOver('agent');
const fresh = readPkcs12(readFileSync(p12), 'p12', p12);
const mesh = await world({
  home,
  node: { environment: 'production', keys: 'allowed', roles: ['signer'], deliveryKey: recipient },
  identity: old as Sha1,
  newIdentity: fresh.facts.sha1,
  policy: { probe: { passes: 1, interval: 1, checkTimeout: 30_000, inconclusiveFor: 1_000 } },
  keychains: { unlockWindows: [], onUnlockFailure: [], password: { file: `${home}/usr/local/var/reseal/state/keychain.password` } },
});
mesh.store.sealed.set(`${fresh.facts.sha1} ${NODE} ${recipient}`, await sealIdentity(fresh, recipient));
const place = throughCanary(thisMac(home, '/nonexistent'), socket);
const activities = mesh.activities({ reach: (node) => reachOnly(NODE, place).files(node) });
const order = (epoch: number, opId: string) => mesh.order(epoch, opId);
const inspected = async (): Promise<unknown> => {
  const { checks = [] } = await activities.inspectNode({ ...order(1, 'look'), manifest: mesh.to, everyCheck: true });
  return checks.find(({ check }) => check === 'identities')?.verdict;
};

const said: unknown[] = [];
const step = async (work: Promise<unknown>): Promise<void> => void said.push(await work);
await step(activities.stageNode({ ...order(1, 'from'), rotation: 'ios-main-0', to: mesh.from }).then(({ outcome }) => outcome));
await step(inspected());
await step(activities.stageNode({ ...order(1000, 'stage'), to: mesh.to }).then(({ outcome }) => outcome));
await step(inspected());
await step(activities.unstageNode({ ...order(1001, 'unstage'), remove: mesh.to, keep: mesh.from }).then(({ outcome }) => outcome));
await step(inspected());
await step(activities.restoreNode({ ...order(1002, 'restore'), manifest: mesh.to }).then(({ outcome }) => outcome));
await step(inspected());
await step(activities.unstageNode({ ...order(1003, 'unstage'), remove: mesh.to, keep: mesh.from }).then(({ outcome }) => outcome));
mesh.now = Date.parse('2030-01-01T00:00:00Z');
await step(activities.purgeNode({ ...order(0, 'purge'), rotation: 'ios-main-purge', ticket: 'CHG-9' }));
process.stdout.write(JSON.stringify(said));
