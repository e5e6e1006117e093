import type { LineName, Sha256 } from '../../src/domain/brands.js';
import type { GlassSource } from '../../src/domain/node/break-glass.js';
import { ResealError } from '../../src/domain/errors.js';
import type { NodeDeclaration } from '../../src/domain/topology.js';
import { sha256Of } from '../../src/manifest/digest.js';
import type { NodeFiles, NodePath } from '../../src/node-shell/contract.js';
import type { NodeContent } from '../node/frozen-contents.js';
import { PROFILE_FOLDERS } from '../node/paths.js';

/** Files that may hold what is wanted: the node's own, and those of the publisher of its line, where it has one. */
export interface Kept {
  readonly files: NodeFiles;
  readonly node: NodeDeclaration;
}

/** A store that may be away. Null: it has not what is asked for, or cannot be reached; `why` says which. */
export interface StoreWithin {
  ask<T>(question: (store: NodeContent) => Promise<T>): Promise<T | null>;
  /** The end of a sentence. */
  readonly why: string;
}

/** What a node needs, from what is on it: in force, or in quarantine under whatever name. A store is asked last, and only for what is nowhere else. */
export class ContentsOnNode implements NodeContent {
  private profiles: Promise<ReadonlyMap<Sha256, Place>> | null = null;

  /** @param documents frozen topology and policy, by digest */
  constructor(
    private readonly line: LineName,
    private readonly kept: readonly Kept[],
    private readonly documents: ReadonlyMap<Sha256, unknown>,
    private readonly store: StoreWithin,
  ) {}

  async manifest(digest: Sha256): Promise<Uint8Array> {
    return (await this.found(digest)).bytes;
  }

  /** With where it was. @throws ResealError NOT_FOUND naming every place that was looked at */
  async found(digest: Sha256): Promise<{ readonly bytes: Uint8Array; readonly source: GlassSource }> {
    for (const { files, node } of this.kept) {
      const bytes = await whole(files, `${node.mount}/${this.line}/manifests/${digest}.json`, digest);
      if (bytes !== null) return { bytes, source: { from: 'node' } };
    }
    for (const { files, node } of this.kept) {
      for (const rotation of await files.list(quarantines(node))) {
        const bytes = await whole(files, `${quarantines(node)}/${rotation}/${this.line}.${digest}.json`, digest);
        if (bytes !== null) return { bytes, source: { from: 'quarantine', rotation } };
      }
    }
    const bytes = await this.store.ask((store) => store.manifest(digest));
    if (bytes !== null) return { bytes, source: { from: 'store' } };
    throw this.nowhere(`Manifest ${digest}`, [...this.places('manifests'), ...this.places('quarantine')]);
  }

  async profile(digest: Sha256): Promise<Uint8Array> {
    this.profiles ??= this.profilesHere();
    const place = (await this.profiles).get(digest);
    const bytes = place === undefined ? null : await whole(place.files, place.path, digest);
    const any = bytes ?? (await this.store.ask((store) => store.profile(digest)));
    if (any !== null) return any;
    throw this.nowhere(`The profile of SHA-256 ${digest}`, [...Object.values(PROFILE_FOLDERS), ...this.places('quarantine')]);
  }

  async frozen(digest: Sha256): Promise<unknown> {
    const document = this.documents.get(digest);
    if (document === undefined) throw new ResealError('INTERNAL', `Nobody has given the document ${digest} to an order on the spot.`);
    return document;
  }

  /** What the node signs with, it has: a keychain that was shelved is taken up again. Only one that is gone has to come from the store. */
  sealedIdentity: NodeContent['sealedIdentity'] = async (sealed) => {
    const found = await this.store.ask((store) => store.sealedIdentity(sealed));
    if (found !== null) return found;
    throw new ResealError(
      'IDENTITY_UNAVAILABLE',
      `Node ${sealed.node} has not the identity ${sealed.identity.slice(0, 8)}, and no copy of it can be had: ${this.store.why}. Import it on the node by hand.`,
    );
  };

  /** The identities of profiles are told by their bytes: in quarantine they have names of their own. */
  private async profilesHere(): Promise<ReadonlyMap<Sha256, Place>> {
    const places: Place[] = [];
    for (const { files, node } of this.kept) {
      const rotations = (await files.list(quarantines(node))).map((name) => `${quarantines(node)}/${name}`);
      for (const folder of [...Object.values(PROFILE_FOLDERS), ...rotations])
        for (const name of await files.list(folder))
          if (name.includes('.mobileprovision')) places.push({ files, path: `${folder}/${name}` });
    }
    const found = new Map<Sha256, Place>();
    for (const { files } of this.kept) {
      const here = places.filter((place) => place.files === files);
      const digests = await files.digests(here.map(({ path }) => path));
      for (const [position, place] of here.entries()) {
        const digest = digests[position];
        if (digest?.kind === 'file' && !found.has(digest.sha256)) found.set(digest.sha256, place);
      }
    }
    return found;
  }

  private places(what: 'manifests' | 'quarantine'): readonly string[] {
    return this.kept.map(({ node }) => (what === 'manifests' ? `${node.mount}/${this.line}/manifests` : quarantines(node)));
  }

  private nowhere(what: string, looked: readonly string[]): ResealError {
    const places = [...new Set(looked)].join(', ');
    const names = this.kept.map(({ node }) => node.name).join(' and ');
    return new ResealError('NOT_FOUND', `${what} is not on ${names} any more (${places}), and ${this.store.why}. Nothing was changed.`);
  }
}

interface Place {
  readonly files: NodeFiles;
  readonly path: NodePath;
}

const quarantines = (node: NodeDeclaration): NodePath => `${node.state}/quarantine`;

/** Null where nothing is there, or something else. */
async function whole(files: NodeFiles, path: NodePath, digest: Sha256): Promise<Uint8Array | null> {
  const found = await files.read(path);
  return found.kind === 'file' && sha256Of(found.bytes) === digest ? found.bytes : null;
}
