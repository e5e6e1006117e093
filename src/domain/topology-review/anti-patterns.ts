import type { NodeDeclaration, Topology } from '../topology.js';
import { factsOf, isSigner, mayHoldKeys, pathOfNode, revocationRadius } from './facts.js';
import { namesOf, plural, type TopologyFinding } from './finding.js';

const isLaptop = (node: NodeDeclaration): boolean => /book|laptop/i.test(node.hardware);
const names = (nodes: readonly NodeDeclaration[]) => nodes.map((node) => node.name);

function about(
  topology: Topology,
  nodes: readonly NodeDeclaration[],
  field: string,
  rest: Omit<TopologyFinding, 'lines' | 'nodes' | 'path'>,
): TopologyFinding[] {
  if (nodes.length === 0) return [];
  return [{ ...rest, lines: [], nodes: names(nodes), path: pathOfNode(topology, nodes[0], field) }];
}

function laptops(topology: Topology): TopologyFinding[] {
  const found = topology.nodes.filter((node) => isLaptop(node) && (isSigner(node) || mayHoldKeys(node)));
  const kinds = [...new Set(found.map((node) => node.hardware))].join(', ');
  const one = found.length === 1;
  const what = one ? `is a laptop (${kinds})` : `are laptops (${kinds})`;
  const role = found.every(isSigner) ? (one ? 'a signer' : 'signers') : 'may hold private keys';
  const why = one
    ? 'it sleeps, leaves the building, and takes the signing identity with it'
    : 'they sleep, leave the building, and take signing identities with them';
  return about(topology, found, 'hardware', {
    verdict: 'warning',
    check: 'laptop-signer',
    found: `${namesOf(names(found))} ${what} and ${role}: ${why}`,
    expected: 'signing identities on Macs that stay where they are and never sleep',
    next: 'Move the role signer and keys: allowed to a machine in a rack',
  });
}

function compilingSigners(topology: Topology): TopologyFinding[] {
  const found = topology.nodes.filter((node) => isSigner(node) && node.roles.includes('compile'));
  return about(topology, found, 'roles', {
    verdict: 'warning',
    check: 'signer-compiles',
    found: `${namesOf(names(found))} ${found.length === 1 ? 'is a signer and a compile host' : 'are signers and compile hosts'}: every build that runs there can use the signing identity`,
    expected: 'signers that run no build: they take finished archives and sign them',
    next: 'Give signing a node of its own, with roles: [signer], and take signer off these',
  });
}

function movingImages(topology: Topology): TopologyFinding[] {
  const found = topology.nodes.filter((node) => /(?:^|[^a-z])latest(?:$|[^a-z])/i.test(node.image));
  return about(topology, found, 'image', {
    verdict: 'warning',
    check: 'image-moves',
    found: `The image of ${namesOf(names(found))} is ${[...new Set(found.map((node) => JSON.stringify(node.image)))].join(', ')}, a name that moves`,
    expected: 'the IMAGE_ID of one golden image, which probes compare with what the node says',
    next: 'Write the id that the image was built under, and change it when nodes are imaged anew',
  });
}

function sprawl(topology: Topology): TopologyFinding[] {
  return factsOf(topology).flatMap((facts): TopologyFinding[] => {
    const { name, line, holders } = facts;
    if (line.identity !== 'shared' || holders.length === 0) return [];
    const { nodes, pipelines, bundles, atMost } = revocationRadius(facts, topology);
    const radius = `${plural(nodes, 'node')}, ${atMost ? 'at most ' : ''}${plural(pipelines, 'pipeline')} and ${plural(bundles, 'bundle')}`;
    const common = { lines: [name], nodes: names(holders), path: ['lines', name, 'identity'] } as const;
    if (line.distribution === 'copy')
      return [
        {
          ...common,
          verdict: 'warning',
          check: 'sprawl',
          found: `Line ${name} copies one identity to ${plural(holders.length, 'node')}: revoking it stops ${radius} at once, and no one can say which node leaked it`,
          expected: 'identity: signers, so that few hosts hold the key and builds send them their archives',
          next: 'Name two signers, take keys: allowed off the other nodes, remove the .p12 there, then set identity: signers',
        },
      ];
    return [
      {
        ...common,
        verdict: 'warning',
        check: 'key-on-volume',
        found: `Line ${name} shares one identity and publishes its profiles by mount: the volume keeps the profiles in step, but revoking the key still stops ${radius} at once`,
        expected: 'identity: signers with distribution: mount, which is controlled distribution',
        next: 'Take keys: allowed off all nodes but the signers, then set identity: signers',
      },
    ];
  });
}

/**
 * What works, and is regretted later (S15): a signer that compiles, a laptop that signs, one identity everywhere, an image by a name that
 * moves. `.p12` files in artifact stores and profiles fetched as "latest" cannot be seen in topology.yaml.
 */
export function antiPatterns(topology: Topology): readonly TopologyFinding[] {
  return [...laptops(topology), ...compilingSigners(topology), ...sprawl(topology), ...movingImages(topology)];
}
