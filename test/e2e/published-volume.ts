import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Of } from '../../src/manifest/digest.js';
import { SIMULATED_PUBLISHER, simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { Interference } from './interference.js';
import { RotatingMesh, type RotatingMeshRequest } from './rotating-mesh.js';

/** Of every node, on the node: the volume, or on the publisher what it exports. */
export const MOUNT = '/usr/local/var/reseal/mount';
export const PUBLISHER = SIMULATED_PUBLISHER.name;

/** How long the builders of such a mesh take at most before they read what they were told, in milliseconds. */
export const BUILDER_WAIT = 300;
const POLICY = {
  cohorts: { canary: { perImage: 1, share: '5%' }, waves: ['50%', '50%'], maxUnavailable: 1, stallTimeout: '30s' },
  retirement: { secondGate: false, maxBuildDuration: `${5 * BUILDER_WAIT}ms`, overduePinPageEvery: '1m' },
};

export type PublishedMeshRequest = Pick<RotatingMeshRequest, 'folder' | 'changed'> & {
  /** Nodes that mount the volume. Default: 4. */
  readonly readers?: number;
};

/** A publisher, and nodes that read its volume. */
export class PublishedMesh {
  private constructor(
    readonly mesh: RotatingMesh,
    readonly interference: Interference,
  ) {}

  static async start({ readers = 4, ...request }: PublishedMeshRequest = {}): Promise<PublishedMesh> {
    const interference = new Interference();
    const nodes = [SIMULATED_PUBLISHER, ...simulatedNodes(readers)];
    return new PublishedMesh(
      await RotatingMesh.start({ ...request, nodes, decorate: interference.decorate, policy: POLICY }),
      interference,
    );
  }

  /** All nodes, the publisher too. */
  get names(): readonly string[] {
    return this.mesh.mesh.nodes.map(({ name }) => name).sort();
  }

  /** The nodes whose pointer names a manifest, as the publisher has it. */
  pointingTo(digest: string | null): readonly string[] {
    const pointers = this.volumeOf(PUBLISHER, 'nodes');
    return readdirSync(pointers)
      .filter((node) => sha256Of(readFileSync(join(pointers, node, 'profiles.json'))) === digest)
      .sort();
  }

  /** The same, each node by what it reads through its own mount. */
  reading(digest: string | null): readonly string[] {
    return this.names.filter((node) => sha256Of(readFileSync(this.volumeOf(node, 'nodes', node, 'profiles.json'))) === digest);
  }

  /** Names of the frozen manifests and settings on the volume. */
  get published(): readonly string[] {
    return [...readdirSync(this.volumeOf(PUBLISHER, 'manifests')), ...readdirSync(this.volumeOf(PUBLISHER, 'settings'))].sort();
  }

  /** A place on the line's volume, as a node has it. */
  private volumeOf(node: string, ...names: readonly string[]): string {
    return join(this.mesh.home(node), MOUNT, this.mesh.mesh.line, ...names);
  }
}
