import { readFileSync } from 'node:fs';
import type { Configuration } from '../../src/configuration/load.js';
import { exportIdOf, type ExportRequestStatement, type Spoken } from '../../src/domain/exports/statement.js';
import { newDeliveryKey, openSealedIdentity, openWith, sealIdentity } from '../../src/identity/sealed.js';
import { canonicalDigest } from '../../src/statement/person.js';
import { readPkcs12 } from '../../src/identity/pkcs12.js';
import { throughCanary } from '../../src/node-shell/canary/client.js';
import { thisMac } from '../../src/node-shell/place.js';
import { reachOnly } from '../../src/node-shell/reach.js';
import type { Sha1 } from '../../src/domain/brands.js';
import { LINE, NODE, reachNodesOver, world } from '../node/mesh.js';

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

/** Out of the keychain of the other account, by whose word does not matter here: which identity it is, opened. */
async function exported(): Promise<unknown> {
  const [receiver, oneTime] = [await newDeliveryKey(), await newDeliveryKey()];
  const person = (id: string, role: string) => ({ id, name: id, roles: [role], keys: [] });
  const configuration = {
    topology: { installation: 'acme', lines: {}, nodes: [] },
    roster: {
      persons: [person('rita', 'export'), person('ada', 'approve'), person('grace', 'approve')],
      roles: { export: ['export'], approve: ['approve'] },
      receivers: [{ id: 'safe', name: 'safe', recipient: receiver.recipient, fetchedBy: ['rita'] }],
    },
    policy: { exports: { approvals: 2, approveWithin: 60_000, fetchWithin: 60_000, longest: 60_000 } },
  } as unknown as Configuration;
  const { sha1, serial, expiresAt } = fresh.facts;
  const asks = {
    ...{ identity: sha1, serial, certificateExpiresAt: expiresAt, node: NODE, receiver: 'safe' },
    ...{ recipient: receiver.recipient, fetchWithin: 60_000, reason: 'escrow' },
  };
  const at = (milliseconds: number): string => new Date(mesh.now + milliseconds).toISOString();
  const said = (by: string, own: object) => ({
    ...{ schemaVersion: 1, installation: 'acme', mode: 'production', line: LINE, person: by, ticket: 'CHG-7', nonce: '0'.repeat(32) },
    ...{ issuedAt: at(0), expiresAt: at(60_000), ...own },
  });
  const request = said('rita', { says: 'export-request', asks }) as unknown as ExportRequestStatement;
  const binds = { ...asks, export: exportIdOf(request), requestedBy: 'rita', request: canonicalDigest(request), roster: '0'.repeat(64) };
  const spoken = (statement: object) => ({ statement, signature: null }) as unknown as Spoken;
  const exporting = mesh.activities({ reach: (node) => reachOnly(NODE, place).files(node), configuration: () => configuration });
  const { sealed } = await exporting.exportIdentity({
    ...order(0, 'export'),
    warrant: { request: spoken(request), approvals: ['ada', 'grace'].map((by) => spoken(said(by, { says: 'export-approve', binds }))) },
    oneTime: oneTime.recipient,
  });
  const inner = await openWith(oneTime.secret, Buffer.from(sealed, 'base64'));
  const { pkcs12, password } = await openSealedIdentity(inner ?? new Uint8Array(), receiver.secret, sha1);
  return readPkcs12(pkcs12, password, 'exported').facts.sha1;
}

const said: unknown[] = [];
const step = async (work: Promise<unknown>): Promise<void> => void said.push(await work);
await step(activities.stageNode({ ...order(1, 'from'), rotation: 'ios-main-0', to: mesh.from }).then(({ outcome }) => outcome));
await step(inspected());
await step(activities.stageNode({ ...order(1000, 'stage'), to: mesh.to }).then(({ outcome }) => outcome));
await step(inspected());
await step(exported());
await step(activities.unstageNode({ ...order(1001, 'unstage'), remove: mesh.to, keep: mesh.from }).then(({ outcome }) => outcome));
await step(inspected());
await step(activities.restoreNode({ ...order(1002, 'restore'), manifest: mesh.to }).then(({ outcome }) => outcome));
await step(inspected());
await step(activities.unstageNode({ ...order(1003, 'unstage'), remove: mesh.to, keep: mesh.from }).then(({ outcome }) => outcome));
mesh.now = Date.parse('2030-01-01T00:00:00Z');
await step(activities.purgeNode({ ...order(0, 'purge'), rotation: 'ios-main-purge', ticket: 'CHG-9' }));
process.stdout.write(JSON.stringify(said));
