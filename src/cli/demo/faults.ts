import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import type { NodeActivities } from '../../../activities/node/contract.js';
import type { Fail } from './home.js';
import { ROOT_FOLDERS } from './paths.js';

/** What a demo does to its own mesh. Every fault is one that real meshes have. */
export interface Fault {
  /** Told to the person beforehand. @param nodes of its line, all of them */
  readonly announce: (nodes: number) => string;
  /** @param order names of the line's nodes in the order in which they switch */
  readonly decorate: (nodes: NodeActivities, order: readonly string[], nodesFolder: string) => NodeActivities;
}

function replaceFile(path: string, bytes: Uint8Array | string): void {
  writeFileSync(`${path}.meddled`, bytes);
  renameSync(`${path}.meddled`, path);
}

/** Flips one byte in the middle of a profile that this manifest names and this node has, as a dying disk would. */
function flip(home: string, line: string, manifest: string): void {
  const frozen = JSON.parse(readFileSync(join(home, ROOT_FOLDERS.mount, line, 'manifests', `${manifest}.json`), 'utf8')) as {
    profiles: readonly { profile: { fileName: string } }[];
  };
  const paths = frozen.profiles.map(({ profile }) => join(home, ROOT_FOLDERS.xcode16, profile.fileName));
  const path = paths.find((one) => existsSync(one)) ?? '';
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  replaceFile(path, bytes);
}

/** Before its first switch each of these nodes loses a byte. */
function flippedBeforeSwitch(nodes: NodeActivities, victims: readonly string[], nodesFolder: string): NodeActivities {
  const left = new Set<string>(victims);
  return {
    ...nodes,
    switchNode: (order) => {
      if (order.revertTo !== null && left.delete(order.node)) flip(join(nodesFolder, order.node), order.line, order.target);
      return nodes.switchNode(order);
    },
  };
}

/** Somebody else's script takes the manifest that should be active off the nodes' accepted lists. */
function meddleWithAccepted(home: string, line: string, manifest: string): void {
  const path = join(home, ROOT_FOLDERS.state, 'accepted.json');
  const accepted = JSON.parse(readFileSync(path, 'utf8')) as Record<string, readonly string[]>;
  replaceFile(
    path,
    `${JSON.stringify({ ...accepted, [line]: (accepted[line] ?? []).filter((digest) => digest !== manifest) }, null, 2)}\n`,
  );
}

/** What this run is going to suffer, said beforehand. @param rejecter who says no where that is what happens */
export const announcement = (fail: Fail, nodes: number, rejecter: string): string =>
  fail === 'signoff-rejected' ? `${rejecter} rejects what is to be approved` : FAULTS[fail].announce(nodes);

/** As many as these faults hit: one more than may be unavailable, where a line has so many. */
const LAST = 3;
const lastInWords = (nodes: number): string => ['no nodes', 'one node', 'two nodes'][nodes] ?? 'three nodes';

export const FAULTS: Readonly<Record<Exclude<Fail, 'signoff-rejected'>, Fault>> = {
  staging: {
    announce: () => 'the disk of one node is full while profiles are staged',
    decorate: (nodes, order) => {
      const victim = order.at(-1);
      return {
        ...nodes,
        stageNode: (asked) => {
          if (asked.node !== victim) return nodes.stageNode(asked);
          const message = `Node ${victim} cannot write to ~/${ROOT_FOLDERS.xcode16}: no space left on device (simulated by --fail staging).`;
          return Promise.reject(ApplicationFailure.create({ message, type: 'NODE_WRITE_FAILED', nonRetryable: true }));
        },
      };
    },
  },
  canary: {
    announce: () => 'a byte of a new profile flips on a canary node just before it is switched',
    decorate: (nodes, order, nodesFolder) => flippedBeforeSwitch(nodes, order.slice(0, 1), nodesFolder),
  },
  rolling: {
    announce: () => 'a byte of a new profile flips on the last three nodes, one more than may be unavailable',
    decorate: (nodes, order, nodesFolder) => flippedBeforeSwitch(nodes, order.slice(-LAST), nodesFolder),
  },
  soak: {
    announce: (nodes) => `while they soak, somebody takes the new manifest off the accepted lists of ${lastInWords(nodes)}`,
    decorate: (nodes, order, nodesFolder) => {
      const left = new Set<string>(order.slice(-LAST));
      return {
        ...nodes,
        probeNodes: (asked) => {
          for (const node of asked.nodes) if (left.delete(node)) meddleWithAccepted(join(nodesFolder, node), asked.line, asked.manifest);
          return nodes.probeNodes(asked);
        },
      };
    },
  },
};
