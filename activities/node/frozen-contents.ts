import type { NodeName, Sha1, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { expectedFiles, settingsHolder } from '../../src/domain/expected.js';
import type { Manifest } from '../../src/domain/manifest.js';
import type { ManifestFiles } from '../../src/domain/node/steps.js';
import type { Policy } from '../../src/domain/policy.js';
import type { LineDeclaration, NodeDeclaration, Topology } from '../../src/domain/topology.js';
import { sha256Of } from '../../src/manifest/digest.js';
import { parseManifest } from '../../src/manifest/parse.js';
import { renderSettings, type SettingsFile } from '../../src/manifest/settings.js';
import type { ManifestStore } from '../manifest-store/contract.js';

/** What node activities read from the store. */
export type NodeContent = Pick<ManifestStore, 'manifest' | 'profile' | 'frozen' | 'sealedIdentity'>;

/** And what a machine that sees approvals for itself reads. */
export type ContentStore = NodeContent & Pick<ManifestStore, 'approvals' | 'rosters'>;

export interface KnownManifest {
  readonly digest: Sha256;
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
}

export interface KnownTopology {
  readonly topology: Topology;
  readonly nodes: ReadonlyMap<NodeName, NodeDeclaration>;
}

/** A settings file with its digest, so that a node's copy is compared without its bytes. */
export type RenderedFile = SettingsFile & { readonly sha256: Sha256 };

/** Bytes from elsewhere, asked for only while the store is out of reach. Their digest is checked here. */
export type Fallback = () => Promise<Uint8Array | null>;

/**
 * Everything that is named by its digest, fetched, checked, parsed and rendered once per worker and shared by all nodes. Nothing here
 * can go stale. The bytes are shared: do not change them.
 */
export class FrozenContents {
  private readonly manifests = new Remembered<KnownManifest>(64);
  private readonly rendered = new Remembered<readonly RenderedFile[]>(256);
  private readonly topologies = new Remembered<KnownTopology>(8);
  private readonly policies = new Remembered<Policy>(8);
  private readonly profiles = new Remembered<Uint8Array>(1_000);
  private readonly sealed = new Remembered<Uint8Array>(1_000);

  constructor(private readonly store: NodeContent) {}

  manifest(digest: Sha256, fallback: Fallback = async () => null): Promise<KnownManifest> {
    return this.manifests.get(digest, async () => {
      const bytes = await this.checked(digest, `manifests/${digest}.json`, () => this.store.manifest(digest), fallback);
      return { digest, bytes, manifest: parseManifest(bytes, `manifests/${digest}.json`) };
    });
  }

  profile(digest: Sha256, fallback: Fallback = async () => null): Promise<Uint8Array> {
    const name = `profiles/${digest}.mobileprovision`;
    return this.profiles.get(digest, () => this.checked(digest, name, () => this.store.profile(digest), fallback));
  }

  /**
   * An identity that only this node can open, by its declared delivery key.
   * @throws ResealError IDENTITY_UNAVAILABLE where the node declares no key, or nobody has sealed the identity for it
   */
  sealedIdentity(node: NodeDeclaration, identity: Sha1): Promise<Uint8Array> {
    const recipient = node.deliveryKey;
    return this.sealed.get(sealedKey(node, identity), async () => {
      const found = recipient === undefined ? null : await this.store.sealedIdentity({ identity, node: node.name, recipient });
      if (found !== null) return found.bytes;
      const what = recipient === undefined ? 'declares no deliveryKey' : 'has no sealed copy of it in the store';
      throw new ResealError(
        'IDENTITY_UNAVAILABLE',
        `Node ${node.name} needs the identity ${identity.slice(0, 8)} and ${what}. See \`reseal certificate import\`, or import it on the node by hand.`,
      );
    });
  }

  /** For a copy that did not open: the only content that is replaced under its name. */
  forgetSealedIdentity(node: NodeDeclaration, identity: Sha1): void {
    this.sealed.forget(sealedKey(node, identity));
  }

  topology(digest: Sha256): Promise<KnownTopology> {
    return this.topologies.get(digest, async () => {
      const topology = (await this.store.frozen(digest)) as Topology;
      return { topology, nodes: new Map(topology.nodes.map((node) => [node.name, node])) };
    });
  }

  policy(digest: Sha256): Promise<Policy> {
    return this.policies.get(digest, async () => (await this.store.frozen(digest)) as Policy);
  }

  /** The settings that a node reads; one rendering serves all nodes, but those that hold entries alone. */
  settings(known: KnownManifest, node: NodeName, { identity }: Pick<LineDeclaration, 'identity'>): Promise<readonly RenderedFile[]> {
    const holder = settingsHolder(node, known.manifest);
    const keys = identity === 'sidecar' ? 'sidecar' : 'nodes';
    return this.rendered.get(`${known.digest} ${holder ?? ''} ${keys}`, async () =>
      renderSettings(known.manifest, known.digest, { holder, keys }).map((file) => ({ ...file, sha256: sha256Of(file.bytes) })),
    );
  }

  files(node: NodeDeclaration, line: LineDeclaration, known: KnownManifest): ManifestFiles {
    return expectedFiles(node, line, known.manifest, known.digest);
  }

  private async checked(digest: Sha256, name: string, load: () => Promise<Uint8Array>, fallback: Fallback): Promise<Uint8Array> {
    const bytes = await load().catch(async (error: unknown) => {
      const other = error instanceof ResealError && error.code === 'STORE_UNREACHABLE' ? await fallback() : null;
      if (other === null || sha256Of(other) !== digest) throw error;
      return other;
    });
    const found = sha256Of(bytes);
    if (found === digest) return bytes;
    throw new ResealError(
      'DIGEST_MISMATCH',
      `The store answered ${name} with bytes of SHA-256 ${found}. Do not use them; restore the store from a copy.`,
    );
  }
}

const sealedKey = ({ name, deliveryKey }: NodeDeclaration, identity: Sha1): string => `${identity} ${name} ${deliveryKey ?? ''}`;

/** The last `capacity` answers; one that failed is asked for again. */
class Remembered<T> {
  private readonly answers = new Map<string, Promise<T>>();
  constructor(private readonly capacity: number) {}

  get(key: string, load: () => Promise<T>): Promise<T> {
    const known = this.answers.get(key);
    if (known !== undefined) return known;
    const answer = load();
    this.answers.set(key, answer);
    answer.catch(() => this.answers.delete(key));
    for (const oldest of this.answers.keys()) {
      if (this.answers.size <= this.capacity) break;
      this.answers.delete(oldest);
    }
    return answer;
  }

  forget(key: string): void {
    this.answers.delete(key);
  }
}
