import { homedir } from 'node:os';
import { posix } from 'node:path';
import { loadConfiguration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import { newDeliveryKey, recipientOf } from '../../identity/sealed.js';
import type { NodePath, NodeShell } from '../../node-shell/contract.js';
import { withLock } from '../../node-shell/lock.js';
import { thisMac } from '../../node-shell/place.js';
import { reachNodes, reachOnly } from '../../node-shell/reach.js';
import { defineCommand } from '../command.js';
import { configFolder } from '../config-folder.js';

export interface DeliveryKeyView {
  readonly schemaVersion: 1;
  readonly node: string;
  /** The public half, for topology.yaml. */
  readonly deliveryKey: string;
  readonly made: boolean;
  /** Whether topology.yaml declares this one. */
  readonly declared: boolean;
}

export const command = defineCommand({
  description: 'Show the key that identities are sealed to for a node, and make it where there is none',
  arguments: { node: { kind: 'text', required: true, description: 'A node of topology.yaml' } },
  options: { here: { kind: 'flag', description: 'This machine is the node (needed where it is reached by an agent)' } },
  async handler(context, { node: name }, { here }) {
    const configuration = loadConfiguration(configFolder(context));
    const node = configuration.topology.nodes.find((one) => one.name === name);
    if (node === undefined)
      throw new ResealError('NOT_FOUND', `topology.yaml declares no node ${name}. List them with \`reseal node list\`.`);
    if (node.reach.kind === 'agent' && !here)
      throw new ResealError(
        'USAGE',
        `Node ${name} is reached by its agent alone. Run this on it, as the account of the agent, with --here.`,
      );
    const reach = here ? reachOnly(node.name, thisMac(homedir(), context.env['PATH'])) : reachNodes(configuration.reseal.ssh);
    try {
      const found = await deliveryKey(reach.files(node), node.state);
      const view: DeliveryKeyView = {
        schemaVersion: 1,
        node: name,
        deliveryKey: found.recipient,
        made: found.made,
        declared: node.deliveryKey === found.recipient,
      };
      context.output.show(view, deliveryKeyText);
    } finally {
      reach.close();
    }
  },
});

function deliveryKeyText({ node, deliveryKey: key, made, declared }: DeliveryKeyView): readonly string[] {
  const what = made ? `Made a delivery key on ${node}; its private half stays there.` : `${node} has a delivery key.`;
  if (declared) return [what, `topology.yaml declares it: ${key}`];
  return [what, 'Declare it in topology.yaml, at this node:', '', `    deliveryKey: ${key}`];
}

/** Reads the node's key, or makes one; two at a time get the same. */
async function deliveryKey(files: NodeShell, state: NodePath): Promise<{ readonly recipient: string; readonly made: boolean }> {
  const path = `${state}/delivery.key`;
  await files.reach();
  for (const folder of await files.missingFolders(state)) await files.makeFolder(folder);
  return withLock(files, `${state}/lock`, async () => {
    const found = await files.read(path);
    if (found.kind === 'file') return { recipient: await recipientOf(Buffer.from(found.bytes).toString('utf8')), made: false };
    if (found.kind === 'other')
      throw new ResealError('NODE_WRITE_FAILED', `Node ${files.node}: ${path} is ${found.what}, expected a file. Look what put it there.`);
    const key = await newDeliveryKey();
    const prepared = await files.prepare(path, Buffer.from(`${key.secret}\n`), 0o600, 'delivery-key');
    await prepared.commit();
    await files.syncFolders([posix.dirname(path)]);
    return { recipient: key.recipient, made: true };
  });
}
