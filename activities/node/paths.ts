import { posix } from 'node:path';
import type { LineName, NodeName, Sha1, Sha256 } from '../../src/domain/brands.js';
import type { Placement } from '../../src/domain/node/steps.js';
import type { NodeDeclaration, ProfileFolder } from '../../src/domain/topology.js';
import type { NodePath } from '../../src/node-shell/contract.js';

/** Where Xcode reads profiles (mac-tools.md). */
export const PROFILE_FOLDERS: Readonly<Record<ProfileFolder, NodePath>> = {
  xcode16: '~/Library/Developer/Xcode/UserData/Provisioning Profiles',
  legacy: '~/Library/MobileDevice/Provisioning Profiles',
};

export const profilePath = ({ folder, fileName }: Placement): NodePath => `${PROFILE_FOLDERS[folder]}/${fileName}`;

/** Where an attempt keeps its lock and journal, and where attempts that were cut off may have left files half written. */
export interface AttemptPlace {
  readonly state: NodePath;
  /** Folders in which nothing is written without the lock. */
  readonly temporaries: readonly NodePath[];
  stateFile(name: 'accepted.json' | 'journal' | 'lock'): NodePath;
}

/** Every path of one line on one node (rotation.md, "On a node"). */
export class LinePaths implements AttemptPlace {
  readonly root: NodePath;
  readonly active: NodePath;
  readonly manifests: NodePath;
  readonly settings: NodePath;

  /** @param reader whose pointer the active manifest is, on a published volume; null: the line is copied, and the node has one of its own */
  constructor(
    private readonly node: NodeDeclaration,
    readonly line: LineName,
    private readonly reader: NodeName | null = null,
  ) {
    this.root = `${node.mount}/${line}`;
    this.active = reader === null ? `${this.root}/profiles.json` : `${this.root}/nodes/${reader}/profiles.json`;
    this.manifests = `${this.root}/manifests`;
    this.settings = `${this.root}/settings`;
  }

  get state(): NodePath {
    return this.node.state;
  }

  /** A published volume is written under locks of its own, and read-only elsewhere: nothing is tidied there. */
  get temporaries(): readonly NodePath[] {
    const own = this.reader === null ? [this.root, this.manifests] : [];
    return [...Object.values(PROFILE_FOLDERS), ...own, this.state, this.incoming];
  }

  manifest(digest: Sha256): NodePath {
    return `${this.manifests}/${digest}.json`;
  }

  settingsOf(digest: Sha256): NodePath {
    return `${this.settings}/${digest}`;
  }

  stateFile(name: 'accepted.json' | 'folders.json' | 'journal' | 'lock' | 'node.json'): NodePath {
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

  /** Leases of builds, and marks of the pipelines that take them; written by the account that builds. */
  get pins(): NodePath {
    return `${this.node.state}/pins`;
  }

  get keychainMarks(): NodePath {
    return `${this.node.state}/keychains`;
  }

  /** That reseal has made the keychain of an identity, whole. */
  keychainMark(identity: Sha1): NodePath {
    return `${this.keychainMarks}/${identity}`;
  }

  /** Until when a rollback may need a keychain that was retired. */
  keychainHorizon(identity: Sha1): NodePath {
    return `${this.keychainMarks}/${identity}.horizon.json`;
  }

  /** Which export has opened a keychain that was locked, and is to lock it again. */
  keychainOpened(identity: Sha1): NodePath {
    return `${this.keychainMarks}/${identity}.opened`;
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

/**
 * What the publisher keeps of one node's part in a published volume, in its own state: lock and journal of the node's lane, and which manifests
 * the node needs. Lanes are apart, so that nodes do not wait for each other.
 */
export class VolumePaths extends LinePaths {
  private readonly published: NodePath;

  constructor(
    publisher: NodeDeclaration,
    line: LineName,
    private readonly of: NodeName,
  ) {
    super(publisher, line, of);
    this.published = `${publisher.state}/published/${line}`;
  }

  /** Taken for what nodes share: to bring a manifest to the volume, and to take one away. */
  get lock(): NodePath {
    return `${this.published}/lock`;
  }

  get lane(): AttemptPlace {
    const state = `${this.published}/nodes/${this.of}`;
    return { state, temporaries: [posix.dirname(this.active)], stateFile: (name) => `${state}/${name}` };
  }

  /** One link per node that needs the manifest. It is there as long as the manifest is to stay: a folder that is not empty cannot be removed. */
  needed(digest: Sha256): NodePath {
    return `${this.published}/needed/${digest}`;
  }

  /** That this node needs it. */
  need(digest: Sha256): NodePath {
    return `${this.needed(digest)}/${this.of}`;
  }
}
