import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfiguration } from '../../src/configuration/load.js';
import type { Sha256 } from '../../src/domain/brands.js';
import type { Manifest } from '../../src/domain/manifest.js';
import type { NodeOrder } from '../../src/domain/node/order.js';
import { manifestProfile } from '../../src/manifest/assemble.js';
import { freezeManifest } from '../../src/manifest/freeze.js';
import { parseManifest } from '../../src/manifest/parse.js';
import type { SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { openSurroundings, type OpenSurroundings } from '../../src/temporal/surroundings.js';
import { dropSuccessors } from './mesh.js';

const CONTEXT = { by: 'rita', ticket: 'BENCH-1' };

/** What all orders of one change have in common. */
export type EditionOrder = Pick<NodeOrder, 'line' | 'rotation' | 'epoch' | 'topology' | 'policy'>;

export interface Edition {
  readonly order: EditionOrder;
  readonly from: Sha256;
  readonly to: Sha256;
}

/** The manifests that a mesh goes through, outside a rotation: each in the store, with the profiles that it names. */
export class Editions {
  private edition = 0;
  private manifest: Sha256;

  private constructor(
    private readonly mesh: SimulatedMesh,
    readonly around: OpenSurroundings,
    private readonly frozen: Pick<NodeOrder, 'topology' | 'policy'>,
  ) {
    this.manifest = mesh.manifest;
  }

  static async open(mesh: SimulatedMesh): Promise<Editions> {
    const around = await openSurroundings(mesh.folders.config, mesh.folders.root);
    const { topology, policy } = loadConfiguration(mesh.folders.config);
    const store = around.store('main');
    return new Editions(mesh, around, {
      topology: await store.putFrozen(topology, CONTEXT),
      policy: await store.putFrozen(policy, CONTEXT),
    });
  }

  close(): Promise<void> {
    return this.around.close();
  }

  async next(): Promise<Edition> {
    const from = this.manifest;
    this.manifest = await this.successor();
    const { line } = this.mesh;
    return { order: { line, rotation: `${line}-${this.edition}`, epoch: this.edition * 1000, ...this.frozen }, from, to: this.manifest };
  }

  private async successor(): Promise<Sha256> {
    dropSuccessors(this.mesh, ++this.edition);
    const { drop } = this.mesh.folders;
    const store = this.around.store('main');
    const bytes = readdirSync(drop).map((name) => readFileSync(join(drop, name)));
    await store.putMany(bytes.map((one) => ({ kind: 'profile', bytes: one, importedBy: CONTEXT.by }) as const), CONTEXT); // prettier-ignore
    const described = bytes.map((one) => this.around.profiles.verify(one).profile);
    const before = parseManifest(await store.manifest(this.manifest));
    const profiles = before.profiles.map((entry): Manifest['profiles'][number] => {
      const profile = described.find(({ appId }) => appId === entry.profile.appId);
      if (profile === undefined) throw new Error(`no successor for ${entry.profile.appId}`);
      return { ...entry, profile: manifestProfile(profile) };
    });
    return store.putManifest(freezeManifest({ ...before, profiles }).bytes, CONTEXT);
  }
}
