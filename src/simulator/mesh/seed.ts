import type { NodeName, Sha256 } from '../../domain/brands.js';
import { concernedNodes } from '../../domain/expected.js';
import type { NodeOrder } from '../../domain/node/order.js';
import type { Configuration } from '../../configuration/load.js';
import type { ManifestStore } from '../../../activities/manifest-store/contract.js';
import { createNodeActivities, profileVerifier } from '../../../activities/node/index.js';
import { parseManifest } from '../../manifest/parse.js';
import type { VerifiedProfiles } from '../../profile/index.js';

/** How many nodes are seeded side by side. */
const AT_ONCE = 16;

/** Puts the line's first manifest on every node that it concerns, by the same operations a rotation uses, as a node that has always followed the line would have it. @returns these nodes */
export async function seedNodes(
  configuration: Configuration,
  store: ManifestStore,
  profiles: VerifiedProfiles,
  line: NodeOrder['line'],
  manifest: Sha256,
): Promise<readonly NodeName[]> {
  const context = { by: 'rita', ticket: 'DEMO-0' };
  // Nodes that have just been built need no run of probes to prove them.
  const policy = { ...configuration.policy, probe: { ...configuration.policy.probe, passes: 1, interval: 0 } };
  const order: Omit<NodeOrder, 'node'> = {
    line,
    rotation: `${line}-0`,
    epoch: 0,
    opId: `${line}-0/seed`,
    notAfter: Number.MAX_SAFE_INTEGER,
    sentAt: Date.now(),
    // A mesh may be one of another year (`demo --real`): what it holds has long expired, and nothing signs with it.
    offset: -Date.now(),
    topology: await store.putFrozen(configuration.topology, context),
    policy: await store.putFrozen(policy, context),
  };
  const nodes = createNodeActivities({
    store,
    verifier: profileVerifier(profiles),
    sleep: () => Promise.resolve(),
    attempt: () => ({ number: 1, startedAt: null }),
    heartbeat: () => undefined,
  });
  const { nodes: declared, lines } = configuration.topology;
  const content = parseManifest(await store.manifest(manifest), `manifests/${manifest}.json`);
  const declaration = lines[line];
  if (declaration === undefined) throw new Error(`topology.yaml declares no line ${line}, and its nodes were to be seeded`);
  const names: NodeName[] = concernedNodes(declared, declaration, content).map((node) => node.name);
  for (let start = 0; start < names.length; start += AT_ONCE) {
    await Promise.all(
      names.slice(start, start + AT_ONCE).map(async (node) => {
        for (const result of [
          await nodes.stageNode({ ...order, node, to: manifest }),
          await nodes.switchNode({ ...order, node, target: manifest, revertTo: null }),
        ]) {
          if (result.outcome !== 'done') throw new Error(`${node} could not be seeded: ${result.reason}`);
        }
      }),
    );
  }
  return names;
}
