import { ApplicationFailure } from '@temporalio/common';
import type { Configuration } from '../../src/configuration/load.js';
import type { Duration, LineName, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { Manifest } from '../../src/domain/manifest.js';
import type { RosterCommand } from '../../src/domain/roster.js';
import type { Authority, RotationState } from '../../src/domain/rotation/state.js';
import type { LineDeclaration, NodeDeclaration } from '../../src/domain/topology.js';
import { concernedNodes } from '../../src/domain/expected.js';
import { parseManifest } from '../../src/manifest/parse.js';
import type { VerifiedProfiles } from '../../src/profile/index.js';
import type { SealKey } from '../imports/seal.js';
import type { Head, ManifestStore } from '../manifest-store/contract.js';
import type { ProfileSource } from '../profile-source/contract.js';

/** What a rotation's dealings need of the world outside. */
export interface Surroundings {
  /** Reads the configuration folder as it is now. @throws ResealError CONFIG_MISSING, CONFIG_INVALID */
  readonly configuration: () => Configuration;
  /** By its name in reseal.yaml. */
  readonly store: (name: string) => ManifestStore;
  /** What is named by its digest, out of whichever store holds it. */
  readonly content: Pick<ManifestStore, 'frozen'>;
  readonly source: (name: string) => ProfileSource;
  readonly profiles: VerifiedProfiles;
  /** What workers seal what they take in with, as it is now. @throws ResealError SOURCE_REFUSED, IDENTITY_UNAVAILABLE where it is declared and cannot be had */
  readonly sealKey: () => Promise<SealKey>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

export interface LineSituation {
  readonly configuration: Configuration;
  readonly declaration: LineDeclaration;
  readonly store: ManifestStore;
}

export function situationOf(around: Surroundings, line: LineName): LineSituation {
  const configuration = around.configuration();
  const declaration = configuration.topology.lines[line];
  if (declaration === undefined) {
    const known = Object.keys(configuration.topology.lines).join(', ');
    throw new ResealError('NOT_FOUND', `There is no line ${line} in topology.yaml; it declares ${known || 'none'}.`);
  }
  return { configuration, declaration, store: around.store(declaration.store) };
}

/** @throws ResealError REFUSED where the line has no head yet */
export async function headOf(store: ManifestStore, line: LineName): Promise<{ readonly head: Head; readonly manifest: Manifest }> {
  const head = await store.head(line);
  if (head === null) {
    throw new ResealError(
      'REFUSED',
      `Line ${line} has no manifest yet. Freeze its first one: reseal manifest freeze DIR --line ${line} --first`,
    );
  }
  return { head, manifest: await manifestOf(store, head.digest) };
}

export const manifestOf = async (store: ManifestStore, digest: Sha256): Promise<Manifest> =>
  parseManifest(await store.manifest(digest), `manifests/${digest}.json`);

/** The nodes that a manifest of the line concerns: those that need an entry, and the publisher of its volume. */
export const nodesOf = ({ configuration, declaration }: LineSituation, manifest: Manifest): readonly NodeDeclaration[] =>
  concernedNodes(configuration.topology.nodes, declaration, manifest);

/** Person to commands, from the roster as it is now. */
export function rightsOf(configuration: Configuration): RotationState['rights'] {
  const { persons, roles } = configuration.roster;
  return Object.fromEntries(
    persons.map((person) => [person.id, [...new Set(person.roles.flatMap((role): readonly RosterCommand[] => roles[role] ?? []))]]),
  );
}

/** Person to public keys, of those who have any. */
export const keysOf = ({ persons }: Configuration['roster']): Authority['keys'] =>
  Object.fromEntries(persons.filter(({ keys }) => keys.length > 0).map(({ id, keys }) => [id, keys.map((key) => key.public)]));

/** Whose word counts on a line, and how it is to be given. A line that no node follows has nobody's word to go by. */
export function authorityOf({ topology, roster }: Configuration, line: LineName, offset: Duration): Authority {
  const simulated = topology.nodes.every((node) => !node.lines.includes(line) || node.environment === 'simulated');
  return {
    installation: topology.installation,
    mode: offset === 0 ? 'production' : 'rehearsal',
    assurance: simulated ? 'name' : 'signature',
    keys: keysOf(roster),
  };
}

/** Errors cross Temporal as ApplicationFailure of their code; which of them are worth a retry, the workflow's options say. */
export async function asFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ResealError)) throw error;
    const details = error.details.length > 0 ? ` ${error.details.join('; ')}` : '';
    throw ApplicationFailure.create({ message: `${error.message}${details}`, type: error.code, cause: error });
  }
}
