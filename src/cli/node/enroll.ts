import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { loadConfiguration, type Configuration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import type { ApprovedManifest, PinnedApprovers } from '../../domain/node/approved.js';
import { mayBeCanary } from '../../domain/rotation/cohorts.js';
import type { NodeDeclaration } from '../../domain/topology.js';
import { enroll, gatewayFolder, type Enrolment } from '../../identity/enrolled-keys.js';
import { pinApprovers, pinnedApproversIn } from '../../identity/pinned-approvers.js';
import { pinKeys, pinnedKeysIn } from '../../identity/pinned-keys.js';
import { canonicalDigest } from '../../statement/person.js';
import { approversIn } from '../../statement/pinned-rosters.js';
import { fingerprintOf } from '../../statement/standing.js';
import { LocalNode } from '../../node-shell/local.js';
import { thisMac } from '../../node-shell/place.js';
import { defineCommand, type Context } from '../command.js';
import { configFolder } from '../config-folder.js';
import { homeFolder } from '../home.js';

/** Who signs from this machine, where its key lies, and what the configuration declares of it. */
interface Signer {
  /** In a sentence. */
  readonly name: string;
  readonly folder: string;
  readonly declared: readonly string[];
  /** Those that it answers for. */
  readonly nodes: readonly NodeDeclaration[];
  /** The line of the configuration, for a key or a list of two. */
  readonly declaration: (value: string) => readonly string[];
}

export const command = defineCommand({
  description: "Make, on this Mac, the key that its agent signs its answers with, and show what to declare; or that of a region's gateway",
  arguments: { node: { kind: 'text', description: 'The node of topology.yaml that this Mac is' } },
  options: {
    gateway: { kind: 'text', description: 'Of the gateway of this region, which runs on this machine', value: 'REGION' },
    buildsHome: {
      kind: 'text',
      description: 'Home of the account that builds, as `agent run` is given it; it counts where the state folder is declared below ~',
      value: 'DIR',
    },
    renew: { kind: 'flag', description: 'Make a key that is to replace the one there is' },
    control: {
      kind: 'list',
      description: "Follow orders of this key alone, which is the installation's; several while it is replaced; none: follow every order",
      value: 'KEY',
    },
    approvers: {
      kind: 'text',
      description:
        'Serve what those of roster.yaml have approved, as it is declared now, and what is in force now; none: serve what orders say',
      value: 'declared|none',
    },
  },
  async handler(context, { node }, { gateway, buildsHome, renew, control, approvers }) {
    if (approvers !== undefined && approvers !== 'declared' && approvers !== 'none')
      throw new ResealError('USAGE', `--approvers takes declared or none, not ${JSON.stringify(approvers)}.`);
    const configuration = loadConfiguration(configFolder(context));
    const signer = signerOf(context, configuration, node, gateway, buildsHome ?? homedir());
    // First, since it may be refused.
    if (control.length > 0) await pinKeys(signer.folder, control.length === 1 && control[0] === 'none' ? [] : control);
    if (approvers === 'none') await pinApprovers(signer.folder, null, []);
    if (approvers === 'declared') await pinDeclared(context, configuration, signer);
    const enrolment = await enroll(signer.folder, signer.declared, renew ? 'renew' : 'keep');
    const pinned = await pinnedKeysIn(signer.folder);
    const counting = await pinnedApproversIn(signer.folder);
    const whose = gateway === undefined ? { node } : { gateway };
    context.output.show({ schemaVersion: 1, ...whose, ...enrolment, control: pinned, approvers: counting }, () => [
      ...enrolmentText(signer, enrolment),
      '',
      ordersText(pinned, configuration),
      ...approversText(counting, pinned),
    ]);
  },
});

/** @throws ResealError CONFIG_INVALID, STORE_UNREACHABLE, NODE_WRITE_FAILED */
async function pinDeclared(context: Context, configuration: Configuration, signer: Signer): Promise<void> {
  const { roster, policy, topology } = configuration;
  const needed = policy.gate.approvals;
  const keys = approversIn(roster);
  const able = Object.keys(keys);
  if (able.length < needed)
    throw new ResealError(
      'CONFIG_INVALID',
      `A gate needs ${needed} approvals, and of those who may approve ${able.length === 0 ? 'nobody has' : `only ${able.join(' and ')} ${able.length === 1 ? 'has' : 'have'}`} a key in roster.yaml: nothing could ever be approved here. Nothing was pinned.`,
    );
  const { openNodeSurroundings } = await import('../../temporal/node-surroundings.js');
  const around = await openNodeSurroundings(configFolder(context), homeFolder(context.home, context.env, context.cwd));
  try {
    const inForce: ApprovedManifest[] = [];
    for (const line of new Set(signer.nodes.flatMap((node) => node.lines))) {
      const head = await around.stores.get(topology.lines[line]?.store ?? '')?.head(line);
      if (head) inForce.push({ line, manifest: head.digest });
    }
    await pinApprovers(
      signer.folder,
      {
        schemaVersion: 1,
        installation: topology.installation,
        keys,
        needed,
        roster: canonicalDigest(roster),
        canary: signer.nodes.filter(mayBeCanary).map(({ name }) => name),
      },
      inForce,
    );
  } finally {
    await around.close();
  }
}

function signerOf(
  context: Context,
  configuration: Configuration,
  node: string | undefined,
  region: string | undefined,
  buildsHome: string,
): Signer {
  if ((node === undefined) === (region === undefined))
    throw new ResealError('USAGE', 'Name the node that this Mac is, or with --gateway the region that this machine is the gateway of.');
  return node === undefined ? gatewayOf(context, configuration, region ?? '') : agentOf(context, configuration, node, buildsHome);
}

function agentOf(context: Context, { topology, reseal }: Configuration, name: string, buildsHome: string): Signer {
  const node = topology.nodes.find((one) => one.name === name);
  if (node === undefined)
    throw new ResealError('NOT_FOUND', `topology.yaml declares no node ${name}. List them with \`reseal node list\`.`);
  if (node.reach.kind === 'ssh')
    throw new ResealError('REFUSED', `${name} is reached over SSH: its host key, pinned in known_hosts, says who it is. ${reseal.ssh.gateways === 'per-region' ? `The gateway of its region is enrolled instead: reseal node enroll --gateway ${node.region}.` : 'The workers of the installation answer for it, and need no key.'}`); // prettier-ignore
  if (node.reach.kind === 'local')
    throw new ResealError('REFUSED', `${name} is a folder that the workers of the installation serve: they need no key.`);
  return {
    name,
    folder: new LocalNode(node.name, thisMac(resolve(context.cwd, buildsHome), context.env['PATH'])).resolve(node.state),
    declared: node.nodeKeys ?? [],
    nodes: [node],
    declaration: (value) => ['Declare it in topology.yaml, at this node:', '', `    nodeKey: ${value}`],
  };
}

function gatewayOf(context: Context, { topology, reseal }: Configuration, region: string): Signer {
  const nodes = topology.nodes.filter((node) => node.region === region && node.reach.kind === 'ssh');
  if (nodes.length === 0) throw new ResealError('NOT_FOUND', `topology.yaml declares no host (reach: ssh) in region ${region}.`);
  return {
    name: `the gateway of ${region}`,
    folder: gatewayFolder(homeFolder(context.home, context.env, context.cwd), region),
    declared: reseal.ssh.gatewayKeys[region] ?? [],
    nodes,
    declaration: (value) => ['Declare it in reseal.yaml:', '', 'ssh:', '  gatewayKeys:', `    ${region}: ${value}`],
  };
}

function enrolmentText({ name, declaration }: Signer, enrolment: Enrolment): readonly string[] {
  const quoted = (key: string): string => JSON.stringify(key);
  switch (enrolment.kind) {
    case 'enrolled': {
      const what = enrolment.made ? `Made a key for ${name}; its private half stays on this machine.` : `${name} has a key.`;
      if (enrolment.declared) return [what, `The configuration declares it: ${enrolment.key}`];
      return [what, ...declaration(quoted(enrolment.key))];
    }
    case 'replacing': {
      const what = `${name} has a key, and one that is to replace it.`;
      if (enrolment.declared === 'both')
        return [what, 'Both are declared. When nothing is in flight that began before, declare the new one alone:', '', ...declaration(quoted(enrolment.next)), '', 'and run this command again: it deletes the old one.']; // prettier-ignore
      return [what, ...declaration(`[${quoted(enrolment.key)}, ${quoted(enrolment.next)}]`)];
    }
    case 'replaced':
      return [`The configuration declares the new key of ${name} alone, so the old one was deleted.`];
  }
}

function ordersText(pinned: readonly string[], { reseal }: Configuration): string {
  if (pinned.length > 0) return `It follows orders signed by ${pinned.map((key) => fingerprintOf(key)).join(' or ')}, and no others.`;
  return reseal.orders === undefined
    ? 'It follows every order that comes by Temporal: the installation signs none (orders.key of reseal.yaml).'
    : 'It follows every order that comes by Temporal. Pin the key of the installation with --control; `reseal order-key show` prints it where the workers run.';
}

function approversText(approvers: PinnedApprovers | null, control: readonly string[]): readonly string[] {
  if (approvers === null)
    return ['It serves what its orders say, whoever has approved it. Pin whose approvals count with `--approvers declared`.'];
  const { keys, needed, canary } = approvers;
  const unsigned = control.length === 0 ? ['That holds whoever gives the orders, and yet: without --control anybody who writes to Temporal may have things staged and retired.'] : []; // prettier-ignore
  return [
    `It serves what ${needed} of ${Object.keys(keys).join(', ')} have approved, what was in force when they were pinned, and nothing else.`,
    `Where ${needed} of them adopt another roster, its approvers take their place.`,
    canary.length === 0
      ? 'It is in no canary.'
      : `In a canary ${canary.join(', ')} may serve what nobody has approved yet; \`canary: forbidden\` in topology.yaml, and pinning anew, ends that.`,
    ...unsigned,
  ];
}
