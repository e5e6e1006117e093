import type { Sha256 } from '../../src/domain/brands.js';
import type { Manifest } from '../../src/domain/manifest.js';
import { ResealError } from '../../src/domain/errors.js';
import { bySource } from '../../src/domain/imports/kept.js';
import type { Provenance } from '../../src/domain/imports/proof.js';
import type { Delivery } from '../../src/domain/rotation/preflight.js';
import { canonicalJson } from '../../src/manifest/canonical-json.js';
import { sha256Of } from '../../src/manifest/digest.js';
import type { ImportJudges } from '../imports/claims.js';
import { readProvenance } from '../imports/provenance.js';
import { sealedImport, type SealKey } from '../imports/seal.js';
import { adoptedOn } from '../roster/standing.js';
import type { SealedIdentity, StoreItem } from '../manifest-store/contract.js';
import type { Candidate } from '../profile-source/contract.js';
import type { RotationRequest } from './contract.js';
import { authorityOf, type LineSituation, type Surroundings } from './surroundings.js';

/** A new identity, the node that it is to come to, and the copy of it there is for that node. */
export interface Delivered {
  readonly delivery: Delivery;
  readonly sealed: SealedIdentity | null;
}

/** What a rotation would bring into force, and by whom it came into the store. */
export interface Brought {
  readonly candidates: readonly Candidate[];
  readonly delivered: readonly Delivered[];
  /** Null while not every successor is known. */
  readonly to: Manifest | null;
}

export interface Importers {
  /** Of each successor, in their order. */
  readonly ofProfiles: readonly (readonly string[])[];
  /** Successors that nobody has imported: the source is all there is to know, and workers write that down. */
  readonly fromSources: readonly Sha256[];
  readonly ofIdentities: readonly string[];
  readonly freezers: readonly string[];
  /** Why it is not known who they are: each keeps the rotation from beginning. */
  readonly findings: readonly string[];
}

/** Who has taken in what a rotation brings: whoever the store names, and whether that is proven where the line demands it. */
export async function importersOf(
  around: Surroundings,
  { store, configuration }: LineSituation,
  { line, offset }: Pick<RotationRequest, 'line' | 'offset'>,
  brought: Brought,
): Promise<Importers> {
  const authority = authorityOf(configuration, line, offset);
  const { key, trouble } = await keyOf(around);
  const adopted = await adoptedOn(around, line);
  const judges: ImportJudges = { roster: configuration.roster, adopted, authority, line, key, now: around.clock() };
  const again = `--line ${line} --by PERSON --ticket TICKET`;
  const ofProfile = async ({ profile: { sha256 }, origin }: Candidate): Promise<Provenance> =>
    readProvenance(
      store,
      {
        ...{ subject: { kind: 'profile', sha256 }, recorded: await store.importer(sha256), done: 'imported' },
        ...{ what: origin.path, again: `reseal profile import FILE ${again}` },
      },
      judges,
    );
  const ofIdentity = ({ delivery: { node, identity } }: Delivered, { sha256, importedBy }: SealedIdentity): Promise<Provenance> =>
    readProvenance(
      store,
      {
        ...{ subject: { kind: 'identity', identity, copy: { node: node.name, sha256 } }, recorded: importedBy, done: 'imported' },
        ...{ what: `the copy of identity ${identity.slice(0, 8)} for ${node.name}`, again: `reseal certificate import FILE ${again}` },
      },
      judges,
    );
  const profiles = await Promise.all(brought.candidates.map(ofProfile));
  const identities = await Promise.all(brought.delivered.flatMap((one) => (one.sealed === null ? [] : [ofIdentity(one, one.sealed)])));
  const manifest = brought.to === null ? [] : [await ofManifest(store, brought.to, judges)];
  const names = (found: readonly Provenance[]): readonly string[] => [...new Set(found.flatMap(({ importers }) => importers))];
  return {
    ofProfiles: profiles.map(({ importers }, index) =>
      importers.length > 0 ? importers : [bySource(brought.candidates[index]?.origin.source ?? '')],
    ),
    fromSources: brought.candidates.flatMap(({ profile }, index) => (profiles[index]?.importers.length === 0 ? [profile.sha256] : [])),
    ofIdentities: names(identities),
    freezers: names(manifest),
    findings: [...trouble, ...[...profiles, ...identities, ...manifest].flatMap(({ finding }) => (finding === null ? [] : [finding]))],
  };
}

/** A key that is declared and cannot be had is a reason beside the others. */
async function keyOf({ sealKey }: Surroundings): Promise<{ readonly key: SealKey; readonly trouble: readonly string[] }> {
  try {
    return { key: await sealKey(), trouble: [] };
  } catch (error) {
    if (error instanceof ResealError) return { key: 'elsewhere', trouble: [error.message] };
    throw error;
  }
}

/** A manifest that nobody has frozen, the worker makes. */
function ofManifest(store: LineSituation['store'], to: Manifest, judges: ImportJudges): Promise<Provenance> {
  const sha256 = sha256Of(new TextEncoder().encode(canonicalJson(to)));
  const again = `reseal manifest freeze DIR --line ${to.line} --as PERSON --ticket TICKET`;
  const thing = { what: `manifest ${sha256.slice(0, 12)}`, done: 'frozen', again } as const;
  return readProvenance(store, { subject: { kind: 'manifest', sha256 }, recorded: null, ...thing }, judges);
}

/** What a worker writes of successors: their bytes, and of those that it has from a source itself the seal of that, where the installation has a key. */
export async function successorItems(
  around: Surroundings,
  { configuration }: LineSituation,
  candidates: readonly Candidate[],
  { ofProfiles, fromSources }: Importers,
): Promise<readonly StoreItem[]> {
  const profiles = candidates.map(({ bytes, origin }, index): StoreItem => ({
    kind: 'profile',
    bytes,
    importedBy: ofProfiles[index]?.[0] ?? bySource(origin.source),
  }));
  const key = await around.sealKey();
  if (typeof key === 'string') return profiles;
  const { installation } = configuration.topology;
  const sources = [...new Set(candidates.map(({ origin }) => origin.source))];
  const seals = sources.flatMap((source): readonly StoreItem[] => {
    const own = candidates.filter(({ profile, origin }) => origin.source === source && fromSources.includes(profile.sha256));
    const of = own.map(({ profile }) => profile.sha256);
    return of.length === 0 ? [] : [{ kind: 'import', of, document: sealedImport(key, installation, of, source) }];
  });
  return [...seals, ...profiles];
}
