import { isSha256, type Instant, type Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { canonicalJson } from '../../src/manifest/canonical-json.js';
import { sha256Of } from '../../src/manifest/digest.js';
import type { Imported, SealedFor, StoreItem } from './contract.js';

/** An item as files of the store. */
export interface Wanted {
  readonly digest: Sha256;
  /** Its place does not follow from its bytes: what is there goes. */
  readonly replaces: boolean;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Kind and short digest, for the history. */
  readonly what: string;
}

export const json = (value: unknown): Uint8Array => Buffer.from(canonicalJson(value), 'utf8');

/** Without its ending. Names of nodes and keys are checked where they are declared (topology.yaml). */
export const sealedPath = ({ identity, node, recipient }: SealedFor): string =>
  `identities/${identity}/${node}.${sha256Of(Buffer.from(recipient)).slice(0, 16)}`;

/** The installation's name is checked where it is declared (topology.yaml). */
export const rostersPath = (installation: string): string => `rosters/${installation}.json`;

export const REVOCATIONS = 'revocations';
export const revocationPath = (digest: Sha256): string => `${REVOCATIONS}/${digest}.json`;

export const importsFolder = (of: Imported): string => `imports/${of}`;

/** Of the documents that these names in its folder are of. */
export const documentDigests = (names: readonly string[]): readonly Sha256[] =>
  names.flatMap((name) => {
    const digest = name.endsWith('.json') ? name.slice(0, -'.json'.length) : '';
    return isSha256(digest) ? [digest] : [];
  });

/** What is no JSON, or not what its name says, is of nobody's making: null, whose name counts for nothing, and holds nothing up. */
export const documentOrNull = async (document: Promise<unknown>): Promise<unknown> => {
  try {
    return await document;
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof ResealError && error.code === 'DIGEST_MISMATCH')) return null;
    throw error;
  }
};

export function wanted(item: StoreItem, now: Instant): Wanted {
  switch (item.kind) {
    case 'manifest':
      return named('manifest', item.bytes, (digest) => [[`manifests/${digest}.json`, item.bytes]]);
    case 'profile': {
      const importer = json({ importedBy: item.importedBy, at: new Date(now).toISOString() });
      const files = (digest: Sha256): [string, Uint8Array][] => [
        [`profiles/${digest}.mobileprovision`, item.bytes],
        [`profiles/${digest}.json`, importer],
      ];
      return named('profile', item.bytes, files);
    }
    case 'frozen': {
      const bytes = json(item.document);
      return named('frozen document', bytes, (digest) => [[`frozen/${digest}.json`, bytes]]);
    }
    case 'import': {
      const bytes = json(item.document);
      // What is imported names the document, and not the other way round: one document may be about a thousand profiles.
      const naming = json({ schemaVersion: 1 });
      return named('import', bytes, (digest) => [
        [`frozen/${digest}.json`, bytes],
        ...item.of.map((one): [string, Uint8Array] => [`${importsFolder(one)}/${digest}.json`, naming]),
      ]);
    }
    case 'revocation': {
      const bytes = json(item.document);
      return named('revocation', bytes, (digest) => [[revocationPath(digest), bytes]]);
    }
    case 'sealed-identity': {
      const { identity, node, recipient, importedBy, bytes } = item;
      const at = new Date(now).toISOString();
      const record = (digest: Sha256): Uint8Array => json({ identity, node, recipient, importedBy, at, sha256: digest });
      return named('sealed identity', bytes, (digest) => [
        [`${sealedPath(item)}.age`, bytes],
        [`${sealedPath(item)}.json`, record(digest)],
      ]);
    }
  }
}

function named(kind: string, bytes: Uint8Array, files: (digest: Sha256) => [string, Uint8Array][]): Wanted {
  const digest = sha256Of(bytes);
  return { digest, replaces: kind === 'sealed identity', what: `${kind} ${digest.slice(0, 12)}`, files: new Map(files(digest)) };
}

/** `manifest 22f6040f5c04`, or `8 profiles, 1 manifest`. */
export function summary(items: readonly Wanted[]): string {
  const [first] = items;
  if (first !== undefined && items.length === 1) return first.what;
  const kinds = new Map<string, number>();
  for (const { what } of items) {
    const kind = what.slice(0, what.lastIndexOf(' '));
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return [...kinds].map(([kind, count]) => `${count} ${kind}${count === 1 ? '' : 's'}`).join(', ');
}
