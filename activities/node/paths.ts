import type { LineName, Sha1, Sha256 } from '../../src/domain/brands.js';
import type { Placement } from '../../src/domain/node/steps.js';
import type { NodeDeclaration, ProfileFolder } from '../../src/domain/topology.js';
import type { NodePath } from '../../src/node-shell/contract.js';

/** Where Xcode reads profiles (mac-tools.md). */
export const PROFILE_FOLDERS: Readonly<Record<ProfileFolder, NodePath>> = {
  xcode16: '~/Library/Developer/Xcode/UserData/Provisioning Profiles',
  legacy: '~/Library/MobileDevice/Provisioning Profiles',
};

export const profilePath = ({ folder, fileName }: Placement): NodePath => `${PROFILE_FOLDERS[folder]}/${fileName}`;

/** Every path of one line on one node (rotation.md, "On a node"). */
export class LinePaths {
  readonly root: NodePath;
  readonly active: NodePath;
  readonly manifests: NodePath;
  readonly settings: NodePath;

  constructor(
    private readonly node: NodeDeclaration,
    readonly line: LineName,
  ) {
    this.root = `${node.mount}/${line}`;
    this.active = `${this.root}/profiles.json`;
    this.manifests = `${this.root}/manifests`;
    this.settings = `${this.root}/settings`;
  }

  get state(): NodePath {
    return this.node.state;
  }

  manifest(digest: Sha256): NodePath {
    return `${this.manifests}/${digest}.json`;
  }

  settingsOf(digest: Sha256): NodePath {
    return `${this.settings}/${digest}`;
  }

  stateFile(name: 'accepted.json' | 'folders.json' | 'journal' | 'lock'): NodePath {
    return `${this.node.state}/${name}`;
  }

  /** The private half of the node's age key; of its owner alone. */
  get deliveryKey(): NodePath {
    return `${this.node.state}/delivery.key`;
  }

  /** Where a delivered identity lies for the moment of its import. */
  get incoming(): NodePath {
    return `${this.node.state}/incoming`;
  }

  get keychainMarks(): NodePath {
    return `${this.node.state}/keychains`;
  }

  /** That reseal has made the keychain of an identity, whole. */
  keychainMark(identity: Sha1): NodePath {
    return `${this.keychainMarks}/${identity}`;
  }

  get quarantines(): NodePath {
    return `${this.node.state}/quarantine`;
  }

  quarantine(rotation: string): NodePath {
    return `${this.quarantines}/${rotation}`;
  }

  /** Where an order's stub app is signed, for as long as that takes. */
  get canaries(): NodePath {
    return `${this.node.state}/canary`;
  }

  /** Quarantine is one flat folder per rotation: one folder to make, and one to sync. */
  quarantinedProfile(rotation: string, { folder, fileName }: Placement): NodePath {
    return `${this.quarantine(rotation)}/${folder}.${fileName}`;
  }

  /** Bytes that were found under a profile's name and are not that profile. `mark` tells them from one another. */
  quarantinedStray(rotation: string, { folder, fileName }: Placement, mark: string): NodePath {
    return `${this.quarantine(rotation)}/stray.${folder}.${fileName}.${mark}`;
  }

  quarantinedManifest(rotation: string, digest: Sha256): NodePath {
    return `${this.quarantine(rotation)}/${this.line}.${digest}.json`;
  }

  quarantinedSettings(rotation: string, digest: Sha256): NodePath {
    return `${this.quarantine(rotation)}/${this.line}.${digest}.settings`;
  }
}
