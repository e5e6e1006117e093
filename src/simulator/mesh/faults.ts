import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import type { NodeActivities } from '../../../activities/node/contract.js';

/** Where a simulated mesh can be made to fail. */
export const FAILS = ['staging', 'canary', 'rolling', 'soak', 'signoff-rejected'] as const;
export type Fail = (typeof FAILS)[number];

/** Where one simulated node keeps things; absolute paths on this machine. */
export interface NodePlaces {
  readonly mount: string;
  readonly state: string;
  /** A folder that Xcode reads profiles from. */
  readonly profiles: string;
}

/** The mesh that is to suffer. */
export interface FaultSite {
  /** Names of the line's nodes in the order in which they switch. */
  readonly order: readonly string[];
  /** How many nodes a fault hits where one alone would not make a failure: one more than may be unavailable, where there are so many. */
  readonly victims: number;
  /** How many nodes may be unavailable at once. */
  readonly allowed: number;
  readonly placesOf: (node: string) => NodePlaces;
}

type Suffering = Pick<FaultSite, 'victims' | 'allowed'>;

/** What a demo or a rehearsal does to its own mesh. Every fault is one that real meshes have. */
interface Fault {
  /** Told to people beforehand. */
  readonly announce: (site: Suffering) => string;
  readonly decorate: (nodes: NodeActivities, site: FaultSite) => NodeActivities;
}

function replaceFile(path: string, bytes: Uint8Array | string): void {
  writeFileSync(`${path}.meddled`, bytes);
  renameSync(`${path}.meddled`, path);
}

/** Flips one byte in the middle of a profile that this manifest names and this node has, as a dying disk would. */
function flip({ mount, profiles }: NodePlaces, line: string, manifest: string): void {
  const frozen = JSON.parse(readFileSync(join(mount, line, 'manifests', `${manifest}.json`), 'utf8')) as {
    profiles: readonly { profile: { fileName: string } }[];
  };
  const paths = frozen.profiles.map(({ profile }) => join(profiles, profile.fileName));
  const path = paths.find((one) => existsSync(one)) ?? '';
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  replaceFile(path, bytes);
}

/** Before its first switch each of these nodes loses a byte. */
function flippedBeforeSwitch(nodes: NodeActivities, victims: readonly string[], { placesOf }: FaultSite): NodeActivities {
  const left = new Set<string>(victims);
  return {
    ...nodes,
    switchNode: (order) => {
      if (order.revertTo !== null && left.delete(order.node)) flip(placesOf(order.node), order.line, order.target);
      return nodes.switchNode(order);
    },
  };
}

/** Somebody else's script takes the manifest that should be active off the node's accepted list. */
function meddleWithAccepted({ state }: NodePlaces, line: string, manifest: string): void {
  const path = join(state, 'accepted.json');
  const accepted = JSON.parse(readFileSync(path, 'utf8')) as Record<string, readonly string[]>;
  replaceFile(
    path,
    `${JSON.stringify({ ...accepted, [line]: (accepted[line] ?? []).filter((digest) => digest !== manifest) }, null, 2)}\n`,
  );
}

/** What a mesh is going to suffer. @param rejecter who says no where that is what happens */
export const announcement = (fail: Fail, site: Suffering, rejecter: string): string =>
  fail === 'signoff-rejected' ? `${rejecter} rejects what is to be approved` : FAULTS[fail].announce(site);

/** Node operations that fail where they are told to; unchanged where a person is who says no. */
export const suffering = (nodes: NodeActivities, fail: Fail | null, site: FaultSite): NodeActivities =>
  fail === null || fail === 'signoff-rejected' ? nodes : FAULTS[fail].decorate(nodes, site);

const NUMBERS = ['no', 'one', 'two', 'three', 'four', 'five'];
const inWords = (count: number): string => NUMBERS[count] ?? String(count);
const nodesInWords = (count: number): string => `${inWords(count)} ${count === 1 ? 'node' : 'nodes'}`;

const FAULTS: Readonly<Record<Exclude<Fail, 'signoff-rejected'>, Fault>> = {
  staging: {
    announce: () => 'the disk of one node is full while profiles are staged',
    decorate: (nodes, { order }) => {
      const victim = order.at(-1);
      return {
        ...nodes,
        stageNode: (asked) => {
          if (asked.node !== victim) return nodes.stageNode(asked);
          const message = `Node ${victim} cannot write to its profile folder: no space left on device (simulated by --fail staging).`;
          return Promise.reject(ApplicationFailure.create({ message, type: 'NODE_WRITE_FAILED', nonRetryable: true }));
        },
      };
    },
  },
  canary: {
    announce: () => 'a byte of a new profile flips on a canary node just before it is switched',
    decorate: (nodes, site) => flippedBeforeSwitch(nodes, site.order.slice(0, 1), site),
  },
  rolling: {
    announce: ({ victims, allowed }) =>
      `a byte of a new profile flips on the last ${nodesInWords(victims)}${victims > allowed ? ', one more than may be unavailable' : ''}`,
    decorate: (nodes, site) => flippedBeforeSwitch(nodes, site.order.slice(-site.victims), site),
  },
  soak: {
    announce: ({ victims }) => `while they soak, somebody takes the new manifest off the accepted lists of ${nodesInWords(victims)}`,
    decorate: (nodes, site) => {
      const left = new Set<string>(site.order.slice(-site.victims));
      return {
        ...nodes,
        probeNodes: (asked) => {
          for (const node of asked.nodes) if (left.delete(node)) meddleWithAccepted(site.placesOf(node), asked.line, asked.manifest);
          return nodes.probeNodes(asked);
        },
      };
    },
  },
};
